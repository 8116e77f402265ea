"""The training task of the detector: its samples, losses and validation, which the loop (trainer/loop.py) runs."""

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
from alpr_app.train.trainer.batches import evenly_spaced


def held_out(picture: LabelledPicture) -> bool:
    """Whether a picture labelled by machine is held out for validation: one in ten, by a hash of its name."""
    return zlib.crc32(picture.path.name.encode()) % 10 == 0


class DetectorTask:
    """Trains a detector on the train split of `data`, on plate-free pictures and on drawn plates.

    The best checkpoint is chosen by recall at IoU 0.7, averaged over the scenes of the val split and the held-out
    pictures of other cameras, less shares of the false boxes per plate-free picture and of the corner error.

    Args:
        network: The network to train.
        data: The labelled pictures.
        painter: Draws plates.
        crop_size: Height and width of training samples in pixels.
        drawn_share: Share of samples with drawn plates, 0 to 1.
        seed: Random seed of the samples.
        limit: Bytes of decoded pictures kept in memory.
        maximum: Pictures of each kind that a validation looks at; None for all.

    Raises:
        UsageError: `crop_size` is not of multiples of 32, or there are no pictures to train on.
    """

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
        maximum: int | None = None,
    ) -> None:
        if any(side <= 0 or side % STRIDES[-1] for side in crop_size):
            sides = " ".join(map(str, crop_size))
            raise UsageError(f"--crop_size must be of multiples of {STRIDES[-1]}, not {sides}")
        labelled = [picture for picture in data.pictures if picture.plates and picture.split == "train"]
        held_out_pictures = [picture for picture in labelled if picture.by_machine and held_out(picture)]
        held_out_paths = {picture.path for picture in held_out_pictures}
        train = [picture for picture in labelled if picture.path not in held_out_paths]
        self.network = network
        self.dataset = SceneDataset(
            load_scenes(train, 0.8 * limit),
            load_scenes(data.of_split("train").negatives, 0.2 * limit),
            painter,
            crop_size,
            seed,
            drawn_share,
        )
        scenes = [picture for picture in data.pictures if picture.plates and picture.split == "val"]
        self.validation = {
            "scenes": evenly_spaced(scenes, maximum),
            "street": evenly_spaced(held_out_pictures, maximum),
        }
        self.plate_free = evenly_spaced(list(data.of_split("val").negatives), maximum)
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
        """The losses of a batch of `SceneSample`s."""
        images = from_pixels(batch["image"])
        outputs = split_outputs(network(images))
        counts = batch["count"].tolist()
        plates = [corners[:count] for corners, count in zip(batch["plates"], counts, strict=True)]
        centres, strides = self.centres.to(images.device), self.strides.to(images.device)
        return detector_losses(outputs, centres, strides, plates, list(batch["ignored"]))

    def validate(self, network: Detector) -> dict[str, float]:
        """Recall at IoU 0.5 and 0.7 for detections with a score over 0.5, corner error in shares of the plate's height,
        and false boxes per plate-free picture; only those that there are pictures for."""
        metrics: dict[str, float] = {}
        recalls, corner_errors = [], []
        for name, pictures in self.validation.items():
            if pictures:
                detections = list(detect_all(network, (picture.path for picture in pictures)))
                metrics |= {
                    f"{name}_{key}": value for key, value in recall_and_corner_error(pictures, detections).items()
                }
                recalls.append(metrics[f"{name}_recall_70"])
                corner_errors.append(metrics[f"{name}_corner_error"])
        false_boxes = [len(found) for found in detect_all(network, (picture.path for picture in self.plate_free))]
        if false_boxes:
            metrics["false_boxes"] = float(np.mean(false_boxes))
        if not recalls:
            return metrics
        # Once all plates are found the corners decide, on which the reader depends.
        penalty = 0.2 * metrics.get("false_boxes", 0.0) + 0.5 * float(np.mean(corner_errors))
        judgement = float(np.mean(recalls)) - penalty
        return {"judgement": judgement, **metrics}

    def deployable(self, network: Detector) -> Detector:
        return network


def detect_all(network: Detector, paths: Iterable[Path]) -> Iterable[list[Detection]]:
    """Yield the detections in each picture, in its pixels. `network` must be in eval mode."""
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


def recall_and_corner_error(pictures: list[LabelledPicture], found: list[list[Detection]]) -> dict[str, float]:
    """Shares of true plates with a detection at IoU 0.5 and 0.7, and the mean corner error of those at 0.5."""
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
