"""A few of the damaged inputs that `python -m tests.fuzz` gives by the million."""

from __future__ import annotations

import pytest

from tests.fuzz.runner import MAXIMUM_MEGABYTES, MAXIMUM_SECONDS, Report, Score, jobs, random_for, run, shares, table


def test_no_damaged_input_does_what_none_may_do():
    *_, report = run(1500, seed=20)
    assert report.failures == []
    assert report.inputs == sum(shares(1500).values())
    # Damage that is refused at the first glance says little.
    assert report.share_past > 0.2
    assert all(score.slowest_ms < 1000 * MAXIMUM_SECONDS for score in report.scores.values())
    assert all(score.most_megabytes < MAXIMUM_MEGABYTES for score in report.scores.values())


def test_every_input_is_made_once_and_the_same_again():
    wanted = {"pictures": 450, "names": 10}
    numbers = [(name, first + step) for name, first, count in jobs(wanted, 1000) for step in range(count)]
    assert sorted(numbers) == sorted((name, 1000 + step) for name, count in wanted.items() for step in range(count))
    assert random_for(1, "names", 5).random() == random_for(1, "names", 5).random()
    assert random_for(1, "names", 5).random() != random_for(2, "names", 5).random()


def test_the_table_names_what_failed():
    report = Report({"names": Score(10, 4, 5, 1.5, 0.2)}, [("names", 7, "Traceback\n...\nValueError: no")])
    said = table(report)
    assert "40.0%" in said and "1 failures" in said and "names 7: ValueError: no" in said


def test_the_coverage_guided_readers_read():
    pytest.importorskip("atheris", reason="needs the package atheris, which is not there for every Python")
    from tests.fuzz.coverage_guided import READERS

    assert READERS["json"](b'{"a": [1]}') == {"a": [1]}
    assert READERS["headers"](b"\xff\xd8\xff")[1] is True
