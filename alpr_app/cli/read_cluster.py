"""`alpr read --engine ray`: the same pictures and results, on many machines."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from alpr_app.cli.read_inputs import inputs_of, report_left_out
from alpr_app.core.errors import UsageError, print_error

# Options that mean something on one machine only.
_ALONE = ("annotate", "track", "camera", "seconds", "frames")


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a cluster."""
    group = parser.add_argument_group("many machines")
    group.add_argument("--engine", choices=("local", "ray"), default="local", help="ray: read on a Ray cluster")
    group.add_argument(
        "--address", metavar="A", help="of the Ray cluster (default: RAY_ADDRESS, else Ray on this machine alone)"
    )


def run_on_cluster(args: argparse.Namespace, out: Path | None, settings: str) -> int:
    """Read on a Ray cluster, print the metrics, and return the exit status. Raises AlprError."""
    from alpr_app.pipeline.options import ModelChoice
    from alpr_app.serving.distributed import Reading, connect, read_distributed

    for option in _ALONE:
        if getattr(args, option):
            raise UsageError(f"--engine ray cannot be combined with --{option}")
    if out is None:
        raise UsageError("--engine ray needs --out, the file or folder for the results")
    graphics = args.device == "cuda"
    models = ModelChoice(
        *(args.detector_model, args.ocr_model, args.ocr_config, args.device, args.backend),
        # Every core has a reader of its own.
        threads=args.threads or (None if graphics else 1),
        floor=args.score,
        tiles=args.tiles,
    )
    connect(args.address)
    reading = Reading(models, args.crops_only, args.confidence, os.getcwd())
    metrics, failed = read_distributed(
        inputs_of(args),
        out,
        reading,
        settings,
        resume=args.resume,
        file_format=args.format,
        maximum_actors=args.jobs,
        left_out=report_left_out,
        report=print_error,
    )
    print(metrics, file=sys.stderr)
    return 1 if failed else 0
