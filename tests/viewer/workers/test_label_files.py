"""Corrected labels are saved at once, never over another program's changes, and kept until they can be saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from alpr_app.data.label_csv import TABLE_NAME, LabelError
from alpr_app.data.label_table import EditableTable, TableRow
from alpr_app.data.labels import read_data_folder
from alpr_app.viewer.workers.label_files import CHANGED, FAILED, SAVE_SECONDS, SAVED, LabelFiles
from alpr_app.viewer.workers.label_places import LabelPlace, LabelPlaces
from tests.places import ROOT
from tests.viewer.correcting import FOUND, PLACE, CorrectingHands, rows_of, write_pictures


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures", "1.png", "2.png", "3.png")


@pytest.fixture
def correcting(window, until, fakes, tmp_path, monkeypatch):
    def begin(folder):
        shown = window(folder, [fakes.plate("皖A12345", corners=FOUND)], labels_folder=tmp_path / "labels")
        hands = CorrectingHands(shown, until, monkeypatch)
        shown.draw()
        hands.begin()
        return hands

    return begin


def accepted(hands, count=1):
    """Accept so many pictures, and wait until that is saved."""
    for _ in range(count):
        hands.key("Enter")
        hands.ready()
    hands.saved()


def test_a_table_that_another_program_has_changed_is_not_written_over_but_read_again(correcting, pictures):
    hands = correcting(pictures)
    accepted(hands)
    text = hands.table.read_text(encoding="utf-8").replace("皖A12345", "皖A00001")
    theirs = text + f"{pictures / '3.png'},,,京B00003,,,{PLACE},\n"
    hands.table.write_text(theirs, encoding="utf-8")
    hands.key("Enter")
    hands.ready()
    documents = hands.corrections.session.documents
    hands.until(lambda: hands.shown.viewer.collect() or documents.changed is not None, "the change to be noticed")
    assert hands.table.read_text(encoding="utf-8") == theirs
    assert not documents.is_saved
    hands.press("Read again")
    hands.until(lambda: hands.shown.viewer.collect() or documents.changed is None, "the table to be read")
    assert "read again" in hands.state.messages[-1].text
    hands.saved()
    assert {os.path.basename(row["file"]): row["text"] for row in rows_of(hands.table)} == {
        "1.png": "皖A00001",
        "2.png": "皖A12345",
        "3.png": "京B00003",
    }
    image_list = hands.state.image_list
    assert (image_list.outcome("1.png"), image_list.outcome("2.png")) == ("text wrong", "right")
    hands.key("Z", control=True)
    hands.saved()
    assert {os.path.basename(row["file"]) for row in rows_of(hands.table)} == {"1.png", "3.png"}


def test_of_a_picture_that_both_have_changed_the_other_programs_labels_stand_and_that_is_said(correcting, pictures):
    hands = correcting(pictures)
    accepted(hands)
    hands.table.write_text(hands.table.read_text(encoding="utf-8").replace("皖A12345", "皖A00001"), encoding="utf-8")
    hands.key("Left")
    hands.ready()
    hands.key("Q")
    documents = hands.corrections.session.documents
    hands.until(lambda: hands.shown.viewer.collect() or documents.changed is not None, "the change to be noticed")
    hands.press("Read again")
    hands.until(lambda: hands.shown.viewer.collect() or documents.changed is None, "the table to be read")
    assert "Changed by both" in hands.state.messages[-1].text and "1.png" in hands.state.messages[-1].text
    hands.shown.draw()
    assert (hands.corrections.plate.text, hands.corrections.plate.state) == ("皖A00001", "checked")


def test_a_change_is_noticed_without_an_edit(correcting, pictures):
    hands = correcting(pictures)
    accepted(hands)
    hands.table.write_text(hands.table.read_text(encoding="utf-8") + "other.png,,,,,,,\n", encoding="utf-8")
    documents = hands.corrections.session.documents
    hands.until(lambda: hands.shown.viewer.collect() or documents.changed is not None, "the change to be noticed")


def test_two_windows_on_one_folder_keep_the_edits_of_both(correcting, program, until, fakes, pictures, tmp_path):
    hands = correcting(pictures)
    other = program(fakes.Alpr([fakes.plate("皖A12345", corners=FOUND)]), labels_folder=tmp_path / "labels")
    other.open(str(pictures))
    until(lambda: other.collect() or other.state.recognition is not None, "the picture")
    other.corrections.toggle()
    other.go(3)
    until(lambda: other.collect() or other.corrections.path.endswith("3.png"), "the third picture")
    accepted(hands)
    other.corrections.mark_plate_free()
    documents = other.corrections.session.documents
    until(lambda: other.collect() or documents.changed is not None, "the other window's change")
    documents.reload()
    until(lambda: other.collect() or (documents.changed is None and documents.is_saved), "both edits")
    assert [(os.path.basename(row["file"]), row["text"]) for row in rows_of(hands.table)] == [
        ("1.png", "皖A12345"),
        ("3.png", ""),
    ]


def in_the_way(path):
    """Make `path` impossible to use as a folder, for an administrator too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a file in the way")


def test_what_cannot_be_saved_is_one_line_kept_in_memory_and_tried_again(correcting, pictures):
    hands = correcting(pictures)
    folder = hands.table.parent
    in_the_way(folder)
    hands.key("Enter")
    hands.ready()
    documents = hands.corrections.session.documents
    hands.until(lambda: hands.shown.viewer.collect() or documents.problem, "the failure")
    assert str(folder) in documents.problem and "\n" not in documents.problem
    assert [message.text for message in hands.state.messages if message.is_error] == [documents.problem], "said once"
    assert hands.state.image_list.outcome("1.png") == "right", "the edit counts all the same"
    folder.unlink()
    hands.saved()
    assert not documents.problem
    assert [row["text"] for row in rows_of(hands.table)] == ["皖A12345"]


def test_what_cannot_be_saved_at_the_end_is_said_on_the_terminal(correcting, pictures, capsys):
    hands = correcting(pictures)
    in_the_way(hands.table.parent)
    hands.key("Enter")
    hands.shown.viewer.close()
    error = capsys.readouterr().err
    assert str(hands.table.parent) in error and error.count("\n") == 1


def test_closing_saves_what_was_typed_last(correcting, pictures):
    hands = correcting(pictures)
    hands.key("F2")
    hands.key("End")
    hands.key("Backspace")
    hands.shown.viewer.close()
    assert [row["text"] for row in rows_of(hands.table)] == ["皖A1234"]


def test_labels_move_to_the_folder_that_is_chosen_and_back_by_undo(correcting, pictures, tmp_path):
    hands = correcting(pictures)
    accepted(hands)
    first, before = hands.table, hands.table.read_bytes()
    chosen = tmp_path / "my labels"
    hands.press("Other folder...")
    hands.key("A", control=True)
    hands.type(str(chosen))
    hands.key("Enter")
    hands.until(lambda: hands.shown.viewer.collect() or hands.table.parent == chosen, "the place")
    hands.saved()
    assert [row["text"] for row in rows_of(chosen / TABLE_NAME)] == ["皖A12345"]
    assert not rows_of(first)
    assert len(read_data_folder(chosen).pictures) == 1
    assert LabelPlaces(tmp_path / "labels").find(str(pictures)).labels == str(chosen)
    hands.key("Z", control=True)
    hands.saved()
    assert first.read_bytes() == before and not (chosen / TABLE_NAME).exists()


def test_a_folder_with_the_labels_of_other_pictures_is_refused(correcting, pictures, tmp_path):
    others = write_pictures(tmp_path / "others", "1.png")
    places = LabelPlaces(tmp_path / "labels")
    taken = LabelPlace(str(others), str(tmp_path / "taken"))
    places.prepare(taken)
    hands = correcting(pictures)
    before = hands.table
    hands.corrections.session.choose_place(taken.labels)
    hands.until(lambda: hands.shown.viewer.collect() or hands.state.messages, "the refusal")
    assert "others" in hands.state.messages[-1].text and hands.state.messages[-1].is_error
    assert hands.table == before


@pytest.fixture
def files(tmp_path):
    made = LabelFiles(LabelPlaces(tmp_path / "labels"))
    yield made
    made.close(5)


def test_every_save_has_an_answer(files, until, tmp_path):
    place = LabelPlace(str(tmp_path), str(tmp_path / "there"))
    table = EditableTable(place.table)
    table.replace("1.png", [TableRow({"text": "皖A12345"})])
    files.save(place, table.snapshot(), 1)
    until(lambda: files.events, "the first save")
    assert (files.events.popleft().state, len(rows_of(place.table))) == (SAVED, 1)
    table.replace("2.png", [TableRow({"text": "\udcd6"})])
    files.save(place, table.snapshot(), 2)
    until(lambda: files.events, "the failure")
    assert files.events.popleft().state == FAILED, "a text that cannot be written"
    table.replace("2.png", ())
    place.table.write_text("file\n")
    files.save(place, table.snapshot(), 3)
    until(lambda: any(event.state == CHANGED for event in files.events), "the change")


def test_a_damaged_choice_of_a_folder_is_one_line(tmp_path):
    places = LabelPlaces(tmp_path / "labels")
    own = places.own_folder(os.path.realpath(tmp_path))
    os.makedirs(own)
    for content in ("", "[]", '{"labels": 1}', '{"labels": "relative"}'):
        with open(os.path.join(own, "place.json"), "w", encoding="utf-8") as file:
            file.write(content)
        with pytest.raises(LabelError, match=r"place\.json"):
            places.find(str(tmp_path))


# Edits one picture for ever; prints the number of each edit and that of the last edit known to be saved.
KILLED = """
import sys
from time import sleep
from pathlib import Path
from types import SimpleNamespace
from alpr_app.core.result import Timings
from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.app.program import ViewerProgram
from tests.builders import make_plate
from tests.viewer.correcting import FOUND

class Models:
    backend, device = "fake", "cpu"

    def analyse(self, image):
        return SimpleNamespace(plates=[make_plate("皖A12345", corners=FOUND)], timings=Timings(1, 1, 1, 1, 1, 1))

program = ViewerProgram(ModelChoice(), make=Models, labels_folder=Path(sys.argv[2]))
program.open(sys.argv[1])

def wait(holds):
    while not holds():
        program.collect()
        sleep(0.005)

wait(lambda: program.state.recognition is not None)
program.corrections.toggle()
for number in range(1, 100_000):
    wait(lambda: program.corrections.path and program.corrections.plates)
    program.corrections.change(text=f"皖A{number:05d}")
    print(number, program.corrections.session.documents.chosen.saved, flush=True)
    sleep(0.02)
    program.collect()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no such signal")
def test_a_kill_while_editing_keeps_all_but_the_last_moment_and_damages_nothing(pictures, tmp_path):
    labels = tmp_path / "labels"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(pictures), str(labels)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))},
    )
    assert process.stdout is not None
    saves = set()
    # Edits that never pause are saved again and again.
    while len(saves) < 4:
        saves.add(int(process.stdout.readline().split()[1]))
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    (row,) = rows_of(LabelPlaces(labels).find(str(pictures)).table)
    assert int(row["text"].removeprefix("皖A")) >= max(saves)
    assert SAVE_SECONDS < 1
    assert len(read_data_folder(LabelPlaces(labels).find(str(pictures)).table.parent).pictures) == 1
