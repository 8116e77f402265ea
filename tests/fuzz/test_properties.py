"""What holds for every text, table, name and reading: hypothesis looks for one for which it does not."""

from __future__ import annotations

import json
import unicodedata

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="needs the package hypothesis")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpr_app.core.errors import AlprError, printable
from alpr_app.core.geometry import order_corners
from alpr_app.core.plate import ALPHABET, DIGITS, LETTERS, PROVINCES, Plate
from alpr_app.core.tracking import Tracker
from alpr_app.data.bounded_parsing import MAXIMUM_LEVELS, ContentError, parse_json, without_nan
from alpr_app.data.ccpd import Annotation, CcpdNameError, format_name, parse_name
from alpr_app.data.label_csv import COLUMNS, read_rows, write_table
from alpr_app.data.label_text import spelled
from alpr_app.data.network import file_name_for, secrets_in, without_secrets
from alpr_app.viewer.app.settings import Settings, from_dict

# The same inputs every time, and no clock: a slow machine fails no test.
FIXED = settings(derandomize=True, deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))

plate_texts = st.builds(
    lambda province, letter, rest: province + letter + rest,
    st.sampled_from(PROVINCES),
    st.sampled_from(LETTERS),
    st.text(DIGITS + LETTERS, min_size=5, max_size=6),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@FIXED
@given(st.text(st.characters()))
def test_what_is_printed_is_one_line_that_moves_no_cursor(text):
    shown = printable(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()
    assert printable(shown) == shown


@FIXED
@given(plate_texts)
def test_a_plate_is_spelled_as_it_is_and_with_dots_gaps_and_small_letters(text):
    assert spelled(text, ALPHABET) == text
    assert spelled(f" {text[:2]}·{text[2:].lower()} ", ALPHABET) == text


@FIXED
@given(st.text())
def test_any_text_is_spelled_by_the_alphabet_or_not_at_all(text):
    found = spelled(text, ALPHABET)
    assert found is None or set(found) <= set(ALPHABET)


@FIXED
@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=4, max_size=20), st.text(max_size=30))
def test_a_password_of_an_address_is_never_shown(password, path):
    address = f"rtsp://somebody:{password}@camera.example:554/{path}"
    assert secrets_in(address) is not None
    if password not in path and password not in "rtsp://camera.example:554/***":
        assert password not in without_secrets(address)
        assert password not in file_name_for(address)


@FIXED
@given(json_values)
def test_json_is_read_as_it_was_written_or_refused_for_its_depth(value):
    try:
        read = parse_json(json.dumps(value))
    except ContentError as error:
        assert f"more than {MAXIMUM_LEVELS} levels" in str(error)
        return
    assert read == without_nan(value)


@FIXED
@given(json_values)
def test_any_settings_are_settings(value):
    content = value if isinstance(value, dict) else {"score": value, "recent": value, "window": value, "theme": value}
    assert isinstance(from_dict(content), Settings)


@FIXED
@given(
    plate_texts.filter(lambda text: len(text) in (7, 8)),
    st.lists(st.integers(0, 2000), min_size=12, max_size=12),
    st.integers(0, 255),
)
def test_names_of_ccpd_say_what_was_put_into_them(text, numbers, brightness):
    left, top, wide, high = numbers[:4]
    annotation = Annotation(
        text=text,
        box=(left, top, left + 1 + wide, top + 1 + high),
        corners=tuple(zip(numbers[4::2], numbers[5::2], strict=True)),
        area="0123",
        tilt=(90, 91),
        brightness=brightness,
        blurriness=9,
    )
    try:
        name = format_name(annotation)
    except CcpdNameError:
        return  # not every text can be written in a name
    assert parse_name(name) == annotation


@FIXED
@given(rows=st.lists(st.dictionaries(st.sampled_from(COLUMNS), st.text(), min_size=1), min_size=1, max_size=5))
def test_a_table_of_any_texts_is_read_as_it_was_written(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "alpr_dataset.csv"
    try:
        write_table(path, rows)
    except (AlprError, UnicodeEncodeError):
        return
    try:
        read = read_rows(path, ("file",))
    except AlprError:
        return
    wanted = [{name: row.get(name, "") for name in COLUMNS} for row in rows]
    assert len(read) == len(wanted) and [row["file"] for row in read] == [row["file"] for row in wanted]


@FIXED
@given(st.lists(st.floats(-1e5, 1e5, width=32), min_size=8, max_size=8))
def test_four_corners_are_ordered_or_have_no_area(values):
    written = np.float32(values).reshape(4, 2)
    try:
        ordered = order_corners(written)
    except ValueError:
        return
    assert sorted(map(tuple, ordered.tolist())) == sorted(map(tuple, written.tolist()))


def _plate(text: str, confidence: float, x: float, y: float) -> Plate:
    box = (x, y, x + 100, y + 30)
    corners = ((x, y), (x + 100, y), (x + 100, y + 30), (x, y + 30))
    characters = (confidence,) * len(text)
    sure = confidence if text else 0.0
    crop = np.zeros((2, 2, 3), np.uint8)
    return Plate(text, sure, characters, (("", 0.0),) * len(text), "blue", 0.9, box, corners, crop)


texts_seen = st.sampled_from(["", "皖A12345", "皖A12346", "京B67890"])
seen_plates = st.builds(_plate, texts_seen, st.floats(0, 1), st.floats(0, 900), st.floats(0, 600))


@FIXED
@given(st.lists(st.tuples(st.floats(0, 3), st.lists(seen_plates, max_size=3)), max_size=25))
def test_every_plate_of_a_film_is_counted_in_exactly_one_car(frames):
    tracker, time, numbers = Tracker(), 0.0, set()
    left = []
    for pause, plates in frames:
        time += pause
        tracks = tracker.update(plates, time)
        assert [track.last for track in tracks] == plates
        assert len({track.number for track in tracks}) == len(plates)
        numbers |= {track.number for track in tracks}
        left += tracker.ended()
    left += tracker.finish()
    assert {track.number for track in left} == numbers
    assert sum(track.count for track in left) == sum(len(plates) for _, plates in frames)
    assert all(track.first <= track.read <= track.until for track in left)
