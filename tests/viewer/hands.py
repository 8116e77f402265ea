"""Mouse and keyboard of a virtual screen."""

from __future__ import annotations

import os
import subprocess


class Hands:
    """Mouse and keyboard of the virtual screen."""

    def __init__(self, display: str) -> None:
        self._environment = os.environ | {"DISPLAY": display}
        self.window = ""

    def do(self, *words: object) -> str:
        done = subprocess.run(
            ["xdotool", *map(str, words)],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        return done.stdout.strip()

    def find(self) -> bool:
        self.window = self.do("search", "--name", "Licence plates|车牌识别").split("\n")[0]
        return bool(self.window)

    def title(self) -> str:
        return self.do("getwindowname", self.window)

    def geometry(self) -> list[int]:
        """Left, top, width and height of the window."""
        lines = self.do("getwindowgeometry", "--shell", self.window).splitlines()
        values = dict(line.split("=") for line in lines)
        return [int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")]
