"""Labels are corrected in the window with real clicks and keys; a training takes them, and the figures change."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from short_runs import DETECTOR, SHORT

from alpr_app.data.assets import SAMPLES
from alpr_app.data.ccpd import format_name, is_ccpd_name, parse_name
from tests.places import ROOT
from tests.viewer.correcting import rows_of
from tests.viewer.hands import Hands

MODELS = ROOT / "models"
# In a window of 1280 x 800: the pencil of the toolbar, the field of the text, the button Accept, and the bottom right
# corner of the plate in the first picture.
PENCIL, FIELD, ACCEPT, CORNER = (545, 21), (400, 678), (336, 711), (649, 417)


@pytest.fixture
def mislabelled(tmp_path):
    """The samples with CCPD's names, all of which state the same wrong text; and the right texts by name."""
    folder, texts = tmp_path / "photos", {}
    folder.mkdir()
    for path in sorted(path for path in SAMPLES.iterdir() if is_ccpd_name(path))[:3]:
        label = parse_name(path)
        name = format_name(replace(label, text="皖A00001"))
        shutil.copy(path, folder / name)
        texts[name] = label.text
    return folder, texts


def run(*words, expected=0):
    command = [sys.executable, "-m", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == expected, done.stderr
    return done


def exact(folder, tmp_path, models):
    """The share of plates read right, as `alpr eval` measures it."""
    run("alpr_app", "eval", folder, "--split", "all", "--json", tmp_path / "figures.json", *models)
    figures = json.loads((tmp_path / "figures.json").read_text())
    return figures["figures"]["scenes"]["micro"]["end_to_end"]


def test_what_is_corrected_with_clicks_and_keys_trains_and_changes_the_figures(
    display, start, mislabelled, tmp_path, until
):
    if not (MODELS / "detector.safetensors").is_file():
        pytest.skip("the shipped models are not here")
    folder, texts = mislabelled
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    models = ["--detector_model", MODELS / "detector", "--ocr_model", MODELS / "maskocr", "--backend", "torch"]
    assert exact(folder, tmp_path, models) == 0
    process = start("--image_folder", folder, "--size", "1280x800", *models, DISPLAY=display)
    hands = Hands(display)
    until(lambda: process.poll() is not None or hands.find(), "the window", 30)
    assert process.poll() is None, process.communicate()[1]
    names = sorted(texts)
    until(lambda: hands.title().startswith(names[0]), "the first picture", 30)
    home = tmp_path / "data" / "alpr-app" / "labels"

    def table():
        found = [*home.glob("*/alpr_dataset.csv")]
        return found[0] if found else Path("none")

    def labels():
        return {Path(row["file"]).name: row for row in rows_of(table())}

    def drag():
        hands.do("mousemove", *CORNER, "sleep", 0.3, "mousedown", 1, "sleep", 0.2)
        hands.do("mousemove", CORNER[0] + 6, CORNER[1] + 3, "sleep", 0.2, "mouseup", 1)

    def write(text):
        hands.do("mousemove", *FIELD, "sleep", 0.3, "click", 1, "sleep", 0.3)
        hands.do("key", "ctrl+a", "sleep", 0.2)
        hands.do("type", "--delay", 60, text)

    def until_done(act, holds, what):
        """Act again until that has an effect: a busy computer may not have opened the labels yet."""
        for _ in range(10):
            act()
            with suppress(AssertionError):
                return until(holds, what, 3)
        return until(holds, what, 3)

    hands.do("mousemove", *PENCIL, "sleep", 0.3, "click", 1)
    until_done(drag, lambda: names[0] in labels(), "the corner that was dragged")
    for number, name in enumerate(names):
        holds = partial(lambda name: labels().get(name, {}).get("text") == texts[name], name)
        until_done(partial(write, texts[name]), holds, "the text that was typed")
        if number < len(names) - 1:
            hands.do("key", "Return")
            until(partial(lambda next: hands.title().startswith(next), names[number + 1]), "the next picture", 30)
    hands.do("mousemove", *ACCEPT, "sleep", 0.3, "click", 1)
    until(lambda: {row["state"] for row in labels().values()} == {"checked"}, "all to be checked", 30)
    hands.do("key", "ctrl+z")
    until(lambda: labels()[names[-1]]["state"] == "", "the last acceptance to be taken back", 30)
    process.terminate()
    assert process.wait(20) == 0, process.communicate()[1]
    stated = [float(part) for part in labels()[names[0]]["corners"].split()]
    assert stated[4:6] == pytest.approx([414.9 + 6 / 0.53, 708.9 + 3 / 0.53], abs=3)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert exact(table().parent, tmp_path, models) == 1
    run("alpr_app.train", "detector", "--dataset_path", table().parent, "--output", tmp_path / "run", *DETECTOR, *SHORT)
    assert (tmp_path / "run" / "best.pt").is_file()
