"""How often something happens, and how long it takes, of late."""

from __future__ import annotations

from collections import deque
from time import monotonic

# Seconds that a rate looks back.
WINDOW_SECONDS = 2.0


class Rate:
    """Events a second over the last two seconds. One thread ticks, any may ask."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=512)

    def tick(self, now: float | None = None) -> None:
        self._times.append(monotonic() if now is None else now)

    def per_second(self, now: float | None = None) -> float:
        now = monotonic() if now is None else now
        recent = [time for time in tuple(self._times) if now - time <= WINDOW_SECONDS]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return 0.0
        # What should have come by now counts too, so that a source that has stopped goes down to 0.
        spacing = (recent[-1] - recent[0]) / (len(recent) - 1)
        return (len(recent) - 1) / (recent[-1] - recent[0] + max(0.0, now - recent[-1] - spacing))
