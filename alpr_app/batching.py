"""Pictures in batches for a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def stack(images: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures of one size as a batch; a single one is not copied."""
    return np.stack(images) if len(images) > 1 else images[0][None]


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """`items` in parts of `size`; the last one may be smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
