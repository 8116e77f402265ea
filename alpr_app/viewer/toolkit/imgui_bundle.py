"""Dear ImGui 1.93 through imgui-bundle, which has wheels for all systems and for Python 3.11 and later."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from alpr_app.data.assets import FONT
from alpr_app.viewer.toolkit.inputs import KEYS, MODIFIERS, TYPING_KEYS, InputTarget
from alpr_app.viewer.toolkit.painter import BODY, SIZES, Painter, Point, Rect
from alpr_app.viewer.toolkit.theme import Colour
from alpr_app.viewer.toolkit.toolkit import Toolkit

if sys.platform != "darwin":
    # imgui-bundle makes the package glfw load the GLFW of imgui-bundle, which has no Wayland, unless glfw has been
    # imported before. On macOS that is wanted: two copies of GLFW in one process clash there.
    with suppress(ImportError):
        import glfw  # noqa: F401

from imgui_bundle import imgui

# Colours of the widgets that older versions of Dear ImGui do not have, with a field of `Theme`.
_ADDED_COLOURS = {
    "input_text_cursor": "text",
    "checkbox_selected_bg": "field",
    "tab_selected_overline": "clear",
    "tab_dimmed_selected_overline": "clear",
    "nav_cursor": "accent",
}
# ImGuiFreeTypeLoaderFlags_NoHinting, which the binding does not export.
_NO_HINTING = 1
# Dear ImGui's keys, by code of GLFW.
_KEYS = {KEYS[key]: getattr(imgui.Key, name.lower().replace("pad_", "keypad_")) for name, key in TYPING_KEYS.items()}


class BundleInput:
    """Passes events to Dear ImGui's `io`."""

    def __init__(self, io: Any) -> None:
        self._io = io

    def pointer(self, x: float, y: float) -> None:
        self._io.add_mouse_pos_event(x, y)

    def button(self, number: int, down: bool) -> None:
        if number < 3:
            self._io.add_mouse_button_event(number, down)

    def wheel(self, x: float, y: float) -> None:
        self._io.add_mouse_wheel_event(x, y)

    def character(self, code: int) -> None:
        if code > 0:
            self._io.add_input_character(code)

    def key(self, code: int, down: bool, mods: int) -> None:
        for name, (bit, codes) in MODIFIERS.items():
            self._io.add_key_event(getattr(imgui.Key, f"mod_{name}"), down if code in codes else bool(mods & bit))
        if code in _KEYS:
            self._io.add_key_event(_KEYS[code], down)


class BundlePainter(Painter):
    """Draws on a draw list of imgui-bundle."""

    _CLOSED = int(imgui.ImDrawFlags_.closed)

    @staticmethod
    def _points(*points: Point) -> tuple[Any, ...]:
        return points

    @staticmethod
    def _texture(number: int) -> Any:
        return imgui.ImTextureRef(number)


def _end_layout() -> None:
    """Make a position that was set last part of the content, which Dear ImGui requires before a window ends."""
    if imgui.internal.get_current_window().dc.is_set_pos:
        imgui.dummy((0, 0))


class BundleToolkit(Toolkit):
    """The widgets through imgui-bundle."""

    name = "bundle"
    _imgui = imgui

    def _set_up_io(self) -> InputTarget:
        # Otherwise Dear ImGui would write ./imgui.ini into the current folder.
        self._io.set_ini_filename(None)
        # `Inputs` distributes the events to frames itself.
        self._io.config_input_trickle_event_queue = False
        # Rows of equal names, such as files in two folders, would get a red frame.
        self._io.config_debug_highlight_id_conflicts = False
        # Lines drawn from the texture have gaps where they are nearly horizontal.
        self._io.fonts.flags |= imgui.ImFontAtlasFlags_.no_baked_lines
        # Glyphs are drawn when they are first used, in any size.
        # FreeType's hinting would round the advances, so that gaps between letters vary; drawn at twice the size,
        # glyphs are sharp between two pixels too.
        self._io.fonts.font_loader_flags = _NO_HINTING
        config = imgui.ImFontConfig()
        config.rasterizer_density = 2.0
        self._font = self._io.fonts.add_font_from_file_ttf(str(FONT), SIZES[BODY], config)
        self._sizes: dict[str, float] = {}
        return BundleInput(self._io)

    def _style(self, style: Any) -> None:
        super()._style(style)
        for name, field in _ADDED_COLOURS.items():
            self._set_colour(name, getattr(self.theme, field))

    def _set_colour(self, name: str, colour: Colour) -> None:
        imgui.get_style().set_color_(getattr(imgui.Col_, name), colour)

    def _push_colour(self, name: str, colour: Colour) -> None:
        imgui.push_style_color(getattr(imgui.Col_, name), colour)

    def _window_flags(self, *names: str) -> int:
        return sum(int(getattr(imgui.WindowFlags_, name)) for name in names)

    def _load_fonts(self) -> None:
        # Whole pixels, as sharp text needs.
        self._sizes = {
            name: round(size * self.unit * self.pixel_ratio) / self.pixel_ratio for name, size in SIZES.items()
        }
        imgui.get_style().font_size_base = self._sizes[BODY]

    def _push_font(self, name: str) -> None:
        imgui.push_font(self._font, self._sizes[name])

    def _make_renderer(self) -> Any:
        from imgui_bundle.python_backends.opengl_backend_programmable import ProgrammablePipelineRenderer

        return ProgrammablePipelineRenderer()

    def _set_display(self, size: tuple[int, int]) -> None:
        self._io.display_size = size
        self._io.display_framebuffer_scale = (self.pixel_ratio, self.pixel_ratio)

    def attach_clipboard(self, get: Callable[[], str], put: Callable[[str], None]) -> None:
        platform = imgui.get_platform_io()
        platform.platform_get_clipboard_text_fn = lambda _: get()
        platform.platform_set_clipboard_text_fn = lambda _, text: put(text)

    @contextmanager
    def _window(self, name: str, rect: Rect, padding: float, flags: int) -> Iterator[None]:
        imgui.set_next_window_pos(rect[:2])
        imgui.set_next_window_size(rect[2:])
        imgui.push_style_var(imgui.StyleVar_.window_padding, (padding, padding))
        imgui.begin(name, None, flags)
        try:
            yield
        finally:
            _end_layout()
            imgui.end()
            imgui.pop_style_var()

    @contextmanager
    def child(self, name: str, width: float = 0, height: float = 0, scrolls: bool = True) -> Iterator[None]:
        imgui.begin_child(name, (width, height), window_flags=0 if scrolls else self._still_flags)
        try:
            yield
        finally:
            _end_layout()
            imgui.end_child()

    @property
    def painter(self) -> Painter:
        return BundlePainter(imgui.get_window_draw_list(), self.font)

    @property
    def room(self) -> Point:
        return tuple(imgui.get_content_region_avail())

    def space(self, height: float) -> None:
        imgui.dummy((1, height))

    def _text(self, text: str) -> None:
        imgui.text_unformatted(text)

    def _button(self, label: str, width: float) -> bool:
        clicked: bool = imgui.button(label, (width, 0))
        return clicked

    def _slider(self, label: str, value: float, low: float, high: float, form: str) -> float:
        number: float = imgui.slider_float(label, value, low, high, form, imgui.SliderFlags_.always_clamp)[1]
        return number

    @contextmanager
    def _opened_combo(self, label: str, shown: str) -> Iterator[bool]:
        is_open = imgui.begin_combo(label, shown)
        try:
            yield is_open
        finally:
            if is_open:
                imgui.end_combo()

    def _input_text(self, label: str, hint: str, text: str) -> str:
        typed: str = imgui.input_text_with_hint(label, hint, text)[1]
        return typed

    @contextmanager
    def tabs(self, name: str) -> Iterator[None]:
        is_visible = imgui.begin_tab_bar(name)
        try:
            yield
        finally:
            if is_visible:
                imgui.end_tab_bar()

    @contextmanager
    def tab(self, label: str) -> Iterator[bool]:
        is_selected = imgui.begin_tab_item(label)[0]
        if is_selected:
            self._underline_tab()
        try:
            yield is_selected
        finally:
            if is_selected:
                imgui.end_tab_item()

    def _hit_area(self, name: str, width: float, height: float, overlap: bool) -> bool:
        if overlap:
            imgui.set_next_item_allow_overlap()
        clicked: bool = imgui.invisible_button(name, (width, height))
        return clicked
