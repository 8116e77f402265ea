"""`test`: how well models do on labelled pictures, as `alpr eval` measures it, and which characters they mistake."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alpr_app.data import assets
from alpr_app.evaluation import command
from alpr_app.evaluation.calibration_metrics import Reliability
from alpr_app.train.confusions import Confusions
from alpr_app.train.plots import plot_reliability, require_matplotlib


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("test", help="measure models on labelled pictures, by subset and by CCPD's rules")
    command.add_arguments(parser, needs_data=False)
    parser.add_argument("--model_path", dest="ocr_model", metavar="F", help="the same as --ocr_model")
    parser.add_argument("--model_config", dest="ocr_config", metavar="F", help="the same as --ocr_config")
    parser.add_argument("--confusions", type=Path, metavar="F", help="which characters are taken for which, as a PNG")
    parser.add_argument("--reliability", type=Path, metavar="F", help="how often sure readings are right, as a PNG")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.confusions or args.reliability:
        # Now, not after all has been measured.
        require_matplotlib()
    if args.data is None:
        args.data, args.split = assets.SAMPLES, "all"
        said = "measured on the sample scenes that come with the program; name a folder for more: test DATA"
        print(f"alpr_app.train: {said}", file=sys.stderr)
    confusions, reliability = Confusions(), Reliability()
    status = command.run(args, confusions, reliability)
    if args.confusions:
        confusions.plot(args.confusions)
        left_out = f", {confusions.unequal} of another length left out" if confusions.unequal else ""
        print(f"\n{args.confusions}: characters of {confusions.plates} plates, read where the labels say{left_out}")
    if args.reliability:
        plot_reliability(reliability, args.reliability)
        print(f"\n{args.reliability}: confidences of {reliability.plates} plates")
    return status
