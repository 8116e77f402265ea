"""The options that both trainings share, and `train`, which starts or resumes a run with them."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from itertools import count
from pathlib import Path

import torch

from alpr_app.core.errors import AlprError, UsageError, reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.run_folder import COMMAND, forget_stop, write_about
from alpr_app.runtime.backends import choose_device
from alpr_app.synth.plates.plates_file import shipped_plates
from alpr_app.train.cli.parsers import CommandParser, add_field_options, as_typed
from alpr_app.train.reports.report import about_run, write_report
from alpr_app.train.trainer.batches import GIGABYTE
from alpr_app.train.trainer.checkpoint import CheckpointError
from alpr_app.train.trainer.distributed import Ranks, all_or_none, from_first, ranks_of_environment
from alpr_app.train.trainer.loop import Task, Trainer
from alpr_app.train.trainer.options import RunOptions

# Folder, relative to the current one, of runs without --output.
RUNS = Path("runs")


def add_run_options(parser: CommandParser, batch_size: int, needs_data: bool = True) -> None:
    """Add the options that both trainings share; those of `RunOptions` come from its fields.

    Args:
        parser: The parser of the command.
        batch_size: Default of --batch_size.
        needs_data: Whether --dataset_path is required.
    """
    add = parser.add_argument
    add("--config", type=Path, metavar="F", help="TOML file of these options; the command line takes precedence")
    add("--dataset_path", type=Path, required=needs_data, metavar="DIR", help="folder of labelled pictures")
    add("--resume", action="store_true", help="continue the run in --output from its last checkpoint")
    add(
        "--reshape",
        action="store_true",
        help="give the network of --start_from the shape of the options here; weights that fit are loaded",
    )
    add_field_options(parser, RunOptions, batch_size=batch_size)
    add(
        "--epochs", "--end_epoch", type=int, metavar="N", help="instead of --samples: passes over the labelled pictures"
    )
    add("--schedulefree", action="store_true", help="train with schedule-free AdamW (pip install schedulefree)")
    add("--no_amp", dest="precision", action="store_const", const="fp32", help="same as --precision fp32")
    add("--drawn_share", type=float, default=0.5, help="share of samples with drawn plates, 0 to 1")
    add_plate_options(parser)
    add("--validate_most", type=int, default=2000, help="maximum number of pictures of each kind in a validation")
    add("--cache_gb", type=float, default=4.0, help="gigabytes of decoded pictures kept in memory, over all processes")


def add_plate_options(parser: CommandParser) -> None:
    """Add the options for the plates that are drawn."""
    names = ", ".join(shipped_plates())
    add = parser.add_argument
    add("--plates", metavar="F", help=f"draw these plates instead of Chinese ones: a TOML file, or one of {names}")
    add("--glyphs", type=Path, metavar="DIR", help="folder of character pictures to draw Chinese plates with")
    add("--templates", type=Path, metavar="DIR", help="folder of blank plate pictures to draw Chinese plates on")


def add_crop_size(parser: CommandParser) -> None:
    """Add --crop_size, the size of the detector's training samples."""
    help_text = "height and width of the detector's training samples, multiples of 32; one number sets both"
    parser.add_argument(
        "--crop_size", type=int, nargs="+", default=(352,), metavar="N", help=f"{help_text} (default: 352)"
    )


def crop_size(args: argparse.Namespace) -> tuple[int, int]:
    """Height and width of --crop_size. Raises UsageError for more than two numbers."""
    if len(args.crop_size) > 2:
        raise UsageError(f"--crop_size takes one or two numbers, not {len(args.crop_size)}")
    return args.crop_size[0], args.crop_size[-1]


def check_same_shape(given: dict[str, object], config: object, start_from: Path) -> None:
    """Check the shape given on the command line against that of the network to start from.

    Raises:
        UsageError: they differ, so that the weights would not fit.
    """
    for name, value in given.items():
        existing = getattr(config, name)
        if value != existing:
            raise UsageError(
                f"--{name} {as_typed(value)}: {start_from}, which the run starts from, has {as_typed(existing)}; "
                "--reshape keeps the weights that fit"
            )


def report_new_parameters(start_from: Path, names: list[str]) -> None:
    """Print which parameters --reshape could not load and has initialised anew, to stderr."""
    new = f"newly initialised: {', '.join(names)}" if names else "no parameter is newly initialised"
    print(f"alpr_app.train: {start_from}: weights that fit are loaded; {new}", file=sys.stderr)


def warn(line: str) -> None:
    """Print a warning of one line to stderr; nothing if it is empty."""
    if line:
        print(f"alpr_app.train: warning: {line}", file=sys.stderr)


def cache_limit(args: argparse.Namespace) -> float:
    """Maximum bytes of decoded pictures in one process.

    Workers that are forked share them with this process; spawned ones, as on Windows and macOS, each hold their own.
    """
    shared = multiprocessing.get_start_method() == "fork"
    limit: float = args.cache_gb * GIGABYTE / (1 if shared else 1 + args.num_workers)
    return limit


def run_options(args: argparse.Namespace) -> RunOptions:
    """The options of the run from the parsed command line. Raises UsageError, and EngineError for a missing device."""
    values = {item.name: getattr(args, item.name) for item in fields(RunOptions) if hasattr(args, item.name)}
    if args.plateau_thr is None:
        del values["plateau_thr"]
    else:
        values["schedule"] = "plateau"
    if args.schedulefree:
        values["schedule"] = "free"
    # Fail before the data is read, which takes time.
    choose_device(args.device)
    return RunOptions(**values)


def published_command(arguments: list[str]) -> str:
    """The command as it is published in a bundle: paths are cut to their last part, because the folders above it are
    private."""
    return " ".join(["python -m alpr_app.train", *(shlex.quote(_published(argument)) for argument in arguments)])


def _published(argument: str) -> str:
    option, sign, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return option + sign + (Path(value).name if "/" in value or "\\" in value else value)


def train(args: argparse.Namespace, make_task: Callable[[argparse.Namespace], Task]) -> int:
    """Start or resume a training run.

    Args:
        args: The parsed command line.
        make_task: Makes the network with its samples, losses and validation from it.

    Returns:
        The exit status: 0 when the run is done, 130 when it was stopped by Ctrl-C or by its folder's file `stop`.
    """
    if args.resume and args.output is None:
        raise UsageError("--resume: name the run to continue: --output DIR")
    options = run_options(args)
    with ranks_of_environment(options.device) as ranks:
        unnamed = options.output is None
        if unnamed:
            options = replace(options, output=_new_folder(args.command, ranks))
            args.arguments = [*args.arguments, "--output", str(options.output)]
        try:
            if _train_in_process(args, make_task, options, ranks):
                return 0
        finally:
            if unnamed and ranks.first:
                # Removes the folder only if it is empty because the run has failed early.
                with suppress(OSError):
                    options.folder.rmdir()
    print("alpr_app.train: stopped; continue with --resume", file=sys.stderr)
    return 130


def _new_folder(command: str, ranks: Ranks) -> Path:
    """Make a folder for a run without --output, in the first process: runs/detector, runs/detector-2 and so on.

    Raises AlprError if it cannot be made.
    """

    def make() -> bytes:
        for number in count(1):
            folder = RUNS / (command if number == 1 else f"{command}-{number}")
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise AlprError(
                    f"{folder}: cannot be made: {reason(error)}; name another one with --output DIR"
                ) from error
            print(f"alpr_app.train: the run is in {folder}", file=sys.stderr)
            return os.fsencode(folder)
        raise AssertionError("count() is endless")

    return Path(os.fsdecode(from_first(ranks, make)))


def _train_in_process(
    args: argparse.Namespace, make_task: Callable[[argparse.Namespace], Task], options: RunOptions, ranks: Ranks
) -> bool:
    """Train in one of the processes; returns whether the run is done."""
    if args.reshape and args.start_from is None:
        raise UsageError("--reshape needs a network to take weights from: name it with --start_from")
    torch.manual_seed(options.seed)
    if ranks.first:
        # A request that the last run in this folder did not see, because it was killed.
        forget_stop(options.folder)
    with all_or_none(ranks):
        task = make_task(args)
        if args.epochs is not None:
            if not task.dataset.labelled:
                raise UsageError("--epochs counts passes over labelled pictures, and there are none: use --samples")
            options = replace(options, samples=args.epochs * task.dataset.labelled)
    trainer = Trainer(task, options, ranks)
    if args.resume:
        trainer.resume()
    with all_or_none(ranks):
        if ranks.first:
            _write_description(trainer, args)
    done = trainer.train()
    if ranks.first:
        _write_report(options.folder)
    return done


def _write_description(trainer: Trainer, args: argparse.Namespace) -> None:
    """Write command.txt and run.json into the run's folder. Raises CheckpointError if it holds another run."""
    folder = trainer.options.folder
    if not args.resume:
        if trainer.last_path.exists():
            raise CheckpointError(
                f"{trainer.last_path}: there is a run already; add --resume or choose another --output"
            )
        write_atomically(folder / COMMAND, f"{published_command(args.arguments)}\n".encode())
    write_about(folder, about_run(trainer.task, trainer.options, args.arguments))


def _write_report(folder: Path) -> None:
    """Write curves and figures at the end of a run; the run does not fail if that fails."""
    try:
        print(f"{write_report(folder)}: curves and figures")
    except (AlprError, OSError, ImportError) as error:
        print(f"alpr_app.train: no report: {error}", file=sys.stderr)
