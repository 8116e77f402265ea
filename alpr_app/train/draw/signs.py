"""Lettering that is no plate: bay numbers, shop signs, telephone numbers, date stamps, fleet numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

from alpr_app.core.plate import DIGITS, LETTERS, fits_format
from alpr_app.train.draw.glyphs import load_font

WORDS = "安全出行停车场汽修专用通道公司物流贸易大酒店超市中心北京上海广州美容洗车银行药房饭馆火锅学校客运保险"
FILLS = ((18, 72, 196), (200, 30, 36), (236, 176, 20), (70, 170, 100), (240, 240, 238), (26, 26, 28), (120, 122, 126))
INKS = ((248, 248, 246), (16, 16, 18), (240, 210, 40), (200, 30, 36))
# Height of the letters in the drawing; signs are made smaller when they are put into a picture.
SIZE = 64
TRIES = 50
# One a process, not one a painter: a font cannot be handed to processes that are started afresh, as workers are on
# Windows and macOS.
_face = cache(load_font)


def random_words(rng: np.random.Generator) -> str:
    """Words that no Chinese plate carries: too short, too long, all Chinese, or with marks between them."""
    digits = "".join(DIGITS[rng.integers(10)] for _ in range(11))
    letter = LETTERS[rng.integers(len(LETTERS))]
    start = rng.integers(len(WORDS) - 8)
    kinds = (
        digits[: rng.integers(1, 5)],
        f"{letter}{digits[:3]}",
        f"{letter}-{digits[:4]}",
        f"1{digits[:10]}",
        f"0{digits[:3]}-{digits[3:10]}",
        f"20{digits[:2]}-{digits[2:4]}-{digits[4:6]} {digits[6:8]}:{digits[8:10]}",
        WORDS[start : start + rng.integers(2, 8)],
        "".join(LETTERS[rng.integers(len(LETTERS))] for _ in range(rng.integers(2, 6))),
        f"{WORDS[start : start + 2]} {digits[:3]}",
        f"{digits[:2]}t",
    )
    return kinds[rng.integers(len(kinds))]


class SignPainter:
    """Draws signs with the project's font. Raises FileNotFoundError if it is not there.

    issues: whether words might be a plate's text, of whatever country; such words are not drawn.
    """

    def __init__(self, issues: Callable[[str], bool] = fits_format) -> None:
        _face()
        self._issues = issues

    def _words(self, rng: np.random.Generator) -> str:
        """Words that are no plate's; where nearly all are, whatever came last."""
        for _ in range(TRIES):
            words = random_words(rng)
            if not self._issues(words):
                break
        return words

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A sign seen straight on: RGB uint8, and how much each pixel covers what lies behind it, 0 to 255. Some
        signs are letters on a board, some are letters alone."""
        words = self._words(rng)
        canvas = np.zeros((2 * SIZE, SIZE * (len(words) + 2), 3), np.uint8)
        cv2.putText(canvas, words, (SIZE // 2, round(1.4 * SIZE)), (255, 255, 255), _face(), SIZE)
        left, top, width, height = cv2.boundingRect(canvas[:, :, 0])
        margin_x, margin_y = (round(SIZE * rng.uniform(0.08, 0.5)) for _ in range(2))
        ink = canvas[top : top + height, left : left + width, 0]
        ink = cv2.copyMakeBorder(ink, margin_y, margin_y, margin_x, margin_x, cv2.BORDER_CONSTANT)
        colour = np.array(INKS[rng.integers(len(INKS))], np.uint8)
        # Nobody paints a sign in its own colour.
        fills = [fill for fill in FILLS if abs(int(sum(fill)) - int(colour.sum())) > 150]
        fill = np.array(fills[rng.integers(len(fills))], np.uint8)
        sign = np.where(ink[..., None] > 127, colour, fill)
        board = rng.random() < 0.6
        return sign, np.full_like(ink, 255) if board else ink
