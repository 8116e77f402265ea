"""The configuration of the detector: everything needed to rebuild it."""

from __future__ import annotations

from dataclasses import dataclass

from alpr_app.data.bounded_parsing import check_bounds

STRIDES = (8, 16, 32)
# Lowest and highest value of every number: enough for networks a hundred times as large, too little for absurd ones.
BOUNDS = {
    "long_side": (32, 2048),
    "stem_channels": (1, 256),
    "stage_channels": (1, 1024),
    "stage_blocks": (0, 32),
    "neck_channels": (1, 512),
    "neck_repeats": (0, 8),
    "head_blocks": (0, 16),
    "box_bins": (2, 64),
}


@dataclass(frozen=True)
class DetectorConfig:
    """Configuration of the detector.

    Attributes:
        long_side: Pixels to which a picture's longer side is scaled, a multiple of 32.
        stem_channels: Channels of the two convolutions before stride 4, or of a single one over 4 x 4 pixels.
        stage_channels: Channels at strides 8, 16, 32.
        stage_blocks: Residual blocks per stage.
        wide_stages: Whether a stage uses depthwise blocks with a wide kernel.
        neck_channels, neck_repeats: Channels and layers of the BiFPN.
        head_blocks: Shared convolutions before the outputs.
        separable: Whether convolutions of neck and head are split into a depthwise and a pointwise one.
        box_bins: Length of the distribution of each side of the box; a side reaches (box_bins - 1) strides.
    """

    long_side: int = 512
    stem_channels: tuple[int, ...] = (8, 16)
    stage_channels: tuple[int, int, int] = (32, 64, 96)
    stage_blocks: tuple[int, int, int] = (1, 2, 2)
    wide_stages: tuple[bool, bool, bool] = (False, True, True)
    neck_channels: int = 32
    neck_repeats: int = 1
    head_blocks: int = 1
    separable: bool = True
    box_bins: int = 9

    def __post_init__(self) -> None:
        check_bounds(self, BOUNDS)
        if self.long_side % STRIDES[-1]:
            raise ValueError(f"long_side must be a multiple of {STRIDES[-1]}, not {self.long_side}")
        if len(self.stem_channels) not in (1, 2):
            raise ValueError(f"stem_channels holds one number or two, not {len(self.stem_channels)}")
        for name in ("stage_channels", "stage_blocks", "wide_stages"):
            if len(getattr(self, name)) != len(STRIDES):
                raise ValueError(f"{name} holds {len(STRIDES)} values, one per stride, not {len(getattr(self, name))}")
