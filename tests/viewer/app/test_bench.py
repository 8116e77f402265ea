from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from alpr_app.cli.main import main
from alpr_app.data.images import write_picture
from alpr_app.viewer.app import bench
from alpr_app.viewer.toolkit import binding
from alpr_app.viewer.toolkit.offscreen import OffscreenError

MEASURED = ("still_frame_ms", "live_frame_ms", "capture_to_overlay_ms", "sheet_frame_ms")


@pytest.fixture
def options(tmp_path, picture, detector_path, reader_path):
    write_picture(tmp_path / "picture.png", picture(48, 64))
    models = ["--detector_model", detector_path, "--ocr_model", reader_path, "--backend", "torch", "--threads", "1"]
    return ["bench", "--viewer", "--image", str(tmp_path / "picture.png"), "--frames", "3", *map(str, models)]


@pytest.fixture
def wanted(options):
    """The request of `alpr bench` to the process that draws."""
    return json.dumps({"choice": {"backend": "torch"}, "picture": options[3], "frames": 3})


def test_the_window_is_measured_without_a_display(options, alpr_command, tmp_path, lacking):
    out = tmp_path / "bench.json"
    done = alpr_command(*options, "--json", out)
    if "install" in done.stderr:
        lacking(done.stderr)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(out.read_text(encoding="utf-8"))
    window = figures["viewer"]
    assert figures["processor"] and figures["picture"] == {"file": "picture.png", "width": 64, "height": 48}
    assert all(0 < window[name]["p50"] <= window[name]["p95"] for name in MEASURED)
    assert 0 <= window["idle_core_share"] < 16
    assert window["toolkit"] == binding.chosen_binding() and f"toolkit: {window['toolkit']}" in done.stdout
    assert 0 < window["toolkit_import_ms"] < window["first_frame_ms"]
    assert window["read_rate"] > 0 and window["plates"] > 0 and window["opengl"]
    assert all(words in done.stdout for words in ("capture to overlay", "% of a core", "p95", window["opengl"]))


def test_a_missing_package_is_one_line(options, wanted, monkeypatch, capsys):
    def nothing(width, height):
        raise OffscreenError("there is no OpenGL to draw with; install a software OpenGL")

    monkeypatch.setattr(bench, "Offscreen", nothing)
    assert bench.main([wanted]) == 2
    said = "there is no OpenGL to draw with; install a software OpenGL"
    assert json.loads(capsys.readouterr().out) == {"error": said}
    answer = subprocess.CompletedProcess([], 2, json.dumps({"error": said}), "")
    monkeypatch.setattr("alpr_app.cli.bench.subprocess.run", lambda command, **options: answer)
    assert main(options) == 2
    assert capsys.readouterr().err == f"alpr: {said}\n"


def test_a_bench_that_crashes_is_one_line(options, monkeypatch, capsys):
    answer = subprocess.CompletedProcess([], -11, "", "Traceback\nSomeError: the driver is gone\n")
    monkeypatch.setattr("alpr_app.cli.bench.subprocess.run", lambda command, **options: answer)
    assert main(options) == 2
    assert capsys.readouterr().err == "alpr: the window could not be measured: SomeError: the driver is gone\n"


def test_without_the_packages_of_the_window_one_line_says_so(wanted, monkeypatch, capsys):
    class Screen:
        def __init__(self, width, height):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(bench, "Offscreen", Screen)
    monkeypatch.setattr(binding, "find_spec", lambda name: None)
    assert bench.main([wanted]) == 2
    said = json.loads(capsys.readouterr().out)["error"]
    assert "needs the package imgui-bundle" in said and "\n" not in said


def test_the_stand_in_camera_gives_no_frame_twice_and_says_when_it_gave_them():
    image = np.full((4, 6, 3), (10, 20, 30), np.uint8)
    camera = bench.StandInCamera(image, rate=1000)
    frames = [camera.read() for _ in range(3)]
    assert all(given for given, _ in frames)
    assert len({frame.tobytes() for _, frame in frames}) == 3
    assert frames[0][1][1, 1].tolist() == [30, 20, 10], "cameras give BGR"
    assert camera.times == sorted(camera.times) and len(camera.times) == 3
