"""The page at /, in a real browser."""

from __future__ import annotations

import cv2
import pytest
from browser import MISSING, browser
from services import encoded, running

from alpr_app import ALPR
from alpr_app.data import assets
from alpr_app.serving.application import Service

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

SHOWN = "return !document.querySelector('#result').hidden && document.querySelector('#status').textContent"
TEXTS = "return [...document.querySelectorAll('#plates b')].map((text) => text.textContent)"
# Where an outline lies on the screen, as shares of the picture on the screen.
OUTLINES = """
const picture = document.querySelector('#stage img').getBoundingClientRect();
return [...document.querySelectorAll('#stage polygon:nth-child(even)')].map((outline) => {
  const box = outline.getBoundingClientRect();
  return [(box.left - picture.left) / picture.width, (box.top - picture.top) / picture.height,
          (box.right - picture.left) / picture.width, (box.bottom - picture.top) / picture.height];
});
"""
DROP = """
const [text, name, type] = arguments, moved = new DataTransfer();
const content = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
moved.items.add(new File([content], name, {type}));
document.dispatchEvent(new DragEvent('drop', {dataTransfer: moved, bubbles: true, cancelable: true}));
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest.fixture(scope="module")
def shipped():
    """The service with the shipped models."""
    if not assets.SAMPLES.is_dir() or not assets.MODELS.is_dir():
        pytest.skip("needs the shipped models and samples")
    with running(Service(ALPR(device="cpu", threads=1))) as address:
        yield address


def test_a_chosen_picture_is_shown_with_its_plates(window, shipped):
    window.open(shipped)
    window.type_into("#file", str(assets.SAMPLES / "two_cars.jpg"))
    said = window.until(SHOWN)
    assert said.startswith("2 plates · 1280 × 720 pixels · ")
    assert sorted(window.run(TEXTS)) == ["浙C2T135", "粤B6E907"]
    assert window.run("return document.querySelector('#stage img').naturalWidth") == 1280
    # From left to right: which of them is surer is the engine's affair.
    second, first = sorted(window.run(OUTLINES))
    assert first == pytest.approx([937 / 1280, 340 / 720, 1057 / 1280, 378 / 720], abs=0.01)
    assert second == pytest.approx([203 / 1280, 440 / 720, 330 / 1280, 482 / 720], abs=0.01)
    # The province is there although this computer may have no Chinese characters.
    assert window.run("return document.fonts.check('1em \"Plate characters\"', '浙')")
    assert window.messages() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_can_be_read(window, shipped, scheme):
    window.colour_scheme(scheme)
    window.open(shipped)
    light = window.run(
        "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        ".map((colour) => colour.match(/[0-9]+/g).reduce((sum, part) => sum + Number(part) / 765, 0))"
    )
    assert (light[0] > 0.9 and light[1] < 0.2) if scheme == "light" else (light[0] < 0.2 and light[1] > 0.9)


def test_a_dropped_picture_replaces_the_one_before(window, shipped, picture):
    import base64

    window.open(shipped)
    window.type_into("#file", str(assets.SAMPLES / "two_cars.jpg"))
    window.until(SHOWN)
    window.run(DROP, base64.b64encode(encoded(picture(40, 50))).decode(), "small.png", "image/png")
    said = window.until(f"{SHOWN}.includes('50 × 40') && document.querySelector('#status').textContent")
    assert said.startswith("No plate was found")
    assert window.run(TEXTS) == [] and window.run(OUTLINES) == []


def test_a_file_that_is_no_picture_is_said(window, shipped, tmp_path):
    window.open(shipped)
    (tmp_path / "notes.txt").write_text("no picture")
    window.type_into("#file", str(tmp_path / "notes.txt"))
    said = window.until("return document.querySelector('#status.bad') && document.querySelector('#status').textContent")
    assert said == "The picture: not a picture."
    assert window.run("return document.querySelector('#result').hidden")


def test_a_picture_that_the_browser_cannot_show_still_has_its_plates(window, shipped, tmp_path):
    image = cv2.imread(str(assets.SAMPLES / "two_cars.jpg"))
    cv2.imwrite(str(tmp_path / "cars.tiff"), image)
    window.open(shipped)
    window.type_into("#file", str(tmp_path / "cars.tiff"))
    assert "drawn without it" in window.until(SHOWN)
    assert sorted(window.run(TEXTS)) == ["浙C2T135", "粤B6E907"]


def test_the_token_is_asked_for_and_used(window, small_alpr, picture, tmp_path):
    file = tmp_path / "car.png"
    file.write_bytes(encoded(picture()))
    with running(Service(small_alpr, token="one-two-three")) as address:
        window.open(address)
        window.type_into("#file", str(file))
        window.until("return !document.querySelector('#access').hidden")
        for token, said in (("wrong", "The token is wrong."), ("-two-three", None)):
            window.run("document.querySelector('#token').value = arguments[0]", "" if said else "one")
            window.type_into("#token", token)
            window.click("#access button")
            window.until(f"return document.querySelector('#status').textContent === '{said}'" if said else SHOWN)
        # The picture need not be chosen once more.
        assert "64 × 48 pixels" in window.run(SHOWN)
        # The token is kept nowhere.
        assert window.run("return [localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


def test_a_service_that_is_gone_is_said(window, small_alpr, picture, tmp_path):
    file = tmp_path / "car.png"
    file.write_bytes(encoded(picture()))
    with running(Service(small_alpr)) as address:
        window.open(address)
    window.type_into("#file", str(file))
    window.until("return document.querySelector('#status').textContent.startsWith('The service cannot be reached')")
    window.messages()


def test_the_page_for_programs_has_no_fault(window, shipped):
    window.open(f"{shipped}/docs")
    assert "POST" in window.run("return document.body.innerText")
    assert window.messages() == []
