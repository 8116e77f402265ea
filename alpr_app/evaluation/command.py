"""`alpr eval`: how well the models find and read the plates of a labelled folder."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from alpr_app.core.errors import AlprError, print_error, printable
from alpr_app.data.atomic_files import make_folder, refuse_inputs, refuse_link
from alpr_app.data.result_writers import write_json
from alpr_app.pipeline.options import add_model_options, fraction, make_alpr, model_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    from alpr_app.core.plate import Plate
    from alpr_app.data.label_csv import LabelError
    from alpr_app.data.labels import LabelledCrop, LabelledPicture
    from alpr_app.evaluation.calibration_metrics import CalibrationMetrics
    from alpr_app.evaluation.evaluate import Note


# Bytes of the name of a written picture: file systems allow 255, and a Chinese character takes three.
LONGEST_NAME = 180


def add_arguments(parser: argparse.ArgumentParser, needs_data: bool = True) -> None:
    parser.add_argument(
        "data",
        type=Path,
        nargs=None if needs_data else "?",
        metavar="DATA",
        help="folder of pictures labelled in an alpr_dataset.csv or by CCPD names, or a folder of such folders",
    )
    parser.add_argument(
        "--split", choices=("val", "test", "train", "all"), default="val", help="split to measure (default: val)"
    )
    parser.add_argument("--json", type=Path, metavar="F", help="also write the figures as JSON")
    parser.add_argument(
        "--mistakes", type=Path, metavar="DIR", help="write every picture that was not read correctly, annotated"
    )
    parser.add_argument("--score", type=fraction, default=0.5, help="leave out plates below it (default: 0.5)")
    add_model_options(parser)


class MistakeFolder:
    """Writes annotated pictures named after the expected and the actual reading. originals: the measured pictures, none
    of which may be in the folder. Raises AlprError."""

    def __init__(self, folder: Path, originals: Iterable[Path] = ()) -> None:
        make_folder(folder)
        root = Path(os.path.realpath(folder))
        for original in originals:
            if root in Path(os.path.realpath(original)).parents:
                raise AlprError(f"--mistakes {folder}: '{original}' is in this folder; name another one")
        self.folder = folder
        self.count = 0

    def __call__(self, path: Path, image: np.ndarray, plates: Sequence[Plate], expected: str) -> None:
        from alpr_app.data.images import write_picture
        from alpr_app.data.overlay import annotate

        self.count += 1
        read = "+".join(plate.text or "nothing" for plate in plates) or "none"
        name = f"{self.count:04d}_{path.parent.name}_{expected or 'no plate'}_read_{read}"
        # The alphabet has no slashes, but folder names may contain anything.
        name = re.sub(r'[\\/:*?"<>|]', "_", printable(name))
        path = self.folder / f"{name.encode()[:LONGEST_NAME].decode(errors='ignore')}.jpg"
        refuse_link(path)
        write_picture(path, annotate(image, plates))


def table(figures: dict[str, dict[str, dict[str, float]]]) -> str:
    """Format the figures: one block per part, one line per group under the names of the figures. Shares in per cent."""
    lines: list[str] = []
    for part, groups in figures.items():
        # Subsets are named after folders.
        groups = {printable(group): values for group, values in groups.items()}
        names = list(next(iter(groups.values())))
        widths = [max(len(name), 8) for name in names]
        first = max(len(part), *map(len, groups))
        lines.append(
            "  ".join([part.ljust(first), *(name.rjust(width) for name, width in zip(names, widths, strict=True))])
        )
        for group, values in groups.items():
            cells = (_formatted(name, values[name]).rjust(width) for name, width in zip(names, widths, strict=True))
            lines.append("  ".join([group.ljust(first), *cells]))
        lines.append("")
    return "\n".join(lines).rstrip()


def _formatted(name: str, value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if name.startswith("corner_"):
        return f"{value:.3f}"
    return f"{value:.2f}" if name.endswith("per_100") else f"{100 * value:.2f} %"


def run(args: argparse.Namespace, note: Note | None = None, reliability: CalibrationMetrics | None = None) -> int:
    """Measure and print. Returns 1 if labels were left out. note, reliability: as for `evaluate`."""
    from alpr_app.data.label_text import spell_labels
    from alpr_app.data.labels import read_data_folder, tables_of
    from alpr_app.evaluation.evaluate import evaluate
    from alpr_app.runtime.system_info import processor

    refused: list[LabelError] = []
    data = read_data_folder(args.data, refused.append)
    labelled: list[LabelledPicture | LabelledCrop] = [*data.pictures, *data.crops, *data.negatives]
    originals = [each.path for each in labelled]
    if args.json:
        refuse_inputs(args.json, [*originals, *tables_of(args.data), *model_files(args)])
    alpr = make_alpr(args)
    mistakes = MistakeFolder(args.mistakes, originals) if args.mistakes else None
    data = data if args.split == "all" else data.of_split(args.split)
    data = spell_labels(data, alpr.reader_config.alphabet, refused.append)
    for error in refused:
        print_error(error)
    # disable=None: a bar only on a terminal.
    figures = evaluate(
        alpr,
        data,
        args.split,
        mistakes,
        lambda items, part: tqdm(items, desc=part, leave=False, disable=None),
        note,
        reliability,
    )
    if not figures:
        missing = "no plate with a text and no plate-free picture"
        raise AlprError(f"{args.data}: nothing to measure in the split '{args.split}', {missing}; try --split all")
    print(table(figures))
    if args.json:
        about = {"data": args.data.name, "split": args.split, "score": args.score, "processor": processor()}
        write_json(args.json, {**about, "backend": alpr.backend, "figures": figures})
    return 1 if refused else 0
