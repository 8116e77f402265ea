from __future__ import annotations

import pytest

from alpr_app.viewer.toolkit.inputs import CONTROL, KEYS, OUTSIDE, Inputs


class Frame:
    """Records the events it receives."""

    def __init__(self):
        self.received = []

    def __getattr__(self, name):
        return lambda *values: self.received.append((name, *values))


@pytest.fixture
def frames():
    """Dispatches all events; returns those of each frame."""

    def dispatch(inputs):
        received = []
        while inputs:
            frame = Frame()
            inputs.dispatch(frame)
            received.append(frame.received)
        return received

    return dispatch


def test_a_click_between_two_frames_is_seen_by_both_of_the_next(frames):
    inputs = Inputs()
    inputs.move(10, 20)
    inputs.button(0, True)
    inputs.button(0, False)
    assert frames(inputs) == [[("pointer", 10, 20)], [("button", 0, True)], [("button", 0, False)]]


def test_eleven_fast_clicks_are_eleven(frames):
    inputs = Inputs()
    for _ in range(11):
        inputs.button(0, True)
        inputs.button(0, False)
    assert len(frames(inputs)) == 22


def test_the_pointer_does_not_leave_before_the_click_has_been_seen(frames):
    inputs = Inputs()
    inputs.move(1, 1)
    inputs.button(0, True)
    inputs.move(2, 2)
    inputs.button(0, False)
    inputs.move(3, 3)
    assert frames(inputs) == [
        [("pointer", 1, 1)],
        [("button", 0, True)],
        [("pointer", 2, 2), ("button", 0, False)],
        [("pointer", 3, 3)],
    ]


def test_keys_arrive_in_order_and_repeat(frames):
    inputs = Inputs()
    for _ in range(3):
        inputs.key(KEYS["Right"], True)
        inputs.key(KEYS["Right"], False)
    inputs.key(KEYS["A"], True, CONTROL)
    inputs.key(KEYS["A"], True, CONTROL, repeat=True)
    inputs.key(-1, True)
    pressed = []
    while inputs:
        inputs.dispatch(Frame())
        pressed += inputs.pressed
    assert pressed == [("Right", 0)] * 3 + [("A", CONTROL)] * 2


def test_moves_and_turns_of_the_wheel_share_a_frame(frames):
    inputs = Inputs()
    inputs.wheel(0, 1)
    inputs.move(5, 5)
    inputs.wheel(0, 1)
    assert len(frames(inputs)) == 1


def test_leaving_the_window_ends_hovering_but_not_dragging(frames):
    inputs = Inputs()
    inputs.leave()
    assert frames(inputs) == [[("pointer", *OUTSIDE)]]
    inputs.button(0, True)
    inputs.leave()
    assert frames(inputs) == [[("button", 0, True)]]


def test_what_follows_enter_belongs_to_the_next_frame(frames):
    inputs = Inputs()
    for key in ("A", "Enter", "Left"):
        inputs.key(KEYS[key], True)
    pressed = []
    while inputs:
        inputs.dispatch(Frame())
        pressed.append([name for name, _ in inputs.pressed])
    assert pressed == [["A", "Enter"], ["Left"]]


def test_keys_wait_for_a_text_field_that_gets_the_focus_but_not_the_character_of_the_command():
    inputs = Inputs()
    inputs.key(KEYS["O"], True)
    inputs.character(ord("o"))
    inputs.key(KEYS["O"], False)
    inputs.key(KEYS["A"], True)
    inputs.character(ord("a"))
    first, waiting, third = Frame(), Frame(), Frame()
    inputs.dispatch(first)
    assert inputs.pressed == [("O", 0)]
    assert ("character", ord("o")) in first.received and len(first.received) == 2
    inputs.move(1, 2)
    inputs.dispatch(waiting, keyboard=False)
    assert waiting.received == [] and inputs.pressed == []
    inputs.dispatch(third, typing=True)
    assert ("character", ord("a")) in third.received and inputs.pressed == [("A", 0)]


def test_a_text_field_obeys_one_key_a_frame():
    inputs = Inputs()
    for key in ("A", "Backspace"):
        inputs.key(KEYS[key], True, CONTROL if key == "A" else 0)
        inputs.key(KEYS[key], False)
    pressed = []
    while inputs:
        inputs.dispatch(Frame(), typing=True)
        pressed.append(inputs.pressed)
    assert [keys for keys in pressed if keys] == [[("A", CONTROL)], [("Backspace", 0)]]


def test_a_modifier_that_is_released_first_still_belongs_to_its_key(frames):
    inputs = Inputs()
    left_control = 341
    inputs.key(left_control, True)
    inputs.key(KEYS["V"], True, CONTROL)
    inputs.key(left_control, False, CONTROL)
    inputs.key(KEYS["V"], False)
    first, *later = frames(inputs)
    assert first == [("key", left_control, True, 0), ("key", KEYS["V"], True, CONTROL)]
    assert ("key", left_control, False, CONTROL) in later[0]
