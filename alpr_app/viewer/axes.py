"""Axes of charts: from values to places, and numbers that are good to read along them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

import numpy as np

# Steps of a linear axis, times a power of ten.
_STEPS = (1, 2, 5, 10)
# Of what lies between the least and the greatest value, so much is left free at both ends.
MARGIN = 0.06


@dataclass(frozen=True)
class Axis:
    """low, high: what is seen of it, low < high; both above 0 if it is logarithmic."""

    low: float
    high: float
    logarithmic: bool = False

    def shares(self, values: np.ndarray) -> np.ndarray:
        """Where values lie, from 0 at `low` to 1 at `high`; NaN for what has no place."""
        low, high = self.low, self.high
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.logarithmic:
                values, low, high = np.log10(np.where(values > 0, values, np.nan)), log10(low), log10(high)
            shares = (values - low) / (high - low)
        return np.where(np.isfinite(shares), shares, np.nan)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most about `most` values to be named, with their names."""
        if self.logarithmic:
            return [(value, f"{value:g}") for value in self._decades(most)]
        step = _step((self.high - self.low) / max(1, most))
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        decimals = max(0, -floor(log10(step) + 1e-9))
        return [(number * step, _name(number * step, decimals)) for number in range(first, last + 1)]

    def _decades(self, most: int) -> list[float]:
        """Powers of ten, with their multiples by 2 and 5 where there is room for them."""
        powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        for parts in ((1, 2, 5), (1, 3), (1,)):
            values = [part * 10.0**power for power in powers for part in parts]
            seen = [value for value in values if self.low <= value <= self.high]
            if len(seen) <= most:
                break
        return seen[:: max(1, ceil(len(seen) / max(1, most)))]


def _step(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def _name(value: float, decimals: int) -> str:
    if decimals > 4:
        return f"{value:.1e}"
    return f"{value:,.{decimals}f}"


def axis_over(values: list[np.ndarray], logarithmic: bool = False) -> Axis | None:
    """An axis on which all of them are seen, as far as they have a place; None if none has."""
    together = np.concatenate(values) if values else np.zeros(0)
    usable = together[np.isfinite(together) & ((together > 0) | (not logarithmic))]
    if not usable.size:
        return None
    low, high = float(usable.min()), float(usable.max())
    if logarithmic:
        room = max(MARGIN * (log10(high) - log10(low)), 0.02)
        return Axis(10 ** (log10(low) - room), 10 ** (log10(high) + room), True)
    room = MARGIN * (high - low) or abs(high) * 0.1 or 0.5
    return Axis(low - room, high + room) if isfinite(high - low) else None
