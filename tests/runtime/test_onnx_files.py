from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from alpr_app import ALPR
from alpr_app.cli.main import main
from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import load_bundle, open_bundle
from alpr_app.networks.bundle_description import BundleError
from alpr_app.runtime.backends import make_engine
from alpr_app.runtime.onnx_files import cache_folder, onnx_model

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")


def test_the_file_is_made_once_and_named_after_the_weights(reader_path, monkeypatch):
    bundle = open_bundle("reader", reader_path)
    model = onnx_model(bundle)
    (kept,) = cache_folder().glob(f"reader-{bundle.info.sha256[:16]}-*.onnx")
    assert kept.read_bytes() == model
    monkeypatch.setattr(
        "alpr_app.runtime.onnx_export.export_onnx", lambda *arguments, **options: pytest.fail("made again")
    )
    assert onnx_model(open_bundle("reader", reader_path)) == model


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: data[:99] + b"?" + data[100:]]
)
@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_a_damaged_file_is_not_used_and_made_anew(bundle, damage, request, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = request.getfixturevalue(bundle)
    model = onnx_model(open_bundle(None, path))
    (kept,) = cache_folder().iterdir()
    kept.write_bytes(damage(model))
    assert onnxruntime.InferenceSession(onnx_model(open_bundle(None, path)))
    (kept,) = cache_folder().iterdir()
    assert kept.read_bytes() == onnx_model(open_bundle(None, path))
    assert not caplog.records


def test_the_cache_keeps_the_files_used_last(reader_path, detector_path, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("alpr_app.runtime.onnx_files.MAXIMUM_FILES", 3)
    onnx_model(open_bundle(None, reader_path))
    (first,) = cache_folder().iterdir()
    for number in range(3):
        (cache_folder() / f"reader-{number}.onnx").touch()
        os.utime(cache_folder() / f"reader-{number}.onnx", (number, number))
    os.utime(first, (-1, -1))
    # Used again, so that it is not the oldest any more.
    onnx_model(open_bundle(None, reader_path))
    onnx_model(open_bundle(None, detector_path))
    left = {path.name for path in cache_folder().iterdir()}
    assert len(left) == 3 and {first.name, "reader-2.onnx"} < left


def test_what_stands_in_a_files_place_is_no_obstacle(reader_path, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = onnx_model(open_bundle("reader", reader_path))
    (kept,) = cache_folder().iterdir()
    kept.unlink()
    kept.mkdir()
    assert onnx_model(open_bundle("reader", reader_path)) == model


def test_two_processes_that_make_it_at_once_both_get_it(reader_path, monkeypatch, tmp_path):
    code = f"""
from alpr_app.networks.bundle import open_bundle
from alpr_app.runtime.backends import make_engine
print(make_engine(open_bundle("reader", {str(reader_path)!r}), device="cpu", backend="onnx").backend)
"""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "ab"]
    assert [process.communicate() for process in both] == [(b"onnx\n", b"")] * 2
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert all(path.suffix == ".onnx" for path in cache_folder().iterdir())


def test_a_cache_that_cannot_be_written_is_no_error(reader_path, picture, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr("alpr_app.runtime.onnx_files.cache_folder", lambda: tmp_path / "file" / "onnx")
    engine = make_engine(open_bundle("reader", reader_path), device="cpu", backend="onnx")
    assert engine(picture(48, 192)[None])[0].shape[0] == 1
    assert "the ONNX file is not cached" in caplog.text


@pytest.fixture
def exported(detector_path, reader_path, tmp_path):
    """Copies of both small bundles with their ONNX files beside them."""
    paths = []
    for name, path in (("detector", detector_path), ("reader", reader_path)):
        save_bundle(tmp_path / name, load_bundle(name, path)[0], {}, "made")
        assert main(["export", str(tmp_path / name)]) == 0
        paths.append(tmp_path / f"{name}.safetensors")
    return paths


def test_an_exported_bundle_reads_without_torch_and_the_same(exported, detector_path, reader_path, picture):
    code = f"""
import sys, numpy as np
from alpr_app import ALPR
alpr = ALPR({str(exported[0])!r}, {str(exported[1])!r}, threads=1)
print(alpr.backend, "torch" in sys.modules, [plate.text for plate in alpr.read(np.load(sys.argv[1]))])
"""
    import numpy as np

    image = picture(48, 64)
    np.save(exported[0].with_name("image.npy"), image)
    command = [sys.executable, "-c", code, str(exported[0].with_name("image.npy"))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    texts = [plate.text for plate in ALPR(detector_path, reader_path, backend="torch", threads=1).read(image)]
    assert (done.stdout.strip(), done.stderr) == (f"onnx False {texts}", "")


def test_a_damaged_file_beside_a_bundle_is_refused_by_name(exported):
    beside = exported[1].with_suffix(".onnx")
    beside.write_bytes(beside.read_bytes()[:-1] + b"?")
    with pytest.raises(BundleError, match=r"reader.onnx: not the file that reader.json describes .* alpr export"):
        make_engine(open_bundle("reader", exported[1]), backend="onnx")
    beside.unlink()
    with pytest.raises(BundleError, match=r"reader.onnx: cannot be read"):
        make_engine(open_bundle("reader", exported[1]), backend="onnx")
    # Torch needs none of it.
    assert make_engine(open_bundle("reader", exported[1]), backend="torch").backend == "torch"


def test_the_file_of_another_reader_is_refused(exported, tmp_path):
    described = exported[1].with_suffix(".json")
    content = json.loads(described.read_text(encoding="utf-8"))
    content["config"]["max_length"] += 1
    described.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Exception, match="the ONNX file is of another reader; make it anew"):
        make_engine(open_bundle("reader", exported[1]), backend="onnx")


def test_without_torch_a_bundle_without_the_file_says_what_to_do(reader_path, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("alpr_app.runtime.onnx_files.find_spec", lambda name: None)
    with pytest.raises(Exception, match=r"no ONNX file beside it, and torch, .* is not installed; run .* alpr export"):
        make_engine(open_bundle("reader", reader_path), backend="onnx")
