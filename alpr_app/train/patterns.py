"""What plates of a kind say: patterns such as 'LL-DD LLL', and the texts that fit them.

In a pattern, the name of a class stands for one of its texts, a blank is a gap, '/' begins the next row and '*' is a
round sticker. '-' and '·' are painted, and read only if the alphabet holds them. Any other character is itself. What a
pattern makes is a lettering: characters, gaps, marks and rows; the plate's text is what of it the alphabet holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

GAP, NEXT_ROW, DASH, DOT, STICKER = " ", "/", "-", "·", "*"
# Never read; a dash or dot that the alphabet holds is read like any character.
LAYOUT_ONLY = GAP + NEXT_ROW + STICKER
MARKS = DASH + DOT + STICKER

Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Pattern:
    """One pattern. choices: of each of its characters, the texts that may stand there."""

    written: str
    choices: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, written: str, classes: Classes, alphabet: str) -> Pattern:
        """Raises ValueError for a character that is no class, not in the alphabet and no mark."""
        choices = []
        for character in written:
            if character not in classes and character not in alphabet + LAYOUT_ONLY + MARKS:
                raise ValueError(f"'{character}' in the pattern '{written}' is no class and not in the alphabet")
            choices.append(classes.get(character, (character,)))
            if not choices[-1]:
                raise ValueError(f"'{character}' in the pattern '{written}': the alphabet has no such character")
        return cls(written, tuple(choices))

    @property
    def widest(self) -> str:
        """A lettering that takes as much room as any."""
        return "".join(max(texts, key=len) for texts in self.choices)

    def draw(self, rng: np.random.Generator) -> str:
        """A chance lettering, every text of a class as likely as any other."""
        return "".join(texts[rng.integers(len(texts))] if len(texts) > 1 else texts[0] for texts in self.choices)

    def expression(self, alphabet: str) -> str:
        """A regular expression for the texts, without what is not read."""
        read = ([text for text in texts if set(text) <= set(alphabet)] for texts in self.choices)
        return "".join(f"(?:{'|'.join(map(re.escape, texts))})" for texts in read if texts)


def text_of(lettering: str, alphabet: str) -> str:
    """What of a lettering is read."""
    return "".join(character for character in lettering if character in alphabet)
