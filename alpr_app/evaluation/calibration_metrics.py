"""Whether readings are correct as often as their confidence says (Guo et al., On Calibration of Modern Neural
Networks, 2017)."""

from __future__ import annotations

import numpy as np

THRESHOLDS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
BINS = 10


class CalibrationMetrics:
    """Counts readings with their confidence and whether they were right. plates: how many there were to be read,
    found or not."""

    def __init__(self) -> None:
        self.plates = 0
        self._readings: list[tuple[float, bool]] = []

    def add(self, confidence: float, right: bool) -> None:
        """Count the reading of one plate."""
        self._readings.append((confidence, right))

    def by_threshold(self) -> dict[str, dict[str, float]]:
        """What leaving out the less sure readings gives: how many are left, the share of them that is right
        (`precision`), and the share of all plates that is read right then (`recall`)."""
        confidences, right = self._arrays()
        rows = {}
        for threshold in THRESHOLDS:
            kept = confidences >= threshold
            true = int(right[kept].sum())
            count = int(kept.sum())
            rows[f"confidence {threshold:.2f}"] = {
                "readings": count,
                "precision": true / max(1, count),
                "recall": true / max(1, self.plates),
            }
        return rows

    def summary(self) -> dict[str, float]:
        """Return mean confidence and share of correct readings, which should be equal, and the expected calibration
        error: their difference over `BINS` equal ranges of confidence, weighted by the readings in each."""
        confidences, right = self._arrays()
        count = max(1, len(right))
        error = sum(abs(sure - share) * readings for sure, share, readings in self.confidence_bins()) / count
        return {
            "readings": len(right),
            "mean_confidence": float(confidences.sum()) / count,
            "right": float(right.sum()) / count,
            "calibration_error": float(error),
        }

    def confidence_bins(self) -> list[tuple[float, float, int]]:
        """Return, for each occupied range of confidence, mean confidence, share of correct readings, and their
        number."""
        confidences, right = self._arrays()
        places = np.minimum((confidences * BINS).astype(int), BINS - 1)
        found = ((places == place) for place in range(BINS))
        return [
            (float(confidences[inside].mean()), float(right[inside].mean()), int(inside.sum()))
            for inside in found
            if inside.any()
        ]

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        confidences, right = zip(*self._readings, strict=True) if self._readings else ((), ())
        return np.array(confidences, float), np.array(right, bool)
