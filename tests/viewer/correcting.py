"""A window in which labels are corrected, with a mouse that finds points of the picture and buttons by their titles."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.viewer.panels import correction_canvas
from alpr_app.viewer.toolkit.inputs import CONTROL, KEYS, SHIFT

SIZE = (300, 400)
# Codes of Shift and Ctrl.
MODIFIER_KEYS = (340, 341)
# Corners of the plate that the stand-in for the models finds in every picture, and a row with them.
FOUND = ((60.0, 80.0), (160.0, 80.0), (160.0, 110.0), (60.0, 110.0))
PLACE = "60.0 80.0 160.0 80.0 160.0 110.0 60.0 110.0"


def write_pictures(folder: Path, *names: str) -> Path:
    """Write grey pictures of SIZE."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(folder / name, np.full((*SIZE, 3), 60, np.uint8))
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a table; none if it does not exist."""
    if not path.is_file():
        return []
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


class CorrectingHands:
    """Drives a window of the fixture `window` in the mode in which labels are corrected."""

    def __init__(self, shown: SimpleNamespace, until: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown, self.state, self.until = shown, shown.state, until
        self.corrections = shown.viewer.corrections
        self.ui = shown.frame.context.ui
        self.transform: Any = None
        self.buttons: dict[str, tuple[float, float]] = {}
        make, button, hit = correction_canvas._transform, self.ui.button, self.ui.hit

        def noted_transform(*given: Any) -> Any:
            self.transform = make(*given)
            return self.transform

        def noted_button(label: str, *given: Any, **options: Any) -> bool:
            self.buttons[label] = self.ui.cursor
            return bool(button(label, *given, **options))

        monkeypatch.setattr(correction_canvas, "_transform", noted_transform)

        def noted_hit(name: str, *given: Any, **options: Any) -> Any:
            self.buttons[name] = self.ui.cursor
            return hit(name, *given, **options)

        monkeypatch.setattr(self.ui, "button", noted_button)
        monkeypatch.setattr(self.ui, "hit", noted_hit)

    def begin(self) -> None:
        """Press X, and wait until the labels are open."""
        self.key("X")
        self.ready()

    def ready(self) -> None:
        """Wait until the selected picture can be corrected and has been read."""
        viewer = self.shown.viewer

        def holds() -> bool:
            viewer.collect()
            return bool(self.corrections.path) and self.state.record is not None

        self.until(holds, "the picture")
        self.shown.draw()

    def key(self, name: str, control: bool = False, shift: bool = False) -> None:
        mods = (CONTROL if control else 0) | (SHIFT if shift else 0)
        self.ui.inputs.key(KEYS[name], True, mods)
        self.ui.inputs.key(KEYS[name], False, mods)
        for code in MODIFIER_KEYS if mods else ():
            self.ui.inputs.key(code, False)
        self.shown.draw()

    def type(self, text: str) -> None:
        for letter in text:
            self.ui.inputs.character(ord(letter))
        self.shown.draw(3)

    def press(self, title: str) -> None:
        """Click a button or a row by its title."""
        self.buttons.clear()
        self.shown.draw()
        x, y = self.buttons[title]
        self.shown.click(x + 8, y + 8)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the picture in the window."""
        found: tuple[float, float] = self.transform.to_screen((x, y))
        return found

    def click(self, x: float, y: float) -> None:
        """Click a point of the picture."""
        self.shown.click(*self.point(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one point of the picture to another."""
        self.ui.inputs.move(*self.point(*start))
        self.shown.draw(2)
        self.ui.inputs.button(0, True)
        self.shown.draw(1)
        for share in (0.3, 0.7, 1.0):
            x, y = (first + share * (last - first) for first, last in zip(start, end, strict=True))
            self.ui.inputs.move(*self.point(x, y))
            self.shown.draw(1)
        self.ui.inputs.button(0, False)
        self.shown.draw()

    def saved(self) -> None:
        """Wait until everything is on the disk."""
        viewer = self.shown.viewer

        def holds() -> bool:
            viewer.collect()
            # What is typed is saved after a pause.
            return self.corrections.session.documents.is_saved and self.corrections.field_text is None

        self.until(holds, "the labels to be saved")

    @property
    def table(self) -> Path:
        """The table for new labels."""
        place = self.corrections.session.place
        return Path(place.labels, TABLE_NAME)
