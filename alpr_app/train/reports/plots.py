"""Plots as PNG files with matplotlib, which only this module needs; and the counting of confused characters."""

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
    """Raise MissingPackage, with the remedy, if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise MissingPackage("plots need matplotlib: pip install 'alpr-app[train]', or pip install matplotlib")


@contextmanager
def figure(path: Path, rows: int, columns: int, size: tuple[float, float]) -> Iterator[np.ndarray]:
    """Yield axes, an array (rows, columns), to draw on; the figure of `size` in inches is written to `path` at the end.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib

    matplotlib.use("Agg")
    # The font has one weight only, which matplotlib would warn about repeatedly.
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
    """Plot losses, validation, learning rate and speed of the run in the folder `run`."""
    train, val = (read_curves(run / name).columns for name in (TRAIN, VAL))
    with figure(path, 2, 2, (12, 8)) as axes:
        _curves(axes[0, 0], "losses", train, [name for name in train if name not in NO_LOSSES], logarithmic=True)
        _curves(axes[0, 1], "validation", val, [name for name in val if name != "step"])
        _curves(axes[1, 0], "learning rate", train, ["learning_rate"])
        _curves(axes[1, 1], "samples per second", train, ["samples_per_s"])


def _label(text: str) -> str:
    """Escape a name from a file: between two dollar signs matplotlib would expect a formula."""
    return printable(text).replace("$", r"\$")


def _curves(axes: Any, title: str, columns: dict[str, np.ndarray], names: list[str], logarithmic: bool = False) -> None:
    shown = [name for name in names if name in columns and np.isfinite(columns[name]).any()]
    for name in shown:
        # Rows without this figure do not interrupt the line.
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
    """Plot a bar chart of each counter, the most frequent items first."""
    with figure(path, len(parts), 1, (12, 3.2 * len(parts))) as axes:
        for (title, counts), chart in zip(parts.items(), axes[:, 0], strict=True):
            names, values = zip(*counts.most_common(), strict=True) if counts else ((), ())
            chart.bar([_label(str(name)) for name in names], values)
            chart.set_title(title)


def plot_confusions(counts: np.ndarray, names: str, path: Path) -> None:
    """Plot a confusion matrix of the characters that were ever confused.

    Args:
        counts: How often the character of each row was read as that of each column, (N, N).
        names: The N characters.
        path: PNG file to write.
    """
    confused = counts - np.diag(np.diag(counts))
    chosen = np.flatnonzero(confused.sum(axis=0) + confused.sum(axis=1))
    size = max(4.5, 0.34 * len(chosen))
    with figure(path, 1, 1, (size, size + 0.3)) as axes:
        chart = axes[0, 0]
        chart.set_title(f"{confused.sum():,} of {counts.sum():,} characters confused", fontsize="medium")
        shades = np.log1p(confused[np.ix_(chosen, chosen)])
        darkest = max(2.0, shades.max(initial=0))
        chart.imshow(shades if len(chosen) else np.zeros((1, 1)), cmap="Reds", vmin=0, vmax=darkest)
        for row, column in zip(*np.nonzero(shades), strict=True):
            colour = "white" if shades[row, column] > 0.6 * darkest else "black"
            text = str(int(confused[chosen[row], chosen[column]]))
            chart.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        labels = [_label(names[index]) for index in chosen]
        chart.set_xticks(range(len(chosen)), labels)
        chart.set_yticks(range(len(chosen)), labels)
        # Thin lines between the characters guide the eye to both names.
        edges = np.arange(len(chosen) + 1) - 0.5
        chart.set_xticks(edges, minor=True)
        chart.set_yticks(edges, minor=True)
        chart.grid(which="minor", color="0.85", linewidth=0.6)
        chart.tick_params(which="minor", length=0)
        chart.plot([-0.5, len(chosen) - 0.5], [-0.5, len(chosen) - 0.5], color="0.75", linewidth=0.8)
        chart.set_xlabel("read")
        chart.set_ylabel("true")


def plot_reliability(reliability: CalibrationMetrics, path: Path) -> None:
    """Plot the share of right readings by confidence, on the diagonal if calibrated, and precision and recall by
    threshold."""
    summary = reliability.summary()
    with figure(path, 2, 1, (6, 7)) as axes:
        above, below = axes[:, 0]
        above.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--")
        for confidence, accuracy, readings in reliability.confidence_bins():
            above.plot(confidence, accuracy, "o", color="tab:blue")
            above.annotate(
                f"{readings:,}", (confidence, accuracy), xytext=(5, -12), textcoords="offset points", fontsize=8
            )
        error = summary["calibration_error"]
        above.set_title(f"{summary['readings']:,} readings, expected calibration error {error:.1%}", fontsize="medium")
        above.set(xlabel="confidence", ylabel="share read right", xlim=(0, 1.06), ylim=(-0.06, 1.06))
        rows = reliability.by_threshold()
        thresholds = [float(name.split()[-1]) for name in rows]
        for name in ("precision", "recall"):
            below.plot(thresholds, [row[name] for row in rows.values()], "o-", label=name)
        below.set(xlabel="confidence threshold", ylabel="share")
        below.legend()
        below.grid(color="0.9")


class Confusions:
    """Counts which characters were read for which.

    Attributes:
        plates: Number of counted plates.
        unequal: Number of plates read with a wrong number of characters, whose characters cannot be compared.
    """

    def __init__(self) -> None:
        self._pairs: Counter[tuple[str, str]] = Counter()
        self.plates = self.unequal = 0

    def __call__(self, truth: str, read: str) -> None:
        """Count one plate with its true and its read text."""
        self.plates += 1
        if len(truth) != len(read):
            self.unequal += 1
            return
        self._pairs.update(zip(truth, read, strict=True))

    @property
    def names(self) -> str:
        """All true and read characters: those of Chinese plates in the order of their alphabet, and others."""
        seen = {character for pair in self._pairs for character in pair}
        return "".join(sorted(seen, key=lambda character: (ALPHABET.find(character) % 10_000, character)))

    def counts(self) -> np.ndarray:
        """How often the character of each row was read as that of each column, (N, N) int64 in the order of `names`."""
        indices = {name: index for index, name in enumerate(self.names)}
        counts = np.zeros((len(indices), len(indices)), np.int64)
        for (truth, read), count in self._pairs.items():
            counts[indices[truth], indices[read]] = count
        return counts

    def plot(self, path: Path) -> None:
        """Write the plot as PNG. Raises MissingPackage if matplotlib is not installed, and OSError."""
        plot_confusions(self.counts(), self.names, path)
