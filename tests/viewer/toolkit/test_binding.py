from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from alpr_app.core.errors import AlprError
from alpr_app.viewer.app import main
from alpr_app.viewer.toolkit import binding
from alpr_app.viewer.toolkit.inputs import KEYS
from alpr_app.viewer.toolkit.painter import BODY, LARGE, SIZES
from alpr_app.viewer.toolkit.theme import LIGHT


@pytest.fixture
def installed(monkeypatch):
    """Pretends that only these packages are installed; without the environment variable."""
    monkeypatch.delenv(binding.VARIABLE, raising=False)

    def only(*packages):
        monkeypatch.setattr(binding, "find_spec", lambda name: object() if name in packages else None)

    return only


@pytest.mark.parametrize(
    ("packages", "chosen"),
    [
        (("imgui", "imgui_bundle"), "pyimgui"),
        (("imgui",), "pyimgui"),
        (("imgui_bundle",), "bundle"),
    ],
)
def test_pyimgui_is_taken_where_it_is_installed(installed, packages, chosen):
    installed(*packages)
    assert binding.chosen_binding() == chosen


@pytest.mark.parametrize("name", binding.BINDINGS)
def test_the_environment_variable_chooses(installed, monkeypatch, name):
    installed("imgui", "imgui_bundle")
    monkeypatch.setenv(binding.VARIABLE, name)
    assert binding.chosen_binding() == name


def test_an_empty_variable_chooses_nothing(installed, monkeypatch):
    installed("imgui", "imgui_bundle")
    monkeypatch.setenv(binding.VARIABLE, "")
    assert binding.chosen_binding() == "pyimgui"


def test_an_unknown_toolkit_is_refused_with_the_known_ones(installed, monkeypatch):
    installed("imgui", "imgui_bundle")
    monkeypatch.setenv(binding.VARIABLE, "qt")
    with pytest.raises(AlprError, match="ALPR_TOOLKIT is 'qt'; it can be pyimgui or bundle"):
        binding.chosen_binding()


@pytest.mark.parametrize(
    ("name", "packages", "needed"),
    [("bundle", ("imgui",), "imgui-bundle>=1.92.800"), ("pyimgui", ("imgui_bundle",), "imgui[glfw]>=2.0")],
)
def test_the_chosen_toolkit_is_not_replaced_by_the_other(installed, monkeypatch, name, packages, needed):
    installed(*packages)
    monkeypatch.setenv(binding.VARIABLE, name)
    with pytest.raises(AlprError) as caught:
        binding.chosen_binding()
    assert f"-m pip install '{needed}'" in str(caught.value) and "ALPR_TOOLKIT" in str(caught.value)


@pytest.mark.parametrize("more", [[], ["--screenshot", "window.png"]])
def test_without_a_toolkit_one_line_names_both_and_the_remedy(installed, few_pictures, tmp_path, capsys, more):
    installed()
    more = [str(tmp_path / word) if word.endswith(".png") else word for word in more]
    assert main.main(["--image_folder", str(few_pictures), *more]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "imgui-bundle or imgui," in message and "`alpr read PATH`" in message
    assert f"{sys.executable} -m pip install 'imgui-bundle>=1.92.800'" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("glfw", "-m pip install glfw"),
        ("OpenGL", "-m pip install PyOpenGL"),
        ("OpenGL.GL", "-m pip install PyOpenGL"),
        ("other", "cannot be drawn: no other"),
    ],
)
def test_a_missing_package_of_the_window_is_named_with_its_remedy(module, words):
    assert words in main.without_package(ImportError(f"no {module}", name=module))


def test_the_wheel_may_turn_more_than_once_in_a_frame():
    pytest.importorskip("imgui", reason="needs the package imgui")
    from alpr_app.viewer.toolkit import pyimgui

    io = SimpleNamespace(mouse_wheel=0.0, mouse_wheel_horizontal=0.0)
    target = pyimgui.PyimguiInput(io)
    target.wheel(0, 1)
    target.wheel(0, 1)
    assert io.mouse_wheel == 2


@pytest.fixture
def toolkit(screen):
    """The widgets alone, with a renderer; `draw` draws one frame that `fill` fills; returns its pixels."""
    ui = binding.make_toolkit(LIGHT)
    ui.attach_renderer()

    def draw(fill):
        screen.clear()
        with ui.frame(screen.size, 1 / 60), ui.area("all", (0, 0, *screen.size), ui.theme.panel):
            fill()
        return screen.read()

    yield ui, draw
    ui.close()


def send(ui, draw, fill, *keys, control=False):
    for key in keys:
        for down in (True, False):
            ui.inputs.key(KEYS[key], down, 2 if control else 0)
    while ui.inputs:
        draw(fill)


def test_text_is_typed_selected_copied_and_pasted(toolkit):
    ui, draw = toolkit
    clipboard, text = [], [""]
    ui.attach_clipboard(lambda: clipboard[-1], clipboard.append)

    def field():
        text[0] = ui.text_field("name", text[0], focus=not ui.wants_text)[0]

    draw(field)
    draw(field)
    for letter in "皖A1":
        ui.inputs.character(ord(letter))
        draw(field)
    draw(field)
    assert text == ["皖A1"] and ui.wants_text
    send(ui, draw, field, "A", "C", control=True)
    assert clipboard == ["皖A1"]
    send(ui, draw, field, "End")
    send(ui, draw, field, "V", control=True)
    draw(field)
    assert text == ["皖A1皖A1"]
    send(ui, draw, field, "Backspace")
    draw(field)
    assert text == ["皖A1皖A"]


def test_chinese_glyphs_are_drawn_in_every_size(toolkit):
    ui, draw = toolkit
    for font in (BODY, LARGE):
        shown = [draw(lambda text=text, font=font: ui.text(text, font=font)) for text in ("皖", "沪")]
        assert (shown[0] != shown[1]).any()


def test_text_is_spaced_alike_in_every_size(toolkit):
    ui, draw = toolkit
    widths = {}
    draw(lambda: widths.update({font: ui.text_width("l" * 20, font) for font in SIZES}))
    for font, width in widths.items():
        assert width / SIZES[font] == pytest.approx(widths[BODY] / SIZES[BODY], rel=0.01)


def test_a_position_that_is_set_last_belongs_to_the_content(toolkit):
    ui, draw = toolkit
    scrolled = []

    def fill():
        with ui.child("part", 200, 100):
            scrolled.append(ui.scroll)
            ui.scroll = 50
            ui.cursor = (20, 500 - ui.scroll)
        ui.cursor = (0, 900)

    for _ in range(4):
        draw(fill)
    assert scrolled[-1] == 50


def test_an_error_within_a_frame_is_the_one_that_is_reported(toolkit):
    ui, draw = toolkit

    def broken():
        with ui.child("part"), ui.tabs("tabs"), ui.tab("one"), ui.font(LARGE):
            ui.cursor = (5, 5)
            raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        draw(broken)
    assert draw(lambda: ui.text("text")).std() > 0


def test_widgets_may_lie_on_an_area_that_allows_it(toolkit):
    ui, draw = toolkit
    clicked = []

    def fill():
        ui.cursor = (0, 0)
        hit = ui.hit("picture", 400, 300, overlap=True)
        ui.cursor = (100, 100)
        if ui.button("button", 120):
            clicked.append("button")
        if hit.clicked:
            clicked.append("picture")

    for position in ((150, 110), (300, 250)):
        ui.inputs.move(*position)
        draw(fill)
        draw(fill)
        ui.inputs.button(0, True)
        ui.inputs.button(0, False)
        while ui.inputs:
            draw(fill)
    assert clicked == ["button", "picture"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the package loads its own library at once")
def test_glfw_is_imported_without_starting_another_python(toolkit_installed):
    code = """
import os, subprocess
from alpr_app.viewer.toolkit.binding import name_glfw_library
os.environ.pop("PYGLFW_LIBRARY", None)
name_glfw_library()
subprocess.Popen = None
import glfw
print(glfw.get_version()[0], os.environ["PYGLFW_LIBRARY"])
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG", "PYGLFW"))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    version, library = done.stdout.split()
    assert version == "3" and library.endswith("x11/libglfw.so")


def test_a_library_of_glfw_that_the_user_names_stays(monkeypatch):
    monkeypatch.setenv("PYGLFW_LIBRARY", "/mine/libglfw.so")
    binding.name_glfw_library()
    assert os.environ["PYGLFW_LIBRARY"] == "/mine/libglfw.so"
