"""Keeps what goes wrong with one thing within: the thread that works on it goes on with the next."""

from __future__ import annotations

import traceback
from types import TracebackType


class Guard:
    """Only for the border of a thread that users wait for: one picture must not end it, and what the pipeline runs
    raises kinds of errors of its own (ONNX Runtime's have no common ancestor but Exception). error: what was raised;
    whoever uses this says so."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None


def told(error: Exception | None) -> str:
    """An error in one line, with the place in the program that it comes from."""
    if error is None:
        return "for a reason that is not known"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}{place}".split())
