"""The program as users start it: from a shell, with and without a display."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from time import sleep
from types import SimpleNamespace

import numpy as np
import pytest

from alpr_app.data.images import read_picture, write_picture
from alpr_app.viewer.workers.export import ExportWorker
from tests.places import ROOT
from tests.viewer.hands import Hands


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_without_a_display_one_line_says_so_and_names_the_way_without(start, few_pictures):
    process = start("--image_folder", few_pictures)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "no display" in err
    assert "alpr read" in err


def test_wrong_arguments_are_one_line(start):
    process = start("--camera", "first")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert "--camera" in err


def test_a_screenshot_is_drawn_without_any_display(start, few_pictures, tmp_path, lacking):
    target = tmp_path / "window.png"
    process = start("--image_folder", few_pictures / "12.png", "--screenshot", target, "--size", "1000x600")
    _, err = process.communicate(timeout=60)
    if "install" in err:
        lacking(err)
    assert (process.returncode, err) == (0, "")
    pixels = read_picture(target)
    assert pixels.shape == (600, 1000, 3)
    assert (pixels == 96).all(axis=2).any(), "the picture is in it"


def test_no_screenshot_of_a_missing_folder(start, tmp_path):
    process = start("--image_folder", tmp_path / "gone", "--screenshot", tmp_path / "window.png")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert not (tmp_path / "window.png").exists()


def test_models_are_loaded_once_the_window_is_seen_so_that_they_do_not_hold_it_up(toolkit_installed, until):
    from alpr_app.viewer.app.window import Waker

    waker, loaded = Waker(), threading.Event()
    thread = threading.Thread(target=lambda: (waker.wait_for_window(), loaded.set()))
    thread.start()
    assert not loaded.wait(0.2)
    waker.seen.set()
    assert loaded.wait(5)
    thread.join()


def test_fast_clicks_and_keys_step_through_a_folder_and_none_gets_lost(display, start, tmp_path, until):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(1, 41):
        write_picture(folder / f"{number}.png", np.full((48, 64, 3), 5 * number, np.uint8))
    before = [(path.name, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())]
    process = start("--image_folder", folder, "--size", "1280x800", DISPLAY=display)
    hands = Hands(display)
    until(lambda: process.poll() is not None or hands.find(), "the window", 30)
    assert process.poll() is None, process.communicate()[1]
    until(lambda: hands.title().startswith("1.png"), "the first picture", 30)
    hands.do("key", "--window", hands.window, "--delay", 5, *["Right"] * 10)
    until(lambda: hands.title().startswith("11.png"), "ten keys")
    # The button `next` of the toolbar.
    hands.do("mousemove", 365, 20, "click", "--repeat", 11, "--delay", 5, 1)
    until(lambda: hands.title().startswith("22.png"), "eleven clicks")
    # The fourth visible row of the list.
    hands.do("key", "--window", hands.window, "Home")
    until(lambda: hands.title().startswith("1.png"), "the first picture again")
    hands.do("mousemove", 150, 160, "click", 1)
    until(lambda: not hands.title().startswith("1.png"), "the row that was clicked")
    hands.do("key", "--window", hands.window, "End")
    until(lambda: hands.title().startswith("40.png"), "the last picture")
    hands.do("mousemove", 100, 58, "click", 1)
    hands.do("type", "7.p")
    hands.do("key", "--window", hands.window, "Return")
    hands.do("key", "--window", hands.window, "Left")
    until(lambda: hands.title().startswith("37.png"), "the last picture that passes the filter")
    assert [(path.name, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())] == before, "nothing is written"


def end_as_the_desktop_does(process):
    """As at the end of a desktop session."""
    process.terminate()
    assert process.wait(20) == 0


def opened_on_the_first_picture(hands, process, until):
    until(lambda: process.poll() is not None or hands.find(), "the window", 30)
    until(lambda: hands.title().startswith("1.png"), "the first picture", 30)
    return process


def test_the_window_comes_back_as_large_and_where_it_was(display, start, few_pictures, tmp_path, until):
    hands, path = Hands(display), tmp_path / "config" / "alpr-app" / "viewer.json"

    def opened(*arguments):
        process = start("--image_folder", few_pictures, *arguments, DISPLAY=display)
        return opened_on_the_first_picture(hands, process, until)

    def ended(process):
        end_as_the_desktop_does(process)
        return json.loads(path.read_text())

    process = opened("--size", "800x600")
    hands.do("windowmove", hands.window, 130, 90)
    hands.do("windowsize", hands.window, 900, 650)
    until(lambda: hands.geometry() == [130, 90, 900, 650], "the window to be moved")
    kept = ended(process)
    assert (kept["place"], kept["window"], kept["maximised"]) == ([130, 90], [900, 650], False)
    process = opened()
    until(lambda: hands.geometry() == [130, 90, 900, 650], "the same place")
    ended(process)
    path.write_text(json.dumps(kept | {"place": [5000, 5000], "window": [3000, 2000]}))
    process = opened()
    left, top, width, height = hands.geometry()
    assert 0 <= left <= left + width <= 1280, "its screen is gone"
    assert 0 <= top <= top + height <= 800
    ended(process)


def test_results_are_kept_after_a_click_on_the_question_and_not_asked_about_again(
    display, start, few_pictures, tmp_path, until
):
    hands, database = Hands(display), tmp_path / "cache" / "alpr-app" / "results" / "results.sqlite"

    def opened():
        process = start("--image_folder", few_pictures, "--size", "1280x800", DISPLAY=display)
        return opened_on_the_first_picture(hands, process, until)

    end_as_the_desktop_does(opened())
    assert not database.parent.exists(), "nothing is written before the answer"
    process = opened()

    def answered():
        # The left button of the question; it comes with the first result.
        hands.do("mousemove", 530, 733, "click", 1)
        return database.exists()

    until(answered, "the database", 30)
    end_as_the_desktop_does(process)
    assert json.loads((tmp_path / "config" / "alpr-app" / "viewer.json").read_text())["keep_results"] == "yes"
    with sqlite3.connect(database) as results:
        assert results.execute("SELECT count(*) FROM results").fetchone()[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere all names are text")
def test_a_picture_whose_name_is_not_valid_text_is_shown_like_any_other(display, start, tmp_path, until):
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_picture(folder / "b\udcd6\udcd0.png", np.full((48, 64, 3), 50, np.uint8))
    process = start("--image_folder", folder, "--size", "800x600", DISPLAY=display)
    hands = Hands(display)
    until(lambda: process.poll() is not None or hands.find(), "the window", 30)
    until(lambda: process.poll() is not None or hands.title().startswith("b??.png"), "the picture", 30)
    process.terminate()
    assert process.wait(20) == 0, process.communicate()[1]


def test_broken_settings_are_set_aside_and_the_window_still_opens(display, start, few_pictures, tmp_path, until):
    path = tmp_path / "config" / "alpr-app" / "viewer.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"theme": "light"')
    process = start("--image_folder", few_pictures, "--size", "800x600", DISPLAY=display)
    hands = Hands(display)
    until(lambda: process.poll() is not None or hands.find(), "the window", 30)
    until(lambda: hands.title().startswith("1.png"), "the first picture", 30)
    process.terminate()
    assert process.wait(20) == 0
    assert path.with_name("viewer.json.broken").read_text() == '{"theme": "light"'
    assert json.loads(path.read_text())["theme"] == "dark"


def test_a_dropped_file_is_opened_and_dialogs_close(program, few_pictures):
    from alpr_app.viewer.app.window import Window

    viewer = program()
    viewer.state.open_dialog_open = True
    window = SimpleNamespace(_program=viewer)
    Window._drop(window, [str(few_pictures / "3.png"), str(few_pictures / "4.png")])
    assert viewer.state.folder == str(few_pictures)
    assert not viewer.state.open_dialog_open
    Window._drop(window, [str(few_pictures / "notes.gone")])
    assert "no such file" in viewer.state.message.text


@pytest.fixture
def scripted(monkeypatch):
    """The window on a simulated GLFW; `closed` has what was closed, in order."""
    from alpr_app.viewer.app import window

    done = SimpleNamespace(closed=[], wants_to_close=False, size=(800, 600), iconified=False, waits=0, swaps=0)
    glfw = SimpleNamespace(
        **{name: getattr(window.glfw, name) for name in dir(window.glfw) if name.isupper()},
        init=lambda: True,
        get_platform=lambda: glfw.PLATFORM_WAYLAND,
        terminate=lambda: done.closed.append("glfw"),
        destroy_window=lambda _: done.closed.append("window"),
        create_standard_cursor=lambda _: None,
        get_window_size=lambda _: done.size,
        get_framebuffer_size=lambda _: done.size,
        get_window_content_scale=lambda _: (1.0, 1.0),
        get_window_attrib=lambda _, name: done.iconified if name == window.glfw.ICONIFIED else 0,
        poll_events=lambda: None,
        hide_window=lambda _: done.closed.append("hidden"),
        set_cursor=lambda *_: None,
        window_should_close=lambda _: done.wants_to_close,
    )

    def wait(seconds):
        done.waits += 1
        sleep(min(seconds, 0.05))

    glfw.wait_events_timeout = wait
    glfw.swap_buffers = lambda _: setattr(done, "swaps", done.swaps + 1)
    glfw.set_window_should_close = lambda _, wanted: setattr(done, "wants_to_close", wanted)
    monkeypatch.setattr(window, "glfw", glfw)
    monkeypatch.setattr(window.Window, "_open", lambda *_: object())
    monkeypatch.setattr(window.Window, "_attach_events", lambda _: None)
    monkeypatch.setattr(window, "make_toolkit", lambda *_: Played("toolkit", done))
    monkeypatch.setattr(window, "Textures", lambda: Played("textures", done))
    monkeypatch.setattr(window, "WindowLayout", lambda *_: Played("frame", done))
    return window, done


class Played:
    """A stand-in for a part that draws."""

    cursor_shape = "arrow"

    def __init__(self, name, done):
        self.name, self.done, self.drawn = name, done, 0

    def attach_renderer(self):
        if self.done.size == (1, 1):
            raise RuntimeError("no OpenGL")

    def attach_clipboard(self, *_):
        pass

    def draw(self, *_):
        self.drawn += 1

    def close(self):
        self.done.closed.append(self.name)


def test_a_window_that_cannot_be_built_leaves_nothing_open(scripted, program):
    window, done = scripted
    done.size, made = (1, 1), []
    with pytest.raises(RuntimeError, match="no OpenGL"):
        window.Window((800, 600), lambda waker: made.append(program()) or made[0])
    assert done.closed == ["toolkit", "window", "glfw"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("alpr-")]


def test_a_program_that_cannot_be_made_leaves_no_window(scripted):
    window, done = scripted

    def broken(waker):
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        window.Window((800, 600), broken)
    assert done.closed == ["window", "glfw"]


def test_a_hidden_window_says_so_and_draws_nothing_but_lets_no_frames_pile_up(scripted, program, fakes, until):
    window, done = scripted
    viewer = program(capture=lambda address: fakes.Capture(["new"]))
    shown = window.Window((800, 600), lambda waker: viewer)
    assert shown._draw(0.1)
    viewer.open(0)
    for hide in (lambda: setattr(done, "iconified", True), lambda: setattr(done, "size", (0, 0))):
        hide()
        drawn = shown._frame.drawn
        until(lambda: len(viewer.recogniser.results) > 3, "results")
        assert not shown._draw(0.1)
        assert shown._frame.drawn == drawn
        assert len(viewer.recogniser.results) <= 3
        done.size = (800, 600)


def test_files_still_being_saved_on_closing_are_reported_in_the_window(scripted, program, tmp_path, capsys):
    window, done = scripted
    viewer = program()
    viewer.export_worker = ExportWorker(folder=tmp_path)
    shown = window.Window((800, 600), lambda waker: viewer)
    gate = threading.Event()
    viewer.export_worker.save("x", "results", ".csv", lambda path: gate.wait(10) and path.write_text("whole"))
    done.wants_to_close = True
    threading.Timer(1.5, gate.set).start()
    shown.wait_for_exports()
    assert shown._frame.drawn > 3
    assert "1 file is still being written" in viewer.state.messages[-1].text
    assert shown.close()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]
    assert capsys.readouterr().err == "", "the window has said it"


def test_closing_twice_reports_the_rest_on_the_terminal(scripted, program, tmp_path, capsys):
    window, done = scripted
    viewer = program()
    viewer.export_worker = ExportWorker(folder=tmp_path)
    shown = window.Window((800, 600), lambda waker: viewer)
    viewer.export_worker.save("x", "results", ".csv", lambda path: sleep(3) or path.write_text("whole"))
    threading.Timer(0.3, lambda: setattr(done, "wants_to_close", True)).start()
    shown.wait_for_exports()
    assert viewer.export_worker.busy
    assert shown.close()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]
    assert "1 file is still being written" in capsys.readouterr().err


def test_an_interrupted_program_does_not_wait_for_a_write_that_hangs():
    script = """
import sys
from threading import Event
from alpr_app.viewer.app import main
from alpr_app.viewer.workers.export import ExportWorker

def interrupted(args):
    started = Event()
    ExportWorker().save("x", "results", ".csv", lambda path: started.set() or Event().wait())
    assert started.wait(10)
    raise KeyboardInterrupt

main._run = interrupted
sys.exit(main.main([]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert (done.returncode, done.stderr) == (130, "alpr_viewer: interrupted\n")
