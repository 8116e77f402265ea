from __future__ import annotations

import json

import pytest

from alpr_app.cli.bench import STAGES
from alpr_app.cli.main import main
from alpr_app.data.images import write_picture
from alpr_app.networks.bundle import load_bundle
from alpr_app.runtime import backends


@pytest.fixture
def options(detector_path, reader_path, tmp_path, picture):
    write_picture(tmp_path / "picture.png", picture(48, 64))
    image = str(tmp_path / "picture.png")
    models = ["--detector_model", str(detector_path), "--ocr_model", str(reader_path), "--backend", "torch"]
    return ["bench", "--image", image, "--frames", "3", *models]


def test_every_stage_is_timed_on_one_and_two_threads(options, tmp_path, capsys, detector_path):
    out = tmp_path / "bench.json"
    assert main([*options, "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert [run["threads"] for run in figures["runs"]] == [1, 2]
    for run in figures["runs"]:
        assert set(run["stages_ms"]) == {*STAGES, "whole"}
        assert all(0 <= times["p50"] <= times["p95"] for times in run["stages_ms"].values())
        assert run["plates"] > 0
    assert figures["detector"]["parameters"] == load_bundle(None, detector_path)[1].parameters
    assert figures["detector"]["input"] == [64, 64]
    assert figures["processor"] and figures["torch"] and figures["backend"] == "torch"
    table = capsys.readouterr().out
    assert all(stage in table for stage in (*STAGES, "whole", "GFLOP", "2 threads"))


def test_operations_are_counted(options, tmp_path):
    """Of the first convolution alone: 3 x 3 x 3 x 4 products and sums at every second pixel."""
    out = tmp_path / "bench.json"
    assert main([*options, "--threads", "1", "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["detector"]["gflop"] > 2 * 27 * 4 * 32 * 32 / 1e9
    assert figures["reader"]["gflop"] > 0
    assert [run["threads"] for run in figures["runs"]] == [1]


def test_the_pictures_of_a_folder_are_each_timed_once(options, tmp_path, picture, capsys):
    folder = tmp_path / "folder"
    folder.mkdir()
    for index, size in enumerate([(48, 64), (96, 128), (64, 48), (48, 48)]):
        write_picture(folder / f"{index}.png", picture(*size))
    out = tmp_path / "bench.json"
    assert main([*options, "--image", str(folder), "--threads", "1", "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert (figures["timed"], figures["frames"]) == ("pictures of folder, each once", 3)
    assert figures["picture"] == {"file": "0.png", "width": 64, "height": 48}
    assert figures["runs"][0]["stages_ms"]["whole"]["mean"] > 0
    assert "plates in 3 pictures" in capsys.readouterr().out


def test_the_sample_scenes_are_timed_in_turn(options, tmp_path):
    without_image = [part for part in options if part not in options[1:3]]
    out = tmp_path / "bench.json"
    assert main([*without_image, "--threads", "1", "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["timed"] == "5 sample scenes in turn, 720 x 1160, 3 times"
    assert (figures["frames"], figures["picture"]["height"]) == (3, 1160)


def test_a_broken_picture_in_the_folder_to_time_is_named(options, tmp_path, capsys):
    (tmp_path / "zzz.png").write_bytes(b"no picture")
    assert main([*options, "--image", str(tmp_path)]) == 2
    assert "zzz.png" in capsys.readouterr().err


def test_a_picture_that_cannot_be_read_is_named(options, tmp_path, capsys):
    assert main([*options, "--image", str(tmp_path / "none.png")]) == 2
    assert "none.png: no such file" in capsys.readouterr().err


def test_all_engines_are_compared_in_one_table(options, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(backends, "has_int8_products", lambda: True)
    out = tmp_path / "engines.json"
    assert main([*options[:-2], "--engines", "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["engines"]["torch"]["same_texts"] == figures["pictures"] == 3
    assert {*figures["engines"], *figures["missing"]} == {*backends.BACKENDS} - {"auto"}
    assert all(0 < engine["whole_ms"]["p50"] <= engine["whole_ms"]["p95"] for engine in figures["engines"].values())
    table = capsys.readouterr().out
    assert f"1 thread; auto takes {figures['auto']}" in table
    assert all(name in table for name in backends.BACKENDS if name != "auto")


@pytest.mark.parametrize(("option", "named"), [(["--viewer"], "--viewer"), ([], "--backend")])
def test_a_comparison_of_all_engines_takes_no_other_choice(options, option, named, capsys):
    chosen = options[:-2] if option else options
    assert main([*chosen, "--engines", *option]) == 2
    assert f"--engines compares all of them; leave {named} out" in capsys.readouterr().err


def test_an_engine_that_cannot_run_says_why(options, monkeypatch, capsys):
    find = backends.find_spec
    monkeypatch.setattr(backends, "find_spec", lambda name: None if name in ("onnxruntime", "openvino") else find(name))
    assert main([*options[:-2], "--engines"]) == 0
    table = capsys.readouterr().out
    assert "auto takes torch" in table
    assert "needs onnxruntime, which is not installed" in table and "needs openvino, which is not installed" in table
