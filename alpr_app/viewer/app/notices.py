"""Collects warnings of the log, and threads that ended with an error, for the status line of the window."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from alpr_app.core.errors import print_error
from alpr_app.viewer.app.arguments import PROGRAM
from alpr_app.viewer.workers.threads import describe_error, noop

_LOGGER = logging.getLogger("alpr_app")


class Notices(logging.Handler):
    """A handler of the log.

    Args:
        wake: Called when there is a new warning.

    Attributes:
        lines: Queue of warnings, one line each.
    """

    def __init__(self, wake: Callable[[], None] = noop) -> None:
        super().__init__(logging.WARNING)
        self.lines: deque[str] = deque()
        self._wake = wake
        _LOGGER.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging, on any thread."""
        line = " ".join(record.getMessage().split())
        # On the terminal as well, where logging would have printed it without the window.
        print_error(line, PROGRAM)
        self.lines.append(line)
        self._wake()

    def close(self) -> None:
        """Stop collecting."""
        _LOGGER.removeHandler(self)
        super().close()


def report_threads() -> None:
    """Log a warning when a thread ends with an error, because a program without a terminal shows no traceback."""
    before = threading.excepthook

    def report(given: threading.ExceptHookArgs) -> None:
        before(given)
        if isinstance(given.exc_value, Exception):
            name = given.thread.name if given.thread is not None else "a thread"
            _LOGGER.warning("%s has ended: %s", name, describe_error(given.exc_value))

    threading.excepthook = report
