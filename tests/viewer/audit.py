"""Watches what the window draws: texts that are cut off, too pale, or not in the language of the window."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from alpr_app.data.camera_mode import FORMATS
from alpr_app.data.cameras import camera_backends
from alpr_app.viewer.text.language import CHINESE, CHINESE_TABLE, language, read_table
from alpr_app.viewer.toolkit.inputs import KEYS
from alpr_app.viewer.toolkit.painter import BODY, Painter, Point, Rect
from alpr_app.viewer.toolkit.theme import Colour
from alpr_app.viewer.toolkit.toolkit import Toolkit

TABLE = read_table(CHINESE_TABLE)
# Words that are the same in every language: keys, names of files and of what the tests make.
SAME = {word for text in TABLE.values() for word in re.findall(r"[A-Za-z]{3,}", text)}
SAME |= {word for key in KEYS for word in re.findall(r"[A-Za-z]{3,}", key)}
SAME |= {"png", "jpg", "fake", "cpu", "int", "openvino", "torch", "English", "Ctrl", "mp", "Webcam", "auto"}
SAME |= {word for name in (*FORMATS, *camera_backends()) for word in re.findall(r"[A-Za-z]{3,}", name)}
SAME |= {
    "broken",
    "pictures",
    "north",
    "south",
    "far",
    "empty",
    "below",
    "later",
    "detector_run",
    "maskocr_run",
    "film",
}


def luminance(colour: Colour) -> float:
    """Relative luminance as defined by WCAG 2."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: Colour, second: Colour) -> float:
    darker, lighter = sorted(map(luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def over(colour: Colour, ground: Colour) -> Colour:
    """`colour` on `ground`, by its opacity."""
    opacity = colour[3]
    red, green, blue = (
        opacity * part + (1 - opacity) * below for part, below in zip(colour[:3], ground[:3], strict=True)
    )
    return red, green, blue, 1.0


def beginning(start: str) -> Callable[[str], bool]:
    """Whether a text, without its placeholders, begins with `start`."""
    return lambda text: re.sub(r"{.*", "", text).casefold().startswith(start.casefold())


_PLATE = re.compile(r"[\u4e00-\u9fff]\w*\d")
# Messages of the library.
# And the example of options, which are the same in every language.
LIBRARY = {"not a picture", "--samples 200000 --num_workers 2"}


class Audit:
    """Notes what is wrong with the texts that are drawn from now on.

    Attributes:
        problems: What is wrong, each once.
        texts: All texts that were drawn.
    """

    def __init__(self, ui: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
        self.problems: set[str] = set()
        self.texts: set[str] = set()
        self._ui = ui
        self._fills: list[tuple[Rect, Colour]] = []
        for name in ("frame", "area", "text", "button", "checkbox", "combo", "text_field"):
            monkeypatch.setattr(ui, name, getattr(self, f"_{name}")(getattr(ui, name)))
        for name in ("text", "fill"):
            monkeypatch.setattr(Painter, name, getattr(self, f"_painter_{name}")(getattr(Painter, name)))

    def _fits(self, text: str, width: float, room: float) -> None:
        if width > room + 1:
            self.problems.add(f"{text!r} needs {width:.0f} and has {room:.0f}")

    def _note(self, text: str) -> str:
        """Note a text as it is shown, without its name in Dear ImGui."""
        text = text.split("##")[0]
        self.texts.add(text)
        texts = TABLE.values() if language() == CHINESE else TABLE.keys()
        start = text.removesuffix("...")
        # A text of the window that has lost its end.
        if text.endswith("...") and text not in texts and len(start) > 2 and any(map(beginning(start), texts)):
            self.problems.add(f"{text!r} is cut off")
        words = set(re.findall(r"[A-Za-z_]{3,}", text)) if "/" not in text else set()
        if language() == CHINESE and words - SAME and text not in LIBRARY and not _PLATE.search(text):
            self.problems.add(f"{text!r} is not translated")
        return text

    def _stands_out(self, text: str, point: Point, size: Point, colour: Colour) -> None:
        for part in (0.05, 0.5, 0.95):
            x, y = point[0] + part * size[0], point[1] + size[1] / 2
            ground: Colour = (0.0, 0.0, 0.0, 1.0)
            for (left, top, width, height), fill in self._fills:
                if left <= x < left + width and top <= y < top + height:
                    ground = over(fill, ground)
            found = contrast(over(colour, ground), ground)
            if found < 4.5:
                self.problems.add(f"{text!r} stands out by {found:.2f} only")

    def _frame(self, draw):
        @contextmanager
        def framed(*given) -> Iterator[None]:
            self._fills = []
            with draw(*given):
                yield

        return framed

    def _area(self, draw):
        @contextmanager
        def noted(name, rect, colour, *rest, **more) -> Iterator[None]:
            self._fills.append((rect, colour))
            with draw(name, rect, colour, *rest, **more):
                yield

        return noted

    def _text(self, draw):
        def noted(text, colour=None, font=BODY, wrapped=False):
            shown = self._note(text)
            width = self._ui.text_width(shown, font)
            if not wrapped:
                self._fits(shown, width, self._ui.room[0])
            size = (min(width, self._ui.room[0]), self._ui.line_height)
            if self._ui.painter.is_visible((*self._ui.cursor, *size)):
                self._stands_out(shown, self._ui.cursor, size, colour or self._ui.theme.text)
            return draw(text, colour, font, wrapped)

        return noted

    def _button(self, draw):
        def noted(label, width=0, *rest, **more):
            shown = self._note(label)
            needed = self._ui.text_width(shown) + 4
            self._fits(shown, needed, width or needed)
            self._fits(shown, width or needed, self._ui.room[0])
            return draw(label, width, *rest, **more)

        return noted

    def _checkbox(self, draw):
        def noted(label, *rest):
            shown = self._note(label)
            self._fits(shown, self._ui.row_height + 7 + self._ui.text_width(shown), self._ui.room[0])
            return draw(label, *rest)

        return noted

    def _combo(self, draw):
        def noted(label, current, options, width=0):
            room = (width or self._ui.room[0]) - self._ui.row_height - 9
            for option in options:
                self._fits(self._note(option), self._ui.text_width(option), room)
            return draw(label, current, options, width)

        return noted

    def _text_field(self, draw):
        def noted(label, value, hint="", width=0, focus=False):
            self._fits(self._note(hint), self._ui.text_width(hint), (width or self._ui.room[0]) - 12)
            return draw(label, value, hint, width, focus)

        return noted

    def _painter_text(self, draw):
        audit = self

        def noted(painter, point, text, colour, font=BODY):
            shown = audit._note(text)
            ui, width = audit._ui, audit._ui.text_width(shown, font)
            low, high = painter._canvas.get_clip_rect_min(), painter._canvas.get_clip_rect_max()
            if low[1] <= point[1] and point[1] + ui.line_height <= high[1] and shown:
                audit._fits(shown, point[0] + width, high[0])
                audit._fits(shown, low[0], point[0])
                audit._stands_out(shown, point, (width, ui.line_height), colour)
            return draw(painter, point, text, colour, font)

        return noted

    def _painter_fill(self, draw):
        audit = self

        def noted(painter, rect, colour, rounding=0.0):
            low, high = painter._canvas.get_clip_rect_min(), painter._canvas.get_clip_rect_max()
            left, top = max(rect[0], low[0]), max(rect[1], low[1])
            right, bottom = min(rect[0] + rect[2], high[0]), min(rect[1] + rect[3], high[1])
            audit._fills.append(((left, top, right - left, bottom - top), colour))
            return draw(painter, rect, colour, rounding)

        return noted
