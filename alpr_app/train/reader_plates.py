"""The plates a reader is trained on and measured by, whatever it is to learn from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.labels import DataFolder
from alpr_app.pictures import read_picture
from alpr_app.reader import ReaderConfig
from alpr_app.train.draw.plates import PlatePainter
from alpr_app.train.plate_dataset import PlateDataset
from alpr_app.train.plate_samples import PlateSample, load_plate_samples, rectified


@dataclass(frozen=True, eq=False)
class ReaderPlates:
    """dataset: endless training samples. validation: by part, plates (N, H, W, 3) uint8 and their texts.
    description: what a checkpoint is to say of them."""

    dataset: PlateDataset
    validation: dict[str, tuple[np.ndarray, list[str]]]
    description: dict[str, Any]


def prepare_plates(
    config: ReaderConfig,
    data: DataFolder,
    painter: PlatePainter,
    drawn_share: float = 0.5,
    strength: float = 1.0,
    dropped: frozenset[str] = frozenset(),
    seed: int = 0,
) -> ReaderPlates:
    """The train split of `data` with drawn plates among it, and its val split.

    drawn_share: how many samples are drawn. strength: of all disturbances. dropped: names of files that are left
    out. Raises LabelError for a text that the alphabet cannot spell, PictureError for a broken picture.
    """
    train, val = data.of_split("train"), data.of_split("val")
    samples = [
        sample for sample in load_plate_samples(train, config.alphabet) if Path(sample.source).name not in dropped
    ]
    backgrounds = [read_picture(path) for path in data.negatives]
    parts = {"crops": DataFolder((), val.crops, ()), "scenes": DataFolder(val.pictures, (), ())}
    return ReaderPlates(
        PlateDataset(config, samples, backgrounds, painter, seed, drawn_share, strength),
        {name: _prepared(load_plate_samples(part, config.alphabet), config) for name, part in parts.items()},
        {"drawn_share": drawn_share, "strength": strength, "real_plates": len(samples)},
    )


def _prepared(samples: list[PlateSample], config: ReaderConfig) -> tuple[np.ndarray, list[str]]:
    size = (config.img_height, config.img_width)
    plates = np.stack(list(rectified(samples, *size))) if samples else np.zeros((0, *size, 3), np.uint8)
    return plates, [sample.text for sample in samples]
