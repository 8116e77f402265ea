"""An engine in whose place another one steps as soon as it fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np

from alpr_app.engine.common import Engine, EngineError

_log = logging.getLogger(__name__)


class Standby:
    """Runs `engine`. When that raises EngineError, it says so once, in a line, and runs what `make` gives instead: the
    work at hand and all that comes later. kind: of the network, for the line.

    Raises EngineError if that one fails too.
    """

    def __init__(self, engine: Engine, make: Callable[[], Engine], kind: str) -> None:
        self._engine = engine
        self._make: Callable[[], Engine] | None = make
        self._kind = kind
        self._lock = threading.Lock()

    @property
    def backend(self) -> str:
        """Of the one that runs now."""
        return self._engine.backend

    @property
    def device(self) -> str:
        """Of the one that runs now."""
        return self._engine.device

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        engine = self._engine
        try:
            return engine(images)
        except EngineError as error:
            return self._instead_of(engine, error)(images)

    def _instead_of(self, failed: Engine, error: EngineError) -> Engine:
        # Several threads may fail at once; the first one makes the other engine.
        with self._lock:
            if self._engine is failed:
                if self._make is None:
                    raise error
                other = self._make()
                _log.warning("%s on the processor runs the %s from now on: %s", other.backend, self._kind, error)
                self._engine, self._make = other, None
            return self._engine
