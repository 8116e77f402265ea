"""What all expected failures have in common."""

from __future__ import annotations

import sys


class AlprError(Exception):
    """Something that went wrong outside the program: a file, a model, a device, an option.

    The message is one line that names the thing and the remedy; a program shows it without a traceback.
    """


class UsageError(AlprError, ValueError):
    """Options, or a file named by one, with which a command cannot be carried out; the message names them."""


class MissingPackage(AlprError, ImportError):
    """A package that only some options need is not installed; the message says how to get it."""


def reason(error: OSError | ValueError) -> str:
    """What the system says of a file, without numbers and paths: 'No space left on device'."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def first_line(error: Exception) -> str:
    """What an error says, without what libraries add in further lines; its kind if it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def complain(error: AlprError | str, program: str = "alpr") -> None:
    """One line on standard error."""
    print(f"{program}: {error}".replace("\n", " "), file=sys.stderr)
