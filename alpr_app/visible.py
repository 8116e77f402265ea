"""Texts out of files and their names, shown to people: nothing in them may act on what shows them."""

from __future__ import annotations


def visible(text: str) -> str:
    """`text` in one line, with escapes for all that is not seen: line ends, control characters, what is no
    character."""
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
