"""What all expected failures have in common, and how they are said."""

from __future__ import annotations

import sys
import unicodedata

# Characters that are not seen, or that change where others stand: controls, line ends, marks of direction, halves of
# characters that a file name may hold.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


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


def printable(text: str) -> str:
    """`text` as a terminal may show it, in one line: file names can hold what moves the cursor or ends the line."""
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    # As Python writes it: \x1b, \u202e.
    return ascii(character)[1:-1]


def print_error(error: AlprError | str, program: str = "alpr") -> None:
    """One line on standard error."""
    print(printable(f"{program}: {error}"), file=sys.stderr)
