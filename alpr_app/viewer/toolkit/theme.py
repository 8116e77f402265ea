"""Colours of the window, as red, green, blue and opacity from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

Colour = tuple[float, float, float, float]


def _hex(code: str, opacity: float = 1.0) -> Colour:
    red, green, blue = (int(code[start : start + 2], 16) / 255 for start in (0, 2, 4))
    return red, green, blue, opacity


def fade(colour: Colour, opacity: float) -> Colour:
    """`colour` with its opacity times `opacity`."""
    return *colour[:3], colour[3] * opacity


@dataclass(frozen=True)
class Theme:
    """The colours of the window.

    Attributes:
        ground: Behind pictures.
        panel, field, raised, pressed: Surfaces, from back to front.
        line, edge: Lines that divide; outlines of controls, which stand out from every surface by 3:1.
        text, dim, accent, accent_dim: Text, less important text, and what is switched on.
        certain, uncertain: Plates by their confidence.
        picture_certain, picture_uncertain: The same on the picture.
        ground_truth: Labels on the picture.
        right, wrong, place_off, missed, false_box, unreadable: Outcomes, `wrong` that of texts and of errors too.
        halo: Around lines on pictures, so that they are visible on any background.
        label, label_text: Text on the picture.
        shade, clear: Behind a dialog; nothing.
    """

    ground: Colour
    panel: Colour
    field: Colour
    raised: Colour
    pressed: Colour
    line: Colour
    edge: Colour
    text: Colour
    dim: Colour
    accent: Colour
    accent_dim: Colour
    certain: Colour
    uncertain: Colour
    picture_certain: Colour
    picture_uncertain: Colour
    ground_truth: Colour
    right: Colour
    wrong: Colour
    missed: Colour
    place_off: Colour
    false_box: Colour
    unreadable: Colour
    halo: Colour
    label: Colour
    label_text: Colour
    shade: Colour
    clear: Colour


DARK = Theme(
    ground=_hex("101215"),
    panel=_hex("1a1d22"),
    field=_hex("262a31"),
    raised=_hex("323841"),
    pressed=_hex("3f4753"),
    line=_hex("2c3138"),
    edge=_hex("7a8490"),
    text=_hex("e4e7eb"),
    dim=_hex("a3abb6"),
    accent=_hex("6aa9e2"),
    accent_dim=_hex("2f4d6c"),
    certain=_hex("4fd1a5"),
    uncertain=_hex("f2b13c"),
    picture_certain=_hex("4fd1a5"),
    picture_uncertain=_hex("f2b13c"),
    ground_truth=_hex("d68cff"),
    right=_hex("5bbf8a"),
    wrong=_hex("f08372"),
    missed=_hex("e0a94a"),
    place_off=_hex("5fb3e8"),
    false_box=_hex("f08cc0"),
    unreadable=_hex("c3c9d1"),
    halo=_hex("0a0b0d", 0.75),
    label=_hex("111418", 0.88),
    label_text=_hex("ffffff"),
    shade=_hex("000000", 0.55),
    clear=_hex("000000", 0.0),
)
LIGHT = replace(
    DARK,
    ground=_hex("dadde2"),
    panel=_hex("f3f4f6"),
    field=_hex("ffffff"),
    raised=_hex("e1e4e9"),
    pressed=_hex("cdd2da"),
    line=_hex("d5d9df"),
    edge=_hex("727a85"),
    text=_hex("1d2127"),
    dim=_hex("565e69"),
    accent=_hex("22659f"),
    accent_dim=_hex("bcd6ee"),
    certain=_hex("096a4c"),
    uncertain=_hex("8a5200"),
    right=_hex("1f7a4a"),
    wrong=_hex("b8331f"),
    missed=_hex("8a5a00"),
    place_off=_hex("1d65a8"),
    false_box=_hex("a82a73"),
    unreadable=_hex("4a515b"),
    shade=_hex("30343a", 0.45),
)
# Palette of Okabe and Ito, distinguishable with every kind of colour blindness; its darker colours are lightened.
_OKABE_ITO = {
    "certain": _hex("56b4e9"),
    "uncertain": _hex("f0e442"),
    "picture_certain": _hex("56b4e9"),
    "picture_uncertain": _hex("f0e442"),
    "ground_truth": _hex("ffffff"),
    "right": _hex("3fb0ea"),
    "wrong": _hex("f0762a"),
    "missed": _hex("d98ab5"),
    "place_off": _hex("f0e442"),
    "false_box": _hex("00b886"),
}
# The palette's lighter colours would be too pale on the light theme.
_OKABE_ITO_LIGHT = _OKABE_ITO | {
    "certain": _hex("005f93"),
    "uncertain": _hex("7a5200"),
    "right": _hex("006aa6"),
    "wrong": _hex("a84700"),
    "missed": _hex("9a4578"),
    "place_off": _hex("6b5f00"),
    "false_box": _hex("00704f"),
}


def theme(name: str, colour_blind: bool) -> Theme:
    """The dark or light theme, on request with colours for colour-blind eyes."""
    chosen = LIGHT if name == "light" else DARK
    if not colour_blind:
        return chosen
    return replace(chosen, **(_OKABE_ITO_LIGHT if chosen is LIGHT else _OKABE_ITO))


# Colours of the lines in a chart, for both themes; neighbours are distinguishable for colour-blind eyes.
SERIES: tuple[Colour, ...] = tuple(
    _hex(code) for code in ("4a90d9", "c77a14", "289672", "bd63ce", "d9574a", "7f8f26", "2b93ab", "a07a5a")
)

# Background and text of each plate colour.
PLATE_COLOURS: dict[str, tuple[Colour, Colour]] = {
    "blue": (_hex("1f5fbf"), _hex("ffffff")),
    "yellow": (_hex("f2b705"), _hex("111111")),
    "green": (_hex("3fae6b"), _hex("0b1a10")),
    "white": (_hex("f2f2f2"), _hex("111111")),
    "black": (_hex("17181a"), _hex("ffffff")),
}

# Style of the widgets: names in Dear ImGui, with a size at scale 1 or a field of `Theme`.
_WIDGET_SIZES: dict[str, float | tuple[float, float]] = {
    "window_padding": (10, 10),
    "frame_padding": (9, 5),
    "item_spacing": (8, 7),
    "item_inner_spacing": (7, 5),
    "scrollbar_size": 12,
    "grab_min_size": 12,
    "frame_border_size": 1,
    "frame_rounding": 4,
    "grab_rounding": 3,
    "scrollbar_rounding": 6,
    "tab_rounding": 4,
    "popup_rounding": 4,
    "child_rounding": 0,
    "window_rounding": 0,
    "indent_spacing": 16,
}
_WIDGET_COLOURS = {
    "text": "text",
    "text_disabled": "dim",
    "text_selected_bg": "accent_dim",
    "child_bg": "clear",
    "popup_bg": "field",
    "border": "edge",
    "separator": "line",
    "frame_bg": "field",
    "frame_bg_hovered": "raised",
    "frame_bg_active": "raised",
    "scrollbar_bg": "clear",
    "scrollbar_grab": "edge",
    "scrollbar_grab_hovered": "dim",
    "scrollbar_grab_active": "dim",
    "check_mark": "accent",
    "slider_grab": "accent",
    "slider_grab_active": "accent",
    "button": "raised",
    "button_hovered": "pressed",
    "button_active": "accent_dim",
    "header": "raised",
    "header_hovered": "pressed",
    "header_active": "pressed",
    "tab": "panel",
    "tab_hovered": "pressed",
    "tab_selected": "accent_dim",
    "tab_dimmed": "panel",
    "tab_dimmed_selected": "accent_dim",
}


def style_widgets(style: Any, theme: Theme, scale: float, set_colour: Callable[[str, Colour], None]) -> None:
    """Apply colours and sizes to Dear ImGui's `style`; `set_colour` sets one of its colours by name."""
    for name, size in _WIDGET_SIZES.items():
        setattr(style, name, tuple(part * scale for part in size) if isinstance(size, tuple) else size * scale)
    style.window_border_size = style.child_border_size = 0
    style.window_min_size = (1, 1)
    for name, field in _WIDGET_COLOURS.items():
        set_colour(name, getattr(theme, field))
