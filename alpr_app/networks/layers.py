"""What both networks build on: how pictures enter, convolution with batch norm and ReLU, how they are fused, and how
torch behaves in a process that was forked off another one.

A fork brings the calling thread alone along. torch's own threads are then missing, and whatever it shares out among
them waits for ever; with one thread it shares nothing out.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def from_pixels(images: Tensor) -> Tensor:
    """Pictures as they are, (B, H, W, 3) uint8, as the networks take them: (B, 3, H, W) from 0 to 1.

    Only the strides change: seen so, these pixels lie channels_last in memory already.
    """
    return images.permute(0, 3, 1, 2) * (1 / 255)


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU. An even kernel has no padding: it cuts the picture into patches."""

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
        """Fold the batch norm into the convolution. Only in eval mode; results stay the same to rounding."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.convolution = fuse_conv_bn_eval(self.convolution, self.norm)
            self.norm = nn.Identity()


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around which the input is added (He et al., 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels)
        self.second = ConvBlock(channels, channels, relu=False)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        activated: Tensor = self.activation(features + self.second(self.first(features)))
        return activated


class SeparableBlock(nn.Sequential):
    """A depthwise 3 x 3 convolution and a pointwise one (Howard et al., MobileNets, 2017): a seventh of the
    arithmetic of a full one at 32 channels, a third of its time."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            ConvBlock(channels, channels, relu=False, groups=channels), ConvBlock(channels, channels, kernel=1)
        )


class WideBlock(nn.Module):
    """A depthwise 5 x 5 convolution, two pointwise ones with twice the channels between them, and the input added
    (after Liu et al., ConvNeXt, 2022): a plate is wide, and a wide kernel costs little here."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spread = ConvBlock(channels, channels, kernel=5, relu=False, groups=channels)
        self.expand = ConvBlock(channels, 2 * channels, kernel=1)
        self.project = ConvBlock(2 * channels, channels, kernel=1, relu=False)

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.project(self.expand(self.spread(features)))
        return features + change


def fuse(network: nn.Module) -> None:
    """Fuse every block of `network` that knows how, in place. The network must be in eval mode."""
    for module in list(network.modules()):
        fuse_block: Callable[[], None] | None = getattr(module, "fuse", None)
        if fuse_block is not None:
            fuse_block()


_LOADED_IN = os.getpid()


def one_thread_if_forked() -> bool:
    """Whether this process was forked off the one that loaded this module; torch is then told to compute with one
    thread. To be called before anything is computed that a forked process may be the first to compute."""
    if os.getpid() == _LOADED_IN:
        return False
    torch.set_num_threads(1)
    return True
