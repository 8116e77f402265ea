"""Makes the files in tests/fixtures/kept: what users have from this version of the program, small, and beside them, in
`recorded`, what the program makes of them.

    python -m tests.keep tests/fixtures/kept files       everything but the next two
    python -m tests.keep tests/fixtures/kept readings    what the shipped models read in the samples
    python -m tests.keep tests/fixtures/kept names       commands, options and exported names
    python -m tests.keep tests/fixtures/kept runs        what the kept runs come to when they go on

They stand for the files that people have by now. They must NOT be made anew when code is moved, renamed or rewritten: a
test that fails on them says that people's files do not work any more, and the code is what has to change. Nothing is
written over. Delete and make anew only what a change is meant to change:

    new shipped models                      `readings`
    other training samples                  `runs`, which replaces what is recorded of them and nothing else
    an option or a command more             nothing has to be done; `names` makes the tests watch over it too
    a new key or column in a file           add it by hand to recorded/keys.json
    files of a new format                   keep them beside the old ones, which have to be read as long as is promised
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import cv2
import numpy as np
import torch

import alpr_app
from alpr_app.data import ccpd
from alpr_app.data.camera_mode import CameraMode
from alpr_app.data.label_csv import COLUMNS, write_table, written
from alpr_app.data.run_folder import read_about, write_about
from alpr_app.networks.building import save_bundle
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.train.cli.main import main as train
from alpr_app.train.trainer.loop import Trainer
from alpr_app.viewer.app.settings import Settings, save_settings
from tests import kept
from tests.builders import TEXTS, toy_plate, write_scene

# Of 104 steps: after the first line of train.csv, which every 50th step writes, and before the second.
STOPPED_AFTER = 52
DETECTOR = DetectorConfig(
    long_side=128, stem_channels=(4, 8), stage_channels=(8, 16, 16), stage_blocks=(1, 1, 1), neck_channels=8
)
READER = ReaderConfig(
    stem_channels=(4, 8), embed_dim=16, num_heads=2, num_encoder_layers=1, num_decoder_layers=1, feedforward_ratio=2
)
TOYS = 60
TOY_RUN = """\
--dataset_path toys --drawn_share 0 --weight_decay 0 --start_lr 0.01 --ema 0.99 --validate_samples 4000
--num_workers 0 --threads 1 --precision fp32
"""
MODEL_RUNS = {
    "detector": "detector --output trained/detector --start_from begun/detector --crop_size 96 128 --samples 16000"
    " --batch_size 8",
    "reader": "maskocr --output trained/reader --start_from begun/reader --dropout 0 --aug_strength 0.2 --samples 16000"
    " --batch_size 16",
}
READER_RUN = """\
maskocr --dataset_path data --output maskocr_run --start_from models/reader --dropout 0.2 --aug_strength 1.5
--samples 208 --batch_size 2 --validate_samples 80 --validate_most 4 --cache_gb 0.5
--num_workers 0 --threads 1 --device cpu --precision fp32 --seed 3
"""
DETECTOR_CONFIG = """\
# Options of `python -m alpr_app.train detector`, one of each kind.
dataset_path = "data"
start_from = "models/detector"
samples = 208
batch_size = 2
accumulate = 2
start_lr = 1e-3
min_lr = 0.0001
plateau_thr = 30
weight_decay = 0.02
ema = 0.9
clip = 4
patience = 0
drawn_share = 0.25
num_workers = 0
threads = 1
device = "cpu"
precision = "fp32"
compile = false
reshape = false
seed = 7
validate_samples = 80
validate_most = 4
cache_gb = 0.5
checkpoint_minutes = 30.0
crop_size = [96, 128]
long_side = 128
stem_channels = [4, 8]
stage_channels = [8, 16, 16]
stage_blocks = [1, 1, 1]
wide_stages = [false, true, true]
neck_channels = 8
neck_repeats = 1
head_blocks = 1
separable = true
"""
PLATES = """\
# Two designs that use every key.
name = "Kept"
alphabet = "ABCDEFGHJK0123456789"
max_length = 7

[classes]
N = "123456789"
C = ["B", "HH", "GK"]

[[design]]
pattern = ["C*LL NDD", "C-LNDD"]
weight = 3
width = 520
height = 110
colour = "white"
background = ["#ecedea", "#f4f4f0"]
ink = "#101012"
rim = 3
rim_inset = 2
rim_colour = "#404040"
radius = 10
character_width = 44
character_height = 75
stroke = 10
spacing = 5
gap = 20
margin = 9
embossed = true
bolts = 0.5
frame = 0.3
end = "front"
band = { width = 40, side = "left", colour = "#003399", ink = "#ffffff", text = ["D", "F"], stars = true }

[[design]]
pattern = ["LL/NDDD"]
weight = 2
width = 290
height = 200
colour = "yellow"
background = "#f5c518"
character_width = 42
character_height = 66
stroke = 9
row_spacing = 14
top = 32
embossed = false
bolts = 0
frame = 1
end = "rear"
caption = [{ text = ["KEPT STATE", "STATE"], height = 12, top = 6, ink = "#202024" }]
"""
SETTINGS = Settings(
    theme="light",
    colour_blind=True,
    ui_scale=1.25,
    window=(1280, 800),
    place=(40, -20),
    maximised=True,
    browser_width=410.0,
    plates_width=277.5,
    show_browser=False,
    show_plates=False,
    show_tree=False,
    tree_height=222.0,
    show_boxes=False,
    show_corners=False,
    show_text=False,
    show_truth=False,
    keep_zoom=True,
    recursive=True,
    follow_cars=False,
    order="unsure",
    score=0.35,
    confidence=0.15,
    sure=0.9,
    slide_seconds=3.5,
    recent=("/data/停车场 1", "rtsp://127.0.0.1/gate"),
    keep_results="no",
    cameras={"Logitech C920": CameraMode(1920, 1080, 30.0, "MJPG")},
)


def _write_picture(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image[..., ::-1])[1].tobytes())


def make_data() -> None:
    """Six scenes with labels of every column, among them a plate-free one and one plate of two rows; four plates."""
    folder = Path("data", "scenes")
    rows = []
    for seed, text in enumerate(TEXTS[:6]):
        drawn = write_scene(folder, text, seed)
        known = ccpd.parse_name(drawn)
        path = drawn.replace(folder / f"scene{seed}.png")
        row = {"file": path.name, "split": "val" if seed < 2 else "train", "subset": "gate" if seed % 2 else ""}
        row |= {"text": text, "colour": "blue", "rows": "2" if seed == 5 else ""}
        rows.append(row | {"box": written(known.box), "corners": written(known.corners)})
    _write_picture(folder / "road.png", np.full((96, 128, 3), (90, 96, 99), np.uint8))
    rows.append(dict.fromkeys(COLUMNS, "") | {"file": "road.png", "split": "val"})
    write_table(folder / "alpr_dataset.csv", rows, (*COLUMNS, "rows"))
    rows = []
    for number, text in enumerate(TEXTS[4:]):
        _write_picture(Path("data", "plates", f"plate{number}.png"), toy_plate(text))
        rows.append({"file": f"plate{number}.png", "split": "train" if number else "val", "text": text})
    write_table(Path("data", "plates", "alpr_dataset.csv"), rows, ("file", "split", "text"))


def make_models() -> None:
    """A bundle of either kind, exported from a training of minutes: small, but they find and read toy plates surely."""
    models = Path("models").absolute()
    with TemporaryDirectory() as place, chdir(place):
        rows = []
        for number in range(TOYS):
            size = (192, 256) if number % 2 else (120, 160)
            path = write_scene(Path("toys", "scenes"), TEXTS[number % len(TEXTS)], 100 + number, size)
            rows.append({"file": path.name, "split": "val" if number % 5 == 0 else "train"})
        write_table(Path("toys", "scenes.csv"), rows, ("file", "split"))
        figures = {"scenes": {"micro": {"plates": 12, "recall_70": 1.0}}, "crops": {"all": {"exact": 0.75}}}
        Path("scores.json").write_text(json.dumps({"split": "val", "figures": figures}), encoding="utf-8")
        torch.manual_seed(1)
        for name, network in (("detector", Detector(DETECTOR)), ("reader", Reader(READER))):
            save_bundle(f"begun/{name}", network, {}, "")
            if train([*MODEL_RUNS[name].split(), *TOY_RUN.split()]) or train(
                ["export", f"trained/{name}", "--last", "--output", str(models / name), "--scores", "scores.json"]
            ):
                raise RuntimeError(f"the {name} was not trained")


def begin_run(run: str, line: list[str]) -> None:
    """A training that was stopped by Ctrl-C in the middle."""
    train_step = Trainer.train_step

    def interrupted(self: Trainer, parts: list) -> dict[str, float]:
        if self.step == STOPPED_AFTER - 1:
            signal.raise_signal(signal.SIGINT)
        return train_step(self, parts)

    with mock.patch.object(Trainer, "train_step", interrupted):
        status = train(line)
    if status != 130:
        raise RuntimeError(f"{run} was not stopped but ended with status {status}")
    for name in ("report.md", "curves.png", "mistakes.png"):
        Path(run, name).unlink(missing_ok=True)
    about, trouble = read_about(Path(run))
    if about is None:
        raise RuntimeError(trouble)
    # Where it was made is nobody's business.
    write_about(Path(run), replace(about, place="/home/me"))


def begin_labels() -> None:
    """A folder that `label` was about to label when it was stopped, after two of three pictures."""
    folder = Path("unlabelled")
    for seed in (11, 12, 13):
        write_scene(folder, TEXTS[seed % len(TEXTS)], seed).replace(folder / f"street{seed}.png")
    kept.label_two(folder)


def make_files() -> None:
    """All of them, into the current folder."""
    make_data()
    make_models()
    Path("detector.toml").write_text(DETECTOR_CONFIG, encoding="utf-8")
    Path("plates.toml").write_text(PLATES, encoding="utf-8")
    begin_run("detector_run", kept.DETECTOR_RUN)
    begin_run("maskocr_run", READER_RUN.split())
    begin_labels()
    said = save_settings(Path("viewer.json"), SETTINGS)
    left = [name for name, value in asdict(SETTINGS).items() if value == asdict(Settings())[name]]
    if said or left:
        raise RuntimeError(said or f"settings that are as by default keep nothing: {', '.join(left)}")


@contextmanager
def copied(folder: Path) -> Iterator[None]:
    """In a copy of `folder`, as long as this lasts."""
    with TemporaryDirectory() as place:
        copy = shutil.copytree(folder, Path(place, "kept"))
        with chdir(copy):
            yield


def record(folder: Path, name: str, content: object) -> None:
    path = folder / "recorded" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise FileExistsError(f"{path}: nothing is written over; read what stands at the beginning of tests/keep.py")
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def keep_files(folder: Path) -> None:
    if (folder / "models").exists():
        raise FileExistsError(f"{folder}: nothing is written over; read what stands at the beginning of tests/keep.py")
    folder.mkdir(parents=True, exist_ok=True)
    with chdir(folder):
        make_files()
    with copied(folder):
        meanings, keys = kept.observe()
    record(folder, "meanings", meanings)
    record(folder, "keys", keys)


def keep_readings(folder: Path) -> None:
    record(folder, "readings", kept.readings("torch"))


def keep_names(folder: Path) -> None:
    record(folder, "names", {"alpr_app": sorted(alpr_app.__all__), "commands": kept.command_lines()})


def keep_runs(folder: Path) -> None:
    """Samples are augmented and drawn otherwise: a run that goes on sees them from then on."""
    with copied(folder):
        found, _ = kept.observe()
    path = folder / "recorded" / "meanings.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))
    # What the bundles in a run's folder compute is part of what it came to.
    runs = {name for name in recorded if name.split("/")[0] in kept.RUNS}
    changed = {name: found[name] if name in runs else value for name, value in recorded.items()}
    path.write_text(json.dumps(changed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


PARTS = {"files": keep_files, "readings": keep_readings, "names": keep_names, "runs": keep_runs}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.keep", description="Make the files in tests/fixtures/kept.")
    parser.add_argument("folder", type=Path, help="tests/fixtures/kept")
    parser.add_argument("part", choices=PARTS, help="what of them; `files` is all that the other two are not")
    args = parser.parse_args()
    try:
        PARTS[args.part](args.folder.absolute())
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
