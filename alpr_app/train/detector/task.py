"""What training the detector means: its losses, its samples, its validation."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alpr_app.core.errors import UsageError
from alpr_app.core.geometry import Letterbox, box_iou, corner_distance
from alpr_app.data.labels import DataFolder, LabelledPicture, read_labelled
from alpr_app.networks.detector.config import STRIDES
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.detector.postprocess import Detection, decode, positions, split_outputs
from alpr_app.networks.layers import from_pixels
from alpr_app.synth.plates.painters import Painter
from alpr_app.train.detector.dataset import SceneDataset, load_scenes
from alpr_app.train.detector.losses import detector_losses
from alpr_app.train.trainer.batches import spread


def held_out(picture: LabelledPicture) -> bool:
    """Whether a picture without a split of its own is kept for validation: one in ten, by its name."""
    return zlib.crc32(picture.path.name.encode()) % 10 == 0


class DetectorTask:
    """Trains a detector on the train split of `data`, on plate-free pictures and on drawn plates, seen in views of
    `crop_size` (height, width); judged by recall at IoU 0.7, over scenes and held-out pictures of other cameras alike,
    less the false boxes a plate-free picture and the error of the corners."""

    monitor = "judgement"

    def __init__(
        self,
        network: Detector,
        data: DataFolder,
        painter: Painter,
        crop_size: tuple[int, int] = (352, 352),
        drawn_share: float = 0.5,
        seed: int = 0,
        limit: float = math.inf,
        most: int | None = None,
    ) -> None:
        if any(side <= 0 or side % STRIDES[-1] for side in crop_size):
            sides = " ".join(map(str, crop_size))
            raise UsageError(f"--crop_size must be of multiples of {STRIDES[-1]}, not {sides}")
        labelled = [picture for picture in data.pictures if picture.plates and picture.split == "train"]
        kept = [picture for picture in labelled if picture.by_machine and held_out(picture)]
        chosen = {picture.path for picture in kept}
        train = [picture for picture in labelled if picture.path not in chosen]
        self.network = network
        self.dataset = SceneDataset(
            load_scenes(train, 0.8 * limit),
            load_scenes(data.of_split("train").negatives, 0.2 * limit),
            painter,
            crop_size,
            seed,
            drawn_share,
        )
        self.validation = {
            "scenes": spread([picture for picture in data.pictures if picture.plates and picture.split == "val"], most),
            "street": spread(kept, most),
        }
        self.plate_free = spread(list(data.of_split("val").negatives), most)
        centres, strides = positions(*crop_size)
        self.centres, self.strides = torch.from_numpy(centres), torch.from_numpy(strides)
        self.description: dict[str, Any] = {
            "kind": "detector",
            "config": asdict(network.config),
            "drawn_share": drawn_share,
            "crop_size": crop_size,
            "pictures": len(train),
        }

    def losses(self, network: Detector, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        images = from_pixels(batch["image"])
        outputs = split_outputs(network(images))
        counts = batch["count"].tolist()
        plates = [corners[:count] for corners, count in zip(batch["plates"], counts, strict=True)]
        centres, strides = self.centres.to(images.device), self.strides.to(images.device)
        return detector_losses(outputs, centres, strides, plates, list(batch["ignored"]))

    def validate(self, network: Detector) -> dict[str, float]:
        """Recall at IoU .5 and .7 with a score over .5, corner error in shares of the plate's height, false boxes a
        plate-free picture."""
        metrics: dict[str, float] = {}
        recalls, corner_errors = [], []
        for name, pictures in self.validation.items():
            if pictures:
                found = list(detect_all(network, (picture.path for picture in pictures)))
                metrics |= {f"{name}_{key}": value for key, value in match(pictures, found).items()}
                recalls.append(metrics[f"{name}_recall_70"])
                corner_errors.append(metrics[f"{name}_corner_error"])
        false_boxes = [len(found) for found in detect_all(network, (picture.path for picture in self.plate_free))]
        metrics["false_boxes"] = float(np.mean(false_boxes)) if false_boxes else 0.0
        if not recalls:
            return {"judgement": 0.0, **metrics}
        # Where every plate is found, the corners decide: the reader depends on them.
        judgement = float(np.mean(recalls)) - 0.2 * metrics["false_boxes"] - 0.5 * float(np.mean(corner_errors))
        return {"judgement": judgement, **metrics}

    def deployable(self, network: Detector) -> Detector:
        return network


def detect_all(network: Detector, paths: Iterable[Path]) -> Iterable[list[Detection]]:
    """Detections in each picture, in pixels of the picture, with a network in eval mode."""
    device = next(network.parameters()).device
    for path in paths:
        image = read_labelled(path)
        letterbox = Letterbox.for_long_side(image.shape[0], image.shape[1], network.config.long_side)
        canvas = from_pixels(torch.from_numpy(letterbox.apply(image)).to(device)[None])
        outputs = network(canvas)[0].cpu().numpy()
        yield [
            Detection(
                found.score,
                letterbox.to_picture(found.box.reshape(2, 2)).ravel(),
                letterbox.to_picture(found.corners),
            )
            for found in decode(outputs, letterbox.canvas)
        ]


def match(pictures: list[LabelledPicture], found: list[list[Detection]]) -> dict[str, float]:
    """How many true plates a detection covers at IoU .5 and .7, and the mean corner error of those at .5."""
    overlaps: list[float] = []
    errors: list[float] = []
    for picture, detections in zip(pictures, found, strict=True):
        boxes = np.array([detection.box for detection in detections], np.float32).reshape(-1, 4)
        for plate in picture.plates:
            iou = box_iou(plate.box[None], boxes)[0]
            overlaps.append(iou.max(initial=0.0))
            if overlaps[-1] >= 0.5:
                distance = corner_distance(detections[int(iou.argmax())].corners, plate.corners)
                errors.append(distance / max(1.0, plate.box[3] - plate.box[1]))
    shares = np.array(overlaps)
    return {
        "recall_50": float((shares >= 0.5).mean()),
        "recall_70": float((shares >= 0.7).mean()),
        "corner_error": float(np.mean(errors)) if errors else 1.0,
    }
