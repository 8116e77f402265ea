"""Reads the plates of frames into results that can be written, on one machine or on many."""

from __future__ import annotations

from collections.abc import Sequence
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

    def read(self, frames: Sequence[Frame]) -> list[tuple[np.ndarray | None, FileResult]]:
        """Read frames together, which takes less time than one after the other and reads the same.

        Returns:
            The image (H x W x 3 uint8 RGB) and the result of each frame; a failure is part of the result, and there is
            no image then.
        """
        loaded = [_loaded(frame) for frame in frames]
        images = [image for image in loaded if not isinstance(image, AlprError)]
        try:
            results = iter(self._analysed(images))
        except AlprError as error:
            if len(frames) > 1:
                return [self.read([frame])[0] for frame in frames]
            return [(None, FileResult(frames[0].without_data(), error=error))]
        return [
            (None, FileResult(frame.without_data(), error=image))
            if isinstance(image, AlprError)
            else (image, self._file_result(frame, image, next(results)))
            for frame, image in zip(frames, loaded, strict=True)
        ]

    def result_of(self, frame: Frame) -> FileResult:
        """Return the result of a frame; a failure is part of it."""
        ((_, result),) = self.read([frame])
        return result

    def _analysed(self, images: list[np.ndarray]) -> list[Result]:
        if not self.crops_only:
            return self.alpr.analyse_batch(images)
        started = perf_counter()
        plates = self.alpr.read_crops(images)
        each = 1000 * (perf_counter() - started) / max(1, len(images))
        return [Result([plate], Timings(reader_ms=each)) for plate in plates]

    def _file_result(self, frame: Frame, image: np.ndarray, result: Result) -> FileResult:
        plates = [plate for plate in result.plates if plate.confidence >= self.confidence]
        size = (image.shape[1], image.shape[0])
        return FileResult(frame.without_data(), size, replace(result, plates=plates))


def _loaded(frame: Frame) -> np.ndarray | AlprError:
    try:
        return frame.load()
    except AlprError as error:
        return error
