"""Small labelled data, drawn on the spot."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from alpr_app.core.geometry import homography
from alpr_app.core.plate import Plate
from alpr_app.data.ccpd import Annotation, format_name

TEXTS = ("皖A12345", "京B6789C", "沪CD1E23", "苏D45678", "浙E90F12", "粤F34567", "川G8H901", "鄂H23456")

# Before the reason of tests of the window that are skipped because the system lacks what it needs.
LACKING = "for want of what the window needs: "


def toy_plate(text: str) -> np.ndarray:
    """48 x 192 RGB: a blue plate on which every character is a block of its own pattern."""
    plate = np.full((48, 192, 3), (20, 60, 180), np.uint8)
    for place, character in enumerate(text):
        pattern = np.random.default_rng(ord(character)).integers(0, 2, (4, 3), np.uint8) * 235
        block = cv2.resize(pattern, (18, 36), interpolation=cv2.INTER_NEAREST)
        plate[6:42, 8 + 25 * place : 26 + 25 * place] = np.maximum(
            plate[6:42, 8 + 25 * place : 26 + 25 * place], block[..., None]
        )
    return plate


def write_scene(folder: Path, text: str, seed: int, size: tuple[int, int] = (192, 256)) -> Path:
    """A CCPD-named picture of height x width with one toy plate."""
    rng = np.random.default_rng(seed)
    height, width = size
    image = np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    left, top = int(rng.integers(15, width - 120)), int(rng.integers(15, height - 60))
    corners = np.float32([[left, top], [left + 96, top + 6], [left + 94, top + 34], [left - 2, top + 28]])
    matrix = np.linalg.inv(homography(corners))
    cv2.warpPerspective(toy_plate(text), matrix, (width, height), dst=image, borderMode=cv2.BORDER_TRANSPARENT)
    points = tuple((int(x), int(y)) for x, y in corners)
    box = (left - 2, top, left + 96, top + 34)
    path = folder / format_name(Annotation(text, box, points), ".png")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image[..., ::-1])[1].tobytes())
    return path


def write_data(root: Path) -> Path:
    """Eight scenes, two of them for validation, two crops and two plate-free pictures."""
    scenes = [write_scene(root / "scenes", text, seed) for seed, text in enumerate(TEXTS)]
    rows = [f"{path.name},{'val' if index < 2 else 'train'}" for index, path in enumerate(scenes)]
    (root / "scenes.csv").write_text("\n".join(["file,split", *rows]) + "\n", encoding="utf-8")
    (root / "crops").mkdir()
    for text, split in zip(TEXTS[:2], ("train", "val"), strict=True):
        (root / "crops" / f"{split}.png").write_bytes(cv2.imencode(".png", toy_plate(text)[..., ::-1])[1].tobytes())
    rows = [f"{split}.png,{split},{text}" for text, split in zip(TEXTS[:2], ("train", "val"), strict=True)]
    (root / "crops.csv").write_text("\n".join(["file,split,text", *rows]) + "\n", encoding="utf-8")
    (root / "negatives").mkdir()
    for seed in range(2):
        image = np.random.default_rng(seed).integers(90, 130, (150, 200, 3), np.uint8)
        (root / "negatives" / f"road{seed}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return root


def make_plate(
    text: str = "皖A12345",
    score: float = 0.9,
    confidence: float = 0.97,
    corners: tuple[tuple[float, float], ...] = ((20, 30), (60, 30), (60, 42), (20, 42)),
    colour: str = "blue",
) -> Plate:
    """A plate whose box is the one around its corners."""
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    characters = (confidence,) + (min(1.0, confidence + 0.02),) * (len(text) - 1)
    alternatives = (("B", 1 - confidence),) + (("", 0.001),) * (len(text) - 1)
    box, crop = (min(xs), min(ys), max(xs), max(ys)), np.zeros((48, 192, 3), np.uint8)
    return Plate(text, confidence, characters, alternatives, colour, score, box, corners, crop)
