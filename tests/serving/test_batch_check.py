"""Whether pictures are read in batches is decided by what that changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alpr_app import ALPR
from alpr_app.data import assets
from alpr_app.serving.batch_check import batches_are_exact


@pytest.fixture(scope="module")
def alpr(detector_path, reader_path):
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    if not assets.SAMPLES.is_dir():
        pytest.skip("assets/samples holds no pictures")
    return ALPR(detector_path, reader_path, device="cpu", backend="onnx", threads=1)


def test_a_difference_in_the_last_bit_is_found(alpr, monkeypatch):
    alone = {}

    def one(image):
        return alone.setdefault((*image.shape, int(image.sum())), original([image])[0])

    original = alpr.analyse_batch
    monkeypatch.setattr(alpr, "analyse", one)
    monkeypatch.setattr(alpr, "analyse_batch", lambda images: [one(image) for image in images])
    assert batches_are_exact(alpr, 4)

    def nearly(images):
        *same, last = [one(image) for image in images]
        (best, *others) = last.plates
        return [*same, replace(last, plates=[replace(best, score=best.score * (1 + 2**-50)), *others])]

    monkeypatch.setattr(alpr, "analyse_batch", nearly)
    assert not batches_are_exact(alpr, 4)


def test_with_other_backends_pictures_are_read_one_by_one(small_alpr):
    assert not batches_are_exact(small_alpr, 4)


def test_without_samples_nothing_is_known(alpr, tmp_path, monkeypatch):
    monkeypatch.setattr("alpr_app.serving.batch_check.SAMPLES", tmp_path)
    assert not batches_are_exact(alpr, 4)
