"""What all engines share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor, nn

from alpr_app.errors import AlprError


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
        # Only the strides change: seen as (B, 3, H, W), these pixels lie channels_last in memory already.
        return self.network(images.permute(0, 3, 1, 2) * (1 / 255))
