"""Building blocks of both networks: input conversion, convolutions with batch norm and ReLU, their fusion, and a
safeguard for forked processes.

A fork copies the calling thread only. torch's worker threads are then missing, and work handed to them never finishes;
with one thread, torch hands out none.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def from_pixels(images: Tensor) -> Tensor:
    """Convert pictures (B, H, W, 3) uint8 to network input (B, 3, H, W) from 0 to 1.

    The pixels are not moved: in this order they are already channels_last in memory.
    """
    return images.permute(0, 3, 1, 2) * (1 / 255)


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU. An even kernel has no padding and cuts the picture into patches."""

    def __init__(
        self, channels_in: int, channels_out: int, stride: int = 1, kernel: int = 3, relu: bool = True, groups: int = 1
    ) -> None:
        super().__init__()
        padding = kernel // 2 if kernel % 2 else 0
        self.convolution = nn.Conv2d(channels_in, channels_out, kernel, stride, padding, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(channels_out)
        self.activation = nn.ReLU(inplace=True) if relu else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        activated: Tensor = self.activation(self.norm(self.convolution(features)))
        return activated

    def fuse(self) -> None:
        """Fold the batch norm into the convolution, in eval mode only. Results stay the same up to rounding."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.convolution = fuse_conv_bn_eval(self.convolution, self.norm)
            self.norm = nn.Identity()


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with a skip connection (He et al., 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels)
        self.second = ConvBlock(channels, channels, relu=False)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        activated: Tensor = self.activation(features + self.second(self.first(features)))
        return activated


class SeparableBlock(nn.Sequential):
    """A depthwise 3 x 3 convolution and a pointwise one (Howard et al., MobileNets, 2017). At 32 channels it takes a
    seventh of the arithmetic and a third of the time of a full convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            ConvBlock(channels, channels, relu=False, groups=channels), ConvBlock(channels, channels, kernel=1)
        )


class WideBlock(nn.Module):
    """A depthwise 5 x 5 convolution and two pointwise ones with twice the channels in between, with a skip connection
    (after Liu et al., ConvNeXt, 2022). Plates are wide, and a wide kernel costs little here."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spread = ConvBlock(channels, channels, kernel=5, relu=False, groups=channels)
        self.expand = ConvBlock(channels, 2 * channels, kernel=1)
        self.project = ConvBlock(2 * channels, channels, kernel=1, relu=False)

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.project(self.expand(self.spread(features)))
        return features + change


def fuse(network: nn.Module) -> None:
    """Fuse every block of `network` that has a `fuse` method, in place. The network must be in eval mode."""
    for module in list(network.modules()):
        fuse_block: Callable[[], None] | None = getattr(module, "fuse", None)
        if fuse_block is not None:
            fuse_block()


_LOADED_IN = os.getpid()


def one_thread_if_forked() -> bool:
    """Restrict torch to one thread if this process was forked after this module was loaded, and return whether it was.
    Call this before any computation that a forked process may start with."""
    if os.getpid() == _LOADED_IN:
        return False
    torch.set_num_threads(1)
    return True
