from __future__ import annotations

import csv
import json
import os

import pytest

from alpr_app.data.result_writers import CSV_COLUMNS
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.workers.export import ExportWorker


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
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["text"] for row in rows] == ["皖A12345"] * 11


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
