"""What `alpr read` is given in its tests, and what it gives."""

from __future__ import annotations

import json
from pathlib import Path

NAMES = ("a & b.png", "b2 c.png", "b10.png", "皖A12345.png")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
