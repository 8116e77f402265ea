"""Dear ImGui 1.82 through pyimgui 2.0, which has wheels for Python up to 3.11 on x86-64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import imgui

from alpr_app.data.assets import FONT
from alpr_app.viewer.toolkit.inputs import KEYS, MODIFIERS, TYPING_KEYS, InputTarget
from alpr_app.viewer.toolkit.painter import SIZES, Painter, Point, Rect, glyph_ranges
from alpr_app.viewer.toolkit.theme import Colour
from alpr_app.viewer.toolkit.toolkit import Toolkit

# Colours that Dear ImGui has renamed since.
_FORMER_NAMES = {
    "tab_selected": "tab_active",
    "tab_dimmed": "tab_unfocused",
    "tab_dimmed_selected": "tab_unfocused_active",
}


@cache
def _colour_index(name: str) -> int:
    name = _FORMER_NAMES.get(name, name).upper().replace("_BG", "_BACKGROUND")
    index: int = getattr(imgui, f"COLOR_{name}")
    return index


class PyimguiInput:
    """Passes events to Dear ImGui's `io`."""

    def __init__(self, io: Any) -> None:
        self._io = io

    def pointer(self, x: float, y: float) -> None:
        self._io.mouse_pos = (x, y)

    def button(self, number: int, down: bool) -> None:
        if number < 3:
            self._io.mouse_down[number] = down

    def wheel(self, x: float, y: float) -> None:
        # The wheel may have turned more than once since the last frame.
        self._io.mouse_wheel_horizontal += x
        self._io.mouse_wheel += y

    def character(self, code: int) -> None:
        if 0 < code < 0x10000:
            self._io.add_input_character(code)

    def key(self, code: int, down: bool, mods: int) -> None:
        if code < 512:
            self._io.keys_down[code] = down
        for name, (bit, codes) in MODIFIERS.items():
            setattr(self._io, f"key_{name}", down if code in codes else bool(mods & bit))


class PyimguiPainter(Painter):
    """Draws on a draw list of pyimgui."""

    _CLOSED = 1

    @staticmethod
    def _points(*points: Point) -> tuple[Any, ...]:
        return tuple(value for point in points for value in point)

    @staticmethod
    def _texture(number: int) -> Any:
        return number


class PyimguiToolkit(Toolkit):
    """The widgets through pyimgui."""

    name = "pyimgui"
    _imgui = imgui

    def _set_up_io(self) -> InputTarget:
        # Otherwise Dear ImGui would write ./imgui.ini into the current folder.
        self._io.ini_file_name = None
        for name, key in TYPING_KEYS.items():
            self._io.key_map[getattr(imgui, f"KEY_{name}")] = KEYS[key]
        self._fonts: dict[str, Any] = {}
        self._ranges: dict[str, list[Any]] = {}
        return PyimguiInput(self._io)

    def _style(self, style: Any) -> None:
        super()._style(style)
        # Lines drawn from the texture have gaps where they are nearly horizontal.
        style.anti_aliased_line_use_tex = False

    def _set_colour(self, name: str, colour: Colour) -> None:
        imgui.get_style().colors[_colour_index(name)] = colour

    def _push_colour(self, name: str, colour: Colour) -> None:
        imgui.push_style_color(_colour_index(name), *colour)

    def _window_flags(self, *names: str) -> int:
        return sum(getattr(imgui, f"WINDOW_{name.upper()}") for name in names)

    def _load_fonts(self) -> None:
        self._io.fonts.clear()
        self._io.fonts.texture_desired_width = 4096
        # Kept: the atlas holds only their addresses.
        ranges = glyph_ranges(self.letters)
        self._ranges = {name: [imgui.GlyphRanges(part) for part in parts] for name, parts in ranges.items()}
        for name, size in SIZES.items():
            pixels = round(size * self.unit * self.pixel_ratio)
            for number, letters in enumerate(self._ranges[name]):
                # Latin comes first, with oversampling; with it, thousands of Chinese glyphs would not fit.
                settings = imgui.FontConfig(merge_mode=number > 0, oversample_h=1 if number else 2, oversample_v=1)
                font = self._io.fonts.add_font_from_file_ttf(str(FONT), pixels, settings, letters)
                self._fonts[name] = font if number == 0 else self._fonts[name]
        self._io.font_global_scale = 1 / self.pixel_ratio
        self._io.fonts.get_tex_data_as_rgba32()
        if self._renderer is not None:
            self._renderer.refresh_font_texture()

    def _push_font(self, name: str) -> None:
        imgui.push_font(self._fonts[name])

    def _make_renderer(self) -> Any:
        from imgui.integrations.opengl import ProgrammablePipelineRenderer

        return ProgrammablePipelineRenderer()

    def _set_display(self, size: tuple[int, int]) -> None:
        self._io.display_size, self._io.display_fb_scale = size, (self.pixel_ratio, self.pixel_ratio)

    def attach_clipboard(self, get: Callable[[], str], put: Callable[[str], None]) -> None:
        self._io.get_clipboard_text_fn, self._io.set_clipboard_text_fn = get, put

    @contextmanager
    def _window(self, name: str, rect: Rect, padding: float, flags: int) -> Iterator[None]:
        imgui.set_next_window_position(*rect[:2])
        imgui.set_next_window_size(*rect[2:])
        imgui.push_style_var(imgui.STYLE_WINDOW_PADDING, (padding, padding))
        try:
            with imgui.begin(name, flags=flags):
                yield
        finally:
            imgui.pop_style_var()

    @contextmanager
    def child(self, name: str, width: float = 0, height: float = 0, scrolls: bool = True) -> Iterator[None]:
        with imgui.begin_child(name, width, height, flags=0 if scrolls else self._still_flags):
            yield

    @property
    def painter(self) -> Painter:
        return PyimguiPainter(imgui.get_window_draw_list(), self.font)

    @property
    def room(self) -> Point:
        return tuple(imgui.get_content_region_available())

    def space(self, height: float) -> None:
        imgui.dummy(1, height)

    def _text(self, text: str) -> None:
        imgui.text_unformatted(text)

    def _button(self, label: str, width: float) -> bool:
        clicked: bool = imgui.button(label, width)
        return clicked

    def _slider(self, label: str, value: float, low: float, high: float, form: str) -> float:
        number: float = imgui.slider_float(label, value, low, high, form, imgui.SLIDER_FLAGS_ALWAYS_CLAMP)[1]
        return number

    @contextmanager
    def _opened_combo(self, label: str, shown: str) -> Iterator[bool]:
        with imgui.begin_combo(label, shown) as combo:
            yield combo.opened

    def _input_text(self, label: str, hint: str, text: str) -> str:
        typed: str = imgui.input_text_with_hint(label, hint, text, 1024)[1]
        return typed

    @contextmanager
    def tabs(self, name: str) -> Iterator[None]:
        with imgui.begin_tab_bar(name):
            yield

    @contextmanager
    def tab(self, label: str) -> Iterator[bool]:
        with imgui.begin_tab_item(label) as item:
            if item.selected:
                self._underline_tab()
            yield item.selected

    def _hit_area(self, name: str, width: float, height: float, overlap: bool) -> bool:
        clicked: bool = imgui.invisible_button(name, width, height)
        if overlap:
            imgui.set_item_allow_overlap()
        return clicked
