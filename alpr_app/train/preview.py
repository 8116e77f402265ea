"""Sheets of training samples as the networks see them: the quickest way to find a mistake in data or augmentation."""

from __future__ import annotations

import cv2
import numpy as np

from alpr_app.synth.plates.glyphs import load_font
from alpr_app.train.plate_dataset import PlateDataset
from alpr_app.train.scene_dataset import SceneDataset

PLATE_COLOUR, IGNORED_COLOUR = (255, 60, 60), (160, 160, 160)
CAPTION_HEIGHT = 22


def sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one size as rows of `columns`, H x W x 3 uint8; the last row is filled with grey."""
    blank = np.full_like(pictures[0], 90)
    padded = pictures + [blank] * (-len(pictures) % columns)
    rows = [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    return np.vstack(rows)


def scene_sheet(dataset: SceneDataset, count: int, columns: int = 4) -> np.ndarray:
    """The first `count` samples of the detector, with their corners and what is ignored."""
    pictures = []
    for index in range(count):
        sample = dataset[index]
        picture = sample["image"].copy()
        for left, top, right, bottom in sample["ignored"].astype(int):
            cv2.rectangle(picture, (left, top), (right, bottom), IGNORED_COLOUR, 1)
        for corners in sample["plates"][: sample["count"]]:
            cv2.polylines(picture, [np.int32(corners * 16)], True, PLATE_COLOUR, 1, cv2.LINE_AA, shift=4)
        pictures.append(picture)
    return sheet(pictures, columns)


def plate_sheet(dataset: PlateDataset, count: int, columns: int = 6) -> np.ndarray:
    """The first `count` samples of the reader, each over its text."""
    alphabet, face = dataset.config.alphabet, load_font()
    pictures = []
    for index in range(count):
        image, classes, _ = dataset[index]
        text = "".join(alphabet[value] for value in classes if value != dataset.config.blank)
        caption = np.full((CAPTION_HEIGHT, image.shape[1], 3), 30, np.uint8)
        cv2.putText(caption, text, (4, CAPTION_HEIGHT - 6), (255, 255, 255), face, 15)
        pictures.append(np.vstack([image, caption]))
    return sheet(pictures, columns)
