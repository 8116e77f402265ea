"""Free drawing of lines, rectangles, text and pictures on a draw list of Dear ImGui; and the font sizes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from alpr_app.core import errors
from alpr_app.core.plate import ALPHABET
from alpr_app.viewer.toolkit.textures import Texture
from alpr_app.viewer.toolkit.theme import Colour

BODY, SMALL, LARGE = "body", "small", "large"

# Font height in pixels at scale 1.
SIZES = {BODY: 17, SMALL: 14, LARGE: 30}

# First and last code of each range, ended by 0: Latin with arrows and dashes; then Chinese, for any file name.
_LATIN = [0x20, 0xFF, 0x2010, 0x2027, 0x2190, 0x2193]
_HAN = [0x3000, 0x303F, 0x4E00, 0x9FFF, 0xFF00, 0xFFEF]


def glyph_ranges(letters: str) -> dict[str, list[list[int]]]:
    """The ranges of each font: the small and the large one have Latin, the plates' characters and `letters`."""
    codes = {ord(letter) for letter in ALPHABET + letters}
    others = [code for code in sorted(codes) if code > _LATIN[-1] for _ in range(2)]
    return {BODY: [[*_LATIN, 0], [*_HAN, 0]], SMALL: [[*_LATIN, *others, 0]], LARGE: [[*_LATIN, *others, 0]]}


def printable(text: str) -> str:
    """Make `text` printable in one line.

    Invalid characters become ?, because Dear ImGui and GLFW require valid text and names of files may be anything.
    Invisible ones are escaped: names may contain line ends and marks that reverse the text behind them.
    """
    return text if text.isascii() and text.isprintable() else errors.printable(valid_text(text))


def valid_text(text: str) -> str:
    """Replace invalid characters in `text` by ?."""
    return text.encode(errors="replace").decode()


# A word with the spaces before it; a Chinese character with the punctuation behind it, before which no line may break.
_WORD = re.compile(r" *(?:[\u3001-\u9fff\uff00-\uffef][、。，；：？！）”…]*|[^ \u3001-\u9fff\uff00-\uffef]+)")


def wrap_words(
    text: str, width: float, measure: Callable[[str], float], split: Callable[[str], list[str]]
) -> list[str]:
    """Wrap `text` into lines of at most `width`, between words and Chinese characters.

    Args:
        text: One line of text.
        width: As `measure` measures it.
        measure: Returns the width of a line.
        split: Makes lines of a word that is wider than `width`.
    """
    lines: list[str] = []
    for word in _WORD.findall(text):
        longer = lines[-1] + word if lines else word
        if lines and measure(longer) <= width:
            lines[-1] = longer
        else:
            word = word.lstrip()
            lines += [word] if measure(word) <= width else split(word)
    return lines


def pieces(word: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Cut a long word, such as a path, into pieces of at most `width`."""
    cut, start = [], 0
    for end in range(1, len(word) + 1):
        if measure(word[start:end]) > width and end - start > 1:
            cut.append(word[start : end - 1])
            start = end - 1
    return [*cut, word[start:]]


Point = tuple[float, float]
Rect = tuple[float, float, float, float]
"""Left, top, width, height."""


def pack_colour(colour: Colour) -> int:
    """Pack a colour as the draw list takes it."""
    red, green, blue, opacity = (round(255 * min(max(part, 0.0), 1.0)) for part in colour)
    return opacity << 24 | blue << 16 | green << 8 | red


class Painter(ABC):
    """Draws on a draw list.

    Args:
        canvas: The draw list.
        font: Selects a font while its context is open.
    """

    # Flag of a line that returns to its first point.
    _CLOSED: ClassVar[int]

    def __init__(self, canvas: Any, font: Callable[[str], AbstractContextManager[None]]) -> None:
        self._canvas, self._font = canvas, font

    @staticmethod
    @abstractmethod
    def _points(*points: Point) -> tuple[Any, ...]:
        """Points as arguments of the draw list's methods."""

    @staticmethod
    @abstractmethod
    def _texture(number: int) -> Any:
        """OpenGL's name of a texture as the draw list takes it."""

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1.0, closed: bool = False) -> None:
        flags = self._CLOSED if closed else 0
        self._canvas.add_polyline(list(points), pack_colour(colour), flags=flags, thickness=width)

    def fill(self, rect: Rect, colour: Colour, rounding: float = 0.0) -> None:
        self._canvas.add_rect_filled(*self._corners(rect), pack_colour(colour), rounding)

    def outline(self, rect: Rect, colour: Colour, rounding: float = 0.0, width: float = 1.0) -> None:
        self._canvas.add_rect(*self._corners(rect), pack_colour(colour), rounding, thickness=width)

    def _corners(self, rect: Rect) -> tuple[Any, ...]:
        left, top, width, height = rect
        return self._points((left, top), (left + width, top + height))

    def triangle(self, first: Point, second: Point, third: Point, colour: Colour) -> None:
        self._canvas.add_triangle_filled(*self._points(first, second, third), pack_colour(colour))

    def quad(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a quadrilateral."""
        self._canvas.add_quad_filled(*self._points(*points), pack_colour(colour))

    def dot(self, centre: Point, radius: float, colour: Colour) -> None:
        self._canvas.add_circle_filled(*self._points(centre), radius, pack_colour(colour), 0)

    def ring(self, centre: Point, radius: float, colour: Colour, width: float = 1.0) -> None:
        self._canvas.add_circle(*self._points(centre), radius, pack_colour(colour), 0, width)

    def text(self, point: Point, text: str, colour: Colour, font: str = "body") -> None:
        """Draw text with its top left corner at `point`; whole pixels keep it sharp."""
        corner = self._points((round(point[0]), round(point[1])))
        with self._font(font):
            self._canvas.add_text(*corner, pack_colour(colour), printable(text))

    def picture(self, texture: Texture, rect: Rect, part: Rect = (0, 0, 1, 1)) -> None:
        """Draw a texture; `part` is the left, top, width and height to show, as fractions of the picture."""
        left, top, width, height = rect
        self._canvas.add_image(
            self._texture(texture.id),
            (left, top),
            (left + width, top + height),
            (part[0], part[1]),
            (part[0] + part[2], part[1] + part[3]),
        )

    def is_visible(self, rect: Rect) -> bool:
        """Whether any part of `rect` is visible."""
        low, high = self._canvas.get_clip_rect_min(), self._canvas.get_clip_rect_max()
        left, top, width, height = rect
        seen: bool = left < high[0] and top < high[1] and left + width > low[0] and top + height > low[1]
        return seen

    @contextmanager
    def clip(self, rect: Rect) -> Iterator[None]:
        """Clip drawing to `rect`."""
        self._canvas.push_clip_rect(*self._corners(rect), True)
        try:
            yield
        finally:
            self._canvas.pop_clip_rect()
