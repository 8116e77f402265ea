"""What all engines share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from alpr_app.core.errors import AlprError, reason
from alpr_app.networks.reader.config import ReaderConfig


class EngineError(AlprError):
    """A device or a backend that is not to be had; the message says what to use instead."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for what libraries make as files only; it is removed afterwards. Raises EngineError if there is no place
    for it, or none for the files in it."""
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

    backend: str
    device: str

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """images (B, H, W, 3) uint8 RGB -> the network's outputs as float32."""
        ...


class FromPixels(nn.Module):
    """A copy of a network that takes pictures as they are: (B, H, W, 3) uint8 instead of (B, 3, H, W) from 0 to 1. That
    the pixels reach to 255 is settled in the weights of its first convolution, not in every picture."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = deepcopy(network)
        first = next(module for module in self.network.modules() if isinstance(module, nn.Conv2d))
        with torch.no_grad():
            first.weight *= 1 / 255

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        # Seen so, these pixels lie channels_last in memory already.
        outputs = self.network(images.permute(0, 3, 1, 2).float())
        return outputs if isinstance(outputs, tuple) else (outputs,)


def example_pictures(network: nn.Module) -> Tensor:
    """What `FromPixels(network)` may be recorded with: two black pictures, for a reader of its size, for a detector
    small and not square, so that a size that is taken for granted shows."""
    config = network.config
    height, width = (config.img_height, config.img_width) if isinstance(config, ReaderConfig) else (64, 96)
    return torch.zeros(2, height, width, 3, dtype=torch.uint8)
