"""What reading in batches changes, and what it saves: the pictures of a folder are read alone and in batches.

python -m tests.serving.batches FOLDER --pictures 192 --backend torch
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from time import process_time

from alpr_app.core.plate import PlateRecord
from alpr_app.core.result import Result
from alpr_app.data.images import PICTURE_SUFFIXES, read_picture
from alpr_app.pipeline.options import ModelChoice
from alpr_app.serving.batch_check import _figures

SIZES = (2, 4, 8)


def _printed(result: Result) -> list[PlateRecord]:
    return [plate.to_dict() for plate in result.plates]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.serving.batches", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=192, metavar="N", help="so many, by chance (default: 192)")
    parser.add_argument("--backend", default="auto")
    args = parser.parse_args(argv)
    files = sorted(path for path in args.folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    random.Random(0).shuffle(files)
    images = [read_picture(file) for file in files[: args.pictures]]
    alpr = ModelChoice(backend=args.backend, threads=1, floor=0.5).make()
    started = process_time()
    alone = [alpr.analyse(image) for image in images]
    print(f"{alpr.backend}: alone {1000 * (process_time() - started) / len(images):.2f} ms busy")
    for size in SIZES:
        started = process_time()
        together = [
            result
            for start in range(0, len(images), size)
            for result in alpr.analyse_batch(images[start : start + size])
        ]
        busy = 1000 * (process_time() - started) / len(images)
        pairs = list(zip(alone, together, strict=True))
        bits = sum(_figures(one) != _figures(other) for one, other in pairs)
        digits = sum(_printed(one) != _printed(other) for one, other in pairs)
        print(
            f"{size} at once: {busy:.2f} ms busy; of {len(images)} {bits} differ in a bit, {digits} in what is printed"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
