"""What the tests of the commands read, and with what."""

from __future__ import annotations

import pytest
from reading import NAMES

from alpr_app.data.images import write_picture


@pytest.fixture
def folder(tmp_path, picture):
    """Four good pictures of different sizes."""
    root = tmp_path / "in put & 图"
    root.mkdir()
    for number, name in enumerate(NAMES):
        write_picture(root / name, picture(48 + number, 64, number))
    return root


@pytest.fixture
def models(detector_path, reader_path):
    """The options that choose the small models and the backend that starts fastest."""
    return ["--detector_model", str(detector_path), "--ocr_model", str(reader_path), "--backend", "torch"]
