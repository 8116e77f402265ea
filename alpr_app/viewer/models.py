"""Which models read, and how they are run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alpr_app.pipeline import ALPR

# Everything above this is found once; the slider then only chooses among it.
FLOOR = 0.3


@dataclass(frozen=True)
class ModelChoice:
    """detector, reader, reader_config: paths, None for the shipped ones. floor: least score that is found at all.
    version: tells models apart that lie one after the other at the same path; empty for those that stay."""

    detector: str | None = None
    reader: str | None = None
    reader_config: str | None = None
    device: str = "auto"
    backend: str = "auto"
    threads: int | None = None
    floor: float = FLOOR
    version: str = ""

    def make(self) -> ALPR:
        """The pipeline. Takes seconds: torch is imported, models are loaded. Raises BundleError or EngineError."""
        import cv2

        from alpr_app.pipeline import ALPR

        if self.threads is not None:
            # Letterbox and rectification are OpenCV's.
            cv2.setNumThreads(self.threads)
        # An ONNX file would be made and kept of every single one of them.
        backend = "torch" if self.version and self.backend == "auto" else self.backend
        return ALPR(
            self.detector,
            self.reader,
            self.device,
            backend,
            self.threads,
            self.floor,
            reader_config=self.reader_config,
        )
