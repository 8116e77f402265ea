import pytest

from alpr_app.train.trainer.batches import CHUNK, SampleCache, evenly_spaced


def test_items_are_kept_up_to_the_limit_and_made_again_beyond_it():
    made = []

    def load(source: int) -> bytes:
        made.append(source)
        return bytes(10)

    items = SampleCache(range(1000), load, len, limit=CHUNK * 10 + 1)
    assert items.cached == 2 * CHUNK and len(items) == 1000
    before = len(made)
    assert items[3] == bytes(10) and len(made) == before
    assert items[999] == bytes(10) and items[999] == bytes(10)
    assert made[before:] == [999, 999]


def test_without_a_limit_all_is_kept_and_iteration_ends():
    items = SampleCache(["a", "bb"], str.upper, len, limit=float("inf"))
    assert list(items) == ["A", "BB"] and items.cached == 2
    with pytest.raises(IndexError):
        items[2]


def test_nothing_is_made_when_nothing_may_be_kept():
    assert SampleCache([1, 2], lambda source: 1 / 0, lambda item: 1, limit=0).cached == 0


def test_a_part_is_spread_over_the_whole():
    assert evenly_spaced(list(range(10)), 5) == [0, 2, 4, 6, 8]
    assert evenly_spaced([1, 2], 5) == [1, 2] and evenly_spaced([1, 2], None) == [1, 2]
