"""Sizes of the letters, and which characters each size has."""

from __future__ import annotations

from alpr_app.core import errors
from alpr_app.core.plate import ALPHABET

BODY, SMALL, LARGE = "body", "small", "large"

# Height in pixels at scale 1.
SIZES = {BODY: 17, SMALL: 14, LARGE: 30}

# First and last code of each range, ended by 0: Latin with arrows and dashes; then Chinese, for any file name.
_LATIN = [0x20, 0xFF, 0x2010, 0x2027, 0x2190, 0x2193]
_HAN = [0x3000, 0x303F, 0x4E00, 0x9FFF, 0xFF00, 0xFFEF]
_PLATES = [code for code in sorted(map(ord, ALPHABET)) if code > _LATIN[-1] for _ in range(2)]

RANGES = {BODY: [[*_LATIN, 0], [*_HAN, 0]], SMALL: [[*_LATIN, *_PLATES, 0]], LARGE: [[*_LATIN, *_PLATES, 0]]}


def printable(text: str) -> str:
    """`text` in one line, with ? for all that is no character, because names of files need not be text and Dear ImGui
    and GLFW take nothing else, and with escapes for what is not seen: names may hold line ends and marks that turn what
    follows them."""
    return text if text.isascii() and text.isprintable() else errors.printable(characters(text))


def characters(text: str) -> str:
    """`text` with ? for all that is no character."""
    return text.encode(errors="replace").decode()
