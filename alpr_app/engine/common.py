"""What all engines share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor, nn

from alpr_app.errors import AlprError
from alpr_app.layers import from_pixels


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
