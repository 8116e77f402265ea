"""The plates that a reader is trained and validated on, in pre-training and training alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count as naturals
from itertools import islice
from typing import Any

import numpy as np

from alpr_app.data.label_csv import LabelError
from alpr_app.data.labels import DataFolder, read_labelled
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.synth.plates.painters import Painter
from alpr_app.train.reader.dataset import PlateDataset, PlateSource, load_plates, plate_sources, rectified
from alpr_app.train.trainer.batches import evenly_spaced

# Crops whose labels are known to be wrong; they are excluded from training.
WRONG_CROPS: frozenset[str] = frozenset(
    {
        "2c3f844a279b.jpg",  # 苏D68246, the plate says 沪D68246
        "9121d19545d5.jpg",  # 苏D25F75, the plate says 苏D25G75
        "84dfbe5255a3.jpg",  # 苏STE953, the plate says 苏CTE953
        "9dbbca895cab.jpg",  # 苏E6JX09, the plate says 苏MHG903
        "6925c1776686.jpg",  # 苏BM5768, the plate says 渝BM5768
        "7f66f9040e3f.jpg",  # 苏B11110, the plate says 苏B1L110
        "497475acb3ff.jpg",  # 苏A8A527, the plate says 鄂A8A527
        "3e9c3f0249da.jpg",  # 黑ND50U2, the plate says 黑ND5002
    }
)


NO_DATA = DataFolder((), (), ())
# Without labelled plates for validation this many are drawn, with this number added to the run's seed.
DRAWN_PLATES, DRAWN_SEED = 1000, 715_517
# Maximum number of backgrounds of drawn plates; they stay in memory, 2.5 MB each in CCPD.
MAXIMUM_BACKGROUNDS = 300


@dataclass(frozen=True, eq=False)
class ReaderPlates:
    """The samples of a reader's training.

    Attributes:
        dataset: Training samples.
        validation: By part, rectified plates (N, H, W, 3) uint8 and their texts.
        description: Settings of the samples for the checkpoint.
    """

    dataset: PlateDataset
    validation: dict[str, tuple[np.ndarray, list[str]]]
    description: dict[str, Any]


def prepare_plates(
    config: ReaderConfig,
    data: DataFolder,
    painter: Painter,
    drawn_share: float = 0.5,
    strength: float = 1.0,
    excluded: frozenset[str] = frozenset(),
    seed: int = 0,
    limit: float = math.inf,
    maximum: int | None = None,
) -> ReaderPlates:
    """Prepare the train split of `data`, mixed with drawn plates, and its val split.

    If the val split has no texts, newly drawn plates, augmented as in training, are validated on as the part `drawn`.
    Plates that are also seen in a picture of the val split are excluded from training.

    Args:
        config: Config of the reader.
        data: The labelled pictures and crops.
        painter: Draws plates.
        drawn_share: Share of drawn samples, 0 to 1.
        strength: Strength of the augmentation.
        excluded: File names of pictures not to train on.
        seed: Random seed of the samples.
        limit: Bytes of decoded plates kept in memory.
        maximum: Plates of each part that a validation looks at; None for all.

    Raises:
        LabelError: a text or colour is not in the config.
        PictureError: a picture cannot be read.
    """
    train, val = data.of_split("train"), data.of_split("val")
    labelled = [source for source in _labelled(train, config) if source.path.name not in excluded]
    # Plates of photos from other cameras, by which a reader is validated, must not be trained on.
    stated = {picture.stated for picture in val.pictures if picture.stated}
    sources = [source for source in labelled if source.text not in stated]
    samples = load_plates(sources, limit)
    backgrounds = [read_labelled(picture.path) for picture in evenly_spaced(list(train.negatives), MAXIMUM_BACKGROUNDS)]
    parts = {"crops": DataFolder((), val.crops, ()), "scenes": DataFolder(val.pictures, (), ())}
    validation = {
        name: _rectified_plates(evenly_spaced(_labelled(part, config), maximum), config) for name, part in parts.items()
    }
    if not any(texts for _, texts in validation.values()):
        unseen = PlateDataset(config, load_plates([]), backgrounds, painter, DRAWN_SEED + seed, strength=strength)
        validation["drawn"] = _draw_validation_plates(
            unseen, DRAWN_PLATES if maximum is None else min(maximum, DRAWN_PLATES)
        )
    return ReaderPlates(
        PlateDataset(config, samples, backgrounds, painter, seed, drawn_share, strength),
        validation,
        {
            "drawn_share": drawn_share,
            "strength": strength,
            "real_plates": len(samples),
            "kept_apart": len(labelled) - len(sources),
        },
    )


def _labelled(data: DataFolder, config: ReaderConfig) -> list[PlateSource]:
    sources = plate_sources(data, config.alphabet)
    for source in sources:
        if len(source.text) > config.max_length:
            raise LabelError(f"{source.path}: {source.text} is longer than the {config.max_length} characters allowed")
        if source.colour not in (None, *config.colours):
            known = ", ".join(config.colours)
            raise LabelError(f"{source.path}: the colour '{source.colour}' is not one of the reader's, {known}")
    return sources


def _draw_validation_plates(dataset: PlateDataset, count: int) -> tuple[np.ndarray, list[str]]:
    """The first `count` samples that are plates."""
    drawn = ((plate, dataset.text(classes)) for plate, classes, _ in map(dataset.__getitem__, naturals()))
    plates, texts = zip(*islice((sample for sample in drawn if sample[1]), count), strict=True)
    return np.stack(plates), list(texts)


def _rectified_plates(sources: list[PlateSource], config: ReaderConfig) -> tuple[np.ndarray, list[str]]:
    size = (config.img_height, config.img_width)
    plates = list(rectified(load_plates(sources, limit=0), *size))
    return np.stack(plates) if plates else np.zeros((0, *size, 3), np.uint8), [source.text for source in sources]
