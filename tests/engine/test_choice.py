from __future__ import annotations

import pytest
import torch

from alpr_app.bundle import load_detector
from alpr_app.engine import EngineError, choice, make_engine


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
