"""The detector's network, after SCRFD (Guo et al., Sample and Computation Redistribution for Efficient Face
Detection, 2021): a plain convolutional backbone, a BiFPN neck (Tan et al., EfficientDet, 2020) and one head shared
by the strides 8, 16 and 32, with the joint quality score and the box distributions of Generalized Focal Loss
(Li et al., 2020) and four corners beside them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from alpr_app.networks.detector.config import STRIDES, DetectorConfig
from alpr_app.networks.layers import ConvBlock, ResidualBlock, SeparableBlock, WideBlock

FUSION_EPSILON = 1e-4


class Backbone(nn.Module):
    """Picture -> features at strides 8, 16, 32."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        if len(config.stem_channels) == 1:
            self.stem = nn.Sequential(ConvBlock(3, config.stem_channels[0], stride=4, kernel=4))
        else:
            first, second = config.stem_channels
            self.stem = nn.Sequential(ConvBlock(3, first, stride=2), ConvBlock(first, second, stride=2))
        self.stages = nn.ModuleList()
        channels_in = config.stem_channels[-1]
        for channels, blocks, wide in zip(config.stage_channels, config.stage_blocks, config.wide_stages, strict=True):
            block = WideBlock if wide else ResidualBlock
            residual = [block(channels) for _ in range(blocks)]
            self.stages.append(nn.Sequential(ConvBlock(channels_in, channels, stride=2), *residual))
            channels_in = channels

    def forward(self, images: Tensor) -> list[Tensor]:
        features = self.stem(images)
        levels = []
        for stage in self.stages:
            features = stage(features)
            levels.append(features)
        return levels


class WeightedSum(nn.Module):
    """Sum of feature maps with learned weights, kept positive and normalised (EfficientDet, equation 'fast fusion')."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(inputs))
        self.fused: list[float] | None = None

    def _normalised(self) -> Tensor:
        weights = functional.relu(self.weights)
        return weights / (weights.sum() + FUSION_EPSILON)

    def forward(self, *features: Tensor) -> Tensor:
        if self.fused is not None:
            total = features[0] * self.fused[0]
            for feature, weight in zip(features[1:], self.fused[1:], strict=True):
                total = total.add_(feature, alpha=weight)
            return total
        weights = self._normalised()
        total = features[0] * weights[0]
        for feature, weight in zip(features[1:], weights[1:], strict=True):
            total = total + feature * weight
        return total

    def fuse(self) -> None:
        """Work the weights out once."""
        self.fused = self._normalised().tolist()


class BiFpn(nn.Module):
    """One pass down and one pass up over three levels, all with the same channels."""

    def __init__(self, channels: int, separable: bool) -> None:
        super().__init__()
        self.sums = nn.ModuleDict(
            {
                "middle_down": WeightedSum(2),
                "fine": WeightedSum(2),
                "middle": WeightedSum(3),
                "coarse": WeightedSum(2),
            }
        )
        self.blocks = nn.ModuleDict(
            {name: SeparableBlock(channels) if separable else ConvBlock(channels, channels) for name in self.sums}
        )

    def _node(self, name: str, *features: Tensor) -> Tensor:
        node: Tensor = self.blocks[name](self.sums[name](*features))
        return node

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        fine, middle, coarse = levels
        middle_down = self._node("middle_down", middle, functional.interpolate(coarse, scale_factor=2.0))
        fine_out = self._node("fine", fine, functional.interpolate(middle_down, scale_factor=2.0))
        middle_out = self._node("middle", middle, middle_down, functional.max_pool2d(fine_out, 3, 2, 1))
        coarse_out = self._node("coarse", coarse, functional.max_pool2d(middle_out, 3, 2, 1))
        return [fine_out, middle_out, coarse_out]


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def _folded(convolutions: nn.ModuleList, norms: nn.Module) -> nn.ModuleList:
    """The convolutions with the batch norms of one level folded in."""
    assert isinstance(norms, nn.ModuleList)
    folded = nn.ModuleList()
    for convolution, norm in zip(convolutions, norms, strict=True):
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        folded.append(fuse_conv_bn_eval(convolution, norm))
    return folded


class Head(nn.Module):
    """Score, box distributions and corners of one level. The convolutions are shared by all levels; batch norms
    are not, because the levels' statistics differ."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        channels, bins = config.neck_channels, config.box_bins
        self.spreads = nn.ModuleList(
            _depthwise(channels) if config.separable else nn.Identity() for _ in range(config.head_blocks)
        )
        kernel = 1 if config.separable else 3
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False) for _ in range(config.head_blocks)
        )
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(config.head_blocks)) for _ in STRIDES
        )
        self.fused: nn.ModuleList | None = None
        self.output = nn.Conv2d(channels, 1 + 4 * bins + 8, 1)
        # Not normal_: on the meta device, where bundles are built, it spends a second on imports.
        nn.init.trunc_normal_(self.output.weight, std=0.01)
        assert self.output.bias is not None
        nn.init.zeros_(self.output.bias)
        # Nearly every position is background: start with a score of 0.01 (Lin et al., Focal Loss, 2017).
        nn.init.constant_(self.output.bias[0], -math.log(99.0))

    def forward(self, features: Tensor, level: int) -> Tensor:
        own = (self.norms if self.fused is None else self.fused)[level]
        assert isinstance(own, nn.ModuleList)
        for index, convolution in enumerate(self.convolutions):
            features = self.spreads[index](features)
            features = own[index](features if self.fused is not None else convolution(features))
            features = functional.relu(features, inplace=True)
        output: Tensor = self.output(features)
        return output

    def fuse(self) -> None:
        """Give every level its own convolutions with its batch norms folded in. Only in eval mode."""
        if self.fused is None:
            self.fused = nn.ModuleList(_folded(self.convolutions, norms) for norms in self.norms)


class Detector(nn.Module):
    """The whole detector: images (B, 3, H, W), RGB from 0 to 1, H and W multiples of 32 -> (B, N, 1 + 4 * bins + 8),
    the outputs at the N positions of strides 8, 16 and 32, row by row within each. See `split_outputs`.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.laterals = nn.ModuleList(
            ConvBlock(channels, config.neck_channels, kernel=1, relu=False) for channels in config.stage_channels
        )
        self.neck = nn.ModuleList(BiFpn(config.neck_channels, config.separable) for _ in range(config.neck_repeats))
        self.head = Head(config)

    def forward(self, images: Tensor) -> Tensor:
        levels = [lateral(level) for lateral, level in zip(self.laterals, self.backbone(images), strict=True)]
        for layer in self.neck:
            levels = layer(levels)
        # (B, C, h, w) -> (B, h * w * C): free of copies when the features are channels_last. Positions and channels are
        # told apart at the end, once, because an exported graph derives their numbers from shapes in every call.
        flat = torch.cat(
            [self.head(level, index).permute(0, 2, 3, 1).flatten(1) for index, level in enumerate(levels)], dim=1
        )
        return flat.reshape(flat.shape[0], -1, self.head.output.out_channels)
