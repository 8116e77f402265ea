from __future__ import annotations

import numpy as np

from alpr_app.data.images import write_picture
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.state import Light
from alpr_app.viewer.toolkit.inputs import CONTROL

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)


def test_neutral_light_changes_nothing_and_copies_nothing():
    assert Light().applied(LEVELS) is LEVELS
    assert (Light().curve() == np.arange(256)).all()


def test_brightness_keeps_black_and_white_and_lifts_what_is_between():
    brighter, darker = Light(brightness=50).curve().astype(int), Light(brightness=-50).curve().astype(int)
    assert (brighter[0], brighter[255], darker[0], darker[255]) == (0, 255, 0, 255)
    assert (brighter[1:255] >= np.arange(1, 255)).all()
    assert brighter[64] > 100
    assert darker[128] < 80


def test_contrast_turns_around_the_middle():
    more, less = Light(contrast=50).curve().astype(int), Light(contrast=-50).curve().astype(int)
    assert abs(more[128] - 128) <= 1
    assert abs(less[128] - 128) <= 1
    assert (more[255], more[0]) == (255, 0)
    assert more[150] - more[128] > 40
    assert 60 < less[0] < less[255] < 195


def test_steps_stop_at_the_limits_and_the_text_tells_what_is_set():
    light = Light()
    for _ in range(30):
        light = light.changed(brightness=10, contrast=-10)
    assert light == Light(100, -100)
    assert light.text == "Brightness +100 %, contrast -100 %"
    assert Light(contrast=20).text == "Contrast +20 %"


def test_keys_change_what_is_shown_and_never_the_reading(window, tmp_path, fakes):
    picture = np.full((300, 400, 3), 60, np.uint8)
    write_picture(tmp_path / "p.png", picture)
    shown = window(tmp_path)
    uploads = lambda: shown.frame.context.textures.uploads  # noqa: E731
    place = np.s_[300:320, 600:620]
    assert (shown.draw()[place] == 60).all()
    press(shown.viewer, "I")
    press(shown.viewer, "I", CONTROL)
    assert shown.state.light == Light(10, 10)
    expected = Light(10, 10).curve()[60]
    assert expected != 60
    assert (shown.draw()[place] == expected).all()
    before = uploads()
    shown.draw(10)
    assert uploads() == before, "changed light is uploaded once"
    assert (shown.state.image_item.image == picture).all()
    press(shown.viewer, "0")
    assert (shown.draw()[place] == 60).all()


def test_changed_light_is_shown_on_the_picture_and_a_click_there_resets_it(window, few_pictures, near):
    shown = window(few_pictures)
    corner = np.s_[650:685, 305:500]
    plain = shown.draw()[corner]
    for _ in range(3):
        press(shown.viewer, "K")
    changed = shown.draw()[corner]
    theme = shown.frame.context.ui.theme
    assert near(changed, theme.accent_dim, 6).sum() > 1000
    assert not near(plain, theme.accent_dim, 6).any()
    shown.click(350, 668)
    assert shown.state.light.neutral
    assert shown.state.selected == -1


def test_light_stays_from_picture_to_picture(window, few_pictures, until):
    shown = window(few_pictures)
    press(shown.viewer, "I")
    shown.viewer.step(1)
    until(lambda: shown.viewer.collect() or shown.state.image_item.key.endswith("2.png"), "the next picture")
    assert shown.state.light == Light(10)
