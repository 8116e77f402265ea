from __future__ import annotations

import csv
import json
import os

import pytest

from alpr_app.core.result import Timings
from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.result_writers import CSV_COLUMNS
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.record import make_record
from alpr_app.viewer.app.saved_results import COMPARISON_COLUMNS, write_results
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.workers.export import ExportWorker
from alpr_app.viewer.workers.label_tables import Labels
from alpr_app.viewer.workers.recogniser import Recognition


@pytest.fixture
def opened(program, fakes, until, few_pictures, tmp_path):
    """A folder with all pictures read; files are saved to `tmp_path / "kept"`."""
    viewer = program(fakes.Alpr([fakes.plate(score=0.9), fakes.plate("沪B12345", score=0.6)]))
    viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    viewer.open(str(few_pictures))
    until(lambda: viewer.collect() or viewer.state.recognition is not None, "the first")
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(viewer.state.image_list.records) == 12, "all of them")
    return viewer


def kept(viewer, tmp_path):
    """The only saved file, which the status line names."""
    assert viewer.export_worker.close(5)
    viewer.collect()
    (file,) = (tmp_path / "kept").iterdir()
    assert str(file) in viewer.state.message.text
    assert not viewer.state.message.is_error
    return file


def test_results_are_saved_as_json_lines_in_the_folders_order(opened, tmp_path, few_pictures, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    before = sorted(few_pictures.iterdir())
    press(opened, "E")
    file = kept(opened, tmp_path)
    assert file.name.endswith(f"-{few_pictures.name}-results.jsonl")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["file"] for line in lines] == [str(few_pictures / f"{number}.png") for number in range(1, 13)]
    assert lines[4]["error"].startswith(f"{few_pictures / '5.png'}: ")
    assert set(lines[0]) == {"file", "width", "height", "plates", "ms"}
    assert (lines[0]["width"], lines[0]["height"]) == (80, 60)
    assert [plate["text"] for plate in lines[0]["plates"]] == ["皖A12345", "沪B12345"]
    assert sorted(few_pictures.iterdir()) == before
    assert not os.listdir(elsewhere)


def test_results_are_saved_as_csv_after_the_thresholds(opened, tmp_path):
    opened.state.change(score=0.7)
    press(opened, "E", CONTROL)
    # Later changes have no effect.
    opened.state.change(score=0.99)
    file = kept(opened, tmp_path)
    assert file.suffix == ".csv"
    rows = list(csv.DictReader(file.open(encoding="utf-8-sig", newline="")))
    assert tuple(rows[0]) == (*CSV_COLUMNS, *COMPARISON_COLUMNS)
    assert [row["text"] for row in rows] == ["皖A12345"] * 11


CORNERS = ((20, 30), (60, 30), (60, 42), (20, 42))


@pytest.fixture
def compared(fakes):
    """Labelled pictures: one read right, one text wrong with a false box, one place off, one missed, one unreadable."""
    loose = ((20, 30), (42, 30), (42, 42), (20, 42))
    far = tuple((x + 200, y) for x, y in CORNERS)
    results = [
        {"plates": (fakes.plate("皖A12341", corners=CORNERS),)},
        {"plates": (fakes.plate("沪A12342", corners=CORNERS), fakes.plate("京B00000", corners=far))},
        {"plates": (fakes.plate("皖A12343", corners=loose),)},
        {"plates": ()},
        {"error": "not a picture"},
    ]
    records = []
    for number, result in enumerate(results, 1):
        name = format_name(Annotation(f"皖A1234{number}", (20, 30, 60, 42), CORNERS))
        recognition = Recognition(name, timings=Timings(), size=(80, 60), **result)
        records.append(make_record(Labels(), name, recognition))
    return records


def test_saved_json_lines_hold_label_outcome_iou_and_corner_error(compared, tmp_path):
    write_results(tmp_path / "results.jsonl", compared, 0.5, 0.0)
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["outcome"] for line in lines] == ["right", "text wrong", "place off", "missed", "unreadable file"]
    assert [[label["outcome"] for label in line["labels"]] for line in lines] == [
        ["right"],
        ["text wrong"],
        ["place off"],
        ["missed"],
        [""],
    ]
    right, wrong, off = (line["plates"] for line in lines[:3])
    assert {name: right[0][name] for name in COMPARISON_COLUMNS} == {
        "label": "皖A12341",
        "outcome": "right",
        "iou": 1.0,
        "corner_px": 0.0,
    }
    assert [(plate["label"], plate["outcome"]) for plate in wrong] == [("皖A12342", "text wrong"), (None, "false box")]
    assert (off[0]["iou"], off[0]["corner_px"]) == (0.55, 9.0)
    assert lines[3]["labels"] == [{"text": "皖A12344", "outcome": "missed"}]


def test_saved_csv_holds_them_too_with_a_row_for_every_labelled_plate(compared, tmp_path):
    write_results(tmp_path / "results.csv", compared, 0.5, 0.0)
    with (tmp_path / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [tuple(row[name] for name in ("text", *COMPARISON_COLUMNS)) for row in rows] == [
        ("皖A12341", "皖A12341", "right", "1.0", "0.0"),
        ("沪A12342", "皖A12342", "text wrong", "1.0", "0.0"),
        ("京B00000", "", "false box", "", ""),
        ("皖A12343", "皖A12343", "place off", "0.55", "9.0"),
        ("", "皖A12344", "missed", "", ""),
        ("", "皖A12345", "unreadable file", "", ""),
    ]
    assert rows[4]["file"].endswith(".jpg") and rows[4]["width"] == "80"


def test_saved_results_follow_the_thresholds(compared, tmp_path):
    write_results(tmp_path / "results.csv", compared[:1], 0.99, 0.0)
    with (tmp_path / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == ["missed"]


def test_without_results_nothing_is_saved(program, tmp_path):
    viewer = program()
    viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    press(viewer, "E")
    assert "No picture" in viewer.state.message.text
    assert viewer.export_worker.close(5)
    assert not (tmp_path / "kept").exists()


def test_a_button_in_the_settings_saves_results(window, few_pictures, monkeypatch):
    shown = window(few_pictures)
    written = []
    monkeypatch.setattr(shown.viewer.export_worker, "save", lambda *given: written.append(given[:3]))
    ui = shown.frame.context.ui
    monkeypatch.setattr(ui, "button", lambda label, *rest, **more: label in ("JSON lines", "CSV"))
    from alpr_app.viewer.panels.controls import settings_panel

    with ui.frame((1280, 720), 1 / 60), ui.area("settings", (0, 0, 340, 720), ui.theme.panel):
        settings_panel(shown.frame.context)
    assert written == [(few_pictures.name, "results", suffix) for suffix in (".jsonl", ".csv")]
