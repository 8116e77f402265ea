"""What the program's parts report as they work, for the line at the bottom of the window: warnings in the log, and
threads that ended on an error."""

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
    """lines: one a warning. wake: is called when there is one."""

    def __init__(self, wake: Callable[[], None] = noop) -> None:
        super().__init__(logging.WARNING)
        self.lines: deque[str] = deque()
        self._wake = wake
        _LOGGER.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging, on any thread."""
        line = " ".join(record.getMessage().split())
        # On the terminal as well, if there is one: without the window, logging would have said it there.
        print_error(line, PROGRAM)
        self.lines.append(line)
        self._wake()

    def close(self) -> None:
        """Take no more."""
        _LOGGER.removeHandler(self)
        super().close()


def report_threads() -> None:
    """From now on, a thread that ends on an error is a warning in the log too: without a terminal, nobody would see
    it."""
    before = threading.excepthook

    def report(given: threading.ExceptHookArgs) -> None:
        before(given)
        if isinstance(given.exc_value, Exception):
            name = given.thread.name if given.thread is not None else "a thread"
            _LOGGER.warning("%s has ended: %s", name, describe_error(given.exc_value))

    threading.excepthook = report
