"""`alpr read` of addresses and cameras, and what Ctrl-C leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from time import monotonic, sleep

import pytest
from reading import lines
from servers import free_port, hearing_ctrl_c, web_camera

from alpr_app.cli.main import main
from tests.places import ROOT


def test_a_stream_is_read_until_its_limit(models, tmp_path):
    out = tmp_path / "out.jsonl"
    with web_camera() as camera:
        assert main(["read", f"{camera}/video.mjpg", "--frames", "3", "--out", str(out), *models]) == 0
        records = lines(out)
        assert [record["file"] for record in records] == [f"{camera}/video.mjpg"] * 3
    assert records[0]["time_ms"] == 0.0 and records[0]["plates"]


def test_cars_of_a_stream_are_one_line_each(models, tmp_path):
    out = tmp_path / "out.jsonl"
    with web_camera() as camera:
        options = ["--track", "--seconds", "0.5", "--out", str(out), *models]
        assert main(["read", f"{camera}/video.mjpg", *options]) == 0
    assert all(record["track"] >= 1 for record in lines(out))


def test_annotated_pictures_of_a_stream_have_names_of_their_own(models, tmp_path):
    with web_camera() as camera:
        address = f"{camera}/video.mjpg?user=me&pwd=geheim"
        options = ["--frames", "2", "--annotate", str(tmp_path / "found"), *models]
        assert main(["read", address, *options]) == 0
    names = sorted(path.name for path in (tmp_path / "found").iterdir())
    assert len(names) == 2 and all(name.endswith(".jpg") and "geheim" not in name for name in names)


def test_passwords_are_in_no_result_and_no_message(models, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    with web_camera() as camera:
        host = camera.removeprefix("http://")
        addresses = [
            f"http://me:geheim@{host}/secret.jpg?token=geheim",
            f"http://me:geheim@{host}/none?password=geheim",
            f"rtsp://me:geheim@127.0.0.1:{free_port()}/user=me&password=geheim",
        ]
        assert main(["read", *addresses, "--frames", "1", "--out", str(out), *models]) == 1
    err = capsys.readouterr().err
    assert "geheim" not in err + out.read_text(encoding="utf-8")
    assert len(err.splitlines()) == 2 and "connection refused" in err and "not found (404)" in err


def test_what_follows_something_without_end_is_not_promised(models, capsys):
    assert main(["read", "rtsp://127.0.0.1:9/a", "--camera", "0", *models]) == 2
    assert "rtsp://127.0.0.1:9/a: never ends" in capsys.readouterr().err


def test_nothing_to_read_is_wrong_use(capsys):
    assert main(["read"]) == 2
    assert capsys.readouterr().err.startswith("alpr: nothing to read: name pictures")


def test_a_camera_that_is_not_there_is_one_line(models, capsys):
    assert main(["read", "--camera", "97", *models]) == 1
    out, err = capsys.readouterr()
    assert err == "alpr: camera 97: cannot be opened; does this camera exist, and is no other program using it?\n"
    assert out.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process alone on Windows")
@pytest.mark.parametrize("track", [[], ["--track"]])
def test_ctrl_c_ends_a_stream_and_what_was_read_is_kept(models, tmp_path, track):
    out, part = tmp_path / "out.jsonl", tmp_path / "out.jsonl.part"
    with web_camera() as camera:
        arguments = ["read", f"{camera}/video.mjpg", "--out", str(out), *models, *track]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = hearing_ctrl_c("-m", "alpr_app", *arguments)
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        # Whether something has been read can be seen of what has been written; cars only come when they have left.
        deadline = monotonic() + 60
        while not (part.exists() and (track or part.stat().st_size)) and monotonic() < deadline:
            sleep(0.05)
        if track:
            sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "alpr: interrupted\n")
    assert not part.exists()
    assert [json.loads(line)["file"] for line in out.read_text().splitlines()]
