"""Stars of pictures: given, found again, filtered and exported."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import stat
from contextlib import closing

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.image_list import ALL, STARRED
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.workers import star_keeper
from alpr_app.viewer.workers.export import ExportWorker


@pytest.fixture
def folder(tmp_path):
    """A folder with 1.png to 4.png and a subfolder with 5.png."""
    root = tmp_path / "pictures"
    (root / "below").mkdir(parents=True)
    for number in range(1, 5):
        write_picture(root / f"{number}.png", np.full((20, 30, 3), 40 * number, np.uint8))
    write_picture(root / "below" / "5.png", np.full((20, 30, 3), 9, np.uint8))
    return root


@pytest.fixture
def opened(program, until, tmp_path):
    """Opens folders in programs that share one database, and waits for their stars."""

    def make(target, recursive=False, **more):
        viewer = program(**{"stars_file": tmp_path / "data" / "stars.sqlite"} | more)
        viewer.state.change(recursive=recursive)
        viewer.open(str(target))
        ready(viewer)
        return viewer

    def ready(viewer):
        state = viewer.state
        until(lambda: viewer.collect() or (not state.scanning and state.image_list.names), "the list")

    return make


def count(tmp_path):
    path = tmp_path / "data" / "stars.sqlite"
    # The file is there a moment before its table.
    if not path.is_file() or not path.stat().st_size:
        return 0
    with closing(sqlite3.connect(path)) as database:
        (number,) = database.execute("SELECT count(*) FROM stars").fetchone()
        return number


def starred(viewer, until, names):
    until(lambda: viewer.collect() or set(viewer.state.image_list.starred) == set(names), f"stars of {names}")


def test_a_star_is_given_and_removed_with_a_key_and_kept_after_a_restart(opened, until, folder, tmp_path):
    before = sorted(folder.rglob("*"))
    first = opened(folder)
    press(first, "Right")
    press(first, "Q")
    assert first.state.image_list.starred == {"2.png"}
    press(first, "Right")
    press(first, "Q")
    press(first, "Q")
    assert first.state.image_list.starred == {"2.png"}
    first.close(5)
    starred(opened(folder), until, {"2.png"})
    assert sorted(folder.rglob("*")) == before, "nothing is written beside the pictures"
    database = tmp_path / "data" / "stars.sqlite"
    if os.name == "posix":
        assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_stars_are_found_however_the_folder_is_opened(opened, until, folder, tmp_path, monkeypatch):
    first = opened(folder / "below")
    press(first, "Q")
    first.close(5)
    starred(opened(folder, recursive=True), until, {os.path.join("below", "5.png")})
    (tmp_path / "link").symlink_to(folder / "below")
    starred(opened(tmp_path / "link"), until, {"5.png"})
    monkeypatch.chdir(tmp_path)
    starred(opened("pictures/../pictures/below"), until, {"5.png"})
    whole = opened(folder)
    assert whole.state.image_list.starred == frozenset()


def test_the_filter_shows_starred_pictures_by_its_box_and_by_what_is_typed(opened, until, folder):
    viewer = opened(folder)
    image_list = viewer.state.image_list
    for name in ("1.png", "3.png"):
        viewer.stars.toggle(name)

    def shown():
        return [image_list.names[row] for row in image_list.rows]

    image_list.filter("", STARRED)
    assert shown() == ["1.png", "3.png"]
    viewer.stars.toggle("3.png")
    assert shown() == ["1.png"]
    image_list.filter("*", ALL)
    assert shown() == ["1.png"]
    image_list.filter("-*", ALL)
    assert shown() == ["2.png", "3.png", "4.png"]
    image_list.filter("-* 4.png", ALL)
    assert shown() == ["4.png"]


def test_two_windows_keep_each_others_stars(opened, until, folder, tmp_path):
    first, second = opened(folder), opened(folder)
    first.stars.toggle("1.png")
    second.stars.toggle("2.png")
    until(lambda: count(tmp_path) == 2, "both to be kept")
    first.navigator.refresh()
    starred(first, until, {"1.png", "2.png"})
    # The first window's star is not known to the second one, and stays when that one changes its own.
    second.stars.toggle("2.png")
    assert second.close(5)
    starred(opened(folder), until, {"1.png"})


def test_the_last_star_before_the_end_is_kept(opened, until, folder):
    viewer = opened(folder)
    for name in ("1.png", "2.png", "3.png"):
        viewer.stars.toggle(name)
    assert viewer.close(5)
    starred(opened(folder), until, {"1.png", "2.png", "3.png"})


def test_stars_leave_with_their_folder(opened, until, folder):
    viewer = opened(folder)
    viewer.stars.toggle("1.png")
    viewer.show_folder(str(folder / "below"))
    until(lambda: viewer.collect() or viewer.state.image_list.names == ["5.png"], "the subfolder")
    starred(viewer, until, set())
    viewer.show_folder(str(folder))
    starred(viewer, until, {"1.png"})


def test_a_database_that_cannot_be_used_is_reported_and_stays(opened, until, folder, tmp_path):
    database = tmp_path / "data" / "stars.sqlite"
    database.parent.mkdir()
    database.write_bytes(b"no database at all, but something the user may want to look at" * 40)
    viewer = opened(folder)
    viewer.stars.toggle("1.png")
    until(lambda: viewer.collect() or any(str(database) in m.text for m in viewer.state.messages), "the message")
    assert "delete it to begin again" in viewer.state.message.text
    assert viewer.state.image_list.starred == {"1.png"}
    assert database.read_bytes().startswith(b"no database")


def test_the_number_of_stars_is_limited(opened, until, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(star_keeper, "MAXIMUM_STARS", 2)
    viewer = opened(folder)
    for name in ("1.png", "2.png", "3.png"):
        viewer.stars.toggle(name)
    until(lambda: viewer.collect() or viewer.state.message is not None, "the message")
    assert viewer.state.message.text == "2 pictures have stars, which is the limit; remove some"
    viewer.close(5)
    assert count(tmp_path) == 2


def test_without_a_database_stars_last_as_long_as_the_session(opened, until, folder):
    viewer = opened(folder, stars_file=None)
    viewer.stars.toggle("1.png")
    viewer.show_folder(str(folder / "below"))
    until(lambda: viewer.collect() or viewer.state.image_list.names == ["5.png"], "the subfolder")
    viewer.show_folder(str(folder))
    starred(viewer, until, {"1.png"})


def test_a_live_source_has_no_stars(program, fakes, until):
    viewer = program(capture=lambda address: fakes.Capture(["new"]))
    viewer.open(0)
    press(viewer, "Q")
    assert viewer.state.message.text == "Only pictures of a folder can have a star"


def test_stars_are_exported(opened, until, folder, tmp_path):
    viewer = opened(folder)
    viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    viewer.stars.toggle("2.png")
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(viewer.state.image_list.records) == 4, "all pictures")
    press(viewer, "E")
    press(viewer, "E", CONTROL)
    assert viewer.export_worker.close(5)
    (lines,), (rows,) = (tmp_path / "kept").glob("*.jsonl"), (tmp_path / "kept").glob("*.csv")
    read = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert [line.get("starred") for line in read] == [None, True, None, None]
    table = list(csv.DictReader(rows.open(encoding="utf-8-sig", newline="")))
    assert [row["starred"] for row in table] == ["False", "True", "False", "False"]


def test_a_click_in_the_row_or_the_toolbar_gives_the_star(window, until, folder, monkeypatch):
    shown = window(folder)
    state, ui, places = shown.state, shown.frame.context.ui, {}
    until(lambda: shown.viewer.collect() or not state.scanning, "the list")
    hit = ui.hit

    def noted(name, width, height, **more):
        places[name] = (*ui.cursor, width, height)
        return hit(name, width, height, **more)

    monkeypatch.setattr(ui, "hit", noted)
    shown.draw(3)
    left, top, _, height = places["row 2"]
    shown.click(left + 28, top + height / 2)
    assert state.image_list.starred == {"3.png"}
    assert state.image_list.name == "1.png", "the selection stays"
    left, top, width, height = places["star"]
    shown.click(left + width / 2, top + height / 2)
    assert state.image_list.starred == {"1.png", "3.png"}
    shown.click(left + width / 2, top + height / 2)
    assert state.image_list.starred == {"3.png"}
