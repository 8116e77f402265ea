"""Small plates in huge pictures, found by the shipped models in mosaics of the sample scenes."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from dataclasses import astuple
from itertools import count

import cv2
import numpy as np
import pytest

from alpr_app import ALPR
from alpr_app.data import assets, ccpd
from alpr_app.data.images import read_picture, write_picture
from alpr_app.networks.bundle_description import SHIPPED
from alpr_app.pipeline.options import ModelChoice, add_model_options, identity_of, make_alpr
from alpr_app.pipeline.plate_detector import DETECTOR_BATCH

SAMPLES = sorted(assets.SAMPLES.glob("*-*.jpg")) if assets.SAMPLES.is_dir() else []
needs_models = pytest.mark.skipif(
    not SAMPLES or not all((assets.MODELS / f"{name}.safetensors").is_file() for name in SHIPPED.values()),
    reason="needs the shipped models and the sample pictures",
)
# Width of the plates and left edge of their scenes. The edges of tiles, 960 pixels long, cross several of them.
SCENES = [(60, 150), (60, 765), (60, 1560), (60, 3140), (60, 5000), (60, 8333), (200, 9050), (600, 10000)]
SIZE = (2000, 12000)


def mosaic() -> tuple[np.ndarray, list[str]]:
    """Return a picture of `SIZE` with sample scenes scaled to `SCENES`, and the texts of their plates."""
    coarse = np.random.default_rng(0).integers(60, 200, (4, 24, 3), np.uint8)
    canvas = cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    texts = []
    for index, (plate_width, left) in enumerate(SCENES):
        path = SAMPLES[index % len(SAMPLES)]
        label = ccpd.parse_name(path)
        scene = read_picture(path)
        scale = plate_width / (label.box[2] - label.box[0])
        scene = cv2.resize(scene, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # The plate 860 pixels down, within the overlap of two rows of tiles for the small ones.
        top = round(860 - scale * label.box[1])
        scene, top = scene[max(0, -top) :], max(0, top)
        part = scene[: SIZE[0] - top, : SIZE[1] - left]
        canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
        texts.append(label.text)
    return canvas, texts


@pytest.fixture(scope="module")
def huge() -> tuple[np.ndarray, list[str]]:
    return mosaic()


@pytest.fixture(scope="module")
def tiled() -> ALPR:
    return ALPR(device="cpu", threads=1, tiles="auto")


@pytest.fixture(scope="module")
def whole() -> ALPR:
    return ALPR(device="cpu", threads=1)


@needs_models
def test_small_plates_in_a_huge_picture_are_found_once_each_by_tiles_alone(huge, tiled, whole):
    image, texts = huge
    before = image.copy()
    plates = tiled.read(image)
    np.testing.assert_array_equal(image, before)
    assert Counter(plate.text for plate in plates) == Counter(texts)
    for (plate_width, left), text in zip(SCENES, texts, strict=True):
        near = [plate for plate in plates if plate.text == text and left < plate.box[0] < left + 5 * plate_width]
        assert len(near) == 1
        assert near[0].box[2] - near[0].box[0] == pytest.approx(plate_width, rel=0.15)
        assert min(x for x, _ in near[0].corners) == pytest.approx(near[0].box[0], abs=0.1 * plate_width)
        assert 800 < near[0].box[1] < 960
    found = [plate for plate in whole.read(image) if plate.box[2] - plate.box[0] < 100]
    assert len(found) < 3


@needs_models
def test_ordinary_pictures_are_read_the_same_in_a_batch_with_a_huge_one(huge, tiled, whole):
    ordinary = [read_picture(path) for path in SAMPLES]
    expected = [whole.read(image) for image in ordinary]
    assert [tiled.read(image) for image in ordinary] == expected
    assert all(
        np.array_equal(one.crop, other.crop)
        for image, plates in zip(ordinary, expected, strict=True)
        for one, other in zip(tiled.read(image), plates, strict=True)
    )
    mixed = tiled.read_batch([ordinary[0], huge[0], ordinary[1]])
    assert [[plate.text for plate in plates] for plates in mixed] == [
        [plate.text for plate in plates] for plates in (expected[0], tiled.read(huge[0]), expected[1])
    ]


@needs_models
def test_the_command_reads_in_tiles_when_asked_to(huge, alpr_command, tmp_path):
    image, texts = huge
    write_picture(tmp_path / "huge.jpg", image)
    read = {}
    for choice in ("auto", "off"):
        out = tmp_path / f"{choice}.jsonl"
        done = alpr_command("read", tmp_path / "huge.jpg", "--tiles", choice, "--out", out)
        assert done.returncode == 0, done.stderr
        read[choice] = [plate["text"] for plate in json.loads(out.read_text("utf-8"))["plates"]]
    assert Counter(read["auto"]) == Counter(texts)
    assert len(read["off"]) < len(texts) - 3


def test_the_stages_add_up_and_the_detector_is_given_small_batches(detector_path, reader_path, picture, monkeypatch):
    alpr = ALPR(detector_path, reader_path, "cpu", "torch", tiles="auto")
    batches = []

    def detect(images: np.ndarray) -> tuple[np.ndarray, ...]:
        batches.append(len(images))
        return engine(images)

    engine = alpr.detect
    alpr.detect = detect
    clock = count()
    monkeypatch.setattr("alpr_app.pipeline.alpr.perf_counter", lambda: float(next(clock)))
    result = alpr.analyse(picture(300, 400))
    assert result.plates
    assert sum(batches) == 12 + 4 + 1
    assert max(batches) <= DETECTOR_BATCH
    assert sum(astuple(result.timings)) == 1000 * (next(clock) - 1)


def test_tiles_are_part_of_what_decides_how_pictures_are_read(detector_path, reader_path):
    models = (str(detector_path), str(reader_path))
    plain, tiled = (
        ModelChoice(*models, backend="torch").make(),
        ModelChoice(*models, backend="torch", tiles="auto").make(),
    )
    assert (plain.tiles, tiled.tiles) == ("off", "auto")
    assert plain.identity != tiled.identity
    with pytest.raises(ValueError, match="tiles must be one of off, auto, not 'on'"):
        ALPR(*models, tiles="on")


def test_a_run_with_other_tiles_is_another_run(models):
    """`alpr read --resume` continues runs of the same identity only."""
    parser = ArgumentParser()
    parser.add_argument("--score", default=0.5)
    add_model_options(parser)
    identities = [identity_of(parser.parse_args([*models, *more])) for more in ([], ["--tiles=off"], ["--tiles=auto"])]
    assert identities[0] == identities[1] != identities[2]
    assert make_alpr(parser.parse_args([*models, "--tiles=auto"])).tiles == "auto"


def test_the_window_and_the_service_take_the_choice(models):
    pytest.importorskip("uvicorn", reason="needs the extra 'serve'")
    from alpr_app.cli.serve import add_arguments, make_service
    from alpr_app.viewer.app.arguments import model_choice, parse

    assert model_choice(parse([*models, "--tiles", "auto"])).tiles == "auto"
    assert model_choice(parse(models)).tiles == "off"
    parser = ArgumentParser()
    add_arguments(parser)
    service = make_service(parser.parse_args([*models, "--tiles", "auto", "--workers", "1", "--batch", "1"]), None)
    try:
        assert service.alpr.tiles == "auto"
    finally:
        service.batcher.close()
