"""Drawn scenes: their labels are accurate to the pixel, and the samples have names like CCPD's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.core.geometry import order_corners, rectify
from alpr_app.data.ccpd import parse_name
from alpr_app.synth.plates.designed_plates import DesignPainter
from alpr_app.synth.plates.painters import PlatePainter
from alpr_app.synth.plates.plates_file import read_plates_file
from alpr_app.synth.scenes.bodies import make_surface, random_body
from alpr_app.synth.scenes.camera import aim
from alpr_app.synth.scenes.cars import hang_plate
from alpr_app.synth.scenes.samples import SAMPLES, write_samples
from alpr_app.synth.scenes.scenes import KINDS, draw_scene, plan_scene


class RecordingPainter(PlatePainter):
    """Records every plate before it is warped into a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: dict[str, np.ndarray] = {}

    def draw(self, text: str, colour: str, rng: np.random.Generator) -> np.ndarray:
        plate = super().draw(text, colour, rng)
        self.drawn[text] = plate
        return plate


@pytest.fixture(scope="module")
def painter() -> RecordingPainter:
    return RecordingPainter()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_samples(tmp_path_factory.mktemp("samples"))


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of the brightness of two pictures, blurred like by a lens."""
    grey = [
        cv2.GaussianBlur(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1) for p in (first, second)
    ]
    return float(np.corrcoef(grey[0].ravel(), grey[1].ravel())[0, 1])


@pytest.fixture(scope="module", params=KINDS)
def scenes(request: pytest.FixtureRequest, painter: RecordingPainter) -> list[tuple]:
    """Pictures of one kind with the plates in them, none without."""
    drawn = [draw_scene(np.random.default_rng(seed), request.param, painter) for seed in range(3)]
    return [(picture, plates) for picture, plates in drawn if plates]


def test_corners_lie_in_the_picture_in_reading_order(scenes: list[tuple]) -> None:
    assert scenes
    for picture, plates in scenes:
        height, width = picture.shape[:2]
        assert (width, height) in ((720, 1160), (1280, 720))
        for plate in plates:
            assert (plate.corners >= 0).all() and (plate.corners <= (width, height)).all()
            assert np.allclose(order_corners(plate.corners), plate.corners)
            assert np.allclose(plate.box, [*plate.corners.min(axis=0), *plate.corners.max(axis=0)])


def test_what_lies_between_the_corners_is_the_drawn_plate(scenes: list[tuple], painter: RecordingPainter) -> None:
    compared = []
    for picture, plates in scenes:
        plate = plates[0]
        size = {"height": 48, "width": 192}
        seen = rectify(picture, plate.corners, **size)
        drawn = cv2.resize(painter.drawn[plate.text], (192, 48), interpolation=cv2.INTER_AREA)
        compared.append(likeness(seen, drawn))
        # A label shifted by the width of a character would fail.
        shifted = rectify(picture, plate.corners + (plate.corners[1] - plate.corners[0]) * 0.1, **size)
        assert likeness(seen, drawn) > likeness(shifted, drawn) + 0.1
    assert np.median(compared) > 0.8


def test_the_same_seed_draws_the_same_scene(painter: RecordingPainter) -> None:
    (first, plates), (second, _) = (draw_scene(np.random.default_rng(5), "front", painter) for _ in range(2))
    other, _ = draw_scene(np.random.default_rng(6), "front", painter)
    assert np.array_equal(first, second)
    assert plates
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.fixture(scope="module")
def british() -> DesignPainter:
    return DesignPainter(read_plates_file("british"))


def test_plates_of_other_countries_hang_in_their_proportions(british: DesignPainter) -> None:
    rng = np.random.default_rng(0)
    size = (1000, 800)
    camera = aim(np.array([0, 0.5, 0]), np.array([0, 0.5, -4.0]), (0.5, 0.5), 1600, 0, size)
    for design in british.plates.designs:
        surface = make_surface(random_body("saloon", design.end == "front", rng), 100)
        mount = hang_plate(surface, 0.5, (design.width / 1000, design.height / 1000), rng)
        corners = camera.project(mount.corners())
        wide, high = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])
        assert wide / high == pytest.approx(design.width / design.height, rel=0.02)
        # The centre of the plate is in front of the car, not on the ground.
        assert corners[:, 1].max() < camera.project(np.array([[0.0, 0.0, 0.0]]))[0, 1]


def test_each_end_of_a_car_carries_its_own_plates(british: DesignPainter) -> None:
    seen: dict[str, set[str]] = {"front": set(), "rear": set()}
    rows = set()
    for seed in range(60):
        plan = plan_scene(np.random.default_rng(seed), KINDS[seed % len(KINDS)], british)
        for car in plan.cars:
            seen["front" if car.body.front else "rear"].add(car.plate.colour)
            rows.add(car.plate.height)
            assert british.issues(car.plate.text)
        assert all(car.plate is None for car in plan.parked)
    assert seen == {"front": {"white"}, "rear": {"yellow"}}
    assert rows == {111, 203}


def test_two_cars_bring_two_plates(painter: RecordingPainter) -> None:
    counts = [len(draw_scene(np.random.default_rng(seed), "two_cars", painter)[1]) for seed in range(3)]
    assert max(counts) == 2


def test_nights_are_darker_than_days(painter: RecordingPainter) -> None:
    night, day = (
        np.mean([draw_scene(np.random.default_rng(seed), kind, painter)[0].mean() for seed in range(2)])
        for kind in ("night", "front")
    )
    assert night < 0.75 * day


def test_an_unknown_kind_is_refused_with_what_there_is(painter: RecordingPainter) -> None:
    with pytest.raises(ValueError, match=r"'boat'.*two_cars"):
        draw_scene(np.random.default_rng(0), "boat", painter)


def test_samples_carry_their_labels_in_their_names(samples: list[Path]) -> None:
    assert len(samples) == len(SAMPLES) == 6
    for path, sample in zip(samples, SAMPLES, strict=True):
        if sample.name:
            assert path.name == f"{sample.name}.jpg"
            continue
        annotation = parse_name(path)
        assert annotation.text == sample.cars[0][3]
        left, _, right, _ = annotation.box
        assert right - left >= 110
        picture = cv2.cvtColor(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        assert picture.shape == (1160, 720, 3)
        # The plate is there: its lettering makes the rectified plate far busier than the road.
        assert rectify(picture, np.float32(annotation.corners)).std() > 30


def test_samples_are_small_enough_to_ship(samples: list[Path]) -> None:
    assert all(path.stat().st_size < 400_000 for path in samples)
