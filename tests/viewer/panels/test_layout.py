"""How the room of the window is used, and that nothing moves or is shown that is not there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.viewer.app.state import LIVE
from alpr_app.viewer.panels import plates
from alpr_app.viewer.panels.plates import PlatesPanel
from alpr_app.viewer.panels.summary import COLUMNS
from alpr_app.viewer.toolkit.painter import Painter
from alpr_app.viewer.workers.live import ENDED, LiveStatus

TIGHT = ((60, 80), (160, 80), (160, 110), (60, 110))
FAR = ((60, 200), (160, 200), (160, 230), (60, 230))


@pytest.fixture
def drawn(monkeypatch):
    """The texts that are drawn, with their positions and clip rectangles, in order."""
    texts = []
    draw = Painter.text

    def noted(painter, point, text, *rest, **more):
        low, high = painter._canvas.get_clip_rect_min(), painter._canvas.get_clip_rect_max()
        texts.append(SimpleNamespace(text=text, point=point, top=low[1], bottom=high[1]))
        return draw(painter, point, text, *rest, **more)

    monkeypatch.setattr(Painter, "text", noted)
    return texts


@pytest.fixture
def cards(monkeypatch):
    """The rectangle of each card that was drawn last, by its number."""
    rects = {}
    draw = PlatesPanel._draw_card

    def noted(panel, context, card, rect):
        rects[card.number] = rect
        draw(panel, context, card, rect)

    monkeypatch.setattr(PlatesPanel, "_draw_card", noted)
    return rects


def draw_at(shown, size):
    """Draw a window of another size than the framebuffer has; what lies outside is not seen."""
    for _ in range(3):
        shown.frame.draw(size, 1 / 60)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_fifteen_rows_are_visible_below_the_open_tree(window, tmp_path, fakes, until, drawn, language):
    for folder in ("", *"abcdef"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for number in range(40 if not folder else 1):
            text = "皖A12345" if number % 2 else "皖A12346"
            name = format_name(Annotation(text, (60, 80, 160, 110), TIGHT, area=str(number)))
            write_picture(tmp_path / folder / name, np.full((60, 80, 3), 30, np.uint8))
    (tmp_path / "0.png").write_bytes(b"no picture")
    far = format_name(Annotation("京B00001", (60, 200, 160, 230), FAR, area="1"))
    write_picture(tmp_path / far, np.full((60, 80, 3), 30, np.uint8))
    shown = window(tmp_path, [fakes.plate("皖A12345", corners=TIGHT)])
    shown.state.change(language=language)
    shown.viewer.read_all(True)
    until(lambda: shown.viewer.collect() or len(shown.state.image_list.records) == 42, "the pictures")
    until(lambda: len(shown.state.tree.rows) == 7, "the tree")
    shown.draw(3)
    drawn.clear()
    shown.draw(1)
    line = shown.frame.context.ui.line_height
    rows = [one for one in drawn if one.text.startswith(("皖A1234", "京B")) and one.point[0] < 100]
    seen = [one for one in rows if one.top <= one.point[1] and one.point[1] + line <= one.bottom]
    assert len(seen) >= 15
    assert shown.state.settings.show_tree and {"a", "b", "c"} <= {one.text for one in drawn}
    words = {one.text for one in drawn}
    assert any("50.0 %" in text or "48.8 %" in text for text in words), "the totals are there as well"


def test_a_large_window_has_wider_panels_whole_names_and_two_columns_of_cards(window, tmp_path, fakes, drawn, cards):
    name = "a picture with a long name that does not fit into a narrow list.png"
    write_picture(tmp_path / name, np.full((300, 400, 3), 30, np.uint8))
    shown = window(tmp_path, [fakes.plate(corners=TIGHT), fakes.plate("沪B12345", corners=FAR)])
    draw_at(shown, (1280, 720))
    assert cards[0][0] == cards[1][0] and cards[0][1] < cards[1][1]
    narrow = cards[0][2]
    assert name not in {one.text for one in drawn}
    drawn.clear()
    draw_at(shown, (2560, 1440))
    assert cards[0][1] == cards[1][1] and cards[0][0] < cards[1][0]
    assert cards[0][2] > 1.1 * narrow, "the crops are larger"
    assert name in {one.text for one in drawn}
    shown.state.change(browser_width=250.0, plates_width=300.0)
    draw_at(shown, (2560, 1440))
    assert cards[0][0] == cards[1][0], "a width that the user has chosen stays"
    assert cards[0][2] < 300


def test_a_card_begins_with_the_reading_and_is_not_tall(window, tmp_path, fakes, cards, monkeypatch):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    shown, order = window(tmp_path, [fakes.plate("皖A12345", corners=TIGHT)]), []

    for name in ("_text", "_draw_crop", "_bars", "_draw_cut_out", "_facts"):
        part = getattr(plates._Card, name)
        monkeypatch.setattr(plates._Card, name, lambda *given, name=name, part=part: order.append(name) or part(*given))
    shown.draw(1)
    assert order[:3] == ["_text", "_draw_crop", "_bars"]
    assert cards[0][3] < 320


def test_the_doubtful_plate_that_ranks_a_picture_is_on_top_of_cards_and_row(window, tmp_path, fakes, drawn):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    sure, doubtful = fakes.plate("皖A12345", corners=TIGHT), fakes.plate("沪B12345", confidence=0.6, corners=FAR)
    shown = window(tmp_path, [sure, doubtful])
    shown.draw()
    assert [plate.text for plate in shown.state.plates] == ["皖A12345", "沪B12345"]
    shown.state.change(order="unsure")
    drawn.clear()
    shown.draw(1)
    assert [plate.text for plate in shown.state.plates] == ["沪B12345", "皖A12345"]
    assert "沪B12345 60 % +1" in {one.text for one in drawn}


def test_a_live_panel_at_rest_shows_no_figures_of_frames(window, fakes, until, drawn):
    shown = window(capture=lambda address: fakes.Capture(["new"]))
    viewer, state = shown.viewer, shown.state
    viewer.open(0)
    until(lambda: viewer.collect() or state.recognition is not None, "a frame")
    shown.draw()
    figures = {"Frames per second", "Read per second", "Latency"}
    assert figures <= {one.text for one in drawn}
    viewer.live.close()
    viewer.live = None
    state.live_status, state.recognition, state.image_item = LiveStatus(ENDED), None, None
    state.cars.clear()
    drawn.clear()
    shown.draw()
    assert state.kind == LIVE
    texts = {one.text for one in drawn}
    assert not texts & {*figures, "Picture size"} and not any(text.startswith("CARS") for text in texts)


def test_boxes_that_say_auto_have_a_title_each(window, few_pictures, drawn, monkeypatch):
    shown, boxes = window(few_pictures), []
    shown.draw()
    shown.click(1040, 24)
    ui = shown.frame.context.ui
    combo = ui.combo
    monkeypatch.setattr(
        ui,
        "combo",
        lambda name, now, names, width=0: boxes.append((ui.cursor[1], names[now])) or combo(name, now, names, width),
    )
    drawn.clear()
    shown.draw(1)
    automatic = [top for top, text in boxes if text == "auto"]
    titles = [[one.text for one in drawn if 0 <= one.point[1] - top < ui.row_height] for top in automatic]
    assert [texts[-1] for texts in titles] == ["Backend", "Threads"]


def test_a_figure_has_one_name_everywhere(window, fakes, until, drawn):
    shown = window(capture=lambda address: fakes.Capture(["new"]))
    shown.viewer.open(0)
    until(lambda: shown.viewer.collect() or shown.state.recognition is not None, "a frame")
    shown.draw()
    texts = [one.text for one in drawn]
    assert "Read per second" in texts, "the live panel"
    assert any("Read per second " in text and "F1 help" in text for text in texts), "the status line"
    titles = {column.title for column in COLUMNS}
    # As in the totals below the list, and on the cards.
    assert {"Text right", "Place right", "Missed", "Text wrong", "Place off", "Corner error", "Confidence"} <= titles
