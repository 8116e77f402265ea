from __future__ import annotations

import threading

from alpr_app.viewer.workers.threads import KeepAll, LatestValue


def test_in_a_box_of_one_the_newest_wins_and_the_others_are_counted():
    woken = []
    box = LatestValue(lambda: woken.append(1))
    for item in "abc":
        box.put(item)
    assert box.take() == "c"
    assert box.take() is None
    assert box.dropped == 2
    assert len(woken) == 3


def test_a_queue_keeps_everything_in_order_and_lets_the_urgent_go_first():
    box = KeepAll()
    for item in "abc":
        box.put(item)
    box.put("urgent", first=True)
    assert len(box) == 4
    assert box.take() == "urgent"
    assert box.drain() == ["a", "b", "c"]
    assert box.take() is None


def test_taking_waits_for_what_another_thread_puts():
    for box in (LatestValue(), KeepAll()):
        threading.Timer(0.02, box.put, ["late"]).start()
        assert box.take(timeout=5) == "late"
