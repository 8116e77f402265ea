"""What the program makes of the files in tests/fixtures/kept, of its own samples, and of its command lines, in the form
in which it is recorded beside them: `tests.keep` writes it down, the tests compare.

What is said of files is said of those in the current folder, which is to be a copy: commands write into it.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import torch

import alpr_app
from alpr_app.cli.main import main as alpr
from alpr_app.data import assets
from alpr_app.data.images import read_picture
from alpr_app.data.run_folder import read_about
from alpr_app.networks.bundle import load_bundle
from alpr_app.networks.layers import from_pixels
from alpr_app.train.cli.main import main as train
from alpr_app.train.datasets.labelling import label_pictures
from alpr_app.train.trainer.checkpoint import load_checkpoint
from alpr_app.viewer.app.arguments import parse as viewer
from alpr_app.viewer.app.settings import Settings, save_settings
from tests.builders import TEXTS, write_scene
from tests.places import FIXTURES

KEPT = FIXTURES / "kept"
RECORDED = KEPT / "recorded"
RUNS = ("detector_run", "maskocr_run")
BUNDLES = ("models/detector", "models/reader", *(f"{run}/newest" for run in RUNS))
MODELS = ["--detector_model", "models/detector", "--ocr_model", "models/reader", "--backend", "torch"]
MODELS += ["--threads", "1"]
SCENE = "data/scenes/scene0.png"
VIDEO = FIXTURES / "films" / "film.mp4"
DETECTOR_RUN = ["detector", "--config", "detector.toml", "--output", "detector_run"]
LABEL = ["label", "unlabelled", "--confidence", "0.5", "--split", "val", "--keep_doubtful", *MODELS]
# Columns of train.csv that tell of the machine.
TIMED = ("samples_per_s", "waiting_share", "memory_gb")
# Of an output's numbers, so many are recorded.
MOST_NUMBERS = 24


def recorded(name: str) -> Any:
    """What was written down under this name."""
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """All that nested objects and lists hold, by its path."""
    if isinstance(value, dict):
        items = [(f"{path}.{key}".removeprefix("."), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        items = [(f"{path}[{place}]", item) for place, item in enumerate(value)]
    else:
        return {path: value}
    return {key: leaf for place, item in items for key, leaf in _leaves(item, place).items()}


def differences(found: Any, wanted: Any, share: float = 0.0, least: float = 0.0) -> dict[str, tuple[Any, Any]]:
    """What is otherwise in `found`, by its path: what it is and what was wanted. Numbers may differ by `least`, those
    with a fraction by the `share` of what was wanted, too."""
    pair = _leaves(found), _leaves(wanted)
    both = {path: tuple(leaves.get(path, "nothing") for leaves in pair) for path in {**pair[0], **pair[1]}}
    return {path: values for path, values in both.items() if not _is_same(*values, share, least)}


def _is_same(found: Any, wanted: Any, share: float, least: float) -> bool:
    if type(found) is not type(wanted) or not isinstance(wanted, int | float) or isinstance(wanted, bool):
        return type(found) is type(wanted) and found == wanted
    return abs(found - wanted) <= max(least, share * abs(wanted) if isinstance(wanted, float) else 0)


def keys_of(value: Any, path: str = "") -> list[str]:
    """The path of every key in nested objects; what a list holds is taken together."""
    if isinstance(value, list | tuple):
        found = {key for item in value for key in keys_of(item, f"{path}[]")}
    elif isinstance(value, dict):
        names = {f"{path}.{key}".removeprefix("."): item for key, item in value.items()}
        found = {*names, *(key for name, item in names.items() for key in keys_of(item, name))}
    else:
        found = set()
    return sorted(found)


def done(status: int, *allowed: int) -> None:
    """Raises RuntimeError for a command that has failed."""
    if status not in (0, *allowed):
        raise RuntimeError(f"a command failed with status {status}")


def resume(run: str, line: Sequence[str] = ()) -> None:
    """Go on with a run by `line`, or else by the command that it says it was begun with."""
    about, trouble = read_about(Path(run))
    if about is None:
        raise RuntimeError(trouble)
    done(train([*(line or about.arguments), "--resume"]))


def observe() -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What the kept files mean, and the keys and columns of all files that the program writes; both by name."""
    begun = {bundle: outputs(bundle) for bundle in BUNDLES}
    resume("detector_run", DETECTOR_RUN)
    resume("maskocr_run")
    meanings = {
        **begun,
        **{run: _end_of(run) for run in RUNS},
        **_reading(),
        "plates.toml": _drawn(),
        "unlabelled": _labelled(),
    }
    return meanings, written_keys()


def columns(path: str | Path) -> list[str]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def rows(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _json(path: str | Path) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def written_keys() -> dict[str, list[str]]:
    """The keys and columns of every file that the program writes, newly written. The runs must have been resumed."""
    return {**_keys_of_runs(), **_keys_of_results(), **_keys_of_measurements(), **_columns_of_labels(), **_settings()}


def _keys_of_runs() -> dict[str, list[str]]:
    found = {}
    for run in RUNS:
        for name in ("run.json", "newest.json"):
            found[f"{run}/{name}"] = keys_of(_json(f"{run}/{name}"))
        for name in ("last.pt", "best.pt"):
            state = load_checkpoint(Path(run, name))
            described = {name: value if name in ("description", "metrics") else None for name, value in state.items()}
            found[f"{run}/{name}"] = keys_of(described)
        for name in ("train.csv", "val.csv"):
            found[f"{run}/{name}"] = columns(f"{run}/{name}")
        done(train(["export", run, "--output", f"exported/{run}"]))
        found[f"export of {run}"] = keys_of(_json(f"exported/{run}.json"))
    return found


def _keys_of_results() -> dict[str, list[str]]:
    """Of `alpr read`."""
    Path("broken.png").write_bytes(Path(SCENE).read_bytes()[:100])
    video = [str(VIDEO), "--frames", "3"]
    done(alpr(["read", SCENE, "broken.png", *video, "--out", "read.jsonl", *MODELS]), 1)
    done(alpr(["read", *video, "--track", "--out", "track.jsonl", *MODELS]))
    done(alpr(["read", SCENE, "--out", "read.csv", *MODELS]))
    picture, broken, *frames = _lines("read.jsonl")
    return {
        "alpr read: a picture": keys_of(picture),
        "alpr read: a broken picture": keys_of(broken),
        "alpr read: a film": keys_of(frames),
        "alpr read --track": keys_of(_lines("track.jsonl")),
        "alpr read: CSV": columns("read.csv"),
    }


def _keys_of_measurements() -> dict[str, list[str]]:
    done(alpr(["eval", "data", "--json", "eval.json", *MODELS]))
    done(alpr(["bench", "--image", SCENE, "--frames", "2", "--json", "bench.json", *MODELS]))
    return {name: keys_of(_json(f"{name}.json")) for name in ("eval", "bench")}


def _columns_of_labels() -> dict[str, list[str]]:
    """Of alpr_dataset.csv as each command writes it, and of what `label` notes until it is through."""
    base = Path("ccpd", "ccpd_base")
    for seed, text in enumerate(TEXTS[:2]):
        write_scene(base, text, seed, (120, 160))
    done(train(["create_dataset", "--dataset_path", "ccpd"]))
    done(train(["extract_plates", "--ccpd_dir", "ccpd", "--num_workers", "1"]))
    draw_plates("drawn")
    for name in ("street11.png", "street12.png", "street13.png"):
        Path("again").mkdir(exist_ok=True)
        shutil.copy(Path("unlabelled", name), "again")
    label_two(Path("again"))
    progress = Path("again", "alpr_dataset.csv.progress").read_text(encoding="utf-8").splitlines()
    return {
        "create_dataset": columns(base / "alpr_dataset.csv"),
        "extract_plates": columns(Path("ccpd", "plates_base_48", "alpr_dataset.csv")),
        "draw plates": columns(Path("drawn", "alpr_dataset.csv")),
        "label": columns(Path("again", "alpr_dataset.csv")),
        "label: progress": keys_of([json.loads(line) for line in progress]),
    }


def label_two(folder: Path) -> None:
    """Two pictures of those in `folder` are labelled; then somebody presses Ctrl-C."""

    def two(paths: Sequence[Path]) -> Iterator[Path]:
        yield from paths[:2]
        raise KeyboardInterrupt

    models = alpr_app.ALPR("models/detector", "models/reader", device="cpu", backend="torch", threads=1)
    with suppress(KeyboardInterrupt):
        label_pictures(models, folder, 0.5, "val", True, two)


def _settings() -> dict[str, list[str]]:
    said = save_settings(Path("written", "viewer.json"), Settings())
    if said:
        raise RuntimeError(said)
    return {"viewer.json": keys_of(_json("written/viewer.json"))}


def outputs(bundle: str) -> list[list[float]]:
    """Numbers out of each output of a bundle's network for a fixed picture."""
    network, info = load_bundle(None, bundle)
    size = (64, 64) if info.kind == "detector" else (48, 192)
    picture = np.random.default_rng(5).integers(0, 256, (1, 6, 8, 3), np.uint8)[0]
    image = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_NEAREST)
    with torch.inference_mode():
        found = network(from_pixels(torch.from_numpy(image)[None]))
    parts = found if isinstance(found, tuple | list) else [found]
    return [[round(float(value), 5) for value in part.flatten()[:: _step(part.numel())]] for part in parts]


def _step(count: int) -> int:
    # Odd, so that it does not always meet the same channels.
    return max(1, count // MOST_NUMBERS) | 1


def _end_of(run: str) -> dict[str, Any]:
    """The last step and the last losses. What validation finds is left out: it is shares of a handful of plates, of
    which one may be read otherwise on another processor."""
    losses = {name: float(value) for name, value in rows(f"{run}/train.csv")[-1].items() if name not in TIMED}
    steps = [int(row["step"]) for row in rows(f"{run}/val.csv")]
    step = load_checkpoint(Path(run, "last.pt"))["step"]
    return {"step": step, "validated": steps, "train.csv": losses, "newest": outputs(f"{run}/newest")}


def _reading() -> dict[str, list[dict[str, Any]]]:
    """What the kept models read in a scene, and where."""
    done(alpr(["read", SCENE, "--out", "meaning.jsonl", *MODELS]))
    plates = _lines("meaning.jsonl")[0]["plates"]
    places = [{name: plate.pop(name) for name in ("box", "corners")} for plate in plates]
    return {"models: readings": plates, "models: places": places}


def draw_plates(folder: str) -> None:
    line = ["draw", "plates", "--plates", "plates.toml", "--count", "6", "--aug_strength", "0"]
    done(train([*line, "--output", folder, "--num_workers", "1"]))


def _drawn() -> list[dict[str, Any]]:
    """Text and colour of plates that are drawn by the file, and what they look like from afar, 0 to 255."""
    draw_plates("drawn_again")
    found = []
    for row in rows("drawn_again/alpr_dataset.csv"):
        picture = cv2.resize(read_picture(Path("drawn_again", row["file"])), (6, 2), interpolation=cv2.INTER_AREA)
        found.append({"text": row["text"], "colour": row.get("colour"), "pixels": picture.tolist()})
    return found


def _labelled() -> list[dict[str, Any]]:
    """The table after `label` has gone on to its end."""
    done(train(LABEL))
    if Path("unlabelled", "alpr_dataset.csv.progress").exists():
        raise RuntimeError("label did not come to its end")
    found = rows("unlabelled/alpr_dataset.csv")
    return [{**row, "corners": [float(value) for value in row["corners"].split()]} for row in found]


def readings(backend: str) -> dict[str, list[dict[str, Any]]]:
    """What the shipped models read in the shipped samples, by the picture's name."""
    models = alpr_app.ALPR(device="cpu", backend=backend, threads=1)
    paths = sorted(assets.SAMPLES.glob("*.jpg"))
    names = ("text", "colour", "fits_format", "confidence", "score", "box", "corners")
    plates = {path.name: [plate.to_dict() for plate in models.read(read_picture(path))] for path in paths}
    return {file: [{name: plate[name] for name in names} for plate in found] for file, found in plates.items()}


class _Caught(Exception):
    """Holds a parser that was about to read a command line."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def _parser_of(enter: Callable[[list[str]], object], line: list[str]) -> argparse.ArgumentParser:
    """The parser that a program reads `line` with, wherever it is made."""

    def catch(parser: argparse.ArgumentParser, *_: object) -> None:
        raise _Caught(parser)

    with mock.patch.object(argparse.ArgumentParser, "parse_args", catch):
        try:
            enter(line)
        except _Caught as caught:
            return caught.parser
    raise RuntimeError("the program reads no command line")


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    choices = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(choices[0])


def _options(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Every way to write an option, with the values that may be chosen. What has no name is counted."""
    actions = [action for action in parser._actions if not isinstance(action, argparse._SubParsersAction)]
    counted = [action for action in actions if not action.option_strings]
    found = {f"argument {place}": action for place, action in enumerate(counted, start=1)}
    found |= {name: action for action in actions for name in action.option_strings}
    return {name: sorted(map(str, action.choices or ())) for name, action in sorted(found.items())}


def _lines_of_commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for command in _commands(_parser_of(alpr, [])):
        # Only the parser of the command that is called has its options.
        yield f"alpr {command}", _commands(_parser_of(alpr, [command]))[command]
    for command, parser in _commands(_parser_of(train, [])).items():
        yield f"python -m alpr_app.train {command}", parser
    yield "alpr_viewer.py", _parser_of(viewer, [])


def command_lines() -> dict[str, dict[str, list[str]]]:
    """Options of every command of every program, with the values to choose from."""
    return {name: _options(parser) for name, parser in _lines_of_commands()}
