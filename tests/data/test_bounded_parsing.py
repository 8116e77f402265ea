from __future__ import annotations

import json

import pytest

from alpr_app.data.bounded_parsing import (
    JSON_BYTES,
    TOML_BYTES,
    ContentError,
    parse_json,
    read_json,
    read_toml,
    shown,
    without_nan,
)


def test_what_is_within_bounds_is_read_as_it_is(tmp_path):
    content = {"a": [1, 2.5, None, True, {"b": "皖"}], "c": "x"}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "a.toml").write_text("a = [1, 2.5]\n[b]\nc = '皖'\n", encoding="utf-8")
    assert read_json(tmp_path / "a.json") == content
    assert read_toml(tmp_path / "a.toml") == {"a": [1, 2.5], "b": {"c": "皖"}}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_what_is_no_number_is_unknown(text):
    assert parse_json(f'{{"a": [{text}, 1]}}') == {"a": [None, 1]}


@pytest.mark.parametrize("depth", [100, 900, 5000, 200_000])
@pytest.mark.parametrize("start", ["[", '{"a":'])
def test_deep_nesting_is_one_line(depth, start):
    ends = {"[": "]", '{"a":': "}"}
    for text in (start * depth, start * depth + "1" + ends[start] * depth):
        with pytest.raises(ContentError) as raised:
            parse_json(text)
        assert "\n" not in str(raised.value) and len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "content",
    [
        b"a = " + b"[" * 30_000,
        b"a = " + b"[" * 100 + b"]" * 100,
        b"a" + b".a" * 100 + b" = 1",
        b"[" + b"a." * 20_000 + b"a]",
        b"a = " + b"{a=" * 9_000,
        b"\xff",
        b"a = ",
        b"#" * (TOML_BYTES + 1),
    ],
    ids=range(8),
)
def test_a_hostile_toml_file_is_one_line(tmp_path, content):
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ContentError) as raised:
        read_toml(tmp_path / "a.toml")
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 200


def test_a_file_larger_than_any_is_not_read_whole(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(2**42)
    with pytest.raises(ContentError, match=f"larger than {JSON_BYTES // 1024:,} KB"):
        read_json(path)


def test_numbers_that_are_none_are_written_as_unknown():
    assert without_nan({"a": (1.5, float("nan")), "b": [{"c": float("inf")}]}) == {"a": [1.5, None], "b": [{"c": None}]}


def test_a_value_is_shown_in_one_line_and_not_whole():
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 1000)) < 100


@pytest.mark.parametrize("number", ["9223372036854775808", "-9223372036854775809", "0x" + "f" * 20_000])
def test_a_whole_number_that_toml_does_not_allow_is_one_line(tmp_path, number):
    (tmp_path / "a.toml").write_text(f"a = [1, {{b = {number}}}]\n")
    with pytest.raises(ContentError, match="more than 64 bits"):
        read_toml(tmp_path / "a.toml")
