from __future__ import annotations

import threading

import cv2
import pytest

from alpr_app.viewer.workers.cameras import PROBED_NUMBERS, Camera, CameraList, list_linux_cameras, probe_cameras


@pytest.fixture
def system(tmp_path):
    """Device folders of Linux; `plug` adds a device: (content of /sys, content of /dev)."""
    names, devices = tmp_path / "sys", tmp_path / "dev"
    names.mkdir()
    devices.mkdir()

    def plug(number, name="", index=None, there=True):
        if name:
            about = names / f"video{number}"
            about.mkdir()
            (about / "name").write_text(f"{name}\n", encoding="utf-8")
            if index is not None:
                (about / "index").write_text(f"{index}\n")
        if there:
            (devices / f"video{number}").touch()

    plug.folders = (names, devices)
    return plug


def test_cameras_have_the_names_that_the_system_gives_them_in_the_order_of_their_numbers(system):
    system(10, "Logitech C920", 0)
    system(2, "Integrated Webcam: Integrated Webcam", 0)
    system(3, "Integrated Webcam: Integrated Webcam", 1)
    system(4, "USB: left")
    system(5)
    system(6, "unplugged", 0, there=False)
    assert list_linux_cameras(*system.folders) == (
        Camera(2, "Integrated Webcam"),
        Camera(4, "USB: left"),
        Camera(5, ""),
        Camera(10, "Logitech C920"),
    )


def test_without_cameras_the_list_is_empty(system, tmp_path):
    (system.folders[1] / "video-card").touch()
    assert list_linux_cameras(*system.folders) == ()
    assert list_linux_cameras(tmp_path / "none", tmp_path / "none") == ()


def test_elsewhere_the_first_numbers_are_tried_but_never_the_one_in_use(fakes):
    opened, made = [], []

    def capture(number):
        opened.append(number)
        if number == 3:
            raise cv2.error("no such device")
        made.append(fakes.Capture(["new"], opens=number == 1))
        return made[-1]

    assert [camera.number for camera in probe_cameras(0, capture)] == [0, 1]
    assert opened == list(range(1, PROBED_NUMBERS))
    assert all(camera.released.is_set() for camera in made), "others can open them"


def test_the_search_does_not_block_and_runs_once_at_a_time(until):
    gate, calls, woken = threading.Event(), [], []

    def find(busy):
        calls.append(busy)
        gate.wait(5)
        return (Camera(len(calls), "one"),)

    cameras = CameraList(lambda: woken.append(True), find)
    cameras.refresh(7)
    cameras.refresh(7)
    assert cameras.result is None
    assert cameras.busy
    assert not cameras.close(0)
    gate.set()
    until(lambda: not cameras.busy, "the list")
    assert (cameras.result, calls, len(woken)) == ((Camera(1, "one"),), [7], 1)
    cameras.refresh()
    until(lambda: cameras.result == (Camera(2, "one"),), "the second look")
    assert cameras.close(5)


def test_a_click_on_a_camera_opens_it_and_one_on_the_icon_searches_again(window, fakes, until):
    lists = [(Camera(0, "left"),), (Camera(0, "left"), Camera(2, "right"))]
    looked = []

    def find(busy):
        looked.append(busy)
        return lists[min(len(looked), 2) - 1]

    shown = window(capture=lambda address: fakes.Capture(["new"]), cameras=CameraList(find=find))
    shown.viewer.open(0)
    shown.draw()
    until(lambda: shown.viewer.cameras.result, "the list")
    until(lambda: shown.viewer.collect() or shown.state.recognition is not None, "a frame")
    shown.draw()
    places = {}
    ui = shown.frame.context.ui
    hit = ui.hit

    def noted(name, width, height, **more):
        places[name] = (ui.cursor[0] + width / 2, ui.cursor[1] + height / 2)
        return hit(name, width, height, **more)

    ui.hit = noted
    shown.draw()
    shown.click(*places["refresh cameras"])
    until(lambda: len(looked) == 2 and not shown.viewer.cameras.busy, "the second look")
    assert looked == [0, 0], "the camera in use is not tried"
    shown.draw()
    shown.click(*places["camera 2"])
    del ui.hit
    assert shown.viewer.live.address == 2
