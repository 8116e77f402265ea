"""The report of a run, written into its folder: curves and mistakes as pictures, figures and settings as Markdown."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.core.errors import AlprError, printable
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.images import write_picture
from alpr_app.data.labels import DataFolder, LabelledCrop, LabelledPicture
from alpr_app.data.run_folder import (
    COMMAND,
    CURVES,
    MAXIMUM_COUNTED,
    MISTAKES,
    REPORT,
    TRAIN,
    VAL,
    About,
    Curves,
    command_of,
    is_run,
    read_about,
    read_curves,
)
from alpr_app.networks.detector.network import Detector
from alpr_app.train.reader.masked_pretraining import MaskedStrips
from alpr_app.train.reader.task import ReaderWithCTC
from alpr_app.train.reports.mistakes import (
    balanced_selection,
    detection_mistake_sheet,
    detection_mistakes,
    reading_mistake_sheet,
    reading_mistakes,
)
from alpr_app.train.reports.plots import plot_curves
from alpr_app.train.trainer.loop import Task
from alpr_app.train.trainer.options import RunOptions
from alpr_app.train.trainer.pretrained import trained_network


def about_run(task: Task, options: RunOptions, arguments: list[str]) -> About:
    """The content of run.json. `arguments` are those of the command line, as they were given."""
    data = dict(task.description)
    kind, config = data.pop("kind"), data.pop("config")
    data.pop("run", None)
    # The paths of other files are in the arguments only.
    settings = {name: value.name if isinstance(value, Path) else value for name, value in asdict(options).items()}
    # Parts that are discarded after training do not count, unless the whole network is discarded.
    network = task.deployable(task.network) or task.network
    return About(
        kind=kind,
        steps=options.steps,
        batch_size=options.batch_size,
        judged_by=task.monitor,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        options=settings,
        config=config,
        data={"labelled": task.dataset.labelled, **data},
        arguments=arguments,
        place=os.getcwd(),
    )


MAXIMUM_MISTAKES = 60
# Options that the report does not list.
HIDDEN_OPTIONS = ("output",)


class ReportError(AlprError):
    """A report that cannot be made; the message says why."""


@dataclass(frozen=True)
class Mistakes:
    """The number of mistakes, and the number of plates they were found on."""

    wrong: int
    plates: int


def write_report(run: Path, data: DataFolder | None = None, mistakes: Mistakes | None = None) -> Path:
    """Write curves.png and report.md into the run's folder; the run may be in progress.

    Args:
        run: Folder of the run.
        data: Its training data, to be counted.
        mistakes: The result of `write_mistakes`.

    Returns:
        The path of report.md.

    Raises:
        ReportError: the folder holds no run.
        MissingPackage: matplotlib is not installed.
        OSError: a file cannot be written.
    """
    if not is_run(run):
        raise ReportError(f"{run}: there is no run in this folder, which would hold {COMMAND}")
    plot_curves(run, run / CURVES)
    about, trouble = read_about(run)
    about = about or _about_checkpoint(run)
    train, val = read_curves(run / TRAIN), read_curves(run / VAL)
    parts = [
        _head(run, about, train, val),
        [f"- {plain(line)}" for line in (trouble, train.trouble, val.trouble) if line],
        ["## Figures", "", *_validation(about, val)],
        ["## Speed", "", *_speed(about, train)],
        ["## Pictures", "", *_pictures(run, mistakes)],
        ["## Data", "", *_data(about, data)],
        [
            "## Settings",
            "",
            "### Options",
            "",
            *_settings(about.options),
            "",
            "### Network",
            "",
            *_settings(about.config),
        ],
    ]
    path = run / REPORT
    text = "\n\n".join("\n".join(part) for part in parts if part) + "\n"
    write_atomically(path, text.encode("utf-8", errors="backslashreplace"))
    return path


def write_mistakes(run: Path, data: DataFolder, maximum: int = MAXIMUM_MISTAKES) -> Mistakes:
    """Write mistakes.png: up to `maximum` of the worst mistakes of the best checkpoint on the val split of `data`.

    Raises:
        PictureError, CheckpointError: a file cannot be read.
        ReportError: there is no checkpoint yet, it cannot read yet, or there are no labelled plates.
    """
    checkpoint = next((path for name in ("best.pt", "last.pt") if (path := run / name).is_file()), None)
    if checkpoint is None:
        raise ReportError(
            f"{run}: holds no checkpoint yet, so that there are no mistakes to show; leave --dataset_path out"
        )
    network, _ = trained_network(checkpoint)
    if isinstance(network, MaskedStrips):
        raise ReportError(
            f"{run}: its network cannot read yet, so that there are no mistakes to show; leave --dataset_path out"
        )
    if isinstance(network, ReaderWithCTC):
        readings, plates = reading_mistakes(network.reader, data.of_split("val"))
        picture, wrong = reading_mistake_sheet(readings[:maximum]), len(readings)
    else:
        assert isinstance(network, Detector)
        detections, plates = detection_mistakes(network, data)
        picture, wrong = detection_mistake_sheet(balanced_selection(detections, maximum)), len(detections)
    if not plates:
        raise ReportError(
            f"{run}: the data has no labelled plate in its val split, so that there are no mistakes to show"
        )
    write_picture(run / MISTAKES, picture)
    return Mistakes(wrong, plates)


def _about_checkpoint(run: Path) -> About:
    """The description of a run without run.json, from its checkpoint."""
    checkpoint = next((path for name in ("last.pt", "best.pt") if (path := run / name).is_file()), None)
    if checkpoint is None:
        return About()
    network, state = trained_network(checkpoint)
    description = dict(state["description"])
    options, config = description.pop("run", {}), description.pop("config")
    options = options if isinstance(options, dict) else {}
    samples, batch_size = (
        value if type(value := options.get(name)) is int and 0 < value <= MAXIMUM_COUNTED else 0
        for name in ("samples", "batch_size")
    )
    steps = samples // max(1, batch_size)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    kind = description.pop("kind")
    return About(kind, steps, batch_size, "", parameters, options, config, description)


_SPECIAL = re.compile(r"[\\`*\[\]{}()#|~$@!]|(?<!\w)_|_(?!\w)|(?<=:)/(?=/)|(?<=www)\.|^\s*[-+>=]|^\s*\d+[.)]")


def plain(text: str) -> str:
    """Escape a text from a file for Markdown, so that it appears literally in one line: no markup, HTML or links."""
    text = _SPECIAL.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", printable(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> list[str]:
    """A fenced block of code whose fence the text cannot close."""
    lines = [printable(line) for line in text.splitlines()]
    fence = "`" * (2 + max([1, *(len(run) for run in re.findall("`+", text))]))
    return [f"{fence}sh", *lines, fence]


def _head(run: Path, about: About, train: Curves, val: Curves) -> list[str]:
    step = int(max(train.last("step") or 0, val.last("step") or 0))
    done = f"{step:,} of {about.steps:,} steps" if about.steps else f"{step:,} steps"
    network = f"A {plain(about.kind)} of {about.parameters / 1e6:.2f} M parameters; " if about.kind else ""
    return [f"# {plain(run.resolve().name)}", "", f"{network}{done} done.", "", *_code(command_of(run))]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [" | ".join(heads), " | ".join(["---"] * len(heads)), *(" | ".join(row) for row in rows)]
    return [f"| {line} |" for line in lines]


def _validation(about: About, val: Curves) -> list[str]:
    """A table of the metrics at the best validation, by the metric that chooses checkpoints, and at the last one."""
    if not val:
        return ["Nothing has been validated: not yet, or because the data has no val split."]
    names = [name for name in val.columns if name != "step"]
    if about.judged_by and about.judged_by not in names:
        last = [(plain(name), _figure(val.columns[name][-1])) for name in names]
        return [
            "No labelled plate has the split val, so that nothing chooses the best checkpoint: it is the newest.",
            "",
            *_table(["validation", f"last, step {int(val.columns['step'][-1]):,}"], last),
        ]
    # In runs that do not state it, the metric is the first column.
    monitor = about.judged_by or names[0]
    best = int(np.nanargmax(val.columns[monitor])) if np.isfinite(val.columns[monitor]).any() else -1
    rows = [(plain(name), *(_figure(val.columns[name][index]) for index in (best, -1))) for name in names]
    steps = [f"{int(val.columns['step'][index]):,}" for index in (best, -1)]
    return _table(["validation", f"best ({plain(monitor)}), step {steps[0]}", f"last, step {steps[1]}"], rows)


def _figure(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else "–"


def _speed(about: About, train: Curves) -> list[str]:
    if not train or "samples_per_s" not in train.columns:
        return ["Nothing has been measured yet."]
    columns = train.columns
    steps = np.diff(columns["step"], prepend=0)
    rate = columns["samples_per_s"]
    moving = np.isfinite(rate) & (rate > 0)
    # Seconds per sample times steps: the mean speed is that of the total time.
    times = steps[moving] / rate[moving]
    if not times.size or times.sum() <= 0:
        return ["Nothing has been measured yet."]
    # Rows of earlier versions may lack a figure; then the last existing one counts.
    rows = [("samples per second", f"{steps[moving].sum() / times.sum():.1f}", f"{rate[moving][-1]:.1f}")]
    waiting = columns.get("waiting_share", np.full_like(rate, np.nan))[moving]
    known = np.isfinite(waiting)
    if known.any():
        share = (waiting * times)[known].sum() / times[known].sum()
        rows.append(("waiting for samples", f"{100 * share:.1f} %", f"{100 * waiting[known][-1]:.1f} %"))
    memory = columns.get("memory_gb", np.zeros(0))
    memory = memory[np.isfinite(memory)]
    if memory.size:
        rows.append(("peak memory", f"{memory.max():.1f} GB", f"{memory[-1]:.1f} GB"))
    lines = _table(["", "whole run", "last steps"], rows)
    if about.batch_size:
        samples = int(columns["step"][-1]) * about.batch_size
        time = duration(float(times.sum()) * about.batch_size)
        lines += ["", f"{samples:,} samples in {time}, without validation and checkpoints."]
    return lines


def duration(seconds: float) -> str:
    """A time as text: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = math.floor(seconds / 60 + 0.5)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _pictures(run: Path, mistakes: Mistakes | None) -> list[str]:
    lines = [f"![Losses, validation, learning rate and speed]({CURVES})"]
    if (run / MISTAKES).is_file():
        number = f"{mistakes.wrong:,} on {mistakes.plates:,} labelled plates. " if mistakes else ""
        lines += ["", f"{number}The worst mistakes:", "", f"![The worst mistakes]({MISTAKES})"]
    return lines


def _data(about: About, data: DataFolder | None) -> list[str]:
    lines = _settings(about.data)
    if data is not None:
        rows = []
        labelled: list[LabelledPicture | LabelledCrop] = [*data.pictures, *data.crops]
        for split in sorted({item.split for item in labelled}):
            part = data.of_split(split)
            plates = sum(len(picture.plates) for picture in part.pictures)
            rows.append((plain(split), f"{len(part.pictures):,}", f"{plates:,}", f"{len(part.crops):,}"))
        lines += ["", *_table(["split", "pictures", "plates in them", "single plates"], rows)]
        lines += ["", f"{len(data.negatives):,} pictures without a plate."]
    return lines


def _settings(values: dict[str, Any]) -> list[str]:
    if not values:
        return ["Unknown."]
    return _table(
        ["", ""], ((plain(name), _shown(value)) for name, value in values.items() if name not in HIDDEN_OPTIONS)
    )


def _shown(value: Any) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return plain(text)
