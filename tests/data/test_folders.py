"""Natural order of very many names."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from alpr_app.data import folders
from alpr_app.data.folders import in_natural_order, natural_key


@pytest.mark.parametrize("chunk", [3, 7, 1000])
def test_names_sorted_in_parts_come_in_the_same_order(monkeypatch, chunk):
    names = [f"{word}{number}" for word in ("a", "B", "皖 ", "line\nend ", "no\udcfftext") for number in range(20)]
    random.Random(chunk).shuffle(names)
    monkeypatch.setattr(folders, "_CHUNK", chunk)
    assert list(in_natural_order(names)) == sorted(names, key=natural_key)


def test_the_order_does_not_depend_on_that_of_the_file_system(tmp_path, monkeypatch):
    names = ["A1.jpg", "a1.jpg", "a01.jpg", "A01.jpg", "b.jpg"]
    orders = []
    for seed in range(6):
        random.Random(seed).shuffle(names)
        orders.append(tuple(in_natural_order(names)))
    assert len(set(orders)) == 1


def test_many_names_take_no_more_memory_than_few(monkeypatch):
    monkeypatch.setattr(folders, "_CHUNK", 1000)
    tracemalloc.start()
    assert sum(1 for _ in in_natural_order(f"picture {number:09}.jpg" for number in range(20_000))) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500_000
