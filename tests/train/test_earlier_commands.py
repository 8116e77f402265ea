"""The command lines of the earlier system, as its users know them."""

import shutil
import sys

import pytest
from builders import write_data

from alpr_app.data.label_csv import read_rows
from alpr_app.networks.bundle import load_detector, load_reader
from alpr_app.train.cli.main import main
from alpr_app.train.trainer.checkpoint import load_checkpoint

# Options that make the same runs short.
SHORT = ["--threads", "1", "--num_workers", "0", "--validate_samples", "8"]
SMALL_DETECTOR = ["--crop_size", "96", "--long_side", "160"]
SMALL_READER = ["--embed_dim", "32", "--num_heads", "2", "--num_encoder_layers", "1", "--num_decoder_layers", "1"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder, without any tracker installed."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("tensorboard", "torch.utils.tensorboard", "wandb"):
        monkeypatch.setitem(sys.modules, name, None)
    return folder


@pytest.fixture
def ccpd(tmp_path):
    """A tiny CCPD2019: four of its folders."""
    scenes = sorted((write_data(tmp_path / "data") / "scenes").iterdir())
    for name in ("base", "weather", "blur", "challenge"):
        shutil.copytree(scenes[0].parent, tmp_path / "CCPD2019" / f"ccpd_{name}")
    return tmp_path / "CCPD2019"


def test_the_detector_is_trained_in_a_folder_of_its_own(here, data_folder, capsys):
    line = "detector --batch_size 128 --end_epoch 300 --min_lr 1e-5 --start_lr 1e-2 --wandb --num_workers 4"
    line = [*line.split(), "--dataset_path", str(data_folder)]
    # Unchanged except for options that make it short.
    assert main([*line, *SMALL_DETECTOR, *SHORT, "--batch_size", "2", "--end_epoch", "1"]) == 0
    assert "alpr_app.train: the run is in runs/detector\n" in capsys.readouterr().err
    assert main([*line, *SMALL_DETECTOR, *SHORT, "--batch_size", "2", "--end_epoch", "2"]) == 0
    assert "alpr_app.train: the run is in runs/detector-2\n" in capsys.readouterr().err
    steps = [load_checkpoint(here / "runs" / name / "last.pt")["step"] for name in ("detector", "detector-2")]
    assert steps == [3, 6]
    load_detector(here / "runs" / "detector" / "newest")
    # Its arguments name its folder, so that it can be resumed.
    assert "--output detector" in (here / "runs" / "detector" / "command.txt").read_text()


def test_the_reader_is_trained_in_a_folder_of_its_own(here, data_folder, capsys):
    line = "--batch_size 1024 --img_height 48 --img_width 192 --start_lr 0.001 --aug_strength 2.0 --plateau_thr 2000"
    line = ["maskocr", "--dataset_path", str(data_folder), *line.split()]
    assert main([*line, *SMALL_READER, *SHORT, "--samples", "8", "--batch_size", "4"]) == 0
    assert "alpr_app.train: the run is in runs/maskocr\n" in capsys.readouterr().err
    load_reader(here / "runs" / "maskocr" / "newest")


def test_a_run_that_is_to_go_on_must_be_named(here, data_folder, capsys):
    assert main(["detector", "--dataset_path", str(data_folder), "--resume"]) == 1
    assert "--resume: name the run to continue: --output DIR" in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_a_folder_for_runs_that_cannot_be_made_is_named(here, data_folder, capsys):
    (here / "runs").write_text("a file")
    assert main(["detector", "--dataset_path", str(data_folder), *SMALL_DETECTOR, *SHORT]) == 1
    message = capsys.readouterr().err
    assert "runs" in message and "cannot be made" in message and "--output DIR" in message
    assert (here / "runs").read_text() == "a file"


def test_plates_are_cut_out_of_folders_by_their_whole_names(ccpd, tmp_path):
    names = ["ccpd_base", "ccpd_weather", "ccpd_blur"]
    assert main(["extract_plates", "--ccpd_dir", str(ccpd), "--categories", *names, "--num_workers", "4"]) == 0
    assert {path.name for path in ccpd.glob("plates_*")} == {"plates_base_48", "plates_weather_48", "plates_blur_48"}


def test_a_folder_named_twice_is_cut_out_once_and_an_unknown_one_is_named(ccpd, capsys):
    line = ["extract_plates", "--ccpd_dir", str(ccpd), "--num_workers", "1", "--categories"]
    assert main([*line, "base", "ccpd_base"]) == 0
    assert capsys.readouterr().out.count("plates_base_48") == 1
    assert main([*line, "ccpd_fog"]) == 1
    assert "holds no ccpd_fog; it holds base, blur, challenge, weather" in capsys.readouterr().err


def test_a_reader_is_measured_without_naming_pictures(here, reader_path, capsys):
    config = reader_path.with_suffix(".json")
    assert main(["test", "--model_path", str(reader_path), "--model_config", str(config)]) == 0
    said = capsys.readouterr()
    assert "found and read" in said.out or "end_to_end" in said.out
    assert "measured on the sample scenes that come with the program" in said.err


def test_folders_are_split_as_the_earlier_system_did(ccpd):
    assert main(["create_dataset", "--dataset_path", str(ccpd), "--split", "seed"]) == 0
    tables = {folder.name: read_rows(folder / "alpr_dataset.csv", ("split",)) for folder in ccpd.iterdir()}
    splits = {name: {row["split"] for row in rows} for name, rows in tables.items()}
    expected = {"ccpd_base": "train", "ccpd_weather": "val", "ccpd_blur": "test", "ccpd_challenge": "test"}
    assert splits == {name: {split} for name, split in expected.items()}


def test_a_run_that_cannot_begin_leaves_no_folder(here, tmp_path, capsys):
    assert main(["detector", "--dataset_path", str(tmp_path / "none"), *SMALL_DETECTOR, *SHORT]) == 1
    assert "none: no such folder" in capsys.readouterr().err
    assert not any((here / "runs").iterdir())
