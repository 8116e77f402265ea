"""What the reader's network puts out -> texts and confidences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr_app.networks.reader.config import ReaderConfig


@dataclass(frozen=True)
class Reading:
    """text without blanks; characters: one confidence (0 to 1) a character of text; alternatives: for each of them
    the next likeliest character ('' for none at all) and its confidence; colour: the likeliest one."""

    text: str
    characters: tuple[float, ...]
    alternatives: tuple[tuple[str, float], ...]
    colour: str

    @property
    def confidence(self) -> float:
        """The least of the characters' confidences: a plate is as sure as its worst character. 0 without text."""
        return min(self.characters, default=0.0)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = weights / weights.sum(axis=-1, keepdims=True)
    return probabilities


def decode(characters: np.ndarray, colours: np.ndarray, config: ReaderConfig) -> list[Reading]:
    """Readings of B plates from character logits (B, L, classes) and colour logits (B, colours)."""
    probabilities = softmax(characters.astype(np.float64))
    # Of every place the likeliest class and the one after it: (B, L, 2).
    ranked = (-probabilities).argsort(axis=2, kind="stable")[..., :2]
    chances = np.take_along_axis(probabilities, ranked, axis=2)
    names = [*config.alphabet, ""]
    readings = []
    for plate, written in enumerate(ranked[..., 0] != config.blank):
        text = "".join(names[index] for index in ranked[plate, written, 0])
        guesses = [names[index] for index in ranked[plate, written, 1]]
        sure, second = chances[plate, written].T.tolist()
        colour = config.colours[int(colours[plate].argmax())]
        readings.append(Reading(text, tuple(sure), tuple(zip(guesses, second, strict=True)), colour))
    return readings
