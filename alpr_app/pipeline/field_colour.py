"""The colour of a plate's background, measured in its pixels: a second opinion on the reader's colour.

A reader assigns every plate to one of the kinds it was trained on: it takes a white military plate for a yellow one,
and the green plate with white characters of an airport or a tractor for a blue one. The text may then pass as one that
is issued. The pixels distinguish the kinds unless the light is too unusual.
"""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

# Rim of a rectified plate to ignore, as shares of its height and width on each side.
RIM = (0.15, 0.04)
# Minimum difference between characters and background, in grey levels; below it no statement is made.
CONTRAST = 20
# Share of light pixels from which the background is light, and up to which it is dark: characters take about a third.
LIGHT_FIELD, DARK_FIELD = 0.62, 0.45
# A light background with less saturation than this is white: the palest of 62 yellow plates had 0.23, and of 256 green
# ones, which are white at the top, 0.08. If darker than WHITE_VALUE, it may have any colour.
WHITE_SATURATION, WHITE_SATURATION_GREEN, WHITE_VALUE = 0.17, 0.05, 0.4
# A dark background with a hue (degrees) in this range and this much saturation is green; blue begins at 180. Its
# characters are white, so their colour is that of the light and can be removed from the background's.
GREEN_HUES, GREEN_SATURATION, GREEN_VALUE = (90, 172), 0.2, 0.1


def seen_colour(crop: np.ndarray, said: str) -> str:
    """The colour of a Chinese plate's field: `said`, as the reader says it, unless the pixels of `crop`, the rectified
    plate (H x W x 3 uint8 RGB), surely show another one: white, or green behind lighter characters."""
    light, dark, share = _light_and_dark(crop)
    if not 0 < share < 1 or (sum(light) - sum(dark)) / 3 < CONTRAST:
        return said
    if share > LIGHT_FIELD:
        _, saturation, value = _hue_saturation_value(light)
        least = WHITE_SATURATION_GREEN if said == "green" else WHITE_SATURATION
        return "white" if saturation < least and value > WHITE_VALUE else said
    if share < DARK_FIELD:
        balanced = tuple(255 * field / max(white, 1.0) for field, white in zip(dark, light, strict=True))
        hue, saturation, _ = _hue_saturation_value(balanced)
        green = GREEN_HUES[0] <= hue <= GREEN_HUES[1] and saturation > GREEN_SATURATION
        return "green" if green and max(dark) > 255 * GREEN_VALUE else said
    return said


def _light_and_dark(crop: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """The mean colours of the lighter and the darker pixels, and the share of the lighter ones (Otsu, 1979)."""
    height, width = crop.shape[:2]
    rows, columns = round(RIM[0] * height), round(RIM[1] * width)
    inner = np.ascontiguousarray(crop[rows : height - rows, columns : width - columns])
    grey = cv2.cvtColor(inner, cv2.COLOR_RGB2GRAY)
    _, lighter = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    share = cv2.countNonZero(lighter) / lighter.size
    return cv2.mean(inner, lighter)[:3], cv2.mean(inner, cv2.bitwise_not(lighter))[:3], share


def _hue_saturation_value(colour: tuple[float, ...]) -> tuple[float, float, float]:
    """Hue in degrees, saturation and value from 0 to 1 of (red, green, blue) from 0 to 255."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    return 360 * hue, saturation, value
