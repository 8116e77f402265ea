from __future__ import annotations

from dataclasses import asdict

import cv2
import pytest

from alpr_app.data.camera_mode import CameraMode, mode_from_dict
from alpr_app.data.cameras import actual_mode, camera_backends, open_camera
from alpr_app.data.frame import SourceError
from tests.cameras import FakeDriver


@pytest.fixture
def driver(monkeypatch):
    made = FakeDriver()
    monkeypatch.setattr(cv2, "VideoCapture", made)
    monkeypatch.setattr("alpr_app.data.cameras.camera_backends", lambda: ("V4L2", "GSTREAMER"))
    return made


def got(capture):
    image = capture.read()[1]
    return actual_mode(capture, (image.shape[1], image.shape[0]))


def test_without_a_wish_a_camera_is_opened_as_the_driver_likes(driver):
    assert got(open_camera(0)) == CameraMode(640, 480, 30.0, "YUYV", "V4L2")
    assert driver.opened == [(0,)]


def test_a_camera_runs_in_the_wanted_mode_with_the_format_set_before_the_size(driver):
    wanted = CameraMode(1920, 1080, 60.0, "MJPG", "V4L2")
    actual = got(open_camera(0, wanted))
    assert actual == wanted
    assert driver.opened == [(0, cv2.CAP_V4L2)]
    assert wanted.refused(actual) == CameraMode()


def test_what_the_driver_refuses_is_known(driver):
    wanted = CameraMode(3840, 2160, 5.0, "NV12")
    actual = got(open_camera(0, wanted))
    assert actual == CameraMode(640, 480, 15.0, "YUYV", "V4L2")
    assert wanted.refused(actual) == CameraMode(3840, 2160, 5.0, "NV12")
    assert str(wanted.refused(actual)) == "3840 × 2160, NV12, 5 per second"


def test_a_camera_that_is_not_there_is_not_open(driver):
    assert not open_camera(7, CameraMode(1280, 720)).isOpened()


def test_a_capture_library_that_opencv_does_not_have_is_named(driver):
    with pytest.raises(SourceError, match="camera 0: DSHOW is not available; there is V4L2, GSTREAMER"):
        open_camera(0, CameraMode(backend="DSHOW"))
    assert not driver.opened


def test_every_capture_library_has_a_number_in_opencv():
    assert all(isinstance(getattr(cv2, f"CAP_{name}"), int) for name in camera_backends())


class Silent:
    """A driver that tells nothing sensible."""

    def get(self, prop):
        return {cv2.CAP_PROP_FOURCC: -1.0, cv2.CAP_PROP_FPS: float("nan")}.get(prop, 0.0)


def test_what_a_driver_does_not_tell_counts_as_granted():
    actual = actual_mode(Silent(), (1280, 720))
    assert actual == CameraMode(1280, 720)
    assert CameraMode(1280, 720, 30.0, "MJPG", "V4L2").refused(actual) == CameraMode()


def test_a_mode_survives_json_and_damage_is_refused():
    mode = CameraMode(1920, 1080, 30.0, "MJPG", "V4L2")
    assert mode_from_dict(asdict(mode)) == mode
    assert mode_from_dict(asdict(CameraMode())) == CameraMode()
    for damage in ({"width": -1}, {"width": 1.5}, {"height": True}, {"rate": "30"}, {"rate": float("nan")}):
        assert mode_from_dict(asdict(mode) | damage) is None
    for damage in ({"format": "MJ"}, {"format": None}, {"backend": "../x"}, {"rate": 1e9}, {"width": 10**6}):
        assert mode_from_dict(asdict(mode) | damage) is None
    assert mode_from_dict({}) is None
