"""`alpr read` of lists, patterns, tar files and shards."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
from itertools import chain

import pytest
from reading import NAMES, lines
from servers import web_camera

from alpr_app.cli.main import main


def files(out) -> list[str]:
    return [record["file"] for record in lines(out)]


@pytest.fixture
def shard(folder, tmp_path):
    """A tar file of the four pictures."""
    path = tmp_path / "shard.tar"
    with tarfile.open(path, "w") as tar:
        for name in NAMES:
            tar.add(folder / name, arcname=name)
    return path


def without_times(records: list[dict]) -> list[dict]:
    return [{key: value for key, value in record.items() if key not in ("ms", "file")} for record in records]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_list_names_pictures_folders_and_patterns(folder, models, tmp_path, ends):
    chosen = tmp_path / "list.txt"
    given = [str(folder / NAMES[2]), "", str(folder), str(folder / "a*.png")]
    chosen.write_bytes(b"\xef\xbb\xbf" + ends.join(given).encode())
    out = tmp_path / "out.jsonl"
    assert main(["read", "--list", str(chosen), "--out", str(out), *models]) == 0
    expected = [NAMES[2], *NAMES, NAMES[0]]
    assert files(out) == [os.path.join(str(folder), name) for name in expected]


def test_a_list_comes_from_standard_input_too(folder, models, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(os.fsencode(folder / NAMES[1]) + b"\n")))
    out = tmp_path / "out.jsonl"
    assert main(["read", "--list", "-", "--out", str(out), *models]) == 0
    assert files(out) == [str(folder / NAMES[1])]


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot be opened: No such file"), (b"x" * 2**17, "line 1 is too long")]
)
def test_what_is_no_list_is_one_line(models, tmp_path, capsys, content, complaint):
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    assert main(["read", "--list", str(path), *models]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and complaint in err


def test_patterns_are_expanded_where_the_shell_does_not(folder, models, tmp_path):
    (folder / "inner").mkdir()
    shutil.copy(folder / NAMES[0], folder / "inner" / "deep.png")
    out = tmp_path / "out.jsonl"
    assert main(["read", str(folder / "b*.png"), str(folder / "**" / "d*.png"), "--out", str(out), *models]) == 0
    assert files(out) == [str(folder / NAMES[1]), str(folder / NAMES[2]), str(folder / "inner" / "deep.png")]


def test_a_tar_file_is_read_like_the_folder_that_was_packed(folder, shard, models, tmp_path):
    packed, alone = tmp_path / "packed.jsonl", tmp_path / "alone.jsonl"
    assert main(["read", str(shard), "--out", str(packed), *models]) == 0
    assert main(["read", str(folder), "--out", str(alone), *models]) == 0
    assert files(packed) == [f"{shard}/{name}" for name in NAMES]
    assert without_times(lines(packed)) == without_times(lines(alone))


def test_damaged_tar_files_are_one_line_each_and_the_next_is_read(shard, models, tmp_path, capsys):
    cut, none = tmp_path / "cut.tar", tmp_path / "none.tar"
    cut.write_bytes(shard.read_bytes()[:-12_000])
    none.write_bytes(b"no tar")
    out = tmp_path / "out.jsonl"
    assert main(["read", str(cut), str(none), str(shard), "--out", str(out), *models]) == 1
    records = lines(out)
    errors = [record["error"] for record in records if "error" in record]
    assert len(errors) == 2 and errors[0].startswith(f"{cut}: cut short") and errors[1].startswith(f"{none}: ")
    assert files(out)[-4:] == [f"{shard}/{name}" for name in NAMES]
    assert capsys.readouterr().err.splitlines() == [f"alpr: {error}" for error in errors]


def test_annotated_pictures_of_a_tar_file_lie_under_its_name(shard, models, tmp_path):
    target = tmp_path / "found"
    assert main(["read", str(shard), "--annotate", str(target), *models]) == 0
    assert sorted(path.name for path in (target / "shard.tar").iterdir()) == sorted(NAMES)


def test_a_tar_file_is_not_written_over(shard, models, tmp_path, capsys):
    before = shard.read_bytes()
    (tmp_path / "out.jsonl").hardlink_to(shard)
    assert main(["read", str(shard), "--out", str(tmp_path / "out.jsonl"), *models]) == 2
    assert "which is read here" in capsys.readouterr().err
    assert shard.read_bytes() == before


def test_shards_are_disjoint_and_complete_whatever_order_a_folder_lists_in(folder, models, tmp_path, monkeypatch):
    for number in range(20):
        os.link(folder / NAMES[0], folder / f"more{number}.png")
    found = []
    scandir = os.scandir
    for number in range(3):
        out = tmp_path / f"{number}.jsonl"
        assert main(["read", str(folder), "--shard", f"{number}/3", "--out", str(out), *models]) == 0
        found.append(files(out))

        class Reversed(list):
            def __enter__(self):
                return self

            def __exit__(self, *_):
                return None

        monkeypatch.setattr(os, "scandir", lambda path: Reversed(reversed(list(scandir(path)))))
    monkeypatch.undo()
    assert all(found)
    assert sorted(chain.from_iterable(found)) == sorted(str(path) for path in folder.iterdir())
    out = tmp_path / "more.jsonl"
    os.link(folder / NAMES[0], folder / "later.png")
    assert main(["read", str(folder), "--shard", "1/3", "--out", str(out), *models]) == 0
    assert set(files(out)) - {str(folder / "later.png")} == set(found[1])


def test_an_error_is_in_one_shard_alone(models, tmp_path, capsys):
    statuses = [main(["read", str(tmp_path / "none.jpg"), "--shard", f"{n}/4", *models]) for n in range(4)]
    assert sorted(statuses) == [0, 0, 0, 1]
    assert capsys.readouterr().err.count("none.jpg: no such file") == 1


@pytest.mark.parametrize("shard", ["3/3", "1", "-1/2", "a/b", "0/0", "1/2/3"])
def test_a_shard_that_there_is_not_is_wrong_use(capsys, shard):
    with pytest.raises(SystemExit) as stopped:
        main(["read", "x.jpg", f"--shard={shard}"])
    assert stopped.value.code == 2
    assert f"{shard} is not one of the parts" in capsys.readouterr().err


def test_addresses_are_live_unless_they_are_said_to_be_stored(models, tmp_path, capsys):
    with web_camera() as camera:
        assert main(["read", f"{camera}/snapshot.jpg", f"{camera}/video.mjpg", *models]) == 2
        err = capsys.readouterr().err
    assert "never ends" in err and "or read it once with --stored" in err
