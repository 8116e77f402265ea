"""Which characters a reader confuses: pairs of labelled and read characters, aligned within each plate."""

from __future__ import annotations

from difflib import SequenceMatcher

Confusion = tuple[str, str]
"""The labelled character and the one read in its place; empty for a character that was added or left out."""


def confusions(label: str, text: str) -> list[Confusion]:
    """Return the characters of `label` that `text` has otherwise, in their order.

    Texts of equal length are compared place by place, because a plate has a fixed number of characters; others are
    aligned by their longest common parts.
    """
    if len(label) == len(text):
        return [(true, read) for true, read in zip(label, text, strict=True) if true != read]
    found: list[Confusion] = []
    for kind, start, end, read_start, read_end in SequenceMatcher(None, label, text, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        true, read = label[start:end], text[read_start:read_end]
        count = max(len(true), len(read))
        found += [(true[number : number + 1], read[number : number + 1]) for number in range(count)]
    return found
