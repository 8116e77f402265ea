"""The cars of a film, whose parts may be read in any order and more than once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alpr_app.viewer.app.film_cars import FilmCars
from alpr_app.viewer.workers.images import FilmPosition, ImageItem
from alpr_app.viewer.workers.recogniser import Recognition

PERIOD_MS = 100
TEXT, OTHER = "皖A12345", "京B6789C"


@pytest.fixture
def film(fakes):
    """A film with one car from 2 s to 6 s, and another one from 4 s to 8 s; `read` reads some of its frames."""

    def plates(number):
        found = []
        for text, begin, end, top in ((TEXT, 20, 60, 30), (OTHER, 40, 80, 130)):
            if begin <= number <= end:
                left = 20 + 2 * (number - begin)
                corners = ((left, top), (left + 40, top), (left + 40, top + 12), (left, top + 12))
                confidence = 0.99 if number == begin + 15 else 0.9
                found.append(fakes.plate(text, confidence=confidence, corners=corners))
        return tuple(found)

    class Film:
        def __init__(self):
            self.cars, self.jump, self.order = FilmCars(), 0, 0

        def read(self, numbers, misread=""):
            self.jump += 1
            for number in numbers:
                self.order += 1
                found = plates(number)
                if misread and found:
                    found = (replace(found[0], text=misread, confidence=0.5), *found[1:])
                position = FilmPosition(float(PERIOD_MS * number), number, self.jump, self.order)
                item = ImageItem("film #1", np.zeros((2, 2, 3), np.uint8), live=True, film=position)
                self.last = self.cars.follow(Recognition("film #1", found, image_item=item), 0.5, 0.0)
            return self

        @property
        def seen(self):
            return {car.track.text: (number, car.track.count) for number, car in self.cars.listed.items()}

    return Film()


WHOLE = {TEXT: (1, 41), OTHER: (2, 41)}


def test_a_film_that_is_read_once_lists_its_cars_with_their_times(film):
    film.read(range(100))
    assert film.seen == WHOLE
    moments = film.cars.listed[1].film
    assert moments.spans == ((2.0, 6.0),)
    assert (moments.best, moments.frame) == (3.5, 35)
    assert film.cars.parts == [(0.0, 9.9)]
    exported = film.cars.listed[1].to_dict("film.mp4")
    assert [exported[name] for name in ("frame", "time_ms", "first_ms", "last_ms")] == [35, 3500.0, 2000.0, 6000.0]


@pytest.mark.parametrize(
    "passes",
    [
        pytest.param([range(100), range(100)], id="twice"),
        pytest.param([range(50), range(30, 100)], id="back by two seconds"),
        pytest.param([range(50, 100), range(55)], id="end first, then up to it"),
        pytest.param([range(40, 60), range(70, 100), range(100)], id="two parts, then all"),
        pytest.param([range(30), range(10, 20), range(30, 100)], id="a look back, then on"),
        pytest.param([*([n] for n in range(0, 100, 7)), range(100)], id="dragged, then all"),
        pytest.param([range(50), range(45, 46), range(46, 100)], id="a step back, then on"),
        pytest.param([range(60, 64), range(20, 24), range(100)], id="short looks, then all"),
    ],
)
def test_no_order_of_reading_counts_a_car_twice(film, passes):
    for numbers in passes:
        film.read(numbers)
    assert film.seen.keys() == WHOLE.keys()
    assert {text: count for text, (_, count) in film.seen.items()} == {text: 41 for text in WHOLE}
    assert len(film.cars.parts) == 1
    assert film.cars.parts[0][0] == 0.0 and film.cars.parts[0][1] == 9.9
    spans = {car.track.text: car.film.spans for car in film.cars.listed.values()}
    assert spans == {TEXT: ((2.0, 6.0),), OTHER: ((4.0, 8.0),)}


def test_frames_that_are_read_again_show_the_cars_that_are_known(film):
    film.read(range(100)).read([45])
    assert film.last.cars == (1, 2)
    assert film.seen == WHOLE
    film.read([46], misread="皖A1234S")
    assert film.last.cars == (1, 2), "the place decides, not the text"
    assert film.last.plates[0].text == TEXT


def test_frames_that_were_left_out_at_high_speed_count_when_they_are_read_later(film):
    film.read(range(0, 100, 4))
    assert film.cars.parts == [(0.0, 9.6)]
    assert film.seen == {TEXT: (1, 11), OTHER: (2, 11)}
    film.read(range(30, 50))
    assert film.seen == {TEXT: (1, 26), OTHER: (2, 18)}
    assert film.last.cars == (1, 2)
    film.read(range(30, 50)).read(range(100))
    assert film.seen == WHOLE
    assert film.cars.parts == [(0.0, 9.9)]
    assert film.cars.listed[1].film.spans == ((2.0, 6.0),)


def test_a_car_between_the_frames_read_at_high_speed_is_listed_when_they_are_read_later(fakes):
    cars = FilmCars()
    for jump, numbers in enumerate((range(0, 60, 10), range(60), range(60))):
        for number in numbers:
            plates = (fakes.plate(TEXT),) if 21 <= number <= 28 else ()
            position = FilmPosition(100.0 * number, number, jump)
            item = ImageItem("f", np.zeros((2, 2, 3), np.uint8), live=True, film=position)
            cars.follow(Recognition("f", plates, image_item=item), 0.5, 0.0)
        assert [car.track.count for car in cars.listed.values()] == [[], [8], [8]][jump]
    assert cars.listed[1].film.spans == ((2.1, 2.8),)


def test_a_single_frame_lists_no_car_but_shows_one_that_is_known(film):
    film.read([30])
    assert film.cars.listed == {} and film.cars.parts == []
    assert film.last.cars == (0,)
    film.read(range(31, 40)).read([45])
    assert film.cars.parts == [(3.1, 3.9)]
    assert film.last.cars[0] == 1


def test_the_same_car_in_two_parts_far_apart_becomes_one_when_the_gap_is_read(film):
    film.read(range(20, 25)).read(range(50, 61))
    assert [car.track.text for car in film.cars.listed.values()] == [TEXT, TEXT, OTHER]
    film.read(range(22, 52))
    assert {text: count for text, (_, count) in film.seen.items()} == {TEXT: 41, OTHER: 21}
    assert len(film.cars.listed) == 2


def test_cars_of_a_fleet_in_one_frame_stay_apart(fakes):
    cars = FilmCars()
    plates = tuple(
        fakes.plate(text, corners=((20, top), (60, top), (60, top + 12), (20, top + 12)))
        for text, top in (("皖A12345", 30), ("皖A12346", 90))
    )
    for jump, numbers in enumerate((range(10), range(20, 30), range(30))):
        for number in numbers:
            item = ImageItem(
                "f", np.zeros((2, 2, 3), np.uint8), live=True, film=FilmPosition(100.0 * number, number, jump)
            )
            cars.follow(Recognition("f", plates, image_item=item), 0.5, 0.0)
    assert sorted(car.track.text for car in cars.listed.values()) == ["皖A12345", "皖A12346"]
    assert [car.track.count for car in cars.listed.values()] == [30, 30]


def test_a_cleared_list_counts_anew(film):
    film.read(range(100))
    film.cars.clear()
    assert film.cars.listed == {} and film.cars.parts == []
    film.read(range(100))
    assert film.seen == WHOLE
