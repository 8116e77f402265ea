"""Pictures so large that decoding takes time, or that no texture holds all their pixels."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.panels import busy
from alpr_app.viewer.panels.busy import busy_text
from alpr_app.viewer.panels.detail import GRID, visible_part
from alpr_app.viewer.workers.images import ImageItem, load_image_item
from tests.builders import make_plate
from tests.viewer.conftest import FakeAlpr

SIZE = (6000, 4000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A picture of 24 MP with stripes of one pixel."""
    place = tmp_path_factory.mktemp("large")
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:, ::2] = 255
    (place / "big.jpg").write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    return place


@pytest.fixture
def opening(window, until, folder):
    """The window with the picture's preview; `gate` lets it be decoded."""
    gate = threading.Event()
    shown = window(load=lambda path: gate.wait(10) and load_image_item(path))
    shown.viewer.open(str(folder))
    until(lambda: shown.viewer.collect() or shown.state.image_item is not None, "the preview")
    shown.gate = gate
    yield shown
    gate.set()


def test_a_preview_is_shown_first_and_the_picture_takes_its_place_without_a_jump(opening, until):
    state = opening.state
    assert state.image_item.is_preview and state.image_item.size == SIZE
    opening.draw()
    state.view.set_zoom(0.5)
    state.view.drag((300.0, 200.0), SIZE, (600, 600))
    before, pixels = (state.view.zoom, state.view.centre), opening.draw()
    opening.gate.set()
    until(lambda: opening.viewer.collect() or not state.image_item.is_preview, "the picture")
    assert (state.view.zoom, state.view.centre) == before
    canvas = np.s_[200:600, 350:900]
    # Stripes of one pixel are grey in either, when two or more make one on the screen.
    assert abs(pixels[canvas].mean() - opening.draw()[canvas].mean()) < 10


def test_the_window_says_what_it_is_waiting_for(opening, until, monkeypatch):
    context = opening.frame.context
    assert busy_text(context) == "", "not at once, or every picture would flicker"
    monkeypatch.setattr(busy, "MOMENT_SECONDS", 0.0)
    assert busy_text(context) == "Decoding the picture..."
    assert opening.viewer.sleep_seconds() <= 0.1, "so that the note moves"
    with_note = opening.draw()[45:90, 700:930]
    opening.gate.set()
    until(lambda: opening.viewer.collect() or opening.state.recognition is not None, "the result")
    assert busy_text(context) == ""
    assert np.abs(opening.draw()[45:90, 700:930].astype(int) - with_note).max() > 50


def test_opening_and_reading_are_said_too(opening, until, monkeypatch, folder):
    monkeypatch.setattr(busy, "MOMENT_SECONDS", 0.0)
    state = opening.state
    item = state.image_item
    state.show(None, None)
    assert busy_text(opening.frame.context) == "Opening big.jpg..."
    until(lambda: opening.viewer.collect() or state.models.state == "ready", "the models")
    state.show(ImageItem(item.key, np.zeros((4, 4, 3), np.uint8)), None)
    assert busy_text(opening.frame.context) == "Reading..."


def test_in_actual_size_every_pixel_of_a_large_picture_is_shown(opening, until):
    opening.gate.set()
    until(lambda: opening.viewer.collect() or not opening.state.image_item.is_preview, "the picture")
    opening.draw()
    opening.state.view.set_zoom(1.0)
    row = opening.draw(3)[400, 400:880].astype(int).mean(axis=1)
    assert row[::2].std() < 30 and row[1::2].std() < 30
    assert abs(row[::2].mean() - row[1::2].mean()) > 200, "stripes of one pixel; a reduced picture has grey"


def test_the_visible_part_is_limited_to_the_picture_and_stays_while_it_is_moved_a_little():
    area = (300.0, 40.0, 640.0, 700.0)
    part = visible_part(SIZE, (-700.0, -1000.0), 1.0, area)
    assert part == (512 * 1, 512 * 2, 512 * 4, 512 * 4)
    assert all(side % GRID == 0 for side in part)
    assert visible_part(SIZE, (-690.0, -1010.0), 1.0, area) == part
    assert visible_part(SIZE, (300.0, 40.0), 0.1, area) == (0, 0, *SIZE)


def test_pictures_larger_than_the_graphics_card_allows_are_reduced(screen):
    from alpr_app.viewer.toolkit.textures import Textures

    textures = Textures()
    textures._maximum_side = 64
    texture = textures.get("wide", 1, lambda: np.zeros((30, 400, 3), np.uint8))
    assert texture.size == (64, 4)
    assert textures.get("small", 1, lambda: np.zeros((30, 40, 3), np.uint8)).size == (40, 30)
    textures.close()


class TiledAlpr(FakeAlpr):
    """Finds one more plate with tiles."""

    def __init__(self, tiles):
        plates = [make_plate("皖A12345")]
        super().__init__([*plates, make_plate("沪B12345")] if tiles == "auto" else plates)
        self.identity = f"models tiles {tiles}"


def test_tiles_are_switched_on_while_the_window_is_open_and_have_results_of_their_own(
    window, until, few_pictures, monkeypatch
):
    made = []

    def make(choice):
        made.append(choice.tiles)
        return TiledAlpr(choice.tiles)

    monkeypatch.setattr(ModelChoice, "make", make)
    shown = window(few_pictures, alpr=TiledAlpr("off"))
    viewer, state = shown.viewer, shown.state
    assert len(state.plates) == 1
    viewer.choose_models(tiles="auto")
    until(lambda: viewer.collect() or len(state.plates) == 2, "the picture to be read with tiles")
    assert made == ["auto"]
    calls = len(made)
    viewer.choose_models(tiles="off")
    until(lambda: viewer.collect() or (len(state.plates) == 1 and state.models.state == "ready"), "the former result")
    assert len(made) == calls + 1
    assert {record.recognition.models for record in state.image_list.records.values()} == {"models tiles off"}


def test_the_settings_have_a_box_for_tiles(window, few_pictures, monkeypatch):
    shown = window(few_pictures)
    drawn, changed = [], []
    ui = shown.frame.context.ui
    combo = ui.combo

    def chosen(label, current, options, width=0):
        drawn.append((label, current, list(options)))
        return 1 if label == "tiles" else combo(label, current, options, width)

    monkeypatch.setattr(ui, "combo", chosen)
    monkeypatch.setattr(shown.viewer, "choose_models", lambda **changes: changed.append(changes))
    shown.draw()
    # The tab of the settings.
    shown.click(1043, 24)
    assert ("tiles", 0, ["off", "large pictures"]) in drawn
    assert changed[-1]["tiles"] == "auto"
