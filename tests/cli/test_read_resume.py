"""`alpr read --resume` after interruptions of all kinds, and results as Parquet."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from reading import NAMES, lines

from alpr_app.cli.main import main
from alpr_app.data.images import read_picture, write_picture
from tests.places import FIXTURES, ROOT

JOBS = 2
# Every picture takes a moment, is entered into a log when it is read, and Parquet files are small.
PROGRAM = """
import os, sys, time
from alpr_app.data import frame, parquet_results
parquet_results.PART_PICTURES = 7
load, log = frame.Frame.load, os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def slow(self):
    time.sleep(0.01)
    os.write(log, (os.path.basename(self.file) + "\\n").encode())
    return load(self)
frame.Frame.load = slow
from alpr_app.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def many(tmp_path, picture):
    """Forty pictures, a broken one, and a short video."""
    root = tmp_path / "many"
    root.mkdir()
    for number in range(40):
        write_picture(root / f"{number}.png", picture(48 + number % 3, 64, number))
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (root / "20 film.mp4").write_bytes((FIXTURES / "films" / "film.mp4").read_bytes())
    return root


def start(log: Path, *arguments: object) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(log), "read", *map(str, arguments), "--jobs", str(JOBS)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def rows(out: Path) -> list[tuple]:
    """Everything in the results but durations, comparable."""
    if out.suffix == ".jsonl":
        found = lines(out)
    elif out.suffix == ".csv":
        with out.open(encoding="utf-8-sig", newline="") as file:
            found = list(csv.DictReader(file))
    else:
        from pyarrow import parquet

        found = parquet.read_table(out).to_pylist()
    times = ("ms", "detect_ms", "read_ms")
    return sorted(repr([(key, value) for key, value in row.items() if key not in times]) for row in found)


@pytest.mark.skipif(os.name == "nt", reason="needs a signal that cannot be handled")
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_run_killed_at_three_moments_has_every_row_once(many, models, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow, of the extra 'parquet'")
    whole, out, log = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}", tmp_path / "log"
    assert main(["read", str(many), "--out", str(whole), *models]) == 1
    killed = 0
    for moment in sorted(random.Random(suffix).sample(range(5, 40), 3)):
        process = start(log, many, "--out", out, "--resume", *models)
        deadline = monotonic() + 60
        while process.poll() is None and monotonic() < deadline:
            if log.exists() and len(set(log.read_text().split("\n"))) > moment:
                break
            sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed
    process = start(log, many, "--out", out, "--resume", *models)
    _, err = process.communicate(timeout=60)
    # The broken picture may have been reported by a run that was killed.
    assert process.returncode == 1, err
    assert rows(out) == rows(whole)
    left = {"out.parquet"} if suffix == ".parquet" else {out.name}
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("out")} == left
    pictures = [name for name in log.read_text().split("\n") if name.endswith(".png")]
    again = len(pictures) - len(set(pictures))
    # Results of as many pictures as are worked on at once wait for their turn; a Parquet file is complete or not there.
    assert again <= 3 * (3 * JOBS + (7 if suffix == ".parquet" else 0))


def interrupted(monkeypatch, after: int) -> None:
    """The run ends with Ctrl-C when so many pictures have been loaded."""
    calls = []

    def load(frame):
        calls.append(frame)
        if len(calls) > after:
            raise KeyboardInterrupt
        return read_picture(frame.file)

    monkeypatch.setattr("alpr_app.data.sources.Frame.load", load)


def loaded(monkeypatch) -> list[str]:
    """The names of the pictures that are loaded from now on."""
    names: list[str] = []

    def load(frame):
        names.append(frame.within)
        return read_picture(frame.file)

    monkeypatch.setattr("alpr_app.data.sources.Frame.load", load)
    return names


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_half_written_line_is_cut_off(folder, models, tmp_path, monkeypatch, suffix):
    whole, out = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    command = ["read", str(folder), "--jobs", "1", *models, "--out"]
    assert main([*command, str(whole)]) == 0
    with monkeypatch.context() as patch:
        interrupted(patch, 2)
        assert main([*command, str(out)]) == 130
    part = tmp_path / f"out{suffix}.part"
    with part.open("ab") as file:
        file.write(b'{"file": "half a li')
    with part.with_name(part.name + ".journal").open("ab") as file:
        file.write(b"half a rec")
    names = loaded(monkeypatch)
    assert main([*command, str(out), "--resume"]) == 0
    assert names == list(NAMES[2:])
    assert rows(out) == rows(whole)
    assert not part.exists()


def test_pictures_that_have_come_since_are_read_and_those_gone_do_not_matter(folder, models, tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    command = ["read", str(folder), "--jobs", "1", *models, "--out", str(out)]
    with monkeypatch.context() as patch:
        interrupted(patch, 3)
        assert main(command) == 130
    (folder / NAMES[1]).unlink()
    for name in ("a0 first.png", "b3 between.png"):
        write_picture(folder / name, np.zeros((48, 64, 3), np.uint8))
    names = loaded(monkeypatch)
    assert main([*command, "--resume"]) == 0
    assert names == ["a0 first.png", "b3 between.png", NAMES[3]]
    assert sorted(record["file"] for record in lines(out)) == sorted(
        str(folder / name) for name in (*NAMES, "a0 first.png", "b3 between.png")
    )


def test_a_path_given_twice_is_read_twice_in_all(folder, models, tmp_path, monkeypatch):
    out, path = tmp_path / "out.jsonl", str(folder / NAMES[0])
    command = ["read", path, path, path, "--jobs", "1", *models, "--out", str(out)]
    with monkeypatch.context() as patch:
        interrupted(patch, 1)
        assert main(command) == 130
    names = loaded(monkeypatch)
    assert main([*command, "--resume"]) == 0
    assert names == [NAMES[0]] * 2
    assert [record["file"] for record in lines(out)] == [path] * 3


def test_failures_before_the_interruption_count_for_the_exit_status(folder, models, tmp_path, monkeypatch, capsys):
    (folder / "a0.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    out = tmp_path / "out.jsonl"
    command = ["read", str(folder), "--jobs", "1", *models, "--out", str(out)]
    with monkeypatch.context() as patch:
        interrupted(patch, 3)
        assert main(command) == 130
    capsys.readouterr()
    assert main([*command, "--resume"]) == 1
    assert capsys.readouterr().err == ""
    assert sum("error" in record for record in lines(out)) == 1


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_a_run_is_not_continued_with_other_options(folder, models, tmp_path, monkeypatch, capsys, name):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="needs pyarrow, of the extra 'parquet'")
    out = tmp_path / name
    command = ["read", str(folder), "--jobs", "1", *models, "--out", str(out)]
    with monkeypatch.context() as patch:
        interrupted(patch, 2)
        assert main(command) == 130
    capsys.readouterr()
    assert main([*command, "--resume", "--confidence", "0.5"]) == 2
    assert "begun with other models or options" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0


def test_a_complete_result_is_not_read_again(folder, models, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.jsonl"
    command = ["read", str(folder), *models, "--out", str(out), "--resume"]
    assert main(command) == 0
    before, names = out.read_bytes(), loaded(monkeypatch)
    assert main(command) == 0
    assert (out.read_bytes(), names) == (before, [])
    assert capsys.readouterr().err == f"alpr: {out}: complete already; nothing is left to read\n"


def test_a_part_of_which_nothing_is_known_is_kept(folder, models, tmp_path, capsys):
    part = tmp_path / "out.jsonl.part"
    part.write_text('{"file": "of an earlier version"}\n')
    assert main(["read", str(folder), *models, "--out", str(tmp_path / "out.jsonl"), "--resume"]) == 2
    assert "cannot be continued, out.jsonl.part.journal is missing" in capsys.readouterr().err
    assert part.read_text() == '{"file": "of an earlier version"}\n'


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--resume"], "--resume needs --out"),
        (["--format", "csv"], "--format needs --out"),
        (["--resume", "--out", "out.jsonl", "--annotate", "found"], "--resume cannot continue --annotate"),
    ],
)
def test_what_cannot_be_continued_is_one_line(folder, models, tmp_path, monkeypatch, capsys, options, complaint):
    monkeypatch.chdir(tmp_path)
    assert main(["read", str(folder), *models, *options]) == 2
    assert complaint in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [folder]


def test_parquet_holds_what_json_lines_hold(many, models, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow, of the extra 'parquet'")
    out, text = tmp_path / "out", tmp_path / "out.jsonl"
    assert main(["read", str(many), *models, "--out", str(out), "--format", "parquet"]) == 1
    assert main(["read", str(many), *models, "--out", str(text)]) == 1
    table = parquet.read_table(out)
    assert [path.name for path in out.iterdir()] == ["part-00000.parquet"]
    assert str(table.schema.field("frame").type) == "int64"
    found = table.to_pylist()
    for row, record in zip(found, lines(text), strict=True):
        plates = row.pop("plates")
        for plate in plates or []:
            plate["alternatives"] = [[guess["text"], guess["confidence"]] for guess in plate["alternatives"]]
        assert plates == record.pop("plates", None)
        assert {key: value for key, value in row.items() if value is not None and key != "ms"} == {
            key: value for key, value in record.items() if key != "ms"
        }


def test_results_are_not_mixed_with_those_of_another_run(folder, models, tmp_path, capsys):
    pytest.importorskip("pyarrow", reason="needs pyarrow, of the extra 'parquet'")
    out = tmp_path / "out.parquet"
    assert main(["read", str(folder), *models, "--out", str(out)]) == 0
    before = sorted(out.iterdir())
    assert main(["read", str(folder), *models, "--out", str(out)]) == 2
    assert "there are files in this folder" in capsys.readouterr().err
    assert sorted(out.iterdir()) == before
    write_picture(folder / "new.png", np.zeros((48, 64, 3), np.uint8))
    assert main(["read", str(folder), *models, "--out", str(out), "--resume"]) == 0
    assert len(rows(out)) == len(NAMES) + 1


def test_a_damaged_part_is_named(folder, models, tmp_path, capsys):
    pytest.importorskip("pyarrow", reason="needs pyarrow, of the extra 'parquet'")
    out = tmp_path / "out.parquet"
    assert main(["read", str(folder), *models, "--out", str(out)]) == 0
    part = out / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    assert main(["read", str(folder), *models, "--out", str(out), "--resume"]) == 2
    assert f"{part}: a damaged file; remove it" in capsys.readouterr().err


def test_a_file_name_that_is_no_text_is_escaped_in_parquet(folder, models, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow, of the extra 'parquet'")
    odd = os.fsdecode(os.fsencode(folder) + b"/no\xfftext.png")
    out = tmp_path / "out.parquet"
    assert main(["read", odd, *models, "--out", str(out)]) == 1
    assert parquet.read_table(out)["file"].to_pylist() == [f"{folder}/no\\udcfftext.png"]


def test_without_pyarrow_one_line_says_what_to_install(folder, models, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["read", str(folder), *models, "--out", str(tmp_path / "out.parquet")]) == 2
    assert "pip install 'alpr-app[parquet]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [folder]
