"""The folder of a training run: its description, figures and newest model. Training writes it; the report and the
desktop program read it.

    run.json            what is trained and with which options, see `About`
    command.txt         the command without the folders of its files, as stored in bundles
    train.csv, val.csv  losses and speed every few steps; results of validation
    newest.*            the newest averaged weights as a model bundle
    curves.png, mistakes.png, report.md
    stop                asks a run to save a checkpoint and to end; the run deletes it
    log.txt             what a run that the desktop program has started prints
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.bounded_parsing import ContentError, read_json, without_nan

TRAIN, VAL = "train.csv", "val.csv"
ABOUT, COMMAND = "run.json", "command.txt"
NEWEST = "newest.safetensors"
CURVES, MISTAKES, REPORT = "curves.png", "mistakes.png", "report.md"
STOP, LOG = "stop", "log.txt"
# Larger than any number of steps, weights or samples, and the largest exact integer of a float.
MAXIMUM_COUNTED = 2**53
# Columns of train.csv other than losses.
NO_LOSSES = ("step", "learning_rate", "gradient", "samples_per_s", "waiting_share", "memory_gb")


def is_run(folder: Path) -> bool:
    """Whether `folder` holds a run."""
    return any((folder / name).is_file() for name in (ABOUT, COMMAND))


def request_stop(folder: Path) -> None:
    """Ask the run in `folder` to save a checkpoint and to end after its present step. Raises OSError."""
    (folder / STOP).touch()


def stop_requested(folder: Path) -> bool:
    """Whether the run in `folder` has been asked to end and has not done so yet."""
    return (folder / STOP).exists()


def forget_stop(folder: Path) -> None:
    """Take the request back, or remove it once the run has ended. Raises OSError."""
    (folder / STOP).unlink(missing_ok=True)


@dataclass(frozen=True, eq=False)
class Curves:
    """The figures of a CSV file.

    Attributes:
        columns: Arrays (N,) float64 by name, including the increasing `step`; NaN where a row has no such figure; empty
            while nothing has been written.
        trouble: What is wrong with the file, in one line. Unreadable rows are left out.
    """

    columns: dict[str, np.ndarray] = field(default_factory=dict)
    trouble: str = ""

    def __bool__(self) -> bool:
        return bool(self.columns)

    def last(self, name: str) -> float | None:
        """Return the figure in the last row, NaN if it has none; None if there is no such column."""
        return float(self.columns[name][-1]) if name in self.columns else None


def read_curves(path: Path) -> Curves:
    """Read train.csv or val.csv, also while a run appends to it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Curves()
    except OSError as error:
        return Curves({}, f"{path}: cannot be read: {reason(error)}")
    except UnicodeDecodeError:
        return Curves({}, f"{path}: this is not a table of a run")
    # A last line without its line end is just being written.
    lines = text[: text.rfind("\n") + 1].splitlines()
    if not lines:
        return Curves()
    names = lines[0].split(",")
    if "step" not in names:
        return Curves({}, f"{path}: this is not a table of a run; its first line has no column 'step'")
    place = names.index("step")
    rows = [row for line in lines[1:] if len(row := _numbers(line)) == len(names) and np.isfinite(row[place])]
    lost = len(lines) - 1 - len(rows)
    trouble = f"{path}: {lost} of {len(lines) - 1} lines are damaged and left out" if lost else ""
    table = np.array(rows, np.float64).reshape(-1, len(names))
    steps = table[:, place]
    # A run resumed from an earlier step repeats some steps: the later rows count.
    after = np.append(np.fmin.accumulate(steps[::-1])[::-1][1:], np.inf)
    table = table[steps < after]
    return Curves(dict(zip(names, table.T, strict=True)) if len(table) else {}, trouble)


def _numbers(line: str) -> list[float]:
    """Parse a line, with NaN for empty cells; an empty list if any other cell is not a number."""
    try:
        return [float(cell or "nan") for cell in line.split(",")]
    except ValueError:
        return []


@dataclass(frozen=True)
class About:
    """The description of a run, as it was started. The names are keys of run.json.

    Attributes:
        kind: detector, reader or masked.
        steps: Steps of the whole run.
        batch_size: Samples per step.
        judged_by: The column of val.csv by which the best checkpoint is chosen.
        parameters: Number of trained weights.
        options, config: Options of the run and configuration of the network.
        data: What it is trained on.
        arguments: Arguments of the command as given, in the folder `place`.
    """

    kind: str = ""
    steps: int = 0
    batch_size: int = 0
    judged_by: str = ""
    parameters: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    place: str = ""


def write_about(folder: Path, about: About) -> None:
    """Write run.json. Raises OSError."""
    text = json.dumps(without_nan(asdict(about)), ensure_ascii=False, indent=1, default=str)
    write_atomically(folder / ABOUT, (text + "\n").encode())


def _read_json(path: Path) -> tuple[dict[str, Any], str]:
    """Return the object in a JSON file and what is wrong with it; both empty if there is no such file."""
    try:
        content = read_json(path)
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"{path}: cannot be read: {reason(error)}"
    except ContentError as error:
        return {}, f"{path}: damaged, {error}"
    return (content, "") if isinstance(content, dict) else ({}, f"{path}: damaged, this describes nothing")


def read_about(folder: Path) -> tuple[About | None, str]:
    """Read run.json. Returns the description, None if there is none, and what is wrong, in one line."""
    content, trouble = _read_json(folder / ABOUT)
    if not content:
        return None, trouble
    defaults = asdict(About())
    for item in fields(About):
        if not _fits(content.get(item.name), defaults[item.name]):
            return None, f"{folder / ABOUT}: '{item.name}' is missing or damaged; it was written by another version"
    return About(**{name: content[name] for name in defaults}), ""


def _fits(value: Any, default: Any) -> bool:
    """Whether a value suits a field of `About`: of its type, counts in range, arguments texts."""
    if type(value) is not type(default):
        return False
    if isinstance(value, int):
        return 0 <= value <= MAXIMUM_COUNTED
    return not isinstance(value, list) or all(isinstance(item, str) for item in value)


@dataclass(frozen=True)
class NewestModel:
    """The newest model of a run.

    Attributes:
        path: Its weights.
        kind: detector or reader.
        sha256: Hash of the weights.
        samples: Training samples seen when it was written; None if unknown.
        written: When it was written, in seconds since 1970.
    """

    path: Path
    kind: str
    sha256: str
    samples: int | None = None
    written: float = 0.0


def read_newest(folder: Path) -> tuple[NewestModel | None, str]:
    """Read the description of the newest model, without opening its weights. Returns it, None if there is none, and
    what is wrong, in one line."""
    path = folder / NEWEST
    content, trouble = _read_json(path.with_suffix(".json"))
    if not content:
        return None, trouble
    kind, sha256 = content.get("kind"), content.get("sha256")
    if kind not in ("detector", "reader") or not isinstance(sha256, str):
        return None, f"{path.with_suffix('.json')}: damaged, this describes no model"
    try:
        written = path.stat().st_mtime
    except OSError:
        return None, f"{path}: no such model"
    scores = content.get("scores")
    training = scores.get("training") if isinstance(scores, dict) else None
    samples = training.get("samples_seen") if isinstance(training, dict) else None
    counted = isinstance(samples, int) and 0 <= samples <= MAXIMUM_COUNTED
    return NewestModel(path, kind, sha256, samples if counted else None, written), ""


def command_of(folder: Path) -> str:
    """Return the command in command.txt, without the folders of its files; empty if there is none."""
    try:
        return (folder / COMMAND).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def next_command(folder: Path, about: About | None, done: bool) -> str:
    """Return the command that resumes the run or, if it is done, starts another one like it. Without run.json, only the
    run's own folder and the bare names of other files are known. Empty if nothing is known."""
    if about is not None and about.arguments:
        words = ["python", "-m", "alpr_app.train", *about.arguments]
    else:
        try:
            words = shlex.split(command_of(folder))
        except ValueError:
            return ""
        if "--output" in words[:-1]:
            words[words.index("--output") + 1] = str(folder)
    if not words:
        return ""
    words = [word for word in words if word != "--resume"]
    return shlex.join(words if done else [*words, "--resume"])
