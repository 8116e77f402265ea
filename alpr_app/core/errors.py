"""The exceptions for expected failures, and how they are shown to the user."""

from __future__ import annotations

import sys
import unicodedata

# Unicode categories that are invisible or move other characters: controls, line ends, direction marks, and the lone
# surrogates that a file name may hold.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class AlprError(Exception):
    """Something that went wrong outside the program: a file, a model, a device, an option.

    The message is one line that names the thing and the remedy. Programs show it without a traceback.
    """


class UsageError(AlprError, ValueError):
    """Options, or a file named by one, that a command cannot work with; the message names them."""


class MissingPackage(AlprError, ImportError):
    """A package that only some options need is not installed; the message says how to install it."""


def reason(error: OSError | ValueError) -> str:
    """Return the system's description of an error without number and path: 'No space left on device'."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its class name if the message is empty."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def printable(text: str) -> str:
    """Escape `text` so that a terminal shows it in one line: file names can contain cursor movements and line ends."""
    if text.isprintable():
        return text
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    # Python's notation: \x1b, \u202e.
    return ascii(character)[1:-1]


def print_error(error: AlprError | str, program: str = "alpr") -> None:
    """Print one line to standard error."""
    print(printable(f"{program}: {error}"), file=sys.stderr)
