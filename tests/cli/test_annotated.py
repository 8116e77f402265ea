from __future__ import annotations

import shutil

import numpy as np
import pytest
from reading import NAMES, lines

from alpr_app.cli.main import main
from alpr_app.data.images import read_picture, write_picture


def test_annotated_pictures_of_one_name_do_not_meet(folder, models, tmp_path, picture):
    other = tmp_path / "other"
    (other / "deeper").mkdir(parents=True)
    write_picture(other / NAMES[0], picture(80, 90))
    write_picture(other / "deeper" / NAMES[0], picture(81, 91))
    target = tmp_path / "annotated"
    paths = [str(folder), str(other), str(folder / NAMES[0])]
    assert main(["read", *paths, "--recursive", "--annotate", str(target), "--jobs", "2", *models]) == 0
    found = {path.relative_to(target).as_posix(): read_picture(path).shape[:2] for path in target.rglob("*.png")}
    assert found == {
        "a & b.png": (48, 64),
        "a & b-2.png": (80, 90),
        "a & b-3.png": (48, 64),
        "deeper/a & b.png": (81, 91),
        "b2 c.png": (49, 64),
        "b10.png": (50, 64),
        "皖A12345.png": (51, 64),
    }
    original = read_picture(folder / NAMES[0])
    assert not np.array_equal(read_picture(target / "a & b.png"), original)


def test_originals_are_never_written_over(folder, models, capsys):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for target in (folder, folder.parent):
        assert main(["read", str(folder), "--annotate", str(target), *models]) == 2
        assert "is in this folder; name another one" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_originals_are_not_written_over_through_a_link(folder, models, tmp_path, capsys):
    original, target = folder / NAMES[0], tmp_path / "annotated"
    before = original.read_bytes()
    target.mkdir()
    (target / NAMES[0]).symlink_to(original)
    assert main(["read", str(original), "--annotate", str(target), *models]) == 1
    assert "this is a link, which may lead to an original" in capsys.readouterr().err
    assert original.read_bytes() == before


def test_a_link_that_leads_to_itself_is_an_error_of_its_own(folder, models, tmp_path, capsys):
    (folder / "circle.jpg").symlink_to("circle.jpg")
    assert main(["read", str(folder), "--annotate", str(tmp_path / "annotated"), *models]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "circle.jpg: cannot be opened" in line


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_annotated_picture_that_cannot_be_written_does_not_stop_the_others(folder, models, tmp_path, capsys, jobs):
    (folder / "c inner").mkdir()
    shutil.copy(folder / NAMES[0], folder / "c inner" / "d.png")
    out, target = tmp_path / "out.jsonl", tmp_path / "annotated"
    # Where a picture and a folder belong, a folder and a file are.
    (target / NAMES[1]).mkdir(parents=True)
    (target / "c inner").write_bytes(b"")
    options = ["--recursive", "--annotate", str(target), "--out", str(out), "--jobs", jobs]
    assert main(["read", str(folder), *options, *models]) == 1
    assert [record.get("error", "").split(": ")[0] for record in lines(out)] == [
        "",
        str(target / NAMES[1]),
        "",
        str(target / "c inner"),
        "",
    ]
    assert capsys.readouterr().err.count("\n") == 2
    assert {path.name for path in target.iterdir() if path.suffix} == set(NAMES)


def test_nothing_is_written_through_a_linked_folder_within(folder, models, tmp_path, capsys):
    inner = folder / "inner"
    inner.mkdir()
    shutil.copy(folder / NAMES[0], inner / "photo.png")
    before = (inner / "photo.png").read_bytes()
    target = tmp_path / "annotated"
    target.mkdir()
    (target / "inner").symlink_to(inner, target_is_directory=True)
    assert main(["read", str(folder), "--recursive", "--annotate", str(target), *models]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{target / 'inner'}: this leads outside {target}" in line
    assert (inner / "photo.png").read_bytes() == before
    assert {path.name for path in target.iterdir()} == {*NAMES, "inner"}


def test_no_folder_is_made_through_a_link_that_leads_nowhere(folder, models, tmp_path, capsys):
    (folder / "inner").mkdir()
    shutil.copy(folder / NAMES[0], folder / "inner" / "photo.png")
    target = tmp_path / "annotated"
    target.mkdir()
    (target / "inner").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert main(["read", str(folder), "--recursive", "--annotate", str(target), *models]) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_an_original_is_not_written_over_under_another_name(folder, models, tmp_path, capsys):
    target = tmp_path / "annotated"
    target.mkdir()
    (target / NAMES[0]).hardlink_to(folder / NAMES[0])
    before = (folder / NAMES[0]).read_bytes()
    assert main(["read", str(folder), "--annotate", str(target), *models]) == 1
    assert f"this is the original '{folder / NAMES[0]}' under another name" in capsys.readouterr().err
    assert (target / NAMES[0]).read_bytes() == before == (folder / NAMES[0]).read_bytes()
