"""What the program put out, and how it was called, stays. How it was written down, and when that may be done anew: see
tests/keep.py."""

from __future__ import annotations

from typing import Any

import pytest

import alpr_app
from alpr_app.data import assets
from alpr_app.networks.bundle_description import SHIPPED
from tests import kept

NAMES, READINGS = kept.recorded("names"), kept.recorded("readings")
# What another processor may make of them; pixels for places.
TOLERANCES = {"confidence": 1e-3, "score": 1e-3, "box": 0.5, "corners": 0.5}

shipped = pytest.mark.skipif(
    not all((assets.MODELS / f"{name}.safetensors").is_file() for name in SHIPPED.values()),
    reason="models/ holds no trained models yet",
)


@pytest.fixture(scope="module", params=["torch", "onnx"])
def readings(request: pytest.FixtureRequest) -> dict[str, list[dict[str, Any]]]:
    """Of the samples, by the picture's name."""
    if request.param == "onnx":
        pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
        pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    return kept.readings(request.param)


@shipped
@pytest.mark.parametrize("file", READINGS)
def test_the_shipped_models_read_a_sample_as_they_did(readings, file):
    assert len(readings[file]) == len(READINGS[file]) > 0
    for plate, wanted in zip(readings[file], READINGS[file], strict=True):
        assert list(plate) == list(wanted)
        for name, value in wanted.items():
            assert kept.differences(plate[name], value, least=TOLERANCES.get(name, 0)) == {}, name


@shipped
def test_every_sample_is_recorded():
    assert sorted(READINGS) == sorted(path.name for path in assets.SAMPLES.glob("*.jpg"))


@pytest.fixture(scope="module")
def command_lines() -> dict[str, dict[str, list[str]]]:
    return kept.command_lines()


@pytest.mark.parametrize("command", NAMES["commands"])
def test_a_command_has_every_option_and_choice_that_it_had(command_lines, command):
    assert command in command_lines
    options, wanted = command_lines[command], NAMES["commands"][command]
    assert not [name for name in wanted if name not in options]
    missing = {name: set(choices) - set(options[name]) for name, choices in wanted.items()}
    assert not {name: choices for name, choices in missing.items() if choices}


@pytest.mark.parametrize("name", NAMES["alpr_app"])
def test_the_package_exports_the_name(name):
    assert name in alpr_app.__all__
    assert getattr(alpr_app, name) is not None
