"""Plots as PNG files, with matplotlib, which is needed for nothing else."""

from __future__ import annotations

import csv
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.resources import FONT

DPI = 110


@contextmanager
def figure(path: Path, rows: int, columns: int, size: tuple[float, float]) -> Iterator[np.ndarray]:
    """Axes (rows, columns) to draw on; written to `path` at the end.

    Raises ImportError with the remedy if matplotlib is missing.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'alpr-app[train]', or pip install matplotlib") from error
    matplotlib.use("Agg")
    # The font has one weight, and matplotlib says so again and again.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    from matplotlib import font_manager, pyplot

    if FONT.is_file():
        font_manager.fontManager.addfont(str(FONT))
        pyplot.rcParams["font.family"] = ["DejaVu Sans", font_manager.FontProperties(fname=str(FONT)).get_name()]
    drawing, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    try:
        yield axes
        drawing.savefig(path, dpi=DPI)
    finally:
        pyplot.close(drawing)


def read_curves(path: Path) -> dict[str, np.ndarray]:
    """The columns of a run's CSV file. Empty if it is not there yet; a last line that is half written is left out."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row.values()) and None not in row]
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]} if rows else {}


def plot_curves(run: Path, path: Path) -> None:
    """Losses, learning rate, validation and speed of a run's folder."""
    train, val = read_curves(run / "train.csv"), read_curves(run / "val.csv")
    apart = {"step", "learning_rate", "gradient", "samples_per_s", "waiting_share"}
    with figure(path, 2, 2, (12, 8)) as axes:
        _curves(axes[0, 0], "losses", train, [name for name in train if name not in apart], logarithmic=True)
        _curves(axes[0, 1], "validation", val, [name for name in val if name != "step"])
        _curves(axes[1, 0], "learning rate", train, ["learning_rate"])
        _curves(axes[1, 1], "samples a second", train, ["samples_per_s"])


def _curves(axes: Any, title: str, columns: dict[str, np.ndarray], names: list[str], logarithmic: bool = False) -> None:
    for name in names:
        if name in columns:
            axes.plot(columns["step"], columns[name], label=name, marker="." if len(columns["step"]) < 30 else None)
    if logarithmic and columns:
        axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    if columns:
        axes.legend(fontsize="small")


def plot_counts(parts: dict[str, Counter], path: Path) -> None:
    """One bar chart a counter, the most frequent first."""
    with figure(path, len(parts), 1, (12, 3.2 * len(parts))) as axes:
        for (title, counts), place in zip(parts.items(), axes[:, 0], strict=True):
            names, values = zip(*counts.most_common(), strict=True) if counts else ((), ())
            place.bar([str(name) for name in names], values)
            place.set_title(title)


def plot_confusions(counts: np.ndarray, names: str, path: Path) -> None:
    """What was read (columns) for what was there (rows), for the characters that were ever mistaken."""
    mistaken = counts - np.diag(np.diag(counts))
    chosen = np.flatnonzero(mistaken.sum(axis=0) + mistaken.sum(axis=1))
    if not len(chosen):
        chosen = np.arange(min(1, len(names)))
    size = max(4.0, 0.32 * len(chosen))
    with figure(path, 1, 1, (size + 1, size)) as axes:
        place = axes[0, 0]
        place.imshow(np.log1p(mistaken[np.ix_(chosen, chosen)]), cmap="Reds")
        for row, truth in enumerate(chosen):
            for column, read in enumerate(chosen):
                if mistaken[truth, read]:
                    place.text(column, row, str(int(mistaken[truth, read])), ha="center", va="center", fontsize=8)
        labels = [names[index] for index in chosen]
        place.set_xticks(range(len(chosen)), labels)
        place.set_yticks(range(len(chosen)), labels)
        place.set_xlabel("read")
        place.set_ylabel("true")
