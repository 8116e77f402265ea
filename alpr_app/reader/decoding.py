"""What the reader's network puts out -> texts and confidences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr_app.reader.config import ReaderConfig


@dataclass(frozen=True)
class Reading:
    """text without blanks; characters: one confidence (0 to 1) a character of text; colour: the likeliest one."""

    text: str
    characters: tuple[float, ...]
    colour: str

    @property
    def confidence(self) -> float:
        """The least of the characters' confidences: a plate is as sure as its worst character. 0 without text."""
        return min(self.characters, default=0.0)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def decode(characters: np.ndarray, colours: np.ndarray, config: ReaderConfig) -> list[Reading]:
    """Readings of B plates from character logits (B, L, classes) and colour logits (B, colours)."""
    probabilities = softmax(characters.astype(np.float64))
    best = probabilities.argmax(axis=2)
    readings = []
    for plate in range(len(best)):
        places = np.flatnonzero(best[plate] != config.blank)
        text = "".join(config.alphabet[best[plate, place]] for place in places)
        confidences = tuple(float(probabilities[plate, place, best[plate, place]]) for place in places)
        readings.append(Reading(text, confidences, config.colours[int(colours[plate].argmax())]))
    return readings
