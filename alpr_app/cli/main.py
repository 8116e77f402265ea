"""The command line `alpr`. Each command is a module of alpr_app.cli, imported only when it is called."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from alpr_app import __version__
from alpr_app.core.errors import AlprError, print_error, reason
from alpr_app.core.native_libraries import quiet_libraries
from alpr_app.core.startup import enter, limit_opencv

COMMANDS = {
    "read": ("alpr_app.cli.read", "find and read the plates in pictures, folders and videos"),
    "eval": ("alpr_app.cli.evaluate", "measure the models on labelled pictures"),
    "bench": ("alpr_app.cli.bench", "measure how fast the models are on this computer"),
    "serve": ("alpr_app.cli.serve", "read pictures that are sent over HTTP"),
    "export": ("alpr_app.cli.export", "write a model as an ONNX file"),
    "models": ("alpr_app.cli.models", "list models with their size and scores"),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line, as for all other errors, instead of the whole usage."""
        print_error(f"{message} ({self.prog} --help lists the options)", self.prog)
        sys.exit(2)


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    """Build the parser with the arguments of the chosen command only; other commands are not imported."""
    parser = _Parser(prog="alpr", description="Finds licence plates in pictures and reads them.")
    parser.add_argument("--version", action="version", version=f"alpr {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == chosen:
            import_module(module).add_arguments(command)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `alpr`.

    Args:
        argv: Arguments; None for those of the process.

    Returns:
        The exit status: 0 for success, 1 if some pictures failed, 2 if the command could not be carried out, 130 if
        interrupted.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        # A terminal may lack Chinese, and a file name need not be valid text: neither is a reason to stop.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    limit_opencv()
    chosen = next((argument for argument in arguments if argument in COMMANDS), None)
    try:
        try:
            args = _parser(chosen).parse_args(arguments)
        finally:
            # --help ends the process here; failing to print it is an error.
            sys.stdout.flush()
        with quiet_libraries():
            status: int = import_module(COMMANDS[args.command][0]).run(args)
        sys.stdout.flush()
    except AlprError as error:
        print_error(error)
        return 2
    except OSError as error:
        # A closed pipe (`alpr read … | head`) needs no message; a full disk does.
        if not isinstance(error, BrokenPipeError):
            print_error(f"{error.filename or 'standard output'}: {reason(error)}")
        # Remaining output would fail again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        print_error("interrupted")
        return 130
    return status


if __name__ == "__main__":
    enter("alpr")
    sys.exit(main())
