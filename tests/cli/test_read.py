from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from reading import NAMES, lines
from tqdm import tqdm

from alpr_app.cli.main import main
from alpr_app.cli.read import in_order, jobs_and_threads
from alpr_app.data.images import read_picture
from alpr_app.data.result_writers import FileResult, OutputError, OutputFile
from tests.places import FIXTURES, ROOT


def test_json_lines_hold_everything_in_order(folder, models, tmp_path, small_alpr):
    out = tmp_path / "new folder" / "out.jsonl"
    assert main(["read", str(folder), "--out", str(out), *models]) == 0
    records = lines(out)
    assert [record["file"] for record in records] == [os.path.join(str(folder), name) for name in NAMES]
    first = records[0]
    assert list(first) == ["file", "width", "height", "plates", "ms"]
    assert (first["width"], first["height"]) == (64, 48)
    assert first["plates"] == [plate.to_dict() for plate in small_alpr.read(read_picture(folder / NAMES[0]))]
    parts = ["text", "confidence", "characters", "alternatives", "colour", "fits_format", "kind"]
    assert list(first["plates"][0]) == [*parts, "score", "box", "corners"]
    assert np.shape(first["plates"][0]["corners"]) == (4, 2)
    assert first["ms"]["detect"] > 0 and first["ms"]["read"] > 0
    assert [path.name for path in out.parent.iterdir()] == ["out.jsonl"]


def test_a_broken_picture_does_not_stop_the_others(folder, models, tmp_path, capsys):
    (folder / "b3 broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    out = tmp_path / "out.jsonl"
    assert main(["read", str(folder), str(tmp_path / "none.jpg"), "--out", str(out), *models]) == 1
    records = lines(out)
    assert [set(record) == {"file", "error"} for record in records] == [False, False, True, False, False, True]
    assert "b3 broken.jpg: cut short" in records[2]["error"]
    err = capsys.readouterr().err.splitlines()
    assert err == [f"alpr: {records[2]['error']}", f"alpr: {records[5]['error']}"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_csv_has_one_row_a_plate_in_order_whatever_runs_at_once(folder, models, tmp_path, jobs):
    out = tmp_path / "out.csv"
    assert main(["read", str(folder), "--out", str(out), "--jobs", str(jobs), *models]) == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    files = list(dict.fromkeys(row["file"] for row in rows))
    assert files == [os.path.join(str(folder), name) for name in NAMES]
    assert len(rows) > len(NAMES)
    assert float(rows[0]["right"]) > float(rows[0]["left"])
    assert len(rows[0]["characters"].split()) == len(rows[0]["text"])
    assert len(rows[0]["alternatives"].split()) == len(rows[0]["text"])
    assert {float(rows[0][side]) for side in ("x1", "y4")} <= {float(rows[0][side]) for side in ("x4", "y3")}


def test_without_out_a_table_is_printed(folder, models, capsys):
    assert main(["read", str(folder / NAMES[3]), *models]) == 0
    # The small reader reads nothing but what fits no format.
    head, *rows, _ = capsys.readouterr().out.splitlines()
    assert head.split() == ["plate", "sure", "colour", "score", "box", "file"]
    assert rows and all(row.endswith(NAMES[3]) for row in rows)


def test_score_and_confidence_leave_plates_out(folder, models, tmp_path):
    counts = []
    for options in ([], ["--score", "1"], ["--confidence", "1"]):
        out = tmp_path / "out.jsonl"
        assert main(["read", str(folder / NAMES[0]), "--out", str(out), *models, *options]) == 0
        counts.append(len(lines(out)[0]["plates"]))
    assert counts[0] > 0
    assert counts[1:] == [0, 0]


def test_crops_are_read_as_they_are(folder, models, tmp_path, small_alpr):
    out = tmp_path / "out.jsonl"
    assert main(["read", str(folder / NAMES[1]), "--crops-only", "--out", str(out), *models]) == 0
    (record,) = lines(out)
    (plate,) = record["plates"]
    assert plate["corners"] == [[0, 0], [64, 0], [64, 49], [0, 49]]
    assert plate["text"] == small_alpr.read_crops([read_picture(folder / NAMES[1])])[0].text
    assert record["ms"]["detect"] == 0


def test_a_video_gives_a_line_a_frame(tmp_path, models):
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    out, target = tmp_path / "out.jsonl", tmp_path / "annotated"
    assert main(["read", str(video), "--out", str(out), "--annotate", str(target), *models]) == 0
    assert [(record["file"], record["frame"]) for record in lines(out)] == [(str(video), n) for n in range(3)]
    assert sorted(path.name for path in target.iterdir()) == [f"clip.avi-{n:06d}.jpg" for n in range(3)]


def test_paths_come_from_standard_input(folder, models, tmp_path, alpr_command):
    given = "\n".join(str(folder / name) for name in reversed(NAMES)) + "\n"
    out = tmp_path / "out.jsonl"
    done = alpr_command("read", "-", "--out", out, "--jobs", "2", *models, stdin=given.encode())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [record["file"] for record in lines(out)] == given.split("\n")[:-1]


def test_a_user_at_a_terminal_sees_paths_as_given_and_one_line_for_each_failure(folder, models, alpr_command):
    (folder / "empty").mkdir()
    done = alpr_command("read", NAMES[3], "empty", "none.jpg", *models, cwd=folder)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].endswith(" 皖A12345.png")
    assert done.stderr.splitlines() == [
        "alpr: empty: no pictures or videos in this folder; --recursive looks into its folders too",
        "alpr: none.jpg: no such file",
    ]


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_a_file_name_that_is_no_text_survives_the_json(folder, models, tmp_path):
    odd = os.fsdecode(os.fsencode(folder) + b"/no\xfftext.png")
    try:
        shutil.copy(folder / NAMES[0], odd)
    except OSError:
        pytest.skip("this file system takes text only")
    out = tmp_path / "out.jsonl"
    assert main(["read", odd, "--out", str(out), *models]) == 0
    assert os.fsencode(lines(out)[0]["file"]) == os.fsencode(odd)


@pytest.mark.skipif(not Path("/proc/self/fd/1").exists(), reason="needs a file system of open files, as Linux has one")
def test_results_for_the_standard_output_go_where_it_goes(folder, models, tmp_path, capfd):
    link = tmp_path / "stdout"
    link.symlink_to("/proc/self/fd/1")
    assert main(["read", str(folder), "--out", str(link), *models]) == 0
    assert [json.loads(line)["file"] for line in capfd.readouterr().out.splitlines()] == [
        os.path.join(str(folder), name) for name in NAMES
    ]
    assert link.is_symlink()


def test_results_go_to_where_a_link_leads(folder, models, tmp_path):
    target, link = tmp_path / "elsewhere" / "target.jsonl", tmp_path / "link.jsonl"
    target.parent.mkdir()
    link.symlink_to(target)
    assert main(["read", str(folder), "--out", str(link), *models]) == 0
    assert link.is_symlink()
    assert len(lines(target)) == len(NAMES)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--out", "out.txt"], "a file that ends in .jsonl or .csv"),
        (["--out", "folder.csv"], "cannot be written: Is a directory"),
        (["--detector_model", "none"], "none.safetensors: no such model"),
        (["--detector_model", ""], "this is not the name of a model"),
        (["--ocr_config", "none.json"], "none.json: missing"),
        (["--annotate", "file"], "file: cannot be made"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_read(
    folder, models, tmp_path, monkeypatch, capsys, options, complaint
):
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    Path("file").write_bytes(b"")
    assert main(["read", str(folder), *models, *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert complaint in err


def test_a_full_disk_leaves_the_earlier_results(folder, models, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.jsonl"
    out.write_text("earlier results\n")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("alpr_app.data.result_writers.os.replace", full)
    assert main(["read", str(folder), "--out", str(out), *models]) == 2
    assert f"{out}: cannot be written: No space left on device" in capsys.readouterr().err
    assert out.read_text() == "earlier results\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, as Linux has one")
def test_a_device_that_is_full_is_one_line(folder, models, capsys):
    assert main(["read", str(folder), "--out", "/dev/full", *models]) == 2
    assert capsys.readouterr().err == "alpr: /dev/full: cannot be written: No space left on device\n"


def test_an_interrupted_run_keeps_the_earlier_results_and_what_it_has(folder, models, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.jsonl"
    out.write_text("earlier results\n")
    calls = []

    def load(frame):
        calls.append(frame)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return read_picture(frame.file)

    monkeypatch.setattr("alpr_app.data.sources.Frame.load", load)
    assert main(["read", str(folder), "--jobs", "1", "--out", str(out), *models]) == 130
    assert out.read_text() == "earlier results\n"
    assert len(lines(tmp_path / "out.jsonl.part")) == 2
    assert f"what was read so far is in {out}.part" in capsys.readouterr().err


def test_a_run_that_an_error_ends_keeps_what_it_has(folder, models, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.jsonl"
    written = []

    def to_dict(outcome):
        if len(written) == 2:
            raise OutputError("the disk is full")
        written.append({"file": outcome.frame.file})
        return written[-1]

    monkeypatch.setattr(FileResult, "to_dict", to_dict)
    assert main(["read", str(folder), "--out", str(out), *models]) == 2
    assert not out.exists()
    assert lines(tmp_path / "out.jsonl.part") == written
    assert capsys.readouterr().err.splitlines() == [
        f"alpr: what was read so far is in {out}.part",
        "alpr: the disk is full",
    ]


def test_a_run_that_ends_before_its_first_result_leaves_nothing(folder, models, tmp_path, monkeypatch, capsys):
    def interrupted(frame):
        raise KeyboardInterrupt

    monkeypatch.setattr("alpr_app.data.sources.Frame.load", interrupted)
    assert main(["read", str(folder), "--out", str(tmp_path / "out.jsonl"), *models]) == 130
    assert list(tmp_path.iterdir()) == [folder]
    assert capsys.readouterr().err == "alpr: interrupted\n"


def test_results_come_in_order_and_few_wait():
    started = []

    def work(number: int) -> int:
        started.append(number)
        return number * number

    results = in_order(work, iter(range(1000)), jobs=3)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert len(started) < 50
    assert list(results) == [number * number for number in range(5, 1000)]


def test_with_one_job_every_result_comes_before_the_next_item_is_waited_for():
    results = []

    def items():
        for number in range(3):
            assert len(results) == number
            yield number

    for result in in_order(str, items(), jobs=1):
        results.append(result)
    assert results == ["0", "1", "2"]


def test_without_a_wish_every_core_has_a_picture_of_its_own():
    assert jobs_and_threads(None, None, total=100, cores=4) == (4, 1)
    assert jobs_and_threads(None, None, total=None, cores=64) == (8, 8)
    assert jobs_and_threads(None, None, total=1, cores=4) == (1, None)  # one picture gets all of them
    assert jobs_and_threads(2, None, total=100, cores=4) == (2, 2)
    assert jobs_and_threads(2, 3, total=100, cores=4) == (2, 3)


def test_the_results_are_not_written_over_what_is_read(folder, models, tmp_path, capsys):
    picture = folder / NAMES[0]
    before = picture.read_bytes()
    for name, link in (("a.csv", os.symlink), ("b.csv", os.link), ("c.jsonl.part", os.link)):
        link(picture, tmp_path / name)
        assert main(["read", str(folder), "--out", str(tmp_path / name.removesuffix(".part")), *models]) == 2
        assert f"this is '{picture}', which is read here; name another file" in capsys.readouterr().err
    assert picture.read_bytes() == before


def test_a_part_that_is_a_link_is_not_followed(folder, models, tmp_path, capsys):
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    (tmp_path / "out.jsonl.part").symlink_to(precious)
    assert main(["read", str(folder), "--out", str(tmp_path / "out.jsonl"), *models]) == 2
    assert "out.jsonl.part: this is a link" in capsys.readouterr().err
    (tmp_path / "out.jsonl.part").unlink()
    (tmp_path / "out.jsonl.part").hardlink_to(precious)
    assert main(["read", str(folder), "--out", str(tmp_path / "out.jsonl"), *models]) == 0
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.skipif(os.name == "nt", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_no_empty_part(folder, models, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    code = (
        "import resource, signal, sys\nfrom alpr_app.cli.main import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "read", str(folder), "--out", str(out), *models]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, f"alpr: {out}: cannot be written: File too large\n")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_full_disk_leaves_whole_lines(tmp_path, capsys):
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    before, out = resource.getrlimit(resource.RLIMIT_FSIZE), tmp_path / "out.jsonl"
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written"), OutputFile(out) as stream:
            for number in range(20):
                stream.write(f'{{"file": "a picture", "number": {number}}}\n')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    lines = (tmp_path / "out.jsonl.part").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [0, 1]
    assert capsys.readouterr().err == f"alpr: what was read so far is in {out}.part\n"


@pytest.mark.skipif(os.name == "nt", reason="such names are not allowed on Windows")
def test_a_file_name_is_no_formula_and_no_second_row(folder, models, tmp_path, monkeypatch):
    for name in ("=1+1.png", "@a\nb.png"):
        shutil.copy(folder / NAMES[0], folder / name)
    out = tmp_path / "out.csv"
    monkeypatch.chdir(folder)
    assert main(["read", "=1+1.png", "@a\nb.png", "--out", str(out), *models]) == 0
    text = out.read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(out.open(encoding="utf-8-sig", newline="")))
    assert {row["file"] for row in rows} == {"'=1+1.png", r"'@a\nb.png"}
    assert text.count(b"\n") == len(rows) + 1


def test_the_bar_counts_files_not_frames(folder, models, tmp_path, monkeypatch):
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(5):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    bars = []

    class Bar(tqdm):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **(options | {"disable": False, "file": io.StringIO()}))
            bars.append(self)

    monkeypatch.setattr("alpr_app.cli.read.tqdm", Bar)
    assert main(["read", str(folder), str(video), "--out", str(tmp_path / "out.jsonl"), *models]) == 0
    (bar,) = bars
    assert (bar.n, bar.total) == (len(NAMES) + 1, len(NAMES) + 1)


def test_files_that_are_left_out_are_said_and_are_no_error(folder, models, tmp_path, capsys):
    (folder / "notes.txt").write_text("no picture")
    assert main(["read", str(folder), "--out", str(tmp_path / "out.jsonl"), *models]) == 0
    assert capsys.readouterr().err == f"alpr: {folder}: 1 file is neither picture nor video and left out\n"


def test_a_damaged_video_is_read_on_and_said(models, tmp_path, capsys):
    video = (FIXTURES / "films" / "film.avi").read_bytes()
    (tmp_path / "film.avi").write_bytes(video[: int(0.7 * len(video))])
    out = tmp_path / "out.jsonl"
    assert main(["read", str(tmp_path / "film.avi"), "--out", str(out), *models]) == 1
    *frames, last = lines(out)
    assert len(frames) > 10
    assert "cut short" in last["error"] and str(tmp_path / "film.avi") in last["error"]
    assert capsys.readouterr().err == f"alpr: {last['error']}\n"


def test_no_more_than_so_many_frames_are_read(models, tmp_path):
    out = tmp_path / "out.jsonl"
    video = FIXTURES / "films" / "film.mp4"
    assert main(["read", str(video), "--frames", "4", "--out", str(out), *models]) == 0
    assert [record["frame"] for record in lines(out)] == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["film.h264", "joined.ts", "variable.mp4", "sound_between.mp4"])
def test_cars_are_tracked_whatever_the_times_of_a_video_are(models, tmp_path, name):
    out = tmp_path / "out.jsonl"
    video = FIXTURES / "films" / name
    assert main(["read", str(video), "--track", "--out", str(out), *models]) == 0
    assert all(record["first_ms"] <= record["last_ms"] for record in lines(out))
