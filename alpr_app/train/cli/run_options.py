"""Options that all trainings share, and how a training is run with them."""

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
from typing import Any

import torch

from alpr_app.core.errors import AlprError, UsageError, reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.run_folder import COMMAND, write_about
from alpr_app.runtime.backends import DEVICES, choose_device
from alpr_app.synth.plates.plates_file import shipped_plates
from alpr_app.train.reports.report import about_run, write_report
from alpr_app.train.trainer.batches import GIGABYTE
from alpr_app.train.trainer.checkpoint import CheckpointError
from alpr_app.train.trainer.distributed import Ranks, all_or_none, from_first, ranks_of_environment
from alpr_app.train.trainer.loop import Task, Trainer
from alpr_app.train.trainer.options import PRECISIONS, SCHEDULES, RunOptions

# Where runs go whose folder is not named, from the folder that one is in.
RUNS = Path("runs")


class Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults, but none where there is nothing to show."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        hidden = action.default is None or action.default is False
        return action.help if hidden else super()._get_help_string(action)


def flag(text: str) -> bool:
    """0 or 1 as an option's value."""
    if text not in ("0", "1"):
        raise argparse.ArgumentTypeError(f"0 or 1, not '{text}'")
    return text == "1"


def add_shape_options(
    parser: argparse.ArgumentParser, shape: object, texts: dict[str, str], many: tuple[str, ...] = ()
) -> None:
    """Options for fields of a network's config. Those that are not given are as in `shape`, or as in the network that
    the run begins with. many: fields of any length."""
    for name, text in texts.items():
        default = getattr(shape, name)
        several = isinstance(default, tuple)
        kind = type(default[0] if several else default)
        count = ("+" if name in many else len(default)) if several else None
        read = flag if kind is bool else kind
        said = f"{text} (default: {_shown(default)})"
        parser.add_argument(f"--{name}", type=read, nargs=count, metavar="N", help=said)


def add_crop_size(parser: argparse.ArgumentParser) -> None:
    text = "height and width of the detector's views in training, multiples of 32; one number for both"
    parser.add_argument("--crop_size", type=int, nargs="+", default=(352,), metavar="N", help=text)


def crop_size_of(args: argparse.Namespace) -> tuple[int, int]:
    """Height and width. Raises UsageError for more than two numbers."""
    if len(args.crop_size) > 2:
        raise UsageError(f"--crop_size is one number or two, not {len(args.crop_size)}")
    return args.crop_size[0], args.crop_size[-1]


def shape_of(args: argparse.Namespace, texts: dict[str, str]) -> dict[str, Any]:
    """Those fields of `add_shape_options` that were given."""
    given = {name: getattr(args, name) for name in texts if getattr(args, name) is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def refuse_other_shape(given: dict[str, object], config: object, begun: Path) -> None:
    """Raises UsageError if the network of `begun` is not shaped as was asked for: its weights would not fit."""
    for name, value in given.items():
        there = getattr(config, name)
        if value != there:
            has = f"{begun}, which the run begins with, has {_shown(there)}"
            raise UsageError(f"--{name} {_shown(value)}: {has}; --reshape takes over what fits")


def say_what_begins_anew(begun: Path, names: list[str]) -> None:
    """What --reshape came to, on the error output."""
    said = f"these begin anew: {', '.join(names)}" if names else "no weights begin anew"
    print(f"alpr_app.train: {begun}: what fits is taken over; {said}", file=sys.stderr)


def _shown(value: object) -> str:
    """A value of a config as it is written on the command line."""
    return " ".join(str(int(item)) for item in value) if isinstance(value, tuple) else str(value)


def add_run_options(parser: argparse.ArgumentParser, batch_size: int, start_lr: float, needs_data: bool = True) -> None:
    add = parser.add_argument
    add("--config", type=Path, metavar="F", help="TOML file of these options; those given here win")
    add("--dataset_path", type=Path, required=needs_data, metavar="DIR", help="labelled pictures")
    add("--output", type=Path, metavar="DIR", help="the run's folder, made if missing (default: a new one in runs/)")
    add("--resume", action="store_true", help="go on from the run's last checkpoint")
    add("--start_from", type=Path, metavar="NAME", help="run or bundle to begin with: its weights and its shape")
    add("--reshape", action="store_true", help="with --start_from: in the shape that options say; what fits is kept")
    add("--samples", type=int, default=1_000_000, help="training samples to see in all")
    add("--epochs", "--end_epoch", type=int, metavar="N", help="the same in rounds over the labelled pictures")
    add("--batch_size", type=int, default=batch_size, help="samples a step, over all processes")
    add("--accumulate", type=int, default=1, help="parts a batch is worked off in, to save memory")
    add("--start_lr", type=float, default=start_lr, help="highest learning rate")
    add("--min_lr", type=float, default=1e-5, help="lowest learning rate")
    add("--schedule", choices=SCHEDULES[:2], default="cosine", help="of the learning rate")
    add("--plateau_thr", type=int, metavar="N", help="batches without decrease until a plateau; means that schedule")
    add("--schedulefree", action="store_true", help="schedule-free AdamW (pip install schedulefree)")
    add("--weight_decay", type=float, default=0.05, help="of the weights")
    add("--ema", type=float, default=0.999, help="decay of the averaged weights, a step")
    add("--clip", type=float, default=5.0, help="largest norm of the gradient")
    add("--patience", type=int, default=0, metavar="N", help="end after N validations without a new best; 0 for never")
    add("--drawn_share", type=float, default=0.5, help="share of drawn plates among the samples")
    add("--plates", metavar="F", help=f"plates to draw, not Chinese ones: TOML file, or {', '.join(shipped_plates())}")
    add("--glyphs", type=Path, metavar="DIR", help="pictures of characters to draw plates with")
    add("--templates", type=Path, metavar="DIR", help="pictures of blank plates to draw on")
    add("--num_workers", type=int, default=1, help="processes that make samples")
    add("--threads", type=int, help="processor threads for the network (default: those that workers leave)")
    add("--device", choices=DEVICES[1:], default="cpu", help="what the network runs on")
    add("--precision", choices=PRECISIONS, default="auto", help="auto: bf16 where the device computes in it by itself")
    add("--no_amp", dest="precision", action="store_const", const="fp32", help="the same as --precision fp32")
    add("--compile", action="store_true", help="torch.compile the network; needs a C++ compiler")
    add("--seed", type=int, default=0, help="of weights, samples and dropout: runs of one seed see the same")
    add("--validate_samples", type=int, default=40_000, help="validate every so many samples")
    add("--validate_most", type=int, default=2000, help="pictures of each kind that a validation looks at")
    add(
        "--cache_gb",
        type=float,
        default=4.0,
        help="gigabytes of decoded pictures that all processes keep in memory",
    )
    add("--checkpoint_minutes", type=float, default=4.0, help="minutes between checkpoints")
    add("--tensorboard", action="store_true", help="figures for TensorBoard too (pip install tensorboard)")
    add("--wandb", action="store_true", help="figures for Weights & Biases too (pip install wandb)")


def cache_limit(args: argparse.Namespace) -> float:
    """Bytes that one process may keep of decoded pictures. Those that makers of samples are forked from are shared;
    started afresh, as on Windows and macOS, each has its own."""
    shared = multiprocessing.get_start_method() == "fork"
    limit: float = args.cache_gb * GIGABYTE / (1 if shared else 1 + args.num_workers)
    return limit


def run_options(args: argparse.Namespace) -> RunOptions:
    """The options of the run, out of the command line."""
    values = {item.name: getattr(args, item.name) for item in fields(RunOptions) if hasattr(args, item.name)}
    if args.plateau_thr is None:
        values.pop("plateau_thr")
    else:
        values["schedule"] = "plateau"
    if args.schedulefree:
        values["schedule"] = "free"
    # Before anything is read that takes time.
    choose_device(args.device)
    return RunOptions(**values)


def published_command(arguments: list[str]) -> str:
    """The command as it goes into the bundle: of every path only the last part, because the folders above it are
    nobody else's."""
    return " ".join(["python -m alpr_app.train", *(shlex.quote(_published(argument)) for argument in arguments)])


def _published(argument: str) -> str:
    option, sign, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return option + sign + (Path(value).name if "/" in value or "\\" in value else value)


def train(args: argparse.Namespace, make_task: Callable[[argparse.Namespace], Task]) -> int:
    """Run or go on with a training; returns the exit status."""
    if args.resume and args.output is None:
        raise UsageError("--resume: name the run to go on with: --output DIR")
    options = run_options(args)
    with ranks_of_environment(options.device) as ranks:
        made = options.output is None
        if made:
            options = replace(options, output=_new_folder(args.command, ranks))
            args.arguments = [*args.arguments, "--output", str(options.output)]
        try:
            if _train(args, make_task, options, ranks):
                return 0
        finally:
            if made and ranks.first:
                # Only if no run has begun in it: what holds something cannot be removed so.
                with suppress(OSError):
                    options.folder.rmdir()
    print("alpr_app.train: stopped; go on with --resume", file=sys.stderr)
    return 130


def _new_folder(command: str, ranks: Ranks) -> Path:
    """A folder for a run that names none, made by the first process: runs/detector, then runs/detector-2, and so on.

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
                raise AlprError(f"{folder}: cannot be made: {reason(error)}; name another one: --output DIR") from error
            print(f"alpr_app.train: the run is in {folder}", file=sys.stderr)
            return os.fsencode(folder)
        raise AssertionError("numbers do not end")

    return Path(os.fsdecode(from_first(ranks, make)))


def _train(
    args: argparse.Namespace, make_task: Callable[[argparse.Namespace], Task], options: RunOptions, ranks: Ranks
) -> bool:
    """One process's part of it; returns whether all is done."""
    if args.reshape and args.start_from is None:
        raise UsageError("--reshape needs a network to take weights from: name it with --start_from")
    torch.manual_seed(options.seed)
    with all_or_none(ranks):
        task = make_task(args)
        if args.epochs is not None:
            if not task.dataset.labelled:
                raise UsageError("--epochs counts rounds over labelled pictures; there are none: give --samples")
            options = replace(options, samples=args.epochs * task.dataset.labelled)
    run = Trainer(task, options, ranks)
    if args.resume:
        run.resume()
    with all_or_none(ranks):
        if ranks.first:
            _begin(run, args)
    done = run.train()
    if ranks.first:
        _report(options.folder)
    return done


def _begin(run: Trainer, args: argparse.Namespace) -> None:
    """Say in the run's folder what is run. Raises CheckpointError if another run is there."""
    if not args.resume:
        if run.last_path.exists():
            raise CheckpointError(f"{run.last_path}: there is a run already; add --resume or choose another --output")
        write_atomically(run.options.folder / COMMAND, f"{published_command(args.arguments)}\n".encode())
    write_about(run.options.folder, about_run(run.task, run.options, args.arguments))


def _report(folder: Path) -> None:
    """Curves and figures at the end. A run that is done is none the worse if they cannot be made."""
    try:
        print(f"{write_report(folder)}: curves and figures")
    except (AlprError, OSError, ImportError) as error:
        print(f"alpr_app.train: no report: {error}", file=sys.stderr)
