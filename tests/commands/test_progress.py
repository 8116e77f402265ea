from __future__ import annotations

import io

import pytest

from alpr_app.commands import progress
from alpr_app.commands.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_the_bar_shows_count_pace_and_time_left(clock):
    stream = Terminal()
    bar = Progress(10, stream)
    for _ in range(5):
        clock[0] += 2.0
        bar.step()
    assert bar.line() == "[############............] 5/10, 0.5/s, 0:10 left"
    assert bar.line() in stream.getvalue()


def test_an_unknown_total_is_counted(clock):
    bar = Progress(None, Terminal())
    clock[0] = 4.0
    bar.step()
    assert bar.line() == "1 pictures, 0.2/s"


def test_nothing_is_written_where_nobody_looks():
    stream = io.StringIO()
    bar = Progress(2, stream)
    bar.step()
    bar.clear()
    assert stream.getvalue() == ""
