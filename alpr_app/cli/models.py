"""`alpr models`: lists models, verifies them, and prints their figures as tables, also in Markdown."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpr_app.core.errors import print_error, printable
from alpr_app.evaluation.command import table

if TYPE_CHECKING:
    from alpr_app.networks.bundle import Bundle, BundleInfo


Groups = dict[str, dict[str, float]]
"""The figures of one part of `evaluation.evaluate`, by group."""

# The rows of the table of scenes: figure and title.
_SCENES = {
    "recall_50": "found, IoU 0.5 or more",
    "recall_70": "found, IoU 0.7 or more",
    "precision_50": "boxes that lie on a labelled plate",
    "end_to_end": "found and read",
    "without_province": "found and read, without the province",
    "on_true_corners": "read on the labelled corners",
    "true_without_province": "read on the labelled corners, without the province",
    "text_right": "text right, found with IoU 0.3 or more",
    "place_right": "place right, IoU 0.7 or more",
    "corner_px": "mean corner error, pixels",
    "corner_heights": "mean corner error, of the plate's height",
}
# The parts with a single group: title, figure with their number, and rows.
_OTHERS = {
    "street": (
        "photos with one known plate",
        "pictures",
        {"stated_among_readings": "it is among the readings", "without_province": "without the province"},
    ),
    "crops": ("cut-out plates", "crops", {"exact": "read", "without_province": "read, without the province"}),
    "negatives": ("plate-free pictures", "pictures", {"false_boxes_per_100": "false boxes in 100 pictures"}),
    "calibration": (
        "readings of scenes and cut-out plates",
        "readings",
        {"right": "right", "mean_confidence": "mean confidence", "calibration_error": "expected calibration error"},
    ),
}
_CONFIDENCE = {"readings": "readings", "precision": "of these right", "recall": "of all plates read right"}


def markdown(models: Iterable[BundleInfo]) -> str:
    """Return a table of the models, then the tables of each evaluation they carry; a shared one only once."""
    models = list(models)
    blocks = [_models(models)]
    evaluations = [(info.name, info.scores.get("evaluation")) for info in models]
    shown: list[Any] = []
    for _, evaluation in evaluations:
        if isinstance(evaluation, dict) and evaluation.get("figures") and evaluation not in shown:
            shown.append(evaluation)
            blocks += _evaluation(evaluation, [name for name, other in evaluations if other == evaluation])
    return "\n\n".join(blocks)


def _models(models: Sequence[BundleInfo]) -> str:
    rows = [
        (
            info.name,
            info.kind,
            f"{info.parameters / 1e6:.2f} M",
            f"{info.size / 2**20:.1f} MiB",
            f"`{info.sha256[:12]}`",
        )
        for info in models
    ]
    return _table(("model", "kind", "parameters", "size", "sha256"), rows, texts=2)


def _evaluation(evaluation: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Return the command, then a table of scenes, one of everything else, and one of confidences."""
    options = [("", "data"), (" --split ", "split"), (" --score ", "score"), (" --backend ", "backend")]
    command = "".join(f"{option}{evaluation[name]}" for option, name in options if name in evaluation)
    processor = f", {evaluation['processor']}" if "processor" in evaluation else ""
    figures: dict[str, Groups] = evaluation["figures"]
    blocks = [f"{' and '.join(names)}, by `alpr eval {command}`{processor}:"]
    if "scenes" in figures:
        blocks.append(_scenes(figures["scenes"]))
    if figures.keys() & _OTHERS.keys():
        blocks.append(_others(figures))
    if "confidence" in figures:
        blocks.append(_confidences(figures["confidence"]))
    return blocks


def _scenes(groups: Groups) -> str:
    """Return the table of scenes: one column per colour, and one for all plates."""
    columns = {name.removeprefix("colour "): name for name in groups if name.startswith("colour ")}
    if "None" in columns:
        columns["colour unknown"] = columns.pop("None")
    columns["all"] = "micro"
    head = ("scenes", *(f"{title}, {groups[name]['plates']}" for title, name in columns.items()))
    rows = [
        (title, *(_shown(figure, groups[name][figure]) for name in columns.values()))
        for figure, title in _SCENES.items()
        if figure in groups["micro"]
    ]
    return _table(head, rows)


def _others(figures: dict[str, Groups]) -> str:
    """Return the table of other parts: one row per figure, with the part's title in its first row."""
    rows = []
    for part, (title, count, names) in _OTHERS.items():
        values = figures.get(part, {}).get("all", {})
        first = f"{title}, {values.get(count)}"
        for figure, name in names.items():
            if figure in values:
                rows.append((first, name, _shown(figure, values[figure])))
                first = ""
    return _table(("others", "what is counted", ""), rows, texts=2)


def _confidences(groups: Groups) -> str:
    """Return the table of confidences: what remains, and how much of it is correct, without less sure readings."""
    rows = [
        (name.removeprefix("confidence "), *(_shown(figure, values[figure]) for figure in _CONFIDENCE))
        for name, values in groups.items()
    ]
    return _table(("confidence at least", *_CONFIDENCE.values()), rows)


def _shown(figure: str, value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if figure == "corner_px" or figure.endswith("per_100") else f"{100 * value:.1f} %"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """Return a Markdown table. texts: number of text columns; the others are numbers, aligned to the right."""
    lines = [head, ["---"] * texts + ["---:"] * (len(head) - texts), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


HEAD = f"{'name':16} {'kind':9}{'parameters':>10}{'size':>10}  sha256"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="bundles or folders of them (default: the shipped ones)"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")


def _scores(scores: dict[str, Any], before: str = "") -> Iterator[str]:
    """Yield nested figures as `group, name: value`, and those of `alpr eval` as its table."""
    for name, value in scores.items():
        if name == "figures":
            yield from table(value).splitlines()
        elif isinstance(value, dict):
            yield from _scores(value, f"{before}{name}, ")
        else:
            yield f"{before}{name}: {f'{value:.4g}' if isinstance(value, float) else value}"


def describe(info: BundleInfo) -> str:
    """Return one line for the model, its scores, its training command, and the same of its file in 8 bits."""
    size = f"{info.parameters / 1e6:.2f} M".rjust(10) + f"{info.size / 2**20:.1f} MiB".rjust(10)
    lines = [f"{info.name:16} {info.kind:9}{size}  {info.sha256[:12]}"]
    lines += [f"    {score}".rstrip() for score in _scores(info.scores)]
    if info.command:
        lines.append(f"    made by: {info.command}")
    if info.int8:
        lines.append(f"    in 8 bits by: {info.int8['command']}")
        lines += [f"    {score}".rstrip() for score in _scores(info.int8["scores"])]
    return "\n".join(map(printable, lines))


def check(bundle: Bundle) -> None:
    """Check all that a use of the model would. Raises BundleError."""
    assert bundle.onnx != b"" and bundle.int8 != b""
    if find_spec("torch") is not None:
        bundle.network()


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.assets import MODELS
    from alpr_app.networks.bundle import list_bundles, open_bundle
    from alpr_app.networks.bundle_description import BundleError

    bundles: list[Path] = []
    for path in args.paths or [MODELS]:
        found = list_bundles(path) if path.is_dir() else [path]
        if not found:
            raise BundleError(f"{path}: no model in this folder; a model is a pair NAME.safetensors and NAME.json")
        bundles += found
    failed = False
    models: list[BundleInfo] = []
    for path in bundles:
        try:
            bundle = open_bundle(None, path)
            check(bundle)
        except BundleError as error:
            print_error(error)
            failed = True
        else:
            models.append(bundle.info)
    print(markdown(models) if args.markdown else "\n".join([HEAD, *map(describe, models)]))
    return 1 if failed else 0
