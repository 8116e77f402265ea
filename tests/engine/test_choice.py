from __future__ import annotations

import re
import sys
import tempfile

import numpy as np
import pytest
import torch

from alpr_app.bundle import load_bundle, load_detector
from alpr_app.engine import EngineError, TorchEngine, choice, make_engine


@pytest.fixture
def without_onnx(monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)


@pytest.fixture
def without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_the_processor_is_used_where_nothing_else_is(without_cuda):
    assert choice.choose_device("auto").type == "cpu"
    with pytest.raises(EngineError, match="device 'cuda' is not to be had on this machine; use --device cpu"):
        choice.choose_device("cuda")


def test_cuda_is_used_where_it_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choice.choose_device("auto").type == "cuda"
    assert choice.choose_backend("auto", "cuda") == "torch"


def test_unknown_names_are_refused():
    with pytest.raises(EngineError, match="device 'tpu' is unknown"):
        choice.choose_device("tpu")
    with pytest.raises(EngineError, match="backend 'tflite' is unknown"):
        choice.choose_backend("tflite", "cpu")


def test_onnx_is_used_only_where_it_is_installed(without_onnx):
    assert choice.choose_backend("auto", "cpu") == "torch"
    with pytest.raises(EngineError, match=r"needs onnxruntime, which is not installed; install 'alpr-app\[onnx\]'"):
        choice.choose_backend("onnx", "cpu")


def test_onnx_runs_on_the_processor_only():
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    assert choice.choose_backend("auto", "cpu") == "onnx"
    with pytest.raises(EngineError, match="runs on the processor"):
        choice.choose_backend("onnx", "cuda")


def test_fewer_than_one_thread_is_refused(detector_path):
    with pytest.raises(ValueError, match="threads must be 1 or more, not 0"):
        make_engine(*load_detector(detector_path), threads=0)


def test_the_engine_says_what_was_chosen(detector_path, without_cuda, without_onnx):
    engine = make_engine(*load_detector(detector_path))
    assert (engine.backend, engine.device) == ("torch", "cpu")


@pytest.fixture(params=["runtime that cannot be loaded", "no temporary folder"])
def broken(request, monkeypatch, tmp_path):
    """A machine on which ONNX Runtime is installed and cannot be used; gives what is said of that."""
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "no temporary folder":
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        return rf"{tmp_path / 'temporary'}.*: No such file or directory; set TMPDIR"
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text("raise ImportError('DLL load failed')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    return "onnxruntime cannot be loaded: DLL load failed; install it anew"


@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_torch_takes_over_where_onnx_cannot_run(bundle, broken, request, picture, without_cuda, caplog):
    path = request.getfixturevalue(bundle)
    engine = make_engine(*load_bundle(None, path))
    assert engine.backend == "torch"
    (record,) = caplog.records
    assert re.search(broken, record.getMessage())
    wanted = TorchEngine(load_bundle(None, path)[0], torch.device("cpu"))
    images = picture(48, 192)[None] if bundle == "reader_path" else picture(64, 96)[None]
    for output, expected in zip(engine(images), wanted(images), strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-4)


@pytest.mark.parametrize("backend", ["onnx", "onnx-int8"])
def test_onnx_that_was_asked_for_and_cannot_run_is_an_error(reader_path, broken, backend):
    with pytest.raises(EngineError, match=broken):
        make_engine(*load_bundle("reader", reader_path), device="cpu", backend=backend)
