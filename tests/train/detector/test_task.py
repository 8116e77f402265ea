from dataclasses import replace

import numpy as np
import torch

from alpr_app.data.labels import LabelledPicture, read_data_folder
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.detector.postprocess import positions, split_outputs
from alpr_app.train.detector.dataset import load_scenes
from alpr_app.train.detector.losses import detector_losses
from alpr_app.train.detector.task import DetectorTask, detect_all, held_out, recall_and_corner_error

SMALL = DetectorConfig(long_side=256, stem_channels=(8, 16), stage_channels=(24, 32, 32), neck_channels=32)


def test_it_learns_eight_pictures_by_heart(data_folder):
    torch.manual_seed(0)
    pictures = list(read_data_folder(data_folder).pictures)
    scenes = load_scenes(pictures)
    # The letterbox leaves 192 x 256 unchanged.
    images = torch.from_numpy(np.stack([scene.image for scene in scenes])).permute(0, 3, 1, 2).float() / 255
    plates, nothing = [torch.from_numpy(scene.plates) for scene in scenes], [torch.zeros(0, 4)] * 8
    centres, strides = (torch.from_numpy(array) for array in positions(192, 256))
    network = Detector(SMALL)
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    for _ in range(100):
        losses = detector_losses(split_outputs(network(images)), centres, strides, plates, nothing)
        optimizer.zero_grad()
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
    # The running statistics of the batch norms lag behind the weights: update them on the pictures.
    with torch.no_grad():
        for _ in range(30):
            network(images)
        found = list(detect_all(network.eval(), (picture.path for picture in pictures)))
    scores = recall_and_corner_error(pictures, found)
    assert scores["recall_70"] == 1.0
    assert scores["corner_error"] < 0.15


def test_matching_counts_plates_by_their_overlap(data_folder):
    picture = read_data_folder(data_folder).pictures[0]
    assert recall_and_corner_error([picture], [[]]) == {"recall_50": 0.0, "recall_70": 0.0, "corner_error": 1.0}


def test_only_what_there_are_pictures_for_is_measured(data_folder, painter):
    data = read_data_folder(data_folder)
    trained = replace(data, pictures=data.of_split("train").pictures)
    without_val = DetectorTask(Detector(SMALL), replace(trained, negatives=()), painter, crop_size=(96, 96))
    with torch.inference_mode():
        assert without_val.validate(without_val.network.eval()) == {}
        plate_free = DetectorTask(Detector(SMALL), trained, painter, crop_size=(96, 96))
        assert list(plate_free.validate(plate_free.network.eval())) == ["false_boxes"]


def test_machine_labelled_pictures_are_held_out_by_name(tmp_path):
    pictures = [LabelledPicture(tmp_path / f"{number}.jpg") for number in range(1000)]
    share = sum(held_out(picture) for picture in pictures) / 1000
    assert 0.06 < share < 0.14
    assert held_out(pictures[0]) == held_out(LabelledPicture(tmp_path / "elsewhere" / "0.jpg"))


def test_a_task_trains_on_train_and_validates_on_val(data_folder, painter):
    task = DetectorTask(Detector(SMALL), read_data_folder(data_folder), painter, crop_size=(96, 96))
    assert len(task.dataset.scenes) == 6
    assert len(task.validation["scenes"]) == 2 and len(task.plate_free) == 2
    with torch.inference_mode():
        metrics = task.validate(task.network.eval())
    assert metrics["scenes_recall_50"] == 0.0 and "false_boxes" in metrics
