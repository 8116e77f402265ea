"""What all engines share: their interface, pictures in batches, and an engine in whose place another one steps as soon
as it fails.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from alpr_app.core.errors import AlprError, reason
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.reader.config import ReaderConfig


class EngineError(AlprError):
    """A device or a backend is not available; the message says what to use instead."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Provide a temporary folder for libraries that can only write files. Raises EngineError if it cannot be made or
    has no room for the files."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    except OSError as error:
        place = error.filename or "the temporary folder"
        raise EngineError(f"{place}: {reason(error)}; set TMPDIR to a folder with room") from error


class Engine(Protocol):
    """Runs one network. May be called from several threads at once.

    backend: torch or onnx. device: what it runs on.
    """

    @property
    def backend(self) -> str: ...

    @property
    def device(self) -> str: ...

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Run the network on images (B, H, W, 3) uint8 RGB and return its outputs as float32."""
        ...


def example_shape(config: DetectorConfig | ReaderConfig) -> tuple[int, int, int, int]:
    """Return the shape of inputs to try a network with: two pictures of the reader's size, or small and not square ones
    for a detector, so that a wrongly fixed size shows."""
    size = (config.img_height, config.img_width) if isinstance(config, ReaderConfig) else (64, 96)
    return (2, *size, 3)


Item = TypeVar("Item")


def stack(images: Sequence[np.ndarray]) -> np.ndarray:
    """Stack pictures of one size into a batch, without copying a single picture."""
    return np.stack(images) if len(images) > 1 else images[0][None]


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield `items` in parts of `size`; the last one may be smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


_log = logging.getLogger(__name__)


class FallbackEngine:
    """Runs `engine`. When it raises EngineError, logs one line and switches for good to the engine that `make` returns.
    kind: the kind of network, for the log.

    Raises:
        EngineError: The second engine fails too.
    """

    def __init__(self, engine: Engine, make: Callable[[], Engine], kind: str) -> None:
        self._engine = engine
        self._make: Callable[[], Engine] | None = make
        self._kind = kind
        self._lock = threading.Lock()

    @property
    def backend(self) -> str:
        """That of the engine in use."""
        return self._engine.backend

    @property
    def device(self) -> str:
        """That of the engine in use."""
        return self._engine.device

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        engine = self._engine
        try:
            return engine(images)
        except EngineError as error:
            return self._replace(engine, error)(images)

    def _replace(self, failed: Engine, error: EngineError) -> Engine:
        # Several threads may fail at once; the first one makes the replacement.
        with self._lock:
            if self._engine is failed:
                if self._make is None:
                    raise error
                replacement = self._make()
                _log.warning("%s on the processor runs the %s from now on: %s", replacement.backend, self._kind, error)
                self._engine, self._make = replacement, None
            return self._engine
