"""Plots as PNG files, with matplotlib, which is needed for nothing else; and which characters are taken for which
others.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from alpr_app.core.errors import MissingPackage, printable
from alpr_app.core.plate import ALPHABET
from alpr_app.data.assets import FONT
from alpr_app.data.run_folder import NO_LOSSES, TRAIN, VAL, read_curves
from alpr_app.evaluation.calibration_metrics import CalibrationMetrics

DPI = 110


def require_matplotlib() -> None:
    """Raises MissingPackage with the remedy if it is missing."""
    if find_spec("matplotlib") is None:
        raise MissingPackage("plots need matplotlib: pip install 'alpr-app[train]', or pip install matplotlib")


@contextmanager
def figure(path: Path, rows: int, columns: int, size: tuple[float, float]) -> Iterator[np.ndarray]:
    """Axes (rows, columns) to draw on; written to `path` at the end.

    Raises MissingPackage with the remedy if matplotlib is missing.
    """
    require_matplotlib()
    import matplotlib

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


def plot_curves(run: Path, path: Path) -> None:
    """Losses, learning rate, validation and speed of a run's folder."""
    train, val = (read_curves(run / name).columns for name in (TRAIN, VAL))
    with figure(path, 2, 2, (12, 8)) as axes:
        _curves(axes[0, 0], "losses", train, [name for name in train if name not in NO_LOSSES], logarithmic=True)
        _curves(axes[0, 1], "validation", val, [name for name in val if name != "step"])
        _curves(axes[1, 0], "learning rate", train, ["learning_rate"])
        _curves(axes[1, 1], "samples a second", train, ["samples_per_s"])


def _label(text: str) -> str:
    """A name out of a file as it is: between two dollar signs, matplotlib would read a formula."""
    return printable(text).replace("$", r"\$")


def _curves(axes: Any, title: str, columns: dict[str, np.ndarray], names: list[str], logarithmic: bool = False) -> None:
    shown = [name for name in names if name in columns and np.isfinite(columns[name]).any()]
    for name in shown:
        # A line goes on over rows that lack its figure.
        known = np.isfinite(columns[name])
        steps = columns["step"][known]
        axes.plot(steps, columns[name][known], label=_label(name), marker="." if len(steps) < 30 else None)
    if logarithmic and shown:
        axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    if len(shown) > 1:
        axes.legend(fontsize="small")


def plot_counts(parts: dict[str, Counter[str] | Counter[int]], path: Path) -> None:
    """One bar chart a counter, the most frequent first."""
    with figure(path, len(parts), 1, (12, 3.2 * len(parts))) as axes:
        for (title, counts), place in zip(parts.items(), axes[:, 0], strict=True):
            names, values = zip(*counts.most_common(), strict=True) if counts else ((), ())
            place.bar([_label(str(name)) for name in names], values)
            place.set_title(title)


def plot_confusions(counts: np.ndarray, names: str, path: Path) -> None:
    """What was read (columns) for what was there (rows), for the characters that were ever mistaken. counts: (N, N),
    one row and one column for each of `names`."""
    mistaken = counts - np.diag(np.diag(counts))
    chosen = np.flatnonzero(mistaken.sum(axis=0) + mistaken.sum(axis=1))
    size = max(4.5, 0.34 * len(chosen))
    with figure(path, 1, 1, (size, size + 0.3)) as axes:
        place = axes[0, 0]
        place.set_title(f"{mistaken.sum():,} of {counts.sum():,} characters mistaken", fontsize="medium")
        shades = np.log1p(mistaken[np.ix_(chosen, chosen)])
        darkest = max(2.0, shades.max(initial=0))
        place.imshow(shades if len(chosen) else np.zeros((1, 1)), cmap="Reds", vmin=0, vmax=darkest)
        for row, column in zip(*np.nonzero(shades), strict=True):
            colour = "white" if shades[row, column] > 0.6 * darkest else "black"
            text = str(int(mistaken[chosen[row], chosen[column]]))
            place.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        labels = [_label(names[index]) for index in chosen]
        place.set_xticks(range(len(chosen)), labels)
        place.set_yticks(range(len(chosen)), labels)
        # Thin lines between the characters lead the eye to both of them.
        edges = np.arange(len(chosen) + 1) - 0.5
        place.set_xticks(edges, minor=True)
        place.set_yticks(edges, minor=True)
        place.grid(which="minor", color="0.85", linewidth=0.6)
        place.tick_params(which="minor", length=0)
        place.plot([-0.5, len(chosen) - 0.5], [-0.5, len(chosen) - 0.5], color="0.75", linewidth=0.8)
        place.set_xlabel("read")
        place.set_ylabel("true")


def plot_reliability(reliability: CalibrationMetrics, path: Path) -> None:
    """How often readings are right (up) that are so sure (across); what is true lies on the diagonal."""
    summary = reliability.summary()
    with figure(path, 2, 1, (6, 7)) as axes:
        above, below = axes[:, 0]
        above.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--")
        for sure, right, readings in reliability.confidence_bins():
            above.plot(sure, right, "o", color="tab:blue")
            above.annotate(f"{readings:,}", (sure, right), xytext=(5, -12), textcoords="offset points", fontsize=8)
        error = summary["calibration_error"]
        above.set_title(f"{summary['readings']:,} readings, expected calibration error {error:.1%}", fontsize="medium")
        above.set(xlabel="confidence", ylabel="share right", xlim=(0, 1.06), ylim=(-0.06, 1.06))
        rows = reliability.by_threshold()
        thresholds = [float(name.split()[-1]) for name in rows]
        for name in ("precision", "recall"):
            below.plot(thresholds, [row[name] for row in rows.values()], "o-", label=name)
        below.set(xlabel="least confidence that is kept", ylabel="share")
        below.legend()
        below.grid(color="0.9")


class Confusions:
    """Counts what was read for what, place by place. unequal: plates that were read with another number of characters;
    they are left out, because nobody knows which character was taken for which."""

    def __init__(self) -> None:
        self._pairs: Counter[tuple[str, str]] = Counter()
        self.plates = self.unequal = 0

    def __call__(self, truth: str, read: str) -> None:
        """Count one plate."""
        self.plates += 1
        if len(truth) != len(read):
            self.unequal += 1
            return
        self._pairs.update(zip(truth, read, strict=True))

    @property
    def names(self) -> str:
        """Every character that was there or was read: those of Chinese plates in their own order, then others."""
        seen = {character for pair in self._pairs for character in pair}
        return "".join(sorted(seen, key=lambda character: (ALPHABET.find(character) % 10_000, character)))

    def counts(self) -> np.ndarray:
        """(N, N) int64: how often the character of the row was read as that of the column, in the order of `names`."""
        places = {name: place for place, name in enumerate(self.names)}
        counts = np.zeros((len(places), len(places)), np.int64)
        for (truth, read), count in self._pairs.items():
            counts[places[truth], places[read]] = count
        return counts

    def plot(self, path: Path) -> None:
        """Raises MissingPackage with the remedy if matplotlib is missing, OSError."""
        plot_confusions(self.counts(), self.names, path)
