"""From the reader's outputs to texts and confidences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr_app.networks.reader.config import ReaderConfig


@dataclass(frozen=True)
class Reading:
    """A reading of one plate.

    Attributes:
        text: Without blanks.
        characters: One confidence (0 to 1) per character of the text.
        alternatives: For each character the second most likely one ('' for no character) and its confidence.
        colour: The most likely colour.
    """

    text: str
    characters: tuple[float, ...]
    alternatives: tuple[tuple[str, float], ...]
    colour: str

    @property
    def confidence(self) -> float:
        """The lowest confidence of all characters; 0 without text."""
        return min(self.characters, default=0.0)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities over the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = weights / weights.sum(axis=-1, keepdims=True)
    return probabilities


def decode(characters: np.ndarray, colours: np.ndarray, config: ReaderConfig) -> list[Reading]:
    """Decode readings of B plates from character logits (B, L, classes) and colour logits (B, colours)."""
    probabilities = softmax(characters.astype(np.float64))
    # The two most likely classes at every position: (B, L, 2).
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
