"""A walk through the pages of the workbench: no text is cut off, too pale, or in the wrong language."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np

from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.correction_commands import press_correction
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.inputs import KEYS
from tests.kept import KEPT
from tests.viewer.panels.test_walk import FAR, TIGHT, audited, labelled, problems

__all__ = ["audited", "labelled"]


def read_all(shown, until):
    viewer, state = shown.viewer, shown.state
    viewer.read_all(True)
    until(lambda: viewer.collect() or len(state.image_list.records) == len(state.image_list.names), "all pictures")


def test_the_contact_sheet_and_its_confusions(audited, labelled, fakes, until):
    shown = audited(labelled, [fakes.plate("皖A12345", corners=TIGHT), fakes.plate("藏B9", corners=FAR)])
    viewer, sheet = shown.viewer, shown.viewer.contact_sheet
    press(viewer, "V")
    shown.draw()
    read_all(shown, until)
    until(lambda: viewer.collect() or (sheet.sheet is not None and len(sheet.sheet.items) > 6), "the sheet")
    shown.draw()
    for order in ("confidence", "province", "colour"):
        sheet.order = order
        shown.draw()
    sheet.scrolled = sheet.outdated = True
    shown.draw()
    sheet.toggle_confusions()
    shown.draw()
    assert tr("Confusions") in shown.audit.texts
    sheet.show(set(list(sheet.sheet.counts)[:1]))
    until(lambda: viewer.collect() or not sheet.confusions_open, "the plates of a confusion")
    shown.draw()
    shown.state.image_list.filter("nothing of this kind", "all")
    until(lambda: viewer.collect() or not sheet.sheet.items, "the empty sheet")
    shown.draw()
    assert problems(shown) == ""


def test_the_comparison_of_two_models(audited, labelled, fakes, until, monkeypatch):
    from alpr_app.pipeline.options import ModelChoice

    shown = audited(labelled, [fakes.plate("皖A12345", corners=TIGHT)])
    other = fakes.Alpr([fakes.plate("皖A12346", corners=TIGHT), fakes.plate("京B00001", corners=FAR)])
    first = fakes.Alpr([fakes.plate("皖A12345", corners=TIGHT)])
    monkeypatch.setattr(ModelChoice, "make", lambda self: other if self.detector else first)
    viewer, comparison = shown.viewer, shown.viewer.comparison
    press(viewer, "Y")
    shown.draw()
    comparison.begin(viewer.choice, replace(viewer.choice, detector="a folder/another detector.safetensors"))
    shown.draw()
    comparison.read_both()
    shown.draw()
    until(lambda: viewer.collect() or not comparison.reading, "both readings")
    until(lambda: viewer.collect() or (comparison.result and comparison.result.differences), "the differences")
    shown.draw()
    press(viewer, "Y")
    press(viewer, "N")
    until(lambda: viewer.collect() or shown.state.record is not None, "a picture")
    shown.draw()
    assert {f"{tr('First')}:", f"{tr('Second')}:"} <= shown.audit.texts
    assert problems(shown) == ""


def test_starting_and_comparing_trainings(audited, tmp_path, until):
    shown = audited()
    viewer, starts = shown.viewer, shown.viewer.training_starts
    press(viewer, "W")
    shown.draw()
    starts.open_form()
    shown.draw()
    starts.form.data, starts.form.options = "pictures", "--samples 1000"
    shown.draw()
    starts.form_open = False
    run = shutil.copytree(KEPT / "maskocr_run", tmp_path / "1")
    second = shutil.copytree(KEPT / "maskocr_run", tmp_path / "2")
    viewer.open(str(run))
    assert viewer.run_overlay.add(str(second))
    until(lambda: viewer.collect() or (viewer.training.view.train and viewer.run_overlay.views[0].train), "the curves")
    shown.draw()
    label = tr("Compare runs")
    ui = shown.frame.context.ui
    places, tab = {}, ui.tab

    def noted(name):
        places[name] = ui.cursor
        return tab(name)

    ui.tab = noted
    try:
        shown.draw()
    finally:
        del ui.tab
    left, top = places[label]
    assert (np.array([left, top]) > 0).all()
    assert problems(shown) == ""


def test_correcting_labels(audited, labelled, fakes, until, tmp_path):
    plates = [fakes.plate("皖A12345", corners=TIGHT)]
    shown = audited(labelled, plates, labels_folder=tmp_path / "labels")
    viewer, corrections = shown.viewer, shown.viewer.corrections
    press(viewer, "X")
    until(lambda: viewer.collect() or corrections.plates, "the plates")
    shown.draw()
    corrections.type_text("皖A1")
    shown.draw()
    corrections.type_text("%%")
    shown.draw()
    corrections.draw()
    shown.draw()
    corrections.drawing = None
    corrections.set_corners((TIGHT[1], TIGHT[0], TIGHT[2], TIGHT[3]))
    shown.draw()
    corrections.dragged = None
    for key in ("Q", "V"):
        assert press_correction(viewer, key, 0)
        shown.draw()
    corrections.place_dialog_open = True
    shown.draw()
    shown.frame.context.ui.inputs.key(KEYS["Escape"], True)
    shown.frame.context.ui.inputs.key(KEYS["Escape"], False)
    shown.draw()
    assert tr("Accept") in shown.audit.texts
    assert problems(shown) == ""
