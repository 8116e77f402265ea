from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from alpr_app import ALPR, Plate
from alpr_app.core.plate_kinds import fits_format
from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import keep_int8, load_detector, load_reader, open_bundle
from alpr_app.networks.bundle_description import BundleError
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.reader.postprocess import Reading
from alpr_app.pipeline.alpr import check_image
from alpr_app.pipeline.plate_recognizer import READER_BATCH


def test_a_picture_gives_plates_best_first_in_its_own_pixels(small_alpr, picture):
    image = picture(96, 128)
    plates = small_alpr.read(image)
    assert plates
    assert all(isinstance(plate, Plate) for plate in plates)
    assert [plate.score for plate in plates] == sorted((plate.score for plate in plates), reverse=True)
    for plate in plates:
        left, top, right, bottom = plate.box
        assert 0 <= left < right <= 128
        assert 0 <= top < bottom <= 96
        assert plate.crop.shape == (48, 192, 3)
        assert plate.confidence == min(plate.characters, default=0.0)


def test_corners_are_where_the_network_says(small_alpr, picture):
    """The small detector finds plates of 8 x 4 strides around every position; the canvas is half the picture."""
    # The smallest one, in the picture's corner.
    first = min(small_alpr.read(picture(128, 128)), key=lambda plate: plate.box)
    (left, top), (right, top_2), (right_2, bottom), (left_2, bottom_2) = first.corners
    assert (left, top, right, bottom) == pytest.approx((-56, -24, 72, 40), abs=0.01)
    assert (left_2, top_2, right_2, bottom_2) == pytest.approx((left, top, right, bottom), abs=0.01)


def test_the_picture_is_not_changed_and_may_be_any_view(small_alpr, picture):
    image = picture(60, 80)
    before = image.copy()
    plates = small_alpr.read(image)
    assert np.array_equal(image, before)
    reversed_twice = np.ascontiguousarray(image[..., ::-1])[..., ::-1]
    assert small_alpr.read(reversed_twice) == plates
    image.flags.writeable = False
    assert small_alpr.read(image) == plates


def test_a_batch_gives_what_single_pictures_give(small_alpr, picture):
    images = [picture(*size, seed) for seed, size in enumerate([(48, 64), (64, 48), (48, 64), (300, 40)] * 5)]
    together = small_alpr.read_batch(images)
    assert len(together) == len(images)
    for plates, image in zip(together, images, strict=True):
        alone = small_alpr.read(image)
        assert [plate.text for plate in plates] == [plate.text for plate in alone]
        np.testing.assert_allclose([plate.corners for plate in plates], [plate.corners for plate in alone], atol=1e-3)
    assert small_alpr.read_batch([]) == []


def test_crops_are_read_without_the_detector(small_alpr, picture):
    crops = [picture(20 + number % 3, 90, number) for number in range(READER_BATCH + 3)]
    plates = small_alpr.read_crops(crops)
    assert len(plates) == len(crops)
    assert plates[1].box == (0, 0, 90, 21)
    assert plates[1].corners == ((0, 0), (90, 0), (90, 21), (0, 21))
    assert plates[1].score == 1.0
    assert plates[-1].text == small_alpr.read_crops(crops[-1:])[0].text
    assert small_alpr.read_crops([]) == []


def test_plates_whose_corners_are_known_are_read_as_if_they_had_been_found(small_alpr, picture):
    image = picture(96, 128)
    found = small_alpr.read(image)
    again = small_alpr.read_at(image, [plate.corners for plate in found])
    assert [plate.text for plate in again] == [plate.text for plate in found] != []
    assert {plate.score for plate in again} == {1.0}
    np.testing.assert_allclose(again[0].corners, found[0].corners, atol=1e-3)
    assert small_alpr.read_at(image, []) == []


def test_every_reading_says_whether_it_fits_a_format_of_its_colour(small_alpr, picture):
    for plate in [*small_alpr.read(picture(96, 128)), *small_alpr.read_crops([picture(20, 90)])]:
        assert plate.fits_format is (fits_format(plate.text, plate.colour) if plate.text else None)


def test_readings_of_other_plates_are_not_held_against_chinese_formats(detector_path, reader_path, tmp_path, picture):
    config = replace(load_reader(reader_path)[0].config, alphabet="ABCDEFGH0123")
    torch.manual_seed(2)
    save_bundle(tmp_path / "other", Reader(config), {}, "")
    plates = ALPR(detector_path, tmp_path / "other", backend="torch", score=0.2).read(picture(96, 128))
    assert any(plate.text for plate in plates)
    assert {plate.fits_format for plate in plates} == {None}


def test_threads_get_the_same_plates(small_alpr, picture):
    images = [picture(48 + 8 * seed, 64, seed) for seed in range(4)]
    wanted = [small_alpr.read(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(small_alpr.read, images * 3)) == wanted * 3


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3), (7, 4000)])
def test_the_smallest_pictures_are_no_error(small_alpr, size):
    assert isinstance(small_alpr.read(np.zeros((*size, 3), np.uint8)), list)


@pytest.mark.parametrize(
    ("image", "error", "complaint"),
    [
        (np.zeros((4, 4), np.uint8), ValueError, "this one is grey"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, r"not of shape \(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, "at least one pixel"),
        (np.zeros((4, 4, 3), np.float32), TypeError, "not float32"),
        ([[0, 0, 0]], TypeError, "not list"),
        (None, TypeError, "not NoneType"),
    ],
)
def test_what_is_no_picture_is_refused(small_alpr, image, error, complaint):
    for call in (small_alpr.read, lambda wrong: small_alpr.read_crops([wrong]), check_image):
        with pytest.raises(error, match=complaint):
            call(image)


def test_what_the_reader_says_counts_for_more_in_a_plates_score_than_what_the_detector_says(small_alpr, picture):
    """The small detector is sure by 1 / (1 + exp(-9)) everywhere."""
    plates = small_alpr.read(picture())
    assert plates
    for plate in plates:
        assert plate.fits_format is False, "it reads anything"
        legible = 0.6 * plate.confidence * min(1, len(plate.text) / 7)
        assert plate.score == pytest.approx(0.3 / (1 + np.exp(-9)) + 0.7 * legible)
    assert [plate.score for plate in plates] == sorted((plate.score for plate in plates), reverse=True)


def test_a_stray_character_however_sure_is_no_plate(small_alpr, picture, monkeypatch):
    stray = Reading("3", (0.98,), (("8", 0.01),), "blue")
    monkeypatch.setattr(
        small_alpr.plate_recognizer, "read", lambda plates: [(stray, plate.crops[0]) for plate in plates]
    )
    assert small_alpr.read(picture()) == []
    monkeypatch.setattr(small_alpr, "score", 0.0)
    assert {round(plate.score, 3) for plate in small_alpr.read(picture())} == {round(0.3 + 0.7 * 0.98 * 0.6 / 7, 3)}


def test_a_text_that_no_plate_has_counts_less_than_one_that_is_issued(small_alpr, picture, monkeypatch):
    scores = {}
    for text in ("皖A12345", "BVTESZE"):
        read = Reading(text, (0.9,) * 7, (("8", 0.01),) * 7, "blue")
        monkeypatch.setattr(
            small_alpr.plate_recognizer, "read", lambda plates, read=read: [(read, plate.crops[0]) for plate in plates]
        )
        scores[text] = max(plate.score for plate in small_alpr.read(picture()))
    assert scores["皖A12345"] - scores["BVTESZE"] == pytest.approx(0.7 * 0.9 * 0.4)


def test_plates_below_the_score_are_left_out(small_alpr, detector_path, reader_path, picture):
    plates = small_alpr.read(picture())
    wanted = float(np.median([plate.score for plate in plates]))
    strict = ALPR(detector_path, reader_path, device="cpu", backend="torch", score=wanted)
    kept = strict.read(picture())
    assert kept == [plate for plate in plates if plate.score >= wanted] and 0 < len(kept) < len(plates)
    strict.score = 1.0
    assert strict.read(picture()) == []
    with pytest.raises(ValueError, match="score must be between 0 and 1"):
        ALPR(detector_path, reader_path, score=1.5)


def test_timings_add_up(small_alpr, picture):
    timings = small_alpr.analyse(picture()).timings
    finding = (timings.letterbox_ms, timings.detector_ms, timings.decode_ms, timings.closer_ms)
    assert timings.detect_ms == pytest.approx(sum(finding))
    assert timings.read_ms == timings.rectify_ms + timings.reader_ms
    assert min(timings.detector_ms, timings.reader_ms) > 0


def test_backends_read_the_same(detector_path, reader_path, small_alpr, picture):
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    other = ALPR(detector_path, reader_path, backend="onnx", threads=1)
    assert (other.backend, other.device) == ("onnx", "cpu")
    for image in (picture(48, 64), picture(64, 40)):
        plates, wanted = other.read(image), small_alpr.read(image)
        assert [plate.text for plate in plates] == [plate.text for plate in wanted]
        np.testing.assert_allclose(
            [plate.confidence for plate in plates], [plate.confidence for plate in wanted], atol=1e-3
        )


def test_models_of_the_wrong_kind_are_refused(detector_path, reader_path):
    with pytest.raises(BundleError, match="describes a 'reader' where a detector is needed"):
        ALPR(reader_path, detector_path)


def test_the_identity_tells_apart_whatever_changes_readings(detector_path, reader_path, tmp_path):
    def identity(detector=detector_path, threads=1, score=0.5):
        return ALPR(detector, reader_path, "cpu", "torch", threads, score).identity

    first = identity()
    assert first == identity() == identity(threads=2)
    assert identity(score=0.3) != first
    # Other weights of the same shape.
    network, _ = load_detector(detector_path)
    with torch.no_grad():
        network.head.output.bias += 0.1
    save_bundle(tmp_path / "other", network, {}, "")
    assert identity(tmp_path / "other") != first


def test_the_identity_tells_files_in_8_bits_apart(reader_path, detector_path, tmp_path):
    save_bundle(tmp_path / "reader", load_reader(reader_path)[0], {}, "")

    def identity():
        return ALPR(detector_path, tmp_path / "reader", "cpu", "torch", 1).identity

    identities = [identity()]
    for content in (b"one", b"another"):
        keep_int8(open_bundle("reader", tmp_path / "reader"), content, {}, "")
        identities.append(identity())
    assert len(set(identities)) == 3


def test_the_identity_changes_when_another_engine_takes_over(detector_path, reader_path):
    alpr = ALPR(detector_path, reader_path, "cpu", "torch", 1)
    before = alpr.identity
    alpr.recognise = SimpleNamespace(backend="onnx-int8", device="cpu")
    assert alpr.identity != before
