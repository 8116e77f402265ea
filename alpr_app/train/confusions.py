"""Which characters are taken for which others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from alpr_app.core.plate import ALPHABET
from alpr_app.train.plots import plot_confusions


class Confusions:
    """Counts what was read for what, place by place. unequal: plates that were read with another number of characters;
    they are left out, because nobody knows which character was taken for which."""

    def __init__(self) -> None:
        self._pairs: Counter[tuple[str, str]] = Counter()
        self.plates = self.unequal = 0

    def __call__(self, truth: str, read: str) -> None:
        """Count one plate."""
        self.plates += 1
        if len(truth) != len(read):
            self.unequal += 1
            return
        self._pairs.update(zip(truth, read, strict=True))

    @property
    def names(self) -> str:
        """Every character that was there or was read: those of Chinese plates in their own order, then others."""
        seen = {character for pair in self._pairs for character in pair}
        return "".join(sorted(seen, key=lambda character: (ALPHABET.find(character) % 10_000, character)))

    def counts(self) -> np.ndarray:
        """(N, N) int64: how often the character of the row was read as that of the column, in the order of `names`."""
        places = {name: place for place, name in enumerate(self.names)}
        counts = np.zeros((len(places), len(places)), np.int64)
        for (truth, read), count in self._pairs.items():
            counts[places[truth], places[read]] = count
        return counts

    def plot(self, path: Path) -> None:
        """Raises MissingPackage with the remedy if matplotlib is missing, OSError."""
        plot_confusions(self.counts(), self.names, path)
