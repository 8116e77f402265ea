from __future__ import annotations

import os
from pathlib import Path

import pytest

from alpr_app.files import write_atomically


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "皖 &.bin"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_earlier_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail(*arguments: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_longest_name_that_is_allowed_can_be_written(tmp_path):
    path = tmp_path / ("a" * 255)
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, as Linux has one")
def test_a_device_is_written_to_and_not_replaced():
    with pytest.raises(OSError, match="No space left"):
        write_atomically(Path("/dev/full"), b"x")
    assert not Path("/dev/full").is_file()
