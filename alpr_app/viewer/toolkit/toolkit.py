"""The only module that calls Dear ImGui (through pyimgui 2.0). Panels call a `Toolkit`, so that another binding can be
put beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import imgui

from alpr_app.data.assets import FONT
from alpr_app.viewer.toolkit.inputs import KEYS, TYPING_KEYS, Hit, ImguiInput, Inputs, Mouse
from alpr_app.viewer.toolkit.painter import BODY, RANGES, SIZES, Painter, Point, Rect, printable, valid_text
from alpr_app.viewer.toolkit.theme import Colour, Theme, fade, style_widgets

_FIXED = (
    imgui.WINDOW_NO_TITLE_BAR
    | imgui.WINDOW_NO_RESIZE
    | imgui.WINDOW_NO_MOVE
    | imgui.WINDOW_NO_COLLAPSE
    | imgui.WINDOW_NO_SAVED_SETTINGS
    | imgui.WINDOW_NO_NAV
)
_STILL = imgui.WINDOW_NO_SCROLLBAR | imgui.WINDOW_NO_SCROLL_WITH_MOUSE


class Toolkit:
    """The widgets of one window, laid out in units of the window.

    Args:
        theme: Colours.
        scale: Window units per design unit.
        pixel_ratio: Pixels of the framebuffer per window unit (2 on many Macs).

    Attributes:
        unit: Window units per design unit.
    """

    def __init__(self, theme: Theme, scale: float = 1.0, pixel_ratio: float = 1.0) -> None:
        self._renderer: Any = None
        imgui.create_context()
        with ExitStack() as opened:
            # After an error nothing is left open.
            opened.callback(self.close)
            self._set_up(theme, scale, pixel_ratio)
            opened.pop_all()

    def _set_up(self, theme: Theme, scale: float, pixel_ratio: float) -> None:
        # Kept for good: pyimgui makes a new object at each call, and values given to an old one dangle.
        self._io = imgui.get_io()
        # Otherwise Dear ImGui would write ./imgui.ini into the current folder.
        self._io.ini_file_name = None
        self._io.mouse_double_click_time = 0.35
        for name, key in TYPING_KEYS.items():
            self._io.key_map[getattr(imgui, f"KEY_{name}")] = KEYS[key]
        self.mouse, self._input = Mouse(self._io), ImguiInput(self._io)
        self.unit: float
        self._fonts: dict[str, Any] = {}
        self._ranges: dict[str, list[Any]] = {}
        self.pixel_ratio, self.inputs, self.cursor_shape = pixel_ratio, Inputs(), "arrow"
        # Whether a text field has the focus, so that letters are not commands; whether a combo box is open.
        self.wants_text = self._typing = self.combo_open = self._combo_drawn = False
        self.restyle(theme, scale)

    def restyle(self, theme: Theme, scale: float) -> None:
        """Change colours or scale; between two frames."""
        new_size = not self._fonts or scale != self.unit
        self.theme, self.unit = theme, scale
        style_widgets(imgui.get_style(), theme, scale, lambda name: getattr(imgui, f"COLOR_{name}"))
        if new_size:
            self._load_fonts()
            if self._renderer is not None:
                self._renderer.refresh_font_texture()

    def _load_fonts(self) -> None:
        self._io.fonts.clear()
        self._io.fonts.texture_desired_width = 4096
        # Kept: the atlas holds only their addresses.
        self._ranges = {name: [imgui.GlyphRanges(part) for part in parts] for name, parts in RANGES.items()}
        for name, size in SIZES.items():
            pixels = round(size * self.unit * self.pixel_ratio)
            for number, letters in enumerate(self._ranges[name]):
                # Latin comes first, with oversampling; with it, thousands of Chinese glyphs would not fit.
                settings = imgui.FontConfig(merge_mode=number > 0, oversample_h=1 if number else 2, oversample_v=1)
                font = self._io.fonts.add_font_from_file_ttf(str(FONT), pixels, settings, letters)
                self._fonts[name] = font if number == 0 else self._fonts[name]
        self._io.font_global_scale = 1 / self.pixel_ratio
        self._io.fonts.get_tex_data_as_rgba32()

    def attach_renderer(self) -> None:
        """Draw with the current OpenGL context."""
        from imgui.integrations.opengl import ProgrammablePipelineRenderer

        self._renderer = ProgrammablePipelineRenderer()

    def attach_clipboard(self, get: Callable[[], str], put: Callable[[str], None]) -> None:
        """Use these functions of the window for the clipboard."""
        self._io.get_clipboard_text_fn, self._io.set_clipboard_text_fn = get, put

    @contextmanager
    def frame(self, size: tuple[int, int], seconds: float) -> Iterator[None]:
        """One frame of the window, `size` units wide and high, `seconds` after the last one; drawn at its end."""
        self._io.display_size, self._io.display_fb_scale = size, (self.pixel_ratio, self.pixel_ratio)
        self._io.delta_time = max(seconds, 1e-4)
        self.cursor_shape = "arrow"
        # Dear ImGui's own flag comes a frame too late.
        self.wants_text, self._typing = self._typing, False
        self.combo_open, self._combo_drawn = self._combo_drawn, False
        self.inputs.dispatch(self._input)
        self.mouse.update(seconds)
        imgui.new_frame()
        try:
            yield
        except BaseException:
            # Otherwise the next frame could not begin.
            imgui.end_frame()
            raise
        imgui.render()
        if self._renderer is not None:
            self._renderer.render(imgui.get_draw_data())

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.shutdown()
            self._renderer = None
        if imgui.get_current_context() is not None:
            imgui.destroy_context(imgui.get_current_context())

    # Layout

    @contextmanager
    def area(self, name: str, rect: Rect, colour: Colour, padding: float = 10, on_top: bool = False) -> Iterator[None]:
        """An area of the window at `rect` (left, top, width, height); `on_top` puts it in front of all others."""
        imgui.set_next_window_position(rect[0], rect[1])
        imgui.set_next_window_size(max(1, rect[2]), max(1, rect[3]))
        # Areas that may come to the front do so when they appear.
        flags = _FIXED | _STILL | (0 if on_top else imgui.WINDOW_NO_BRING_TO_FRONT_ON_FOCUS)
        imgui.push_style_var(imgui.STYLE_WINDOW_PADDING, (padding * self.unit, padding * self.unit))
        imgui.push_style_color(imgui.COLOR_WINDOW_BACKGROUND, *colour)
        try:
            with imgui.begin(name, flags=flags):
                yield
        finally:
            imgui.pop_style_color()
            imgui.pop_style_var()

    @contextmanager
    def child(self, name: str, width: float = 0, height: float = 0, scrolls: bool = True) -> Iterator[None]:
        """A part of an area; 0 takes the available size, a negative size leaves that much free."""
        with imgui.begin_child(name, width, height, flags=0 if scrolls else _STILL):
            yield

    @contextmanager
    def font(self, name: str) -> Iterator[None]:
        """Draw with another font: BODY, SMALL or LARGE."""
        imgui.push_font(self._fonts[name])
        try:
            yield
        finally:
            imgui.pop_font()

    @property
    def painter(self) -> Painter:
        """Draws freely in the current area, in coordinates of the window."""
        return Painter(imgui.get_window_draw_list(), self.font)

    @property
    def cursor(self) -> Point:
        """Position of the next widget, in coordinates of the window."""
        return tuple(imgui.get_cursor_screen_pos())

    @cursor.setter
    def cursor(self, point: Point) -> None:
        imgui.set_cursor_screen_pos(point)

    @property
    def room(self) -> Point:
        """Remaining width and height."""
        return tuple(imgui.get_content_region_available())

    @property
    def row_height(self) -> float:
        """Height of buttons and fields."""
        height: float = imgui.get_frame_height()
        return height

    @property
    def line_height(self) -> float:
        height: float = imgui.get_text_line_height()
        return height

    @property
    def gap(self) -> Point:
        """Horizontal and vertical spacing of widgets."""
        return tuple(imgui.get_style().item_spacing)

    @property
    def scroll(self) -> float:
        """Scroll position of the current area."""
        scrolled: float = imgui.get_scroll_y()
        return scrolled

    @scroll.setter
    def scroll(self, value: float) -> None:
        imgui.set_scroll_y(value)

    def text_width(self, text: str, font: str = BODY) -> float:
        with self.font(font):
            width: float = imgui.calc_text_size(printable(text))[0]
            return width

    def same_line(self, spacing: float = -1.0) -> None:
        """Put the next widget on the same line."""
        imgui.same_line(spacing=spacing)

    def space(self, height: float) -> None:
        imgui.dummy(1, height)

    # Widgets

    def text(self, text: str, colour: Colour | None = None, font: str = BODY, wrapped: bool = False) -> None:
        """Draw text, on request wrapped at the available width."""
        with self.font(font), imgui.colored(imgui.COLOR_TEXT, *(colour or self.theme.text)):
            if wrapped:
                imgui.push_text_wrap_position()
            imgui.text_unformatted(printable(text))
            if wrapped:
                imgui.pop_text_wrap_pos()

    def button(self, label: str, width: float = 0, on: bool = False, enabled: bool = True, tip: str = "") -> bool:
        """Draw a button; `on` shows it as switched on. Returns whether it was clicked."""
        colours = {imgui.COLOR_BUTTON: self.theme.accent_dim if on else self.theme.raised}
        if not enabled:
            colours |= dict.fromkeys((imgui.COLOR_BUTTON_HOVERED, imgui.COLOR_BUTTON_ACTIVE), self.theme.raised)
            colours[imgui.COLOR_TEXT] = fade(self.theme.dim, 0.6)
        for name, colour in colours.items():
            imgui.push_style_color(name, *colour)
        clicked = imgui.button(printable(label), width)
        imgui.pop_style_color(len(colours))
        self.tooltip(tip)
        return clicked and enabled

    def tooltip(self, text: str) -> None:
        """Show a tooltip, of one or more lines, when the pointer rests on the last widget."""
        if text and self.mouse.is_resting and imgui.is_item_hovered():
            imgui.set_tooltip("\n".join(map(printable, text.split("\n"))))

    def checkbox(self, label: str, value: bool, tip: str = "") -> bool:
        """Draw a checkbox; returns its value."""
        value = imgui.checkbox(label, value)[1]
        self.tooltip(tip)
        return value

    def slider(self, label: str, value: float, low: float, high: float, form: str = "%.2f") -> float:
        """Draw a slider over the available width; returns its value. Ctrl and a click allow typing."""
        imgui.set_next_item_width(self.room[0])
        value = imgui.slider_float(f"##{label}", value, low, high, form, imgui.SLIDER_FLAGS_ALWAYS_CLAMP)[1]
        self._typing |= imgui.is_item_active()
        return value

    def combo(self, label: str, current: int, options: Sequence[str], width: float = 0) -> int:
        """Draw a combo box; returns the index of the selected option."""
        imgui.set_next_item_width(width or self.room[0])
        with imgui.begin_combo(f"##{label}", printable(options[current])) as combo:
            self._combo_drawn |= combo.opened
            for number, option in enumerate(options if combo.opened else ()):
                if imgui.selectable(printable(f"{option}##{number}"), number == current)[0]:
                    current = number
                if number == current:
                    imgui.set_item_default_focus()
            if combo.opened and any(name == "Escape" for name, _ in self.inputs.pressed):
                imgui.close_current_popup()
        return current

    def text_field(
        self, label: str, value: str, hint: str = "", width: float = 0, focus: bool = False
    ) -> tuple[str, bool]:
        """Draw a text field; returns its text and whether Enter was pressed."""
        imgui.set_next_item_width(width or self.room[0])
        if focus:
            imgui.set_keyboard_focus_here()
        shown = printable(value)
        typed = imgui.input_text_with_hint(f"##{label}", hint, shown, 1024)[1]
        self._typing |= imgui.is_item_active()
        entered = imgui.is_item_deactivated() and any(name.endswith("nter") for name, _ in self.inputs.pressed)
        return value if typed == shown else typed, entered

    def progress(self, share: float, text: str = "") -> None:
        """Draw a progress bar over the available width; `share` from 0 to 1."""
        imgui.progress_bar(share, (self.room[0], self.row_height), printable(text))

    @contextmanager
    def tabs(self, name: str) -> Iterator[None]:
        """A row of tabs."""
        with imgui.begin_tab_bar(name):
            yield

    @contextmanager
    def tab(self, label: str) -> Iterator[bool]:
        """One tab; yields whether it is selected."""
        with imgui.begin_tab_item(label) as item:
            yield item.selected

    def hit(self, name: str, width: float, height: float) -> Hit:
        """An invisible area that reports the pointer; the caller draws what is seen there."""
        # Names that cannot be printed have to stay distinct.
        clicked = imgui.invisible_button(ascii(name), max(1.0, width), max(1.0, height))
        hovered = imgui.is_item_hovered()
        return Hit(hovered, clicked, hovered and imgui.is_mouse_double_clicked(0), imgui.is_item_active())

    def allow_overlap(self) -> None:
        """Allow later widgets to lie on the last one."""
        imgui.set_item_allow_overlap()

    # The pointer

    @property
    def drag_distance(self) -> Point:
        """Movement of the pointer since the button was pressed; (0, 0) until it has left the spot."""
        return tuple(imgui.get_mouse_drag_delta(0))

    def drag_cursor(self, shape: str) -> None:
        """Show in this frame that something can be dragged: `across` or `down`."""
        self.cursor_shape = shape

    def copy(self, text: str) -> None:
        """Copy to the clipboard."""
        imgui.set_clipboard_text(valid_text(text))
