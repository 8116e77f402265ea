"""What users have on their disks still loads, goes on and means the same. How the files were made, and when they may be
made anew: see tests/keep.py."""

from __future__ import annotations

import csv
import json
import shutil
from contextlib import chdir
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from alpr_app.data.labels import read_data_folder
from alpr_app.data.run_folder import read_about, read_curves, read_newest
from alpr_app.networks.bundle import load_bundle
from alpr_app.train.cli.main import main as train
from alpr_app.viewer.app.settings import Settings, load_settings
from tests import keep, kept

KEYS, MEANINGS = kept.recorded("keys"), kept.recorded("meanings")
# Share and least difference that another processor may make. Rounding adds up in the steps of a training; a drawn
# plate, of 0 to 255, may have another pixel at an edge.
TOLERANCES = {
    **dict.fromkeys(kept.RUNS, (0.02, 0.005)),
    **dict.fromkeys(kept.BUNDLES, (1e-3, 1e-3)),
    "models: readings": (0, 1e-3),
    "models: places": (0, 0.5),
    "plates.toml": (0, 4),
    "unlabelled": (0, 0.5),
}


class Found(NamedTuple):
    """folder: a copy of all kept files, whose runs have gone on to their ends."""

    folder: Path
    meanings: dict[str, Any]
    keys: dict[str, list[str]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = shutil.copytree(kept.KEPT, tmp_path_factory.mktemp("copy") / "kept")
    threads = torch.get_num_threads()
    with chdir(folder):
        meanings, keys = kept.observe()
    torch.set_num_threads(threads)
    return Found(folder, meanings, keys)


@pytest.mark.parametrize("name", MEANINGS)
def test_a_kept_file_means_what_it_meant(found, name):
    assert kept.differences(found.meanings[name], MEANINGS[name], *TOLERANCES[name]) == {}


def test_every_meaning_is_recorded(found):
    assert list(found.meanings) == list(MEANINGS)


@pytest.mark.parametrize("name", KEYS)
def test_a_file_has_the_keys_and_columns_that_it_had(found, name):
    keys = found.keys[name]
    if name == "viewer.json":
        # Settings may be added: older programs ignore those that they do not know.
        keys = [key for key in keys if key in KEYS[name]]
    assert keys == KEYS[name]


def test_the_keys_of_every_file_are_recorded(found):
    assert list(found.keys) == list(KEYS)


@pytest.mark.parametrize("run", kept.RUNS)
def test_a_kept_run_goes_on_as_what_it_was_begun(found, run):
    """Its options, as the command line or the --config file gave them, come to the same today."""
    begun, ended = (json.loads((folder / run / "run.json").read_text("utf-8")) for folder in (kept.KEPT, found.folder))
    assert ended.pop("place") == str(found.folder) and begun.pop("place")
    assert ended.pop("arguments") == [*begun.pop("arguments"), "--resume"]
    assert ended == begun


@pytest.mark.parametrize("run", kept.RUNS)
@pytest.mark.parametrize("table", ["train.csv", "val.csv"])
def test_a_run_that_goes_on_fills_every_column_of_its_table(found, run, table):
    before, after = (kept.rows(folder / run / table) for folder in (kept.KEPT, found.folder))
    assert len(after) > len(before) and after[: len(before)] == before
    # How much memory a process takes is not told everywhere.
    assert all(value for row in after for name, value in row.items() if name != "memory_gb")


@pytest.mark.parametrize("run", kept.RUNS)
def test_what_looks_into_a_kept_run_has_nothing_to_complain_of(run):
    folder = kept.KEPT / run
    about, trouble = read_about(folder)
    assert about is not None and not trouble
    curves = {name: read_curves(folder / name) for name in ("train.csv", "val.csv")}
    assert not any(found.trouble for found in curves.values())
    assert about.judged_by in curves["val.csv"].columns
    newest, trouble = read_newest(folder)
    assert newest is not None and (newest.kind, newest.samples, trouble) == (about.kind, 80, "")


@pytest.mark.parametrize("run", kept.RUNS)
@pytest.mark.parametrize("choice", [[], ["--last"]], ids=["best.pt", "last.pt"])
def test_a_kept_checkpoint_is_exported(tmp_path, run, choice):
    assert train(["export", str(kept.KEPT / run), "--output", str(tmp_path / "model"), *choice]) == 0
    network, info = load_bundle(None, tmp_path / "model")
    assert info.scores["training"]["samples_seen"] == (104 if choice else 80)
    assert all(torch.isfinite(weights).all() for weights in network.state_dict().values())


@pytest.mark.parametrize("bundle", kept.BUNDLES)
def test_all_that_a_kept_bundle_says_of_itself_is_known(bundle):
    said = json.loads((kept.KEPT / f"{bundle}.json").read_text(encoding="utf-8"))
    network, info = load_bundle(None, kept.KEPT / bundle)
    assert json.loads(json.dumps(asdict(network.config))) == said["config"]
    assert (info.kind, info.scores, info.command) == (said["kind"], said["scores"], said["command"])


def test_labels_are_understood_in_every_column():
    folder = kept.KEPT / "data" / "scenes"
    rows = {row["file"]: row for row in kept.rows(folder / "alpr_dataset.csv") if row["text"]}
    data = read_data_folder(kept.KEPT / "data")
    assert len(data.pictures) == len(rows) and [picture.path.name for picture in data.negatives] == ["road.png"]
    for picture in data.pictures:
        (plate,), row = picture.plates, rows[picture.path.name]
        assert (plate.text, plate.colour, plate.rows) == (row["text"], row["colour"], int(row["rows"] or 1))
        assert (picture.split, picture.subset) == (row["split"], row["subset"] or "scenes")
        assert plate.corners.ravel().tolist() == [float(number) for number in row["corners"].split()]
    crops = [(crop.path.name, crop.text, crop.split) for crop in data.crops]
    with (kept.KEPT / "data" / "plates" / "alpr_dataset.csv").open(encoding="utf-8", newline="") as file:
        assert crops == [(row["file"], row["text"], row["split"]) for row in csv.DictReader(file)]


def test_labelling_goes_on_behind_what_had_been_labelled(found):
    table = Path("unlabelled", "alpr_dataset.csv")
    before, after = (kept.rows(folder / table) for folder in (kept.KEPT, found.folder))
    assert after[: len(before)] == before and len({row["file"] for row in after}) == 3


def test_every_setting_is_remembered():
    content = json.loads((kept.KEPT / "viewer.json").read_text(encoding="utf-8"))
    settings, said = load_settings(kept.KEPT / "viewer.json")
    assert said == ""
    remembered, default = (json.loads(json.dumps(asdict(each))) for each in (settings, Settings()))
    # Settings that came later have their defaults.
    assert remembered == default | content
    # Otherwise a setting that is forgotten would not be missed.
    assert not [name for name, value in content.items() if value == default[name]]


@pytest.mark.parametrize("part", sorted(set(keep.PARTS) - {"runs"}))
def test_kept_files_are_not_written_over(monkeypatch, part):
    monkeypatch.setattr(kept, "readings", lambda backend: {})
    with pytest.raises(FileExistsError, match="nothing is written over"):
        keep.PARTS[part](kept.KEPT)
