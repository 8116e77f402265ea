"""What all engines share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from alpr_app.errors import AlprError
from alpr_app.layers import from_pixels
from alpr_app.reader import ReaderConfig


class EngineError(AlprError):
    """A device or a backend that is not to be had; the message says what to use instead."""


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
    """A network that takes pictures as they are: (B, H, W, 3) uint8 instead of (B, 3, H, W) from 0 to 1."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return self.network(from_pixels(images))


def example_pictures(network: nn.Module) -> Tensor:
    """What `FromPixels(network)` may be recorded with: two black pictures, for a reader of its size, for a detector
    small and not square, so that a size that is taken for granted shows."""
    config = network.config
    height, width = (config.img_height, config.img_width) if isinstance(config, ReaderConfig) else (64, 96)
    return torch.zeros(2, height, width, 3, dtype=torch.uint8)
