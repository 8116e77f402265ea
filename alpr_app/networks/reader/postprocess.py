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


def decode(characters: np.ndarray, colours: np.ndarray, config: ReaderConfig) -> list[Reading]:
    """Decode readings of B plates from character logits (B, L, classes) and colour logits (B, colours)."""
    # Few steps on whole arrays: with one plate, starting each takes longer than computing it.
    rows = characters.reshape(-1, characters.shape[2])
    places = np.arange(len(rows))
    best = rows.argmax(axis=1)
    # The softmax, in which the most likely class has the weight 1.
    weights = np.exp(rows - rows[places, best][:, None], dtype=np.float64)
    totals = weights.sum(axis=1)
    weights[places, best] = -1.0
    second = weights.argmax(axis=1)
    chances = weights[places, second] / totals
    ranked = list(zip(best.tolist(), (1 / totals).tolist(), second.tolist(), chances.tolist(), strict=True))
    names, length = [*config.alphabet, ""], characters.shape[1]
    readings = []
    for plate, colour in enumerate(colours.argmax(axis=1).tolist()):
        written = [place for place in ranked[plate * length : (plate + 1) * length] if place[0] != config.blank]
        text = "".join(names[index] for index, _, _, _ in written)
        sure = tuple(confidence for _, confidence, _, _ in written)
        guesses = tuple((names[index], chance) for _, _, index, chance in written)
        readings.append(Reading(text, sure, guesses, config.colours[colour]))
    return readings
