from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alpr_app.data.atomic_files import replacing, write_atomically, write_together
from tests.places import ROOT


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


@pytest.mark.parametrize("earlier", [b"earlier", None])
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path, earlier):
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    if earlier is not None:
        target.write_bytes(earlier)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def test_the_folder_that_is_written_to_the_disk_is_the_one_that_a_link_leads_to(tmp_path, monkeypatch):
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    opened = []
    os_open = os.open

    def recording(path, *arguments, **options):
        opened.append(Path(path))
        return os_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", recording)
    write_atomically(link, b"one")
    write_together({link: b"two"})
    assert opened == [Path(os.path.realpath(target.parent))] * 2


@pytest.mark.skipif(not Path("/proc/self/fd/1").exists(), reason="needs a file system of open files, as Linux has one")
def test_the_standard_output_is_added_to_and_not_replaced(tmp_path):
    link, output = tmp_path / "stdout", tmp_path / "output"
    link.symlink_to("/proc/self/fd/1")
    output.write_bytes(b"earlier ")
    code = f"""
import os
from pathlib import Path
from alpr_app.data.atomic_files import replacing, write_atomically, write_together
os.write(1, b"before ")
write_atomically(Path({str(link)!r}), b"written ")
os.write(1, b"after")
"""
    with output.open("ab") as stream:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code], stdout=stream, env=environment, check=True)
    assert output.read_bytes() == b"earlier before written after"
    assert link.is_symlink()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, as Linux has one")
def test_a_device_is_written_to_and_not_replaced():
    with pytest.raises(OSError, match="No space left"):
        write_atomically(Path("/dev/full"), b"x")
    assert not Path("/dev/full").is_file()


def test_a_block_that_fails_leaves_the_earlier_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match="no more"), replacing(path) as file:
        file.write(b"half of it")
        raise ValueError("no more")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_belong_together_are_replaced_all_or_none(tmp_path):
    one, other = tmp_path / "one", tmp_path / "missing" / "other"
    one.write_bytes(b"before")
    with pytest.raises(OSError) as raised:
        write_together({one: b"after", other: b"after"})
    assert raised.value.filename == str(other)
    assert one.read_bytes() == b"before" and list(tmp_path.iterdir()) == [one]
    other.parent.mkdir()
    write_together({one: b"after", other: b"after too"})
    assert (one.read_bytes(), other.read_bytes()) == (b"after", b"after too")
