"""Events of mouse and keyboard, in order, dispatched to frames so that none is lost.

A press and a release between two frames would cancel out. A frame therefore takes events only up to the second change
of the same button or key, and no movement after a change, so that a click stays where it was made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

# Key codes of GLFW, which is not needed to test the keys. Letters and digits have their ASCII codes.
KEYS = {
    "Space": 32,
    "Escape": 256,
    "Enter": 257,
    "Tab": 258,
    "Backspace": 259,
    "Insert": 260,
    "Delete": 261,
    "Right": 262,
    "Left": 263,
    "Down": 264,
    "Up": 265,
    "Page up": 266,
    "Page down": 267,
    "Home": 268,
    "End": 269,
    "F1": 290,
    "F2": 291,
    "F5": 294,
    "F11": 300,
    "Keypad enter": 335,
    "+": 61,
    "-": 45,
    "[": 91,
    "]": 93,
    **{letter: ord(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"},
}
NAMES = {code: name for name, code in KEYS.items()} | {334: "+", 333: "-"}
# Dear ImGui's names of the keys used in text fields.
TYPING_KEYS = {
    "TAB": "Tab",
    "LEFT_ARROW": "Left",
    "RIGHT_ARROW": "Right",
    "UP_ARROW": "Up",
    "DOWN_ARROW": "Down",
    "PAGE_UP": "Page up",
    "PAGE_DOWN": "Page down",
    "HOME": "Home",
    "END": "End",
    "INSERT": "Insert",
    "DELETE": "Delete",
    "BACKSPACE": "Backspace",
    "SPACE": "Space",
    "ENTER": "Enter",
    "ESCAPE": "Escape",
    "PAD_ENTER": "Keypad enter",
    **{letter: letter for letter in "ACVXYZ"},
}
CONTROL, SHIFT = 2, 1
# Keys that end the input into a text field.
_FIELD_KEYS = ("Enter", "Keypad enter", "Escape", "Tab")
# Keys of commands that give the focus to a text field, which takes a frame or two.
_FOCUSING_KEYS = ("O", "J", "F", "F2")
# Seconds of rest after which a tooltip appears.
REST_SECONDS = 0.4
# Far enough outside that Dear ImGui sees no pointer.
OUTSIDE = (-1e6, -1e6)
# Modifiers as numbered by GLFW, and the codes of their keys.
MODIFIERS = {"shift": (SHIFT, (340, 344)), "ctrl": (CONTROL, (341, 345)), "alt": (4, (342, 346))}
_MODIFIER_CODES = {code for _, codes in MODIFIERS.values() for code in codes}


@dataclass(frozen=True)
class Hit:
    """The state of the pointer at an area.

    Attributes:
        hovered: It is over the area.
        clicked: It was pressed and released there.
        double: It was double-clicked there.
        held: It was pressed there and not yet released.
        menu: It was clicked with the right button.
    """

    hovered: bool
    clicked: bool
    double: bool
    held: bool
    menu: bool = False


class InputTarget(Protocol):
    """Receives the events of a frame."""

    def pointer(self, x: float, y: float) -> None: ...

    def button(self, number: int, down: bool) -> None: ...

    def wheel(self, x: float, y: float) -> None: ...

    def character(self, code: int) -> None: ...

    def key(self, code: int, down: bool, mods: int) -> None: ...


@dataclass(frozen=True)
class _Event:
    kind: str
    # The button or key that changes; None for events that can share a frame.
    changes: tuple[str, int] | None
    apply: Callable[[InputTarget], None]
    pressed: tuple[str, int] | None = None


class Inputs:
    """The queue of events.

    Attributes:
        pressed: (name, modifiers) of the keys that were pressed or repeated in this frame.
    """

    def __init__(self) -> None:
        self._events: deque[_Event] = deque()
        self.pressed: list[tuple[str, int]] = []
        self._held: set[int] = set()

    def __bool__(self) -> bool:
        """Whether events are left for the next frame."""
        return bool(self._events)

    def leave(self) -> None:
        """The pointer has left the window; during a drag it still belongs to the window."""
        if not self._held:
            self.move(*OUTSIDE)

    def move(self, x: float, y: float) -> None:
        self._events.append(_Event("move", None, lambda target: target.pointer(x, y)))

    def button(self, number: int, down: bool) -> None:
        (self._held.add if down else self._held.discard)(number)
        kind = "press" if down else "release"
        self._events.append(_Event(kind, ("button", number), lambda target: target.button(number, down)))

    def wheel(self, x: float, y: float) -> None:
        self._events.append(_Event("wheel", None, lambda target: target.wheel(x, y)))

    def character(self, code: int) -> None:
        self._events.append(_Event("character", None, lambda target: target.character(code)))

    def key(self, code: int, down: bool, mods: int = 0, repeat: bool = False) -> None:
        """A key was pressed, released or repeated. Unknown keys have negative codes."""
        if code < 0:
            return
        pressed = (NAMES[code], mods) if down and code in NAMES else None
        if repeat:
            self._events.append(_Event("repeat", None, lambda target: None, pressed))
        else:
            kind = "modifier up" if not down and code in _MODIFIER_CODES else "key"
            self._events.append(_Event(kind, ("key", code), lambda target: target.key(code, down, mods), pressed))

    def dispatch(self, target: InputTarget, keyboard: bool = True, typing: bool = False) -> None:
        """Pass the events of one frame to `target`.

        Args:
            target: Receives the events.
            keyboard: False while a text field gets the focus: keys and characters wait.
            typing: Whether a text field has the focus. It obeys one key a frame, such as Ctrl A before Backspace.
        """
        self.pressed = []
        changed: set[tuple[str, int]] = set()
        moved = False
        while self._events:
            event = self._events[0]
            clicked = any(kind == "button" for kind, _ in changed)
            if event.changes in changed or (clicked and event.kind in ("move", "wheel")):
                return
            if not keyboard and event.kind in ("key", "modifier up", "repeat", "character"):
                return
            if typing and self.pressed and event.pressed is not None:
                return
            # Otherwise a key that was pressed with it would come without it.
            if event.kind == "modifier up" and self.pressed:
                return
            # Tabs accept a press only where the pointer was in the frame before.
            if moved and event.kind == "press":
                return
            self._events.popleft()
            # Outside text fields it is a command; Dear ImGui would give the focus to a field.
            if typing or event.pressed is None or event.pressed[0] != "Tab":
                event.apply(target)
            moved |= event.kind == "move"
            if event.changes is not None:
                changed.add(event.changes)
            if event.pressed is not None:
                self.pressed.append(event.pressed)
                if event.pressed[0] in _FIELD_KEYS:
                    # Later characters are not meant for the text field.
                    return
                if event.pressed[0] in _FOCUSING_KEYS:
                    # Later keys are meant for the text field, but not the character of this key.
                    if self._events and self._events[0].kind == "character":
                        self._events.popleft().apply(target)
                    return


class Mouse:
    """The pointer in this frame, in units of the window."""

    def __init__(self, io: Any) -> None:
        self._io = io
        self._last, self._still = OUTSIDE, 0.0

    def update(self, seconds: float) -> None:
        """Called at each frame, `seconds` after the last one."""
        self._still = self._still + seconds if self.position == self._last else 0.0
        self._last = self.position

    @property
    def is_resting(self) -> bool:
        """Whether the pointer has not moved for REST_SECONDS."""
        return self._still >= REST_SECONDS

    @property
    def position(self) -> tuple[float, float]:
        """Position of the pointer."""
        return tuple(self._io.mouse_pos)

    @property
    def delta(self) -> tuple[float, float]:
        """Movement since the last frame."""
        return tuple(self._io.mouse_delta)

    @property
    def wheel(self) -> float:
        """Turns of the wheel away from the user."""
        return float(self._io.mouse_wheel)
