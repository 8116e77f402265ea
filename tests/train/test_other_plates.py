"""Training for plates that are not Chinese, by its commands: drawn plates only, and pictures labelled by CSV."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from alpr_app.data.images import read_picture
from alpr_app.data.labels import read_data_folder
from alpr_app.evaluation.evaluate import evaluate
from alpr_app.networks.bundle import load_reader
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.pipeline.alpr import ALPR
from alpr_app.synth.plates.painters import make_painter
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.train.cli.main import main
from alpr_app.train.reader.task import ReaderWithCTC
from alpr_app.train.trainer.checkpoint import load_checkpoint
from alpr_app.train.trainer.pretrained import adapted_to_plates

PLATES = """
name = "Toy"
alphabet = "ABCDEFX0123456789"
max_length = 6
[[design]]
pattern = "LL-DDDD"
width = 440
height = 110
colour = "orange"
background = "#f08020"
"""
READER = ["--embed_dim", "32", "--num_heads", "2", "--num_encoder_layers", "1", "--num_decoder_layers", "1"]
SHORT = ["--samples", "8", "--num_workers", "0", "--threads", "1", "--validate_samples", "8", "--validate_most", "12"]


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(PLATES, encoding="utf-8")
    return path


def write_pictures(folder: Path, toy: Path, columns: str = "file,split,text,box") -> Path:
    """Six pictures with one drawn plate each, two of them for validation."""
    folder.mkdir()
    painter, rng = make_painter(read_plates_file(toy)), np.random.default_rng(1)
    rows = [columns]
    for number in range(6):
        plate = painter.random_plate(rng)
        image = np.full((160, 240, 3), 120, np.uint8)
        image[50:80, 40:160] = cv2.resize(plate.image, (120, 30), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / f"{number}.png"), image[..., ::-1])
        rows.append(f"{number}.png,{'val' if number < 2 else 'train'},{plate.text},40 50 160 80")
    (folder / "alpr_dataset.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def train_reader(toy: Path, run: Path, *options: object) -> int:
    arguments = ["maskocr", "--plates", toy, "--output", run, "--batch_size", 4, *SHORT, *options]
    return main([str(word) for word in arguments])


def test_a_reader_is_trained_exported_and_used_without_any_labelled_picture(toy, tmp_path, detector_path):
    assert train_reader(toy, tmp_path / "run", *READER) == 0
    metrics = load_checkpoint(tmp_path / "run" / "best.pt")["metrics"]
    assert set(metrics) == {"exact", "drawn_exact"}
    assert main(["export", str(tmp_path / "run"), "--output", str(tmp_path / "toy-reader")]) == 0
    config = load_reader(tmp_path / "toy-reader")[0].config
    assert (config.alphabet, config.max_length, config.colours) == ("ABCDEFX0123456789", 6, ("orange",))
    alpr = ALPR(detector_path, tmp_path / "toy-reader", device="cpu", backend="torch")
    data = read_data_folder(write_pictures(tmp_path / "data", toy))
    (plate,) = alpr.read_crops([read_picture(data.pictures[0].path)[50:80, 40:160]])
    assert plate.colour == "orange" and set(plate.text) <= set(config.alphabet)
    figures = evaluate(alpr, data)["scenes"]["micro"]
    assert figures["plates"] == 2 and not [name for name in figures if "province" in name]


def test_no_data_and_no_plates_is_wrong_use(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["maskocr", "--output", str(tmp_path / "run"), *SHORT])
    assert caught.value.code == 2
    assert "--dataset_path, or --plates" in capsys.readouterr().err


def test_rounds_over_no_labelled_pictures_are_refused(toy, tmp_path, capsys):
    assert train_reader(toy, tmp_path / "run", *READER, "--epochs", 3) == 1
    assert "there are none: use --samples" in capsys.readouterr().err


def test_labelled_pictures_are_trained_on_and_measured_when_there_are_any(toy, tmp_path):
    data = write_pictures(tmp_path / "data", toy)
    assert train_reader(toy, tmp_path / "run", *READER, "--dataset_path", data) == 0
    state = load_checkpoint(tmp_path / "run" / "best.pt")
    assert set(state["metrics"]) == {"exact", "scenes_exact"}
    assert state["description"]["real_plates"] == 4 and state["description"]["plates"] == "Toy"


@pytest.mark.parametrize(
    ("was", "wrong", "said"),
    [("A", "Z", "not in the alphabet"), (",40", "9,40", "longer than the 6 characters")],
)
def test_a_label_that_the_plates_cannot_be_is_named(was, wrong, said, toy, tmp_path, capsys):
    data = write_pictures(tmp_path / "data", toy)
    table = data / "alpr_dataset.csv"
    table.write_text(table.read_text().replace(was, wrong), encoding="utf-8")
    assert train_reader(toy, tmp_path / "run", *READER, "--dataset_path", data) == 1
    message = capsys.readouterr().err
    assert said in message and ".png" in message and message.count("\n") == 1


def test_a_detector_is_trained_on_pictures_labelled_by_csv_with_such_plates_pasted_in(toy, tmp_path):
    data = write_pictures(tmp_path / "data", toy)
    arguments = ["detector", "--plates", toy, "--dataset_path", data, "--output", tmp_path / "run", "--batch_size", 2]
    arguments += ["--crop_size", 96, "--long_side", 160, "--drawn_share", 1, *SHORT]
    assert main([str(word) for word in arguments]) == 0
    description = load_checkpoint(tmp_path / "run" / "last.pt")["description"]
    assert description["pictures"] == 4 and description["plates"] == "Toy"


def test_a_detector_is_trained_and_measured_on_drawn_cars_with_such_plates(toy, tmp_path, reader_path):
    folder, run, figures = tmp_path / "drawn", tmp_path / "run", tmp_path / "figures.json"
    draw = ["draw", "scenes", "--plates", toy, "--output", folder, "--count", 5, "--num_workers", 1]
    assert main([str(word) for word in draw]) == 0
    pictures = read_data_folder(folder).pictures
    plates = [plate for picture in pictures for plate in picture.plates]
    kind = read_plates_file(toy)
    assert len(pictures) == 5 and all(kind.issues(plate.text) and plate.colour == "orange" for plate in plates)
    shapes = []
    for plate in plates:
        top, side = plate.corners[1] - plate.corners[0], plate.corners[3] - plate.corners[0]
        shapes.append(np.linalg.norm(top) / np.linalg.norm(side))
    assert 3 < np.median(shapes) < 5  # 440 x 110 mm, seen from various angles
    arguments = ["detector", "--plates", toy, "--dataset_path", folder, "--output", run, "--batch_size", 2]
    assert main([str(word) for word in [*arguments, "--crop_size", 96, "--long_side", 160, *SHORT]]) == 0
    assert main(["export", str(run), "--output", str(tmp_path / "found"), "--last"]) == 0
    measure = ["test", folder, "--split", "all", "--json", figures, "--backend", "torch"]
    measure += ["--detector_model", tmp_path / "found", "--ocr_model", reader_path]
    assert main([str(word) for word in measure]) == 0
    assert json.loads(figures.read_text())["figures"]["scenes"]["micro"]["plates"] == len(plates)


def test_another_alphabet_gets_new_heads_and_keeps_the_rest():
    torch.manual_seed(0)
    shape = {"embed_dim": 16, "num_heads": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "stem_channels": (4, 8)}
    before = ReaderWithCTC(ReaderConfig(**shape))
    after = adapted_to_plates(before, ReaderConfig(alphabet="AB", max_length=5, colours=("white",)))
    assert (after.reader.config.alphabet, after.reader.config.embed_dim) == ("AB", 16)
    weights, kept = after.state_dict(), set()
    for name, value in before.state_dict().items():
        if weights[name].shape == value.shape and (weights[name] == value).all():
            kept.add(name)
    new = {name.rpartition(".")[0] or name for name in weights.keys() - kept}
    assert new == {"reader.characters", "reader.colour", "columns", "reader"}  # the last: reader.queries
    longer = adapted_to_plates(before, ReaderConfig(max_length=10))
    assert (longer.columns.weight == before.columns.weight).all() and longer.reader.queries.shape[1] == 10


def test_a_run_that_starts_from_other_plates_says_so(toy, tmp_path, reader_path, capsys):
    assert train_reader(toy, tmp_path / "run", "--start_from", reader_path) == 0
    assert (
        "made for other plates; all weights but the heads that spell Toy plates are loaded" in capsys.readouterr().err
    )
    assert train_reader(toy, tmp_path / "second", "--start_from", tmp_path / "run") == 0
    assert "other plates" not in capsys.readouterr().err


def test_a_reader_of_other_plates_is_not_trained_on_chinese_ones(toy, tmp_path, data_folder, capsys):
    assert train_reader(toy, tmp_path / "run", *READER) == 0
    arguments = ["maskocr", "--dataset_path", data_folder, "--output", tmp_path / "x", "--start_from", tmp_path / "run"]
    assert main([*map(str, arguments), *SHORT]) == 1
    assert "name them with --plates" in capsys.readouterr().err
