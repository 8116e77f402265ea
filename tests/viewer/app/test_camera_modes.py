"""Size, rate, format and capture library of a camera: chosen in the window, granted by the driver, remembered."""

from __future__ import annotations

from dataclasses import asdict

import cv2
import pytest

from alpr_app.data.camera_mode import CameraMode
from alpr_app.viewer.app.arguments import camera_wishes, parse
from alpr_app.viewer.app.settings import Settings, from_dict, load_settings, save_settings
from alpr_app.viewer.workers.cameras import Camera, CameraList
from tests.cameras import FakeDriver

FULL_HD = CameraMode(1920, 1080, 30.0, "MJPG")


@pytest.fixture
def driver(monkeypatch):
    made = FakeDriver()
    monkeypatch.setattr(cv2, "VideoCapture", made)
    return made


@pytest.fixture
def named():
    """A list of cameras with one of them, which has been found."""
    found = CameraList(find=lambda busy: (Camera(0, "Logitech C920"),))
    found.result = (Camera(0, "Logitech C920"),)
    return found


@pytest.fixture
def live(program, driver, named, until):
    def begin(mode=None, **options):
        settings = Settings(cameras={"Logitech C920": mode} if mode is not None else {})
        viewer = program(settings=settings, cameras=named, **options)
        viewer.open(0)
        until(lambda: viewer.collect() or viewer.state.image_item is not None, "a frame")
        return viewer

    return begin


def has_size(viewer, size):
    viewer.collect()
    return viewer.state.image_item is not None and viewer.state.image_item.size == size


def test_a_chosen_mode_is_opened_shown_and_remembered_by_the_name_of_the_camera(live, driver, until, tmp_path):
    viewer = live()
    assert viewer.live.actual_mode == CameraMode(640, 480, 30.0, "YUYV", "V4L2")
    viewer.camera_modes.choose(FULL_HD, 0, viewer.live)
    until(lambda: has_size(viewer, (1920, 1080)), "the larger frames")
    assert viewer.live.actual_mode == CameraMode(1920, 1080, 30.0, "MJPG", "V4L2")
    assert driver.most_in_use == 1, "the camera is released before it is opened again"
    assert viewer.state.settings.cameras == {"Logitech C920": FULL_HD}
    assert save_settings(tmp_path / "viewer.json", viewer.state.settings) == ""
    assert load_settings(tmp_path / "viewer.json")[0].cameras == {"Logitech C920": FULL_HD}


def test_a_remembered_mode_is_used_at_once(live, driver):
    viewer = live(FULL_HD)
    assert viewer.state.image_item.size == (1920, 1080)
    assert len(driver.opened) == 1


def test_a_camera_without_a_name_is_remembered_by_its_number(program, driver, monkeypatch, until):
    monkeypatch.setattr("alpr_app.viewer.workers.cameras.SYSTEM_LIST", None)
    nameless = CameraList(find=lambda busy: ())
    nameless.result = ()
    viewer = program(cameras=nameless, settings=Settings(cameras={"camera 0": CameraMode(format="MJPG")}))
    viewer.open(0)
    until(lambda: viewer.collect() or viewer.live.actual_mode is not None, "a frame")
    assert viewer.live.actual_mode.format == "MJPG"


def test_a_library_that_is_not_there_is_said_in_the_window(live, until):
    viewer = live()
    viewer.camera_modes.choose(CameraMode(backend="NOSUCH"), 0, viewer.live)
    until(lambda: viewer.collect() or "NOSUCH is not available" in viewer.state.live_status.detail, "the reason")


def test_other_sources_have_no_mode(program, driver):
    viewer = program()
    assert viewer.camera_modes.wanted("rtsp://127.0.0.1/x") == CameraMode()


@pytest.mark.parametrize("content", [None, [], {"a": 1}, {"a": {"width": "x"}}, {"a": {}}])
def test_damaged_modes_are_left_out(content):
    assert from_dict({"cameras": content}).cameras == {}


def test_the_modes_of_few_cameras_are_remembered():
    many = {f"camera {number}": asdict(FULL_HD) for number in range(99)}
    assert next(iter(from_dict({"cameras": many}).cameras)) == "camera 67"


def test_a_mode_can_be_given_on_the_command_line():
    args = parse(["--camera", "1", "--camera_size", "1920x1080", "--camera_rate", "30", "--camera_format", "mjpg"])
    assert camera_wishes(args) == {"width": 1920, "height": 1080, "rate": 30.0, "format": "MJPG"}
    assert camera_wishes(parse(["--camera_backend", "v4l2"])) == {"backend": "V4L2"}
    assert camera_wishes(parse([])) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        ["--camera_size", "wide"],
        ["--camera_size", "0x5"],
        ["--camera_rate", "0"],
        ["--camera_format", "JPEG"],
        ["--image_folder", "x", "--camera_size", "640x480"],
    ],
)
def test_wrong_modes_on_the_command_line_are_one_line(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(wrong)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_size_and_format_are_chosen_with_the_mouse_and_what_was_refused_is_shown(
    window, driver, named, until, monkeypatch
):
    shown = window(cameras=named)
    shown.viewer.open(0)
    until(lambda: shown.draw(1) is not None and shown.state.image_item is not None, "a frame")
    ui = shown.frame.context.ui
    boxes, texts = {}, []
    combo, text = ui.combo, ui.text

    def located(label, current, options, width=0):
        boxes[label] = (*ui.cursor, width)
        return combo(label, current, options, width)

    def noted(content, *rest, **more):
        texts.append(content)
        return text(content, *rest, **more)

    monkeypatch.setattr(ui, "combo", located)
    monkeypatch.setattr(ui, "text", noted)
    shown.draw()

    def pick(label, row):
        left, top, _ = boxes[label]
        shown.click(left + 20, top + ui.row_height / 2)
        shown.draw(3)
        step = ui.line_height + ui.gap[1]
        shown.click(left + 20, top + ui.row_height + 8 * ui.unit + (row + 0.4) * step)
        shown.draw(2)

    pick("camera size", 3)
    until(lambda: shown.draw(1) is not None and driver.opened[1:], "the camera to be opened again")
    assert shown.viewer.camera_modes.wanted(0).width == 1920
    texts.clear()
    until(
        lambda: shown.draw(1) is not None and "The driver refused 1920 × 1080; MJPG may allow it" in texts,
        "the refusal",
    )
    pick("camera format", 1)
    until(lambda: shown.draw(1) is not None and has_size(shown.viewer, (1920, 1080)), "full HD")
    texts.clear()
    shown.draw()
    assert "Got 1920 × 1080, MJPG, 30 per second, V4L2" in texts
    assert not [line for line in texts if "refused" in line]
