"""Results belong to files: they count in every folder that shows the picture, and after a restart."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.viewer.app.settings import Settings, load_settings
from alpr_app.viewer.workers.recogniser import READY
from tests.viewer.conftest import FakeAlpr

FAR = 6


@dataclass
class IdentifiedAlpr(FakeAlpr):
    """Models that are recognised after a restart; remembers the first pixel of every picture it has read."""

    identity: str = "first models"
    seen: list[int] = field(default_factory=list)

    def analyse(self, image):
        self.seen.append(int(image[0, 0, 0]))
        return super().analyse(image)


@pytest.fixture
def pictures(tmp_path):
    """1.png to 9.png, in sub/ 11.png to 19.png; the first pixel is the number."""
    folder = tmp_path / "pictures"
    for start, place in ((0, folder), (10, folder / "sub")):
        place.mkdir()
        for number in range(start + 1, start + 10):
            write_picture(place / f"{number}.png", np.full((60, 80, 3), number, np.uint8))
    return folder


@pytest.fixture
def session(program, until, tmp_path):
    """Opens a folder in a new program, as after a restart; `read` reads the whole folder."""

    def begin(folder, alpr=None, keep="yes", recursive=False, **more):
        options = {"results_file": tmp_path / "cache" / "results.sqlite"} | more
        settings = Settings(keep_results=keep, recursive=recursive)
        viewer = program(alpr or IdentifiedAlpr(), settings=settings, **options)
        viewer.open(str(folder))
        until(lambda: viewer.collect() or viewer.state.recognition is not None, "the first picture")
        return viewer

    return begin


@pytest.fixture
def read(until):
    def whole_folder(viewer):
        viewer.read_all(True)
        image_list = viewer.state.image_list
        until(lambda: viewer.collect() or len(image_list.records) == len(image_list.names), "the whole folder")

    return whole_folder


@pytest.fixture
def has(until):
    """Waits until the list has so many results, without reading."""

    def wait(viewer, count):
        until(lambda: viewer.collect() or len(viewer.state.image_list.records) >= count, f"{count} known results")

    return wait


def test_what_was_read_in_a_subfolder_counts_in_its_parent_and_the_other_way_round(session, read, has, pictures):
    alpr = IdentifiedAlpr()
    viewer = session(pictures, alpr, "no", recursive=True)
    viewer.show_folder(str(pictures / "sub"))
    has(viewer, 1)
    read(viewer)
    viewer.show_folder(str(pictures))
    has(viewer, 9)
    assert {f"sub/{number}.png" for number in range(11, 20)} <= set(viewer.state.image_list.records)
    assert alpr.seen.count(19) == 1, "it was not read again"
    read(viewer)
    viewer.show_folder(str(pictures / "sub"))
    has(viewer, 9)
    assert alpr.seen.count(9) == 1 and alpr.seen.count(19) == 1


def test_results_are_there_after_a_restart_and_count_in_the_totals(session, read, has, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(20):
        write_picture(folder / f"皖A123{number + 10}.png", np.full((60, 80, 3), number, np.uint8))
    first = session(folder)
    read(first)
    totals, records = first.state.image_list.totals, dict(first.state.image_list.records)
    assert totals.pictures == 20
    assert first.close(5)
    alpr = IdentifiedAlpr()
    second = session(folder, alpr)
    has(second, 20)
    assert second.state.image_list.totals == totals
    for name, record in second.state.image_list.records.items():
        assert [plate.to_dict() for plate in record.recognition.plates] == [
            plate.to_dict() for plate in records[name].recognition.plates
        ]
    assert not set(alpr.seen) & set(range(FAR, 20)), (
        "only the pictures around the selected one are read, for their crops"
    )


def test_only_known_results_are_left_out_when_the_whole_folder_is_read(session, read, has, pictures):
    first = session(pictures / "sub")
    read(first)
    assert first.close(5)
    alpr = IdentifiedAlpr()
    second = session(pictures, alpr, recursive=True)
    has(second, 9)
    read(second)
    assert set(range(1, 10)) <= set(alpr.seen)
    assert not set(range(11, 20)) & set(alpr.seen)


def test_a_file_that_has_changed_is_read_again_after_a_restart_and_when_the_list_is_refreshed(
    session, read, has, pictures, until
):
    first = session(pictures)
    read(first)
    assert first.close(5)
    write_picture(pictures / "9.png", np.full((60, 80, 3), 99, np.uint8))
    alpr = IdentifiedAlpr()
    second = session(pictures, alpr)
    has(second, 8)
    assert "9.png" not in second.state.image_list.records
    read(second)
    assert 99 in alpr.seen and 8 not in alpr.seen
    write_picture(pictures / "8.png", np.full((60, 80, 3), 88, np.uint8))
    os.utime(pictures / "7.png", (1, 1))
    second.navigator.refresh()
    until(lambda: second.collect() or len(second.state.image_list.records) == 7, "the changed ones to go")
    second.go(8)
    until(lambda: second.collect() or 88 in alpr.seen, "the changed picture")
    until(
        lambda: second.collect() or (second.state.image_item.image[0, 0, 0] == 88 and second.state.record is not None),
        "it on the canvas",
    )


def test_other_models_have_results_of_their_own_and_the_former_ones_come_back(
    session, read, has, pictures, fakes, monkeypatch, until
):
    former, other = IdentifiedAlpr(), IdentifiedAlpr([fakes.plate("京A00001")], identity="other models")
    viewer = session(pictures, former, keep="no")
    read(viewer)
    monkeypatch.setattr(
        "alpr_app.pipeline.options.ModelChoice.make", lambda choice: other if choice.threads == 3 else former
    )
    viewer.choose_models(threads=3)
    until(lambda: viewer.collect() or viewer.state.models.state == READY, "the other models")
    viewer.go(1)
    until(lambda: viewer.collect() or viewer.state.record is not None, "a reading of the other models")
    assert "9.png" not in viewer.state.image_list.records
    assert viewer.state.record.recognition.plates[0].text == "京A00001"
    viewer.choose_models(threads=None)
    has(viewer, 9)
    assert former.seen.count(9) == 1
    assert {record.recognition.plates[0].text for record in viewer.state.image_list.records.values()} == {"皖A12345"}


def test_nothing_is_written_before_the_answer_and_then_all_that_was_read(session, read, has, pictures, tmp_path):
    cache = tmp_path / "cache"
    viewer = session(pictures, keep="ask")
    read(viewer)
    assert viewer.memory.question_open
    assert not cache.exists()
    viewer.memory.permit(True)
    assert not viewer.memory.question_open
    assert viewer.close(5)
    assert (cache / "results.sqlite").is_file()
    alpr = IdentifiedAlpr()
    has(session(pictures, alpr), 9)
    assert 9 not in alpr.seen


@pytest.mark.parametrize("answer", ["no", "none"])
def test_without_permission_nothing_is_ever_written(session, read, pictures, tmp_path, answer):
    viewer = session(pictures, keep="ask")
    if answer == "no":
        viewer.memory.permit(False)
    read(viewer)
    assert viewer.memory.question_open == (answer == "none")
    assert viewer.close(5)
    assert not (tmp_path / "cache").exists()


def test_the_answer_is_remembered_in_the_settings(session, pictures, tmp_path):
    path = tmp_path / "viewer.json"
    viewer = session(pictures, keep="ask", settings_file=path)
    viewer.memory.permit(False)
    assert viewer.close(5)
    assert load_settings(path)[0].keep_results == "no"


def test_a_folder_without_results_asks_nothing(program, few_pictures):
    viewer = program(results_file=few_pictures / "never")
    assert not viewer.memory.question_open
    assert not program().memory.question_open


def test_forgetting_deletes_what_is_on_disk_and_later_readings_are_kept_again(
    session, read, has, pictures, tmp_path, until
):
    first = session(pictures)
    read(first)
    assert first.close(5)
    second = session(pictures)
    second.memory.forget()
    until(lambda: second.collect() or second.state.messages, "the message")
    assert "deleted" in second.state.messages[-1].text
    assert second.close(5)
    with sqlite3.connect(tmp_path / "cache" / "results.sqlite") as database:
        assert database.execute("SELECT count(*) FROM results").fetchone()[0] < 9
    alpr = IdentifiedAlpr()
    third = session(pictures, alpr)
    read(third)
    assert 9 in alpr.seen


@pytest.mark.parametrize("trouble", ["damaged", "locked", "no folder"])
def test_a_database_that_cannot_be_used_is_one_line_and_the_window_goes_on(
    session, read, pictures, tmp_path, monkeypatch, until, trouble
):
    cache = tmp_path / "cache"
    monkeypatch.setattr("alpr_app.viewer.workers.result_store.LOCKED_SECONDS", 0.05)
    other = None
    if trouble == "no folder":
        cache.write_text("a file in its place")
    else:
        cache.mkdir()
        if trouble == "damaged":
            (cache / "results.sqlite").write_bytes(b"rubbish" * 1000)
        else:
            other = sqlite3.connect(cache / "results.sqlite", isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
    viewer = session(pictures)
    read(viewer)
    until(lambda: viewer.collect() or any(line.is_error for line in viewer.state.messages), "the message")
    lines = [message.text for message in viewer.state.messages if message.is_error]
    assert len(lines) == 1 and "results.sqlite" in lines[0] and "goes on without" in lines[0]
    if other is not None:
        other.close()


def test_thousands_of_known_files_appear_in_a_few_frames_each_taking_over_a_part(
    session, has, program, tmp_path, until
):
    folder = tmp_path / "many"
    folder.mkdir()
    write_picture(folder / "0.png", np.full((60, 80, 3), 1, np.uint8))
    content = (folder / "0.png").read_bytes()
    for number in range(1, 3000):
        (folder / f"{number}.png").write_bytes(content)
    viewer = session(folder, keep="no")
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(viewer.state.image_list.records) == 3000, "all of them", 60)
    viewer.open(str(tmp_path))
    viewer.open(str(folder))
    calls = viewer.recogniser.results
    until(lambda: viewer.collect() or len(viewer.state.image_list.records) == 3000, "all of them again", 20)
    assert len(calls) < 10


def test_the_question_is_answered_with_a_click_and_the_setting_changes_it_later(window, few_pictures, tmp_path, until):
    shown = window(few_pictures, alpr=IdentifiedAlpr(), results_file=tmp_path / "cache" / "results.sqlite")
    shown.draw()
    assert shown.viewer.memory.question_open
    canvas_middle = (300 + 1280 - 340) / 2
    shown.state.help_open = True
    shown.click(canvas_middle - 100, 720 - 30 - 12 - 24)
    assert shown.state.settings.keep_results == "ask", "it does not lie in front of a dialog"
    shown.state.help_open = False
    # The left button of the question at the bottom of the picture.
    shown.click(canvas_middle - 100, 720 - 30 - 12 - 24)
    assert shown.state.settings.keep_results == "yes"
    assert not shown.viewer.memory.question_open
    until(lambda: (tmp_path / "cache" / "results.sqlite").exists(), "the database")
