from __future__ import annotations

from datetime import datetime

import numpy as np

from alpr_app.pictures import read_picture
from alpr_app.viewer.keeping import Keeper, kept_name


def test_pictures_are_written_with_names_that_tell_what_they_are(tmp_path, picture, until):
    keeper = Keeper(folder=tmp_path / "kept")
    keeper.keep("camera 0", "crop", picture(48, 192))
    assert keeper.close(5)
    (file,) = (tmp_path / "kept").iterdir()
    assert file.name.endswith("-camera 0-crop.png")
    assert np.array_equal(read_picture(file), picture(48, 192))
    ((text, bad),) = keeper.messages.drain()
    assert str(file) in text
    assert not bad


def test_names_hold_nothing_a_file_system_minds():
    when = datetime(2026, 1, 31, 10, 15, 0, 123_000)
    assert kept_name("rtsp://host/a?b", "x", when) == "20260131-101500-123-rtsp_host_a_b-x.png"
    assert kept_name("皖A12345", "x", when) == "20260131-101500-123-皖A12345-x.png"
    assert kept_name("..", "x", when) == "20260131-101500-123-picture-x.png"


def test_a_folder_that_cannot_be_made_is_a_message(tmp_path, picture):
    (tmp_path / "file").write_text("")
    keeper = Keeper(folder=tmp_path / "file" / "kept")
    keeper.keep("x", "crop", picture())
    assert keeper.close(5)
    ((text, bad),) = keeper.messages.drain()
    assert bad
    assert "cannot be made" in text
