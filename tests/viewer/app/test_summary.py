from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.images import write_picture
from alpr_app.evaluation.ground_truth import compare, ground_truth_of
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.folder_results import COLUMNS, MACRO, MICRO, sort_rows, summarise, write_summary
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.panels.summary import format_cell
from alpr_app.viewer.workers.export import ExportWorker
from alpr_app.viewer.workers.recogniser import Recognition

TEXT = "皖A12345"
CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))
LABELLED = format_name(Annotation(TEXT, (20, 30, 60, 42), CORNERS), ".jpg")


def moved(by, down=0):
    return tuple((x + by, y + down) for x, y in CORNERS)


@pytest.fixture
def records(fakes):
    """Three labelled pictures in `b2`, one in `b10`, two without a label in `plain`, with the given recognitions."""

    def record(name, *plates):
        truth = ground_truth_of(name)
        return Record(Recognition(name, plates), truth, compare(truth, plates) if truth else ())

    right, far = fakes.plate(TEXT, corners=moved(1)), fakes.plate("京B67890", corners=moved(200), confidence=0.5)
    return {
        "b10/1.jpg": record(LABELLED, fakes.plate("沪A12345", corners=CORNERS)),
        "b2/1.jpg": record(LABELLED, right),
        "b2/2.jpg": record(LABELLED, right, far),
        "b2/3.jpg": record(LABELLED),
        "plain/1.jpg": record("1.jpg", far, far),
        "plain/2.jpg": record("2.jpg"),
    }


@pytest.fixture
def summary(records):
    return summarise(records, 0.5, 0.0)


def test_folders_come_in_natural_order_and_each_is_counted_by_the_rules_of_eval(summary):
    assert [line.folder for line in summary.rows] == ["b2", "b10", "plain"]
    b2, b10, plain = summary.rows
    assert (b2.pictures, b2.plates, b2.labelled, b2.false_boxes) == (3, 3, 3, 1)
    assert (b2.exact, b2.no_province, b2.found_70) == pytest.approx((2 / 3,) * 3)
    assert b2.corner_px == pytest.approx(1.0)
    assert b2.confidence == pytest.approx((0.97 + 0.97 + 0.5) / 3)
    assert (b10.exact, b10.no_province, b10.found_70, b10.corner_px, b10.false_boxes) == (0, 1, 1, 0, 0)
    assert (plain.pictures, plain.plates, plain.confidence) == (2, 2, 0.5)
    assert {plain.labelled, plain.exact, plain.found_70, plain.corner_px, plain.false_boxes} == {None}
    assert summary.has_labels


def test_outcomes_are_counted_by_folder(records, summary, fakes):
    b2, b10, plain = summary.rows
    assert (b2.text_right, b2.place_right) == pytest.approx((2 / 3, 2 / 3))
    assert (b2.text_wrong, b2.place_off, b2.missed, b2.unmatched) == (0, 0, 1, 1)
    assert (b10.text_right, b10.place_right, b10.text_wrong, b10.unmatched) == (0, 1, 1, 0)
    assert {plain.text_right, plain.place_right, plain.missed, plain.unmatched} == {None}
    truth, loose = ground_truth_of(LABELLED), (fakes.plate(TEXT, corners=moved(16)),)
    records["b10/2.jpg"] = Record(Recognition(LABELLED, loose), truth, compare(truth, loose))
    records["b10/3.jpg"] = Record(Recognition(LABELLED, error="cut short"), truth, ())
    b10 = summarise(records, 0.5, 0.0).rows[1]
    assert (b10.text_right, b10.place_right, b10.place_off, b10.unreadable) == (0.5, 0.5, 1, 1)
    assert (b10.unmatched, b10.false_boxes) == (0, 1), "the older column has its rule of an IoU of 0.5"


def test_micro_counts_every_picture_the_same_and_macro_every_folder_that_has_labels(summary):
    assert (summary.micro.folder, summary.macro.folder) == (MICRO, MACRO)
    assert (summary.micro.pictures, summary.micro.plates, summary.micro.labelled) == (6, 6, 4)
    assert summary.micro.exact == pytest.approx(2 / 4)
    assert summary.macro.exact == pytest.approx((2 / 3 + 0) / 2)
    assert summary.micro.corner_px == pytest.approx(2 / 3)
    assert summary.macro.corner_px == pytest.approx(1 / 2)
    assert summary.macro.pictures == pytest.approx(2)


def test_thresholds_count(records):
    assert summarise(records, 0.5, 0.6).micro.plates == 3
    assert summarise(records, 0.95, 0.0).micro.exact == 0


def test_a_label_without_a_position_is_counted_by_its_text_and_finds_nothing(fakes):
    truth = ground_truth_of(f"{TEXT}.jpg")
    plates = (fakes.plate("京B67890"), fakes.plate(TEXT))
    (line,) = summarise({f"{TEXT}.jpg": Record(Recognition("", plates), truth, compare(truth, plates))}, 0.5, 0.0).rows
    assert (line.folder, line.labelled, line.exact) == (".", 1, 1)
    assert (line.found_70, line.corner_px, line.false_boxes) == (None, None, None)


def test_a_picture_that_could_not_be_read_says_nothing_about_the_models():
    recognition = Recognition("", error="cut short")
    (line,) = summarise({LABELLED: Record(recognition, ground_truth_of(LABELLED), ())}, 0.5, 0.0).rows
    assert (line.pictures, line.labelled, line.exact) == (1, None, None)


def test_an_empty_folder_has_a_summary():
    empty = summarise({}, 0.5, 0.0)
    assert (empty.rows, empty.micro.pictures, empty.macro.plates, empty.has_labels) == ((), 0, 0, False)


def test_a_column_sorts_either_way_and_folders_without_it_come_last(summary):
    for descending, names in ((True, ["b2", "b10", "plain"]), (False, ["b10", "b2", "plain"])):
        assert [line.folder for line in sort_rows(summary.rows, "exact", descending)] == names
    assert [line.folder for line in sort_rows(summary.rows, "folder", True)] == ["plain", "b10", "b2"]
    same = [replace(line, plates=1) for line in reversed(summary.rows)]
    assert [line.folder for line in sort_rows(same, "plates", True)] == ["b2", "b10", "plain"]


def test_csv_has_one_row_per_folder_in_the_order_shown_and_both_totals(summary, tmp_path):
    write_summary(tmp_path / "s.csv", summary, lambda lines: sort_rows(lines, "folder", True))
    with (tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [row["folder"] for row in rows] == ["plain", "b10", "b2", MICRO, MACRO]
    assert (rows[2]["exact"], rows[0]["exact"], rows[3]["exact"]) == ("0.6667", "", "0.5")


def test_figures_are_formatted():
    assert format_cell("exact", 0.98765) == "98.8 %"
    assert format_cell("pictures", 12345) == "12,345"
    assert format_cell("pictures", 10.75, integers=False) == "10.8"
    assert format_cell("corner_px", 4.06) == "4.1"
    assert format_cell("corner_px", None) == "–"


@pytest.fixture
def table(window, tmp_path, fakes, until):
    """The window with the summary of a folder with two subfolders; `places` has the middle of every control."""
    for name in (f"many/a2/{LABELLED}", f"many/a10/{LABELLED}"):
        (tmp_path / name).parent.mkdir(parents=True)
        write_picture(tmp_path / name, np.full((60, 80, 3), 30, np.uint8))
    shown = window(plates=[fakes.plate(TEXT, corners=CORNERS)])
    shown.viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    shown.state.change(recursive=True)
    shown.viewer.open(str(tmp_path / "many"))
    until(lambda: shown.viewer.collect() or len(shown.state.image_list.records) == 2, "both pictures")
    ui, shown.places = shown.frame.context.ui, {}
    hit, button = ui.hit, ui.button

    def noted(call):
        def note(name, width=0, *rest, **more):
            shown.places[name] = (ui.cursor[0] + width / 2, ui.cursor[1] + ui.row_height / 2)
            return call(name, width, *rest, **more)

        return note

    ui.hit, ui.button = noted(hit), noted(button)
    press(shown.viewer, "U")
    shown.draw(3)
    until(lambda: shown.viewer.summary.result is not None, "the sums")
    shown.draw(3)
    yield shown
    del ui.hit, ui.button


def test_the_table_is_sorted_by_clicks_and_saved_in_the_order_shown(table, tmp_path):
    assert table.state.summary_open
    assert [line.folder for line in table.viewer.summary.result.rows] == ["a2", "a10"]
    table.click(*table.places["by folder"])
    table.click(*table.places["Save as CSV"])
    assert table.viewer.export_worker.close(5)
    (file,) = (tmp_path / "kept").iterdir()
    assert file.name.endswith("-many-summary.csv")
    with file.open(encoding="utf-8-sig", newline="") as stream:
        assert [row["folder"] for row in csv.DictReader(stream)] == ["a10", "a2", MICRO, MACRO]


def test_the_table_follows_the_thresholds_and_closes_by_key_and_by_a_click_beside_it(table, until):
    assert table.viewer.summary.result.micro.plates == 2
    table.state.change(confidence=0.99)
    until(lambda: table.draw(1) is not None and table.viewer.summary.result.micro.plates == 0, "new sums")
    table.click(5, 700)
    assert not table.state.summary_open
    press(table.viewer, "U")
    assert table.state.summary_open
    press(table.viewer, "Escape")
    assert not table.state.summary_open


def test_the_table_follows_other_models_that_have_read_as_many_pictures(table, until, fakes, monkeypatch):
    other = fakes.Alpr([fakes.plate(TEXT, corners=CORNERS)] * 3)
    monkeypatch.setattr("alpr_app.pipeline.options.ModelChoice.make", lambda self: other)
    viewer = table.viewer
    viewer.choose_models(threads=3)
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(table.state.image_list.records) == 2, "both pictures again")
    until(lambda: table.draw(1) is not None and viewer.summary.result.micro.plates == 6, "new sums")


def test_without_results_there_is_no_table(program):
    viewer = program()
    press(viewer, "U")
    assert not viewer.state.summary_open
    assert "No picture" in viewer.state.message.text
