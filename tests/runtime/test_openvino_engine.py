from __future__ import annotations

import os
import subprocess
import sys
from ast import literal_eval
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from alpr_app.networks.bundle import open_bundle
from alpr_app.runtime import backends
from alpr_app.runtime.backends import make_engine
from alpr_app.runtime.engine import EngineError
from tests.places import ROOT

SIZES = {"detector": ((64, 96), (96, 64)), "reader": ((48, 192),)}


@pytest.fixture(params=sorted(SIZES))
def bundle(request, detector_path, reader_path):
    """The kind of a network, and the path of a small one."""
    return request.param, {"detector": detector_path, "reader": reader_path}[request.param]


def pictures(kind: str) -> list[np.ndarray]:
    """Batches of several sizes and lengths, in the order in which an engine sees them."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (count, *size, 3), np.uint8) for size in SIZES[kind] for count in (1, 3, 1)]


@pytest.fixture
def openvino():
    pytest.importorskip("onnx", reason="needs the extra 'openvino'")
    return pytest.importorskip("openvino", reason="needs the extra 'openvino'")


@pytest.mark.parametrize("threads", [1, None])
def test_results_are_those_of_torch(openvino, bundle, threads):
    kind, path = bundle
    engine = make_engine(open_bundle(kind, path), backend="openvino", threads=threads)
    reference = make_engine(open_bundle(kind, path), backend="torch")
    assert (engine.backend, engine.device) == ("openvino", "cpu")
    for images in pictures(kind):
        for output, expected in zip(engine(images), reference(images), strict=True):
            np.testing.assert_allclose(output, expected, atol=1e-3)


def test_bfloat16_differs_a_little(openvino, bundle):
    kind, path = bundle
    engine = make_engine(open_bundle(kind, path), backend="openvino-bf16", threads=1)
    reference = make_engine(open_bundle(kind, path), backend="torch")
    assert engine.backend == "openvino-bf16"
    for images in pictures(kind):
        for output, expected in zip(engine(images), reference(images), strict=True):
            scale = np.abs(expected).max()
            assert np.abs(output - expected).max() <= 0.05 * scale


def test_several_threads_get_their_own_results(openvino, bundle):
    kind, path = bundle
    engine = make_engine(open_bundle(kind, path), backend="openvino", threads=1)
    batches = pictures(kind) * 4
    expected = [engine(images) for images in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(engine, batches))
    for outputs, references in zip(found, expected, strict=True):
        for output, reference in zip(outputs, references, strict=True):
            np.testing.assert_array_equal(output, reference)


def test_a_result_is_not_overwritten_by_the_next_call(openvino, bundle):
    kind, path = bundle
    engine = make_engine(open_bundle(kind, path), backend="openvino", threads=1)
    first, second = (images for images in pictures(kind)[:3:2])
    outputs = engine(first)
    copies = [output.copy() for output in outputs]
    engine(second)
    for output, copy in zip(outputs, copies, strict=True):
        np.testing.assert_array_equal(output, copy)


def test_a_damaged_model_is_one_line(openvino):
    from alpr_app.runtime.openvino_engine import OpenVinoEngine

    with pytest.raises(EngineError, match=r"OpenVINO cannot load the model .*; use --backend torch"):
        OpenVinoEngine(b"no model")


def test_without_the_package_one_line_says_what_to_install(monkeypatch, reader_path):
    find = backends.find_spec
    monkeypatch.setattr(backends, "find_spec", lambda name: None if name == "openvino" else find(name))
    with pytest.raises(EngineError, match=r"needs openvino, which is not installed; install 'alpr-app\[openvino\]'"):
        make_engine(open_bundle("reader", reader_path), backend="openvino")


FORKED = """
import multiprocessing, os, sys
import numpy as np
from alpr_app.networks.bundle import open_bundle
from alpr_app.runtime.backends import make_engine

engine = make_engine(open_bundle("reader", sys.argv[1]), backend="openvino", threads=1)
images = np.zeros((1, 48, 192, 3), np.uint8)
expected = engine(images)


def read(_):
    return engine.backend, [np.abs(a - b).max() for a, b in zip(engine(images), expected)]


with multiprocessing.get_context("fork").Pool(1) as pool:
    print(pool.map_async(read, [0, 1]).get(60)[1], flush=True)
if os.fork() == 0:
    # As a worker of a server ends: by the ordinary way, whether it has read anything or not.
    sys.exit()
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_torch_takes_over_in_a_process_that_was_forked_since(openvino, reader_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(reader_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    backend, differences = literal_eval(done.stdout.replace("np.float32", ""))
    assert backend == "torch" and max(differences) < 1e-3


def test_a_cache_that_cannot_be_made_only_costs_time(openvino, reader_path, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("alpr_app.runtime.onnx_files.cache_folder", lambda: tmp_path / "file" / "onnx")
    (tmp_path / "file").write_text("this is not a folder")
    engine = make_engine(open_bundle("reader", reader_path), backend="openvino", threads=1)
    assert engine.backend == "openvino" and engine(pictures("reader")[0])
    assert "compiled models are not cached" in caplog.text
