"""The shape of the detector: all that is needed to build it again."""

from __future__ import annotations

from dataclasses import dataclass

from alpr_app.data.bounded_parsing import check_bounds

STRIDES = (8, 16, 32)
# Least and most of every number: room for networks a hundred times as large, none for what no machine can run.
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
    """long_side: pixels to which a picture's longer side is scaled, a multiple of 32.

    stem_channels: of the two convolutions before stride 4, or of a single one over 4 x 4 pixels.
    stage_channels: at strides 8, 16, 32. stage_blocks: residual blocks a stage. wide_stages: whether a stage's
    blocks are depthwise ones with a wide kernel. neck_channels, neck_repeats: of the BiFPN. head_blocks: shared
    convolutions before the outputs. separable: whether the convolutions of neck and head are split into a depthwise
    and a pointwise one. box_bins: length of each side's distribution; a side reaches (box_bins - 1) strides.
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
                raise ValueError(f"{name} holds {len(STRIDES)} values, one a stride, not {len(getattr(self, name))}")
