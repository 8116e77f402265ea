"""Reads the plates of one frame into a result that can be written, on one machine or on many."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from alpr_app.core.errors import AlprError
from alpr_app.core.result import Result, Timings
from alpr_app.data.result_writers import FileResult

if TYPE_CHECKING:
    import numpy as np

    from alpr_app.data.frame import Frame
    from alpr_app.pipeline.alpr import ALPR


class FrameReader:
    """Reads frames with one pipeline; several threads may use it at once.

    Args:
        alpr: The pipeline.
        crops_only: Whether the pictures are themselves plates.
        confidence: Plates below it are left out.
    """

    def __init__(self, alpr: ALPR, crops_only: bool = False, confidence: float = 0.0) -> None:
        self.alpr, self.crops_only, self.confidence = alpr, crops_only, confidence

    def read(self, frame: Frame) -> tuple[np.ndarray, FileResult]:
        """Return the image of a frame (H x W x 3 uint8 RGB) and the result. Raises AlprError if it cannot be read."""
        image = frame.load()
        result = self._analysed(image)
        result = replace(result, plates=[plate for plate in result.plates if plate.confidence >= self.confidence])
        return image, FileResult(frame.without_data(), (image.shape[1], image.shape[0]), result)

    def result_of(self, frame: Frame) -> FileResult:
        """Return the result of a frame; a failure is part of it."""
        try:
            return self.read(frame)[1]
        except AlprError as error:
            return FileResult(frame.without_data(), error=error)

    def _analysed(self, image: np.ndarray) -> Result:
        if not self.crops_only:
            return self.alpr.analyse(image)
        started = perf_counter()
        plates = self.alpr.read_crops([image])
        return Result(plates, Timings(reader_ms=1000 * (perf_counter() - started)))
