"""Reading where torch is not installed, with the ONNX files that lie beside the shipped models."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alpr_app.data import assets, ccpd
from alpr_app.networks.bundle import open_bundle
from alpr_app.networks.bundle_description import SHIPPED
from alpr_app.runtime.engine import example_shape
from alpr_app.runtime.onnx_engine import OnnxEngine
from alpr_app.runtime.onnx_export import export_onnx
from tests.places import ROOT

pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")

# As if torch were not installed, for every process that starts with this folder on its path.
BLOCKER = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "safetensors", "onnx"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return None

sys.meta_path.insert(0, Absent())

import importlib.util
find = importlib.util.find_spec

def find_spec(name, package=None):
    try:
        return find(name, package)
    except ModuleNotFoundError:
        return None

importlib.util.find_spec = find_spec
"""


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """An environment in which torch cannot be found."""
    (tmp_path / "sitecustomize.py").write_text(BLOCKER, encoding="utf-8")
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def alpr(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alpr_app", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)


def test_the_samples_are_read_without_torch(without_torch):
    done = alpr(without_torch, "read", assets.SAMPLES)
    assert (done.returncode, done.stderr) == (0, "")
    for path in assets.SAMPLES.glob("*-*.jpg"):
        assert ccpd.parse_name(path).text in done.stdout


def test_models_are_listed_and_measured_without_torch(without_torch):
    done = alpr(without_torch, "models")
    assert done.returncode == 0 and "maskocr" in done.stdout, done.stderr
    done = alpr(without_torch, "bench", "--frames", 2, "--threads", 1)
    assert done.returncode == 0 and re.search(r"backend onnx(-int8)? on cpu", done.stdout), done.stderr
    assert "M parameters, at 48 x 192" not in done.stdout and "M parameters, at 192 x 48" in done.stdout


def test_what_needs_torch_says_so_in_one_line(without_torch, reader_path):
    done = alpr(without_torch, "read", assets.SAMPLES, "--backend", "torch")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "backend 'torch' needs torch, which is not installed" in done.stderr
    done = alpr(without_torch, "read", assets.SAMPLES, "--ocr_model", reader_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "no ONNX file beside it, and torch, which makes one, is not installed" in done.stderr


def test_reading_does_not_import_torch_where_it_is_installed(tmp_path):
    code = f"import sys; from alpr_app.cli.main import main; main(['read', {str(assets.SAMPLES)!r}, '--jobs', '1', "
    code += "'--backend', 'onnx']); print([name for name in ('torch', 'onnx', 'safetensors') if name in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", SHIPPED)
def test_the_shipped_onnx_file_is_what_the_weights_are_exported_to(kind):
    pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    bundle = open_bundle(kind)
    assert bundle.onnx is not None
    images = np.random.default_rng(0).integers(0, 256, example_shape(bundle.config), np.uint8)
    shipped, made = (
        OnnxEngine(model, threads=1)(images)
        for model in (bundle.onnx, export_onnx(bundle.network(), kind, split=False))
    )
    for output, expected in zip(shipped, made, strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-4)
