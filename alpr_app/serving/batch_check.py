"""Finds out whether pictures may be read in batches here without changing a reading.

A network may add in another order for another batch size, which changes the last digits of its results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alpr_app.data.assets import SAMPLES
from alpr_app.data.images import read_picture

if TYPE_CHECKING:
    from alpr_app.core.result import Result
    from alpr_app.pipeline.alpr import ALPR

# With torch, one picture in five differs in a bit in batches of 4; OpenVINO was not measured.
_EXACT_BACKENDS = ("onnx",)


def batches_are_exact(alpr: ALPR, size: int) -> bool:
    """Whether the sample pictures, every second one at half its size, are read the same to the last bit in batches of
    `size` as one by one. Takes two tenths of a second."""
    if alpr.backend not in _EXACT_BACKENDS:
        return False
    samples = [read_picture(path) for path in sorted(SAMPLES.glob("*.jpg"))]
    images = [image[::2, ::2].copy() if index % 2 else image for index, image in enumerate(samples)]
    alone = [_figures(alpr.analyse(image)) for image in images]
    together = [
        _figures(result)
        for start in range(0, len(images), size)
        for result in alpr.analyse_batch(images[start : start + size])
    ]
    return bool(images) and alone == together


def _figures(result: Result) -> list[tuple[object, ...]]:
    """Return everything that was read, unrounded."""
    return [
        (plate.text, plate.characters, plate.alternatives, plate.colour, plate.score, plate.box, plate.corners)
        for plate in result.plates
    ]
