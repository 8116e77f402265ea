from __future__ import annotations

import threading
from dataclasses import replace
from time import monotonic

import numpy as np
import pytest

from alpr_app.core.errors import AlprError
from alpr_app.viewer.workers.images import ImageItem, make_image_item
from alpr_app.viewer.workers.recogniser import FAILED, LOADING, READY, Recogniser
from alpr_app.viewer.workers.threads import drain


def image_item(key, value=0, live=False):
    return make_image_item(key, np.full((8, 8, 3), value, np.uint8), live)


@pytest.fixture
def recogniser():
    made = []

    def start(make, **options):
        made.append(Recogniser(make, **options))
        return made[-1]

    yield start
    for one in made:
        assert one.close(5)


def collected(recogniser, until, count):
    recognitions = []
    until(lambda: recognitions.extend(drain(recogniser.results)) or len(recognitions) >= count, f"{count} results")
    return recognitions


def test_models_load_on_the_thread_and_the_status_says_so(recogniser, fakes, until):
    gate, woken = threading.Event(), threading.Event()

    def make():
        gate.wait(5)
        return fakes.Alpr()

    thread = recogniser(make, wake=woken.set)
    assert thread.status.state == LOADING
    gate.set()
    until(lambda: thread.status.state == READY, "the models")
    assert thread.status.detail == "fake on cpu"
    assert woken.wait(5)


def test_every_picture_of_a_folder_is_read_and_each_result_names_its_own(recogniser, fakes, until):
    thread = recogniser(lambda: fakes.Alpr(seconds=0.001))
    for number in range(50):
        thread.submit(image_item(str(number)))
    recognitions = collected(thread, until, 50)
    assert [recognition.key for recognition in recognitions] == [str(number) for number in range(50)]
    assert recognitions[0].plates[0].crop.size == 0, "crops of a whole folder would fill the memory"
    assert recognitions[0].image_item is None


def test_on_a_live_source_the_newest_wins_and_brings_its_frame(recogniser, fakes, until):
    gate = threading.Event()
    alpr = fakes.Alpr()
    thread = recogniser(lambda: gate.wait(5) and alpr)
    frames = [image_item(f"camera 0 #{number}", live=True) for number in range(20)]
    for frame in frames:
        thread.submit_live(frame)
    gate.set()
    (recognition,) = collected(thread, until, 1)
    assert recognition.image_item is frames[-1]
    assert alpr.calls == 1


def test_a_picture_that_fails_is_a_message_and_the_thread_goes_on(recogniser, fakes, until):
    thread = recogniser(lambda: fakes.Alpr(poison=7))
    thread.submit(image_item("bad", 7))
    thread.submit(ImageItem("broken", error="not a picture"))
    thread.submit(image_item("good"))
    bad, broken, good = collected(thread, until, 3)
    assert "a poisoned picture" in bad.error
    assert broken.error == "not a picture"
    assert not good.error
    assert good.plates


def test_models_that_cannot_be_loaded_say_why_and_others_can_be_tried(recogniser, fakes, until):
    def missing():
        raise AlprError("detector.safetensors: no such file")

    thread = recogniser(missing)
    until(lambda: thread.status.state == FAILED, "the failure")
    assert thread.status.detail == "detector.safetensors: no such file"
    thread.submit(image_item("waits"))
    thread.reload(fakes.Alpr)
    assert collected(thread, until, 1)[0].model == 1


def test_a_result_of_the_old_models_is_not_attributed_to_the_new_ones(recogniser, fakes, until):
    begun, gate, load = threading.Event(), threading.Event(), threading.Event()
    old = fakes.Alpr()
    analyse = old.analyse
    old.analyse = lambda image: begun.set() or (gate.wait(5) and analyse(image))
    thread = recogniser(lambda: old)
    thread.submit(image_item("before"))
    assert begun.wait(5)
    thread.reload(lambda: load.wait(5) and fakes.Alpr())
    gate.set()
    (before,) = collected(thread, until, 1)
    assert before.model != thread.model
    load.set()
    thread.submit(image_item("after"))
    (after,) = collected(thread, until, 1)
    assert after.model == thread.model


def test_closing_during_a_slow_recognition_ends_within_a_second(fakes, until):
    alpr = fakes.Alpr(seconds=0.5)
    thread = Recogniser(lambda: alpr)
    for number in range(10):
        thread.submit(image_item(str(number)))
    until(lambda: alpr.calls, "the first to be read")
    began = monotonic()
    assert thread.close(1.0)
    assert monotonic() - began < 1.0
    assert alpr.calls == 1


def test_superseded_models_do_not_report_that_they_are_ready(recogniser, fakes, until):
    first, second = threading.Event(), threading.Event()
    begun, loaded = threading.Event(), threading.Event()
    thread = recogniser(lambda: begun.set() or (first.wait(5) and fakes.Alpr()), wake=loaded.set)
    assert begun.wait(5)
    thread.reload(lambda: second.wait(5) and fakes.Alpr())
    first.set()
    assert loaded.wait(5)
    assert thread.status.state == LOADING, "those that were asked for are not there yet"
    second.set()
    until(lambda: thread.status.state == READY, "the models")


@pytest.mark.parametrize("nonsense", [None, 7, object()])
def test_a_bug_in_one_picture_is_reported_and_the_next_one_is_read(recogniser, fakes, until, nonsense):
    alpr = fakes.Alpr()
    analyse = alpr.analyse
    alpr.analyse = lambda image: nonsense if image[0, 0, 0] == 7 else analyse(image)
    thread = recogniser(lambda: alpr)
    thread.submit(image_item("bad", 7))
    thread.submit(image_item("good"))
    bad, good = collected(thread, until, 2)
    assert "recognition failed: AttributeError" in bad.error and "\n" not in bad.error
    assert good.plates


def test_crops_are_kept_only_of_pictures_that_are_shown(recogniser, fakes, until):
    thread = recogniser(fakes.Alpr)
    thread.submit(replace(image_item("near"), keep_crops=True))
    thread.submit(image_item("far"))
    near, far = collected(thread, until, 2)
    assert near.plates[0].crop.shape == (48, 192, 3)
    assert far.plates[0].crop.size == 0
