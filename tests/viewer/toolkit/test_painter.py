from __future__ import annotations

import sys

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.viewer.toolkit.painter import printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("皖A12345.jpg", "皖A12345.jpg"),
        ("a\nb", r"a\nb"),
        ("a\r\x1b[2Jb\t", r"a\r\x1b[2Jb\t"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("b\udcd6", "b?"),
    ],
)
def test_a_name_is_shown_in_one_line_with_all_that_is_in_it(name, shown):
    assert printable(name) == shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_odd_names_are_drawn_like_any_other(window, tmp_path, until, fakes):
    folder = tmp_path / "a\nb\x1b[2J## %s"
    folder.mkdir()
    names = ["1\n2\n3.png", "\u202egnp.png", "%d%n##x.png", "\x1b]0;x\x07.png", "b\udcd6\udcd0.png"]
    for name in names:
        write_picture(folder / name, np.full((40, 60, 3), 90, np.uint8))
    shown = window(folder, [fakes.plate()])
    state = shown.state
    until(lambda: shown.viewer.collect() or not state.scanning, "the list")
    for index in range(len(names)):
        shown.viewer.go(index + 1)
        state.add_message(f"{folder}/{state.image_list.name}: read", is_error=True)
        until(lambda: shown.viewer.collect() or state.record is not None, "the picture")
        shown.frame.context.ui.inputs.move(100, 130 + 27 * index)
        shown.draw(3)
    lines = "\n".join(printable(name) for name in state.image_list.names)
    assert lines.count("\n") == len(names) - 1
