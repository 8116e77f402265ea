"""The widgets that panels call, whichever binding of Dear ImGui draws them.

`Toolkit` holds what both bindings have in common, through the module `_imgui` of the binding; `pyimgui` and
`imgui_bundle` implement the rest, and are the only modules that import Dear ImGui. `binding` chooses between them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, ClassVar

from alpr_app.viewer.toolkit.inputs import Hit, Inputs, InputTarget, Mouse
from alpr_app.viewer.toolkit.painter import BODY, Painter, Point, Rect, pieces, printable, valid_text, wrap_words
from alpr_app.viewer.toolkit.theme import Colour, Theme, style_widgets

_FIXED = ("no_title_bar", "no_resize", "no_move", "no_collapse", "no_saved_settings", "no_nav")
FOCUS_FRAMES = 4
_STILL = ("no_scrollbar", "no_scroll_with_mouse")


class Toolkit(ABC):
    """The widgets of one window, laid out in units of the window.

    Names of colours and flags are those of Dear ImGui in lower case, such as `button_hovered` and `no_move`.

    Args:
        theme: Colours.
        scale: Window units per design unit.
        pixel_ratio: Pixels of the framebuffer per window unit (2 on many Macs).
        letters: Characters beyond Latin and plates that the language of the window needs in every font.

    Attributes:
        name: The binding, as ALPR_TOOLKIT names it.
        unit: Window units per design unit.
    """

    name: ClassVar[str]
    _imgui: ClassVar[Any]

    def __init__(self, theme: Theme, scale: float = 1.0, pixel_ratio: float = 1.0, letters: str = "") -> None:
        self._renderer: Any = None
        self._imgui.create_context()
        with ExitStack() as opened:
            # After an error nothing is left open.
            opened.callback(self.close)
            self._set_up(theme, scale, pixel_ratio, letters)
            opened.pop_all()

    def _set_up(self, theme: Theme, scale: float, pixel_ratio: float, letters: str) -> None:
        # Kept for good: pyimgui makes a new object at each call, and values given to an old one dangle.
        self._io = self._imgui.get_io()
        self._io.mouse_double_click_time = 0.35
        self._input = self._set_up_io()
        self.mouse = Mouse(self._io)
        self._still_flags = self._window_flags(*_STILL)
        self._area_flags = self._window_flags(*_FIXED, *_STILL)
        self._behind_flags = self._window_flags(*_FIXED, *_STILL, "no_bring_to_front_on_focus")
        self.unit, self.letters = 0.0, ""
        self.pixel_ratio, self.inputs, self.cursor_shape = pixel_ratio, Inputs(), "arrow"
        # Whether a text field has the focus, so that letters are not commands; whether a combo box is open.
        # Frames for which the keyboard waits until a text field has the focus.
        self._focus_frames = 0
        # `is_typing`: whether the text field drawn last has the focus.
        self.wants_text = self.is_typing = self._typing = self.combo_open = self._combo_drawn = False
        self.restyle(theme, scale, letters)

    def restyle(self, theme: Theme, scale: float, letters: str = "") -> None:
        """Change colours, scale or the characters that the language needs; between two frames."""
        new_glyphs = (scale, letters) != (self.unit, self.letters)
        self.theme, self.unit, self.letters = theme, scale, letters
        self._style(self._imgui.get_style())
        if new_glyphs:
            self._load_fonts()

    def _style(self, style: Any) -> None:
        """Apply theme and scale to Dear ImGui's `style`."""
        style_widgets(style, self.theme, self.unit, self._set_colour)

    # What differs between the bindings

    @abstractmethod
    def _set_up_io(self) -> InputTarget:
        """Set up Dear ImGui's `io` (no settings file); returns what receives the events."""

    @abstractmethod
    def _set_colour(self, name: str, colour: Colour) -> None:
        """Set a colour of the style for good."""

    @abstractmethod
    def _push_colour(self, name: str, colour: Colour) -> None:
        """Set a colour of the style until it is popped."""

    @abstractmethod
    def _window_flags(self, *names: str) -> int: ...

    @abstractmethod
    def _load_fonts(self) -> None:
        """Make the fonts available in the sizes of the current scale."""

    @abstractmethod
    def _push_font(self, name: str) -> None: ...

    @abstractmethod
    def _make_renderer(self) -> Any: ...

    @abstractmethod
    def _set_display(self, size: tuple[int, int]) -> None:
        """Tell Dear ImGui the window's size and pixel ratio."""

    @abstractmethod
    def _window(self, name: str, rect: Rect, padding: float, flags: int) -> AbstractContextManager[None]:
        """A window of Dear ImGui at `rect`."""

    @abstractmethod
    def _button(self, label: str, width: float) -> bool: ...

    @abstractmethod
    def _text(self, text: str) -> None: ...

    @abstractmethod
    def _slider(self, label: str, value: float, low: float, high: float, form: str) -> float: ...

    @abstractmethod
    def _opened_combo(self, label: str, shown: str) -> AbstractContextManager[bool]:
        """A combo box; yields whether its list is open."""

    @abstractmethod
    def _input_text(self, label: str, hint: str, text: str) -> str: ...

    @abstractmethod
    def _hit_area(self, name: str, width: float, height: float, overlap: bool) -> bool: ...

    @abstractmethod
    def attach_clipboard(self, get: Callable[[], str], put: Callable[[str], None]) -> None:
        """Use these functions of the window for the clipboard."""

    @abstractmethod
    def child(
        self, name: str, width: float = 0, height: float = 0, scrolls: bool = True
    ) -> AbstractContextManager[None]:
        """A part of an area; 0 takes the available size, a negative size leaves that much free."""

    @abstractmethod
    def tabs(self, name: str) -> AbstractContextManager[None]:
        """A row of tabs."""

    @abstractmethod
    def tab(self, label: str) -> AbstractContextManager[bool]:
        """One tab; yields whether it is selected."""

    @abstractmethod
    def space(self, height: float) -> None: ...

    @property
    @abstractmethod
    def room(self) -> Point:
        """Remaining width and height."""

    @property
    @abstractmethod
    def painter(self) -> Painter:
        """Draws freely in the current area, in coordinates of the window."""

    # Frames

    def attach_renderer(self) -> None:
        """Draw with the current OpenGL context."""
        self._renderer = self._make_renderer()

    @contextmanager
    def frame(self, size: tuple[int, int], seconds: float) -> Iterator[None]:
        """One frame of the window, `size` units wide and high, `seconds` after the last one; drawn at its end."""
        self._set_display(size)
        self._io.delta_time = max(seconds, 1e-4)
        self.cursor_shape = "arrow"
        # Dear ImGui's own flag comes a frame too late.
        self.wants_text, self._typing = self._typing, False
        self.combo_open, self._combo_drawn = self._combo_drawn, False
        self.inputs.dispatch(self._input, self._focus_frames == 0, self.wants_text)
        self._focus_frames = max(0, self._focus_frames - 1)
        imgui = self._imgui
        imgui.new_frame()
        self.mouse.update(seconds)
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
        if self._imgui.get_current_context() is not None:
            self._imgui.destroy_context(self._imgui.get_current_context())

    # Layout

    @contextmanager
    def area(self, name: str, rect: Rect, colour: Colour, padding: float = 10, on_top: bool = False) -> Iterator[None]:
        """An area of the window at `rect` (left, top, width, height); `on_top` puts it in front of all others."""
        # Areas that may come to the front do so when they appear.
        flags = self._area_flags if on_top else self._behind_flags
        sizes = (rect[0], rect[1], max(1, rect[2]), max(1, rect[3]))
        self._push_colour("window_bg", colour)
        try:
            with self._window(name, sizes, padding * self.unit, flags):
                yield
        finally:
            self._imgui.pop_style_color()

    @contextmanager
    def font(self, name: str) -> Iterator[None]:
        """Draw with another font: BODY, SMALL or LARGE."""
        self._push_font(name)
        try:
            yield
        finally:
            self._imgui.pop_font()

    @property
    def cursor(self) -> Point:
        """Position of the next widget, in coordinates of the window."""
        return tuple(self._imgui.get_cursor_screen_pos())

    @cursor.setter
    def cursor(self, point: Point) -> None:
        self._imgui.set_cursor_screen_pos(point)

    @property
    def row_height(self) -> float:
        """Height of buttons and fields."""
        height: float = self._imgui.get_frame_height()
        return height

    @property
    def line_height(self) -> float:
        height: float = self._imgui.get_text_line_height()
        return height

    @property
    def gap(self) -> Point:
        """Horizontal and vertical spacing of widgets."""
        return tuple(self._imgui.get_style().item_spacing)

    @property
    def scroll(self) -> float:
        """Scroll position of the current area."""
        scrolled: float = self._imgui.get_scroll_y()
        return scrolled

    @scroll.setter
    def scroll(self, value: float) -> None:
        self._imgui.set_scroll_y(value)

    def text_width(self, text: str, font: str = BODY) -> float:
        with self.font(font):
            return self._measure(printable(text))

    def same_line(self, spacing: float = -1.0) -> None:
        """Put the next widget on the same line."""
        self._imgui.same_line(spacing=spacing)

    # Widgets

    def text(self, text: str, colour: Colour | None = None, font: str = BODY, wrapped: bool = False) -> None:
        """Draw text, on request wrapped at the available width."""
        self._push_colour("text", colour or self.theme.text)
        try:
            with self.font(font):
                self._text("\n".join(self._lines(printable(text), wrapped)))
        finally:
            self._imgui.pop_style_color()

    def _lines(self, text: str, wrapped: bool) -> list[str]:
        # Dear ImGui would break Chinese text at spaces only, or before punctuation.
        width = self.room[0]
        if not wrapped or self._measure(text) <= width:
            return [text]
        return wrap_words(text, width, self._measure, lambda word: pieces(word, width, self._measure))

    def _measure(self, text: str) -> float:
        width: float = self._imgui.calc_text_size(text)[0]
        return width

    def button(self, label: str, width: float = 0, on: bool = False, enabled: bool = True, tip: str = "") -> bool:
        """Draw a button; `on` shows it as switched on. Returns whether it was clicked."""
        theme = self.theme
        colours = {"button": theme.accent_dim if on else theme.raised, "border": theme.accent if on else theme.edge}
        if not enabled:
            # Without a surface and outline it does not look like a button, and its text is still legible.
            colours |= dict.fromkeys(("button", "button_hovered", "button_active"), theme.clear)
            colours |= {"text": theme.dim, "border": theme.line}
        for name, colour in colours.items():
            self._push_colour(name, colour)
        clicked = self._button(printable(label), width)
        self._imgui.pop_style_color(len(colours))
        self.tooltip(tip)
        return clicked and enabled

    def tooltip(self, text: str) -> None:
        """Show a tooltip, of one or more lines, when the pointer rests on the last widget."""
        if text and self.mouse.is_resting and self._imgui.is_item_hovered():
            self._imgui.set_tooltip("\n".join(map(printable, text.split("\n"))))

    def checkbox(self, label: str, value: bool, tip: str = "") -> bool:
        """Draw a checkbox; returns its value."""
        value = self._imgui.checkbox(label, value)[1]
        self.tooltip(tip)
        return value

    def slider(self, label: str, value: float, low: float, high: float, form: str = "%.2f") -> float:
        """Draw a slider over the available width; returns its value. Ctrl and a click allow typing."""
        self._imgui.set_next_item_width(self.room[0])
        value = self._slider(f"##{label}", value, low, high, form)
        self._typing |= self._imgui.is_item_active()
        return value

    def combo(self, label: str, current: int, options: Sequence[str], width: float = 0) -> int:
        """Draw a combo box; returns the index of the selected option."""
        self._imgui.set_next_item_width(width or self.room[0])
        imgui = self._imgui
        with self._opened_combo(f"##{label}", printable(options[current])) as is_open:
            self._combo_drawn |= is_open
            for number, option in enumerate(options if is_open else ()):
                if imgui.selectable(printable(f"{option}##{number}"), number == current)[0]:
                    current = number
                if number == current:
                    imgui.set_item_default_focus()
            if is_open and any(name == "Escape" for name, _ in self.inputs.pressed):
                imgui.close_current_popup()
        return current

    def text_field(
        self, label: str, value: str, hint: str = "", width: float = 0, focus: bool = False
    ) -> tuple[str, bool]:
        """Draw a text field; returns its text and whether Enter was pressed."""
        self._imgui.set_next_item_width(width or self.room[0])
        if focus:
            self._imgui.set_keyboard_focus_here()
            self._focus_frames = FOCUS_FRAMES
        shown = printable(value)
        typed = self._input_text(f"##{label}", hint, shown)
        self.is_typing = bool(self._imgui.is_item_active())
        if self.is_typing:
            self._typing, self._focus_frames = True, 0
        entered = self._imgui.is_item_deactivated() and any(name.endswith("nter") for name, _ in self.inputs.pressed)
        return value if typed == shown else typed, entered

    def progress(self, share: float, text: str = "") -> None:
        """Draw a progress bar over the available width, with `text` at its right; `share` from 0 to 1."""
        left, top = self.cursor
        width, height = self.room[0], self.row_height
        wide = self.text_width(text)
        bar = (left, top + 0.25 * height, max(1.0, width - wide - self.gap[0]), 0.5 * height)
        paint = self.painter
        paint.fill(bar, self.theme.field, 3 * self.unit)
        paint.fill((*bar[:2], bar[2] * min(max(share, 0.0), 1.0), bar[3]), self.theme.accent, 3 * self.unit)
        paint.outline(bar, self.theme.edge, 3 * self.unit)
        paint.text((left + width - wide, top + (height - self.line_height) / 2), text, self.theme.text)
        self.space(height)

    def _underline_tab(self) -> None:
        """Draw the line below the selected tab, which is the last widget."""
        (left, _), (right, bottom) = self._imgui.get_item_rect_min(), self._imgui.get_item_rect_max()
        height = 3 * self.unit
        self.painter.fill((left, bottom - height, right - left, height), self.theme.accent)

    def hit(self, name: str, width: float, height: float, overlap: bool = False) -> Hit:
        """An invisible area that reports the pointer; the caller draws what is seen there.

        With `overlap`, widgets that follow may lie on it.
        """
        # Names that cannot be printed have to stay distinct.
        clicked = self._hit_area(ascii(name), max(1.0, width), max(1.0, height), overlap)
        hovered = self._imgui.is_item_hovered()
        double = hovered and self._imgui.is_mouse_double_clicked(0)
        menu = hovered and self._imgui.is_mouse_clicked(1)
        return Hit(hovered, clicked, double, self._imgui.is_item_active(), menu)

    # The pointer

    @property
    def drag_distance(self) -> Point:
        """Movement of the pointer since the button was pressed; (0, 0) until it has left the spot."""
        return tuple(self._imgui.get_mouse_drag_delta(0))

    def drag_cursor(self, shape: str) -> None:
        """Show in this frame that something can be dragged: `across` or `down`."""
        self.cursor_shape = shape

    def copy(self, text: str) -> None:
        """Copy to the clipboard."""
        self._imgui.set_clipboard_text(valid_text(text))
