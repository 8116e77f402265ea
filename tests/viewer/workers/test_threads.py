from __future__ import annotations

from collections import deque

from alpr_app.viewer.workers.threads import LatestValue, drain, take


def test_in_a_mailbox_for_one_item_the_newest_wins_and_the_others_are_counted():
    woken = []
    box = LatestValue(lambda: woken.append(1))
    for item in "abc":
        box.put(item)
    assert box.take() == "c"
    assert box.take() is None
    assert box.dropped == 2
    assert len(woken) == 3


def test_a_queue_is_taken_and_drained_in_order():
    queue = deque("abc")
    assert take(queue) == "a"
    assert drain(queue) == ["b", "c"]
    assert take(queue) is None
    assert drain(queue) == []


def test_a_queue_that_is_cleared_meanwhile_is_just_empty():
    class Cleared(deque):
        def popleft(self):
            self.clear()
            return super().popleft()

    assert take(Cleared("abc")) is None
