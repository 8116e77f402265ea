from __future__ import annotations

import re
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import load_bundle, open_bundle
from alpr_app.runtime import backends
from alpr_app.runtime.backends import make_engine
from alpr_app.runtime.engine import EngineError, FallbackEngine
from alpr_app.runtime.torch_engine import TorchEngine, enough_memory


@pytest.fixture
def without_onnx(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: find_spec(name) if name == "torch" else None)


@pytest.fixture
def without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_the_processor_is_used_where_nothing_else_is(without_cuda):
    assert backends.choose_device("auto") == "cpu"
    with pytest.raises(EngineError, match="device 'cuda' is not available on this machine; use --device cpu"):
        backends.choose_device("cuda")


def test_cuda_is_used_where_it_is(monkeypatch):
    monkeypatch.setattr(backends, "_torch_may_have_cuda", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert backends.choose_device("auto") == "cuda"
    assert backends.choose_backend("auto", "cuda") == "torch"


@pytest.mark.parametrize(
    ("line", "may"), [("cuda: Optional[str] = None", False), ("cuda: Optional[str] = '13.0'", True), ("", True)]
)
def test_a_build_of_torch_for_the_processor_is_known_without_importing_it(line, may, tmp_path, monkeypatch):
    (tmp_path / "version.py").write_text(f"debug = False\n{line}\n", encoding="utf-8")
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(backends, "find_spec", lambda name: found)
    assert backends._torch_may_have_cuda() is may
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    assert backends.choose_device("auto") == "cpu"
    with pytest.raises(EngineError, match="device 'cuda' needs torch, which is not installed"):
        backends.choose_device("cuda")


def test_without_any_backend_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="no backend is installed; install onnxruntime, openvino or torch"):
        backends.choose_backend("auto", "cpu")


def test_unknown_names_are_refused():
    with pytest.raises(EngineError, match="device 'tpu' is unknown"):
        backends.choose_device("tpu")
    with pytest.raises(EngineError, match="backend 'tflite' is unknown"):
        backends.choose_backend("tflite", "cpu")


def test_onnx_is_used_only_where_it_is_installed(without_onnx):
    assert backends.choose_backend("auto", "cpu") == "torch"
    with pytest.raises(EngineError, match=r"needs onnxruntime, which is not installed; install 'alpr-app\[onnx\]'"):
        backends.choose_backend("onnx", "cpu")


def test_onnx_runs_on_the_processor_only():
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    assert backends.choose_backend("auto", "cpu") == "onnx"
    with pytest.raises(EngineError, match="runs on the processor"):
        backends.choose_backend("onnx", "cuda")


def test_fewer_than_one_thread_is_refused(detector_path):
    with pytest.raises(ValueError, match="threads must be 1 or more, not 0"):
        make_engine(open_bundle("detector", detector_path), threads=0)


def test_the_engine_says_what_was_chosen(detector_path, without_cuda, without_onnx):
    engine = make_engine(open_bundle("detector", detector_path))
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
    return "onnxruntime cannot be loaded: DLL load failed; install it again"


@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_torch_takes_over_where_onnx_cannot_run(bundle, broken, request, picture, without_cuda, caplog):
    path = request.getfixturevalue(bundle)
    engine = make_engine(open_bundle(None, path))
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
        make_engine(open_bundle("reader", reader_path), device="cpu", backend=backend)


class Failing:
    """Stands in for an engine that works `good` times, then raises `error`."""

    def __init__(self, engine, good, error):
        self.engine, self.good, self.error = engine, good, error
        self.backend, self.device = "failing", "cuda"

    def __call__(self, images):
        if self.good:
            self.good -= 1
            return self.engine(images)
        raise self.error


@pytest.mark.parametrize("good", [0, 1, 3])
@pytest.mark.parametrize("bundle", ["detector_path", "reader_path"])
def test_torch_takes_over_as_soon_as_onnx_fails(bundle, good, request, picture, monkeypatch, without_cuda, caplog):
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    path = request.getfixturevalue(bundle)
    plain = TorchEngine(load_bundle(None, path)[0], torch.device("cpu"))
    failing = Failing(plain, good, EngineError("ONNX Runtime cannot run the model"))
    monkeypatch.setattr(backends, "_onnx_engine", lambda *arguments: failing)
    engine = make_engine(open_bundle(None, path))
    images = picture(48, 192)[None] if bundle == "reader_path" else picture(64, 96)[None]
    for _ in range(4):
        for output, expected in zip(engine(images), plain(images), strict=True):
            np.testing.assert_allclose(output, expected, atol=1e-4)
    assert engine.backend == "torch" and engine.device == "cpu"
    (record,) = caplog.records
    assert "ONNX Runtime cannot run the model" in record.getMessage() and "\n" not in record.getMessage()


def test_several_threads_that_fail_at_once_get_one_engine_instead(reader_path, picture, monkeypatch, caplog):
    plain = TorchEngine(load_bundle(None, reader_path)[0], torch.device("cpu"))
    made = []
    together = threading.Barrier(4)

    def fail(images):
        together.wait(10)
        raise EngineError("full")

    standby = FallbackEngine(fail, lambda: made.append(1) or plain, "reader")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(standby, [picture(48, 192)[None]] * 4))
    assert len(results) == 4 and made == [1] and len(caplog.records) == 1


@pytest.mark.parametrize("when", ["loading", "first", "later"])
def test_a_full_graphics_card_leaves_the_work_to_the_processor(when, reader_path, picture, monkeypatch, caplog):
    """The card is played by the processor: torch's name for the error is the same without one."""
    full = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    plain = TorchEngine(load_bundle(None, reader_path)[0], torch.device("cpu"))

    class Card(TorchEngine):
        def __init__(self, network, device, threads=None):
            if device.type == "cpu":
                super().__init__(network, device, threads)
                return
            self.device, self._device = "cuda", torch.device("cpu")
            self._good = {"loading": -1, "first": 0, "later": 1}[when]
            with enough_memory(device):
                if self._good < 0:
                    raise full

        def __call__(self, images):
            if self.device == "cpu":
                return super().__call__(images)
            self._good -= 1
            with enough_memory(torch.device("cuda")):
                if self._good < 0:
                    raise full
                return plain(images)

    monkeypatch.setattr(backends, "choose_device", str)
    monkeypatch.setattr("alpr_app.runtime.torch_engine.TorchEngine", Card)
    engine = make_engine(open_bundle(None, reader_path), device="cuda")
    for output, expected in zip(engine(picture(48, 192)[None]), plain(picture(48, 192)[None]), strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-4)
    assert engine.device == "cpu"
    (record,) = caplog.records
    assert "the memory of the graphics card (cuda) is full" in record.getMessage()


def test_other_errors_of_torch_stay_what_they_are():
    with pytest.raises(RuntimeError, match="mat1 and mat2") as raised, enough_memory(torch.device("cuda")):
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert not isinstance(raised.value, EngineError)


@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_a_network_that_puts_out_no_numbers_is_refused(backend, reader_path, tmp_path):
    if backend == "onnx":
        pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    network, _ = load_bundle("reader", reader_path)
    with torch.no_grad():
        network.characters.weight.fill_(3e38)
    save_bundle(tmp_path / "huge", network, {}, "")
    with pytest.raises(EngineError, match=r"huge.safetensors: this reader yields NaN or infinity .* another model"):
        make_engine(open_bundle("reader", tmp_path / "huge"), device="cpu", backend=backend)
