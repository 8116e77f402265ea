"""The cards of the plates: what they say and the crops they show."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from alpr_app.core.plate_kinds import KINDS
from alpr_app.data.images import read_picture, write_picture
from alpr_app.viewer.panels.plates import KIND_NAMES
from alpr_app.viewer.toolkit.painter import Painter
from alpr_app.viewer.toolkit.theme import DARK
from alpr_app.viewer.workers.export import ExportWorker

CORNERS = ((60, 80), (160, 80), (160, 110), (60, 110))


def test_every_kind_but_the_standard_one_has_a_name():
    assert set(KIND_NAMES) == {kind.name for kind in KINDS} - {"standard"}


@pytest.mark.parametrize(
    ("language", "kind", "said", "unsaid"),
    [
        ("en", "new_energy", ["green, new energy", "score 0.90"], "green, score 0.90"),
        ("zh", "new_energy", ["绿色，新能源", "得分 0.90"], "绿色，得分 0.90"),
        ("zh", "driving_school", ["绿色，教练"], "绿色，得分 0.90"),
        ("en", "standard", ["green, score 0.90"], "score 0.90"),
        ("en", None, ["green, score 0.90"], "score 0.90"),
        # Of a newer version of the library.
        ("en", "diplomatic", ["green, score 0.90"], "score 0.90"),
    ],
)
def test_the_card_names_a_kind_that_is_not_the_standard_one(
    window, tmp_path, fakes, monkeypatch, language, kind, said, unsaid
):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    plate = replace(fakes.plate("皖AD12345", score=0.9, corners=CORNERS, colour="green"), kind=kind)
    shown, texts = window(tmp_path, [plate]), []
    shown.state.change(language=language)
    draw = Painter.text
    monkeypatch.setattr(
        Painter, "text", lambda painter, point, text, *rest: texts.append(text) or draw(painter, point, text, *rest)
    )
    shown.draw()
    assert set(said) <= set(texts) and unsaid not in texts


def test_a_likely_second_guess_stands_out_on_the_card_and_an_unlikely_one_does_not(window, tmp_path, fakes, near):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    card = np.s_[40:690, 950:1270]
    amber = []
    for share in (0.3, 0.001):
        alternatives = (("B", share),) + (("", 0.001),) * 6
        shown = window(tmp_path, [replace(fakes.plate(corners=CORNERS), alternatives=alternatives)])
        amber.append(near(shown.draw(3)[card], DARK.uncertain, 60).sum())
    assert amber[0] > 10
    assert amber[1] == 0


def test_the_card_of_a_reading_that_fits_no_format_says_so(window, tmp_path, fakes, near):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    card, found = np.s_[40:690, 950:1270], {}
    for fits in (True, None, False):
        shown = window(tmp_path, [replace(fakes.plate("皖A1234", corners=CORNERS), fits_format=fits)])
        pixels = shown.draw(3)
        found[fits] = near(pixels[card], DARK.uncertain, 70).sum()
        named, picture = pixels[100:600, 5:290], pixels[60:680, 310:930]
        shown.draw()
        if fits is None:
            plain = named.copy(), picture.copy()
    assert found[True] == found[None] == 0
    assert found[False] > 100
    assert not np.array_equal(named, plain[0]), "a ? in the list"
    assert not np.array_equal(picture, plain[1]), "a ? on the picture"


def loud(height=48, width=192):
    """A crop that no picture has: its upper half is magenta, its lower half green."""
    crop = np.zeros((height, width, 3), np.uint8)
    crop[: height // 2], crop[height // 2 :] = (255, 0, 255), (0, 255, 0)
    return crop


@pytest.mark.parametrize("size", [(48, 192), (96, 192), (32, 256), (64, 64)])
def test_the_card_shows_the_crop_of_the_reader_and_nothing_else(window, tmp_path, fakes, near, size):
    write_picture(tmp_path / "p.png", np.full((300, 400, 3), 30, np.uint8))
    # Corners of a plate that is upside down.
    turned = tuple(CORNERS[index] for index in (2, 3, 0, 1))
    shown = window(tmp_path, [replace(fakes.plate(corners=turned), crop=loud(*size))])
    card = shown.draw(3)[40:690, 950:1270]
    above, below = (np.argwhere(near(card, (r, g, b, 1), 12)) for r, g, b in ((1, 0, 1), (0, 1, 0)))
    assert len(above) > 500 and len(below) > 500
    assert above[:, 0].max() < below[:, 0].min(), "it stands as the reader saw it"
    (top, left), (bottom, right) = above.min(axis=0), below.max(axis=0)
    ratio = (right + 1 - left) / (bottom + 1 - top)
    assert ratio == pytest.approx(size[1] / size[0], rel=0.1)


def test_the_saved_crop_is_that_of_the_reader(window, tmp_path, fakes, monkeypatch):
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_picture(folder / "p.png", np.full((300, 400, 3), 30, np.uint8))
    shown = window(folder, [replace(fakes.plate(corners=CORNERS), crop=loud(32, 256))])
    shown.viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    ui = shown.frame.context.ui
    button = ui.button
    monkeypatch.setattr(ui, "button", lambda label, *a, **k: button(label, *a, **k) or label.startswith("Save crop"))
    shown.draw(1)
    monkeypatch.undo()
    assert shown.viewer.export_worker.close(5)
    (crop,) = (tmp_path / "kept").glob("*-crop.png")
    assert np.array_equal(read_picture(crop), loud(32, 256))


def test_a_picture_read_in_the_background_is_read_again_for_its_crops(window, few_pictures, fakes, until):
    alpr = fakes.Alpr([replace(fakes.plate(), crop=loud())])
    shown = window(few_pictures, alpr=alpr)
    viewer = shown.viewer
    until(lambda: viewer.collect() or not viewer.state.scanning, "the list")
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(viewer.state.image_list.records) == 12, "all of them")
    assert viewer.state.image_list.records["10.png"].lacks_crops, "crops of a whole folder would fill the memory"
    calls = alpr.calls
    viewer.go(10)
    until(lambda: viewer.collect() or not viewer.state.image_list.records["10.png"].lacks_crops, "the crop")
    viewer.collect()
    assert np.array_equal(viewer.state.plates[0].crop, loud())
    assert alpr.calls - calls <= 5, "the picture and its neighbours, once each"
    assert viewer.state.image_list.totals.pictures == 0 and len(viewer.state.image_list.records) == 12


def test_dropped_crops_are_there_again_when_the_picture_is_selected(window, few_pictures, fakes, until):
    viewer = window(few_pictures, alpr=fakes.Alpr([replace(fakes.plate(), crop=loud())])).viewer

    def there():
        viewer.collect()
        record = viewer.state.record
        return record is not None and not record.lacks_crops

    until(lambda: viewer.collect() or not viewer.state.scanning, "the list")
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(viewer.state.image_list.records) == 12, "all of them")
    viewer.go(10)
    for _ in range(2):
        until(there, "the crop")
        viewer.collect()
        viewer.memory.drop_crops(os.path.join(viewer.state.folder, viewer.state.image_list.name))
    until(there, "the crop")


def test_crops_of_the_pictures_selected_last_are_kept(window, few_pictures, fakes, until):
    shown = window(few_pictures, alpr=fakes.Alpr([replace(fakes.plate(), crop=loud())]))
    viewer = shown.viewer
    viewer.memory.crops._maximum = 6 * loud().nbytes

    def there():
        viewer.collect()
        record = viewer.state.record
        return record is not None and not record.lacks_crops

    for number in range(1, 13):
        viewer.go(number)
        until(there, "a picture with its crop")
    with_crops = [name for name, record in viewer.state.image_list.records.items() if record.recognition.plates]
    with_crops = [name for name in with_crops if not viewer.state.image_list.records[name].lacks_crops]
    assert 1 <= len(with_crops) <= 6 and "1.png" not in with_crops
    viewer.go(1)
    until(there, "the crop of the first again")
