from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from alpr_app.viewer.app.settings import RECENT, Settings, from_dict, load_settings, save_settings, with_recent


def test_saved_settings_are_loaded(tmp_path):
    path = tmp_path / "deep" / "viewer.json"
    settings = with_recent(
        Settings(theme="light", score=0.4, window=(800, 600), place=(-5, 7), maximised=True), "/皖/pictures"
    )
    assert save_settings(path, settings) == ""
    assert load_settings(path) == (settings, "")
    assert [file.name for file in path.parent.iterdir()] == ["viewer.json"]


def test_a_folder_whose_name_is_not_valid_text_is_loaded(tmp_path):
    settings = with_recent(Settings(theme="light"), "/photos\udcff")
    assert save_settings(tmp_path / "viewer.json", settings) == ""
    assert load_settings(tmp_path / "viewer.json") == (settings, "")


def test_without_a_file_there_are_the_defaults(tmp_path):
    assert load_settings(tmp_path / "viewer.json") == (Settings(), "")


def test_a_broken_file_is_set_aside_with_a_message(tmp_path):
    for content in (b"{", b"[]", b"\xff\xfe\x00"):
        path = tmp_path / "viewer.json"
        path.write_bytes(content)
        settings, message = load_settings(path)
        assert settings == Settings()
        assert "viewer.json.broken" in message
        assert not path.exists()
        assert (tmp_path / "viewer.json.broken").read_bytes() == content


def test_invalid_values_are_left_out_and_the_others_kept():
    content = {
        "theme": "pink",
        "score": "much",
        "confidence": 7,
        "show_text": 0,
        "window": [1, "x"],
        "unknown": 1,
        "sure": 0.7,
        "ui_scale": float("nan"),
        "order": "by chance",
        "place": [1, True],
        "maximised": 1,
        "tree_height": 1,
    }
    assert from_dict(content) == Settings(confidence=1.0, sure=0.7, tree_height=60.0)
    assert from_dict({"order": "newest", "place": [-20, 99999]}) == Settings(order="newest", place=(-20, 16384))
    assert from_dict(json.loads(json.dumps({"window": [10, 99999]}))).window == (320, 16384)


def test_a_folder_that_cannot_be_written_is_a_message(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be saved" in save_settings(tmp_path / "file" / "viewer.json", Settings())


def test_recent_folders_are_few_and_distinct():
    settings = Settings()
    for name in [*map(str, range(20)), "5", "19"]:
        settings = with_recent(settings, name)
    assert settings.recent[:3] == ("19", "5", "18")
    assert len(settings.recent) == RECENT == len(set(settings.recent))


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, " " * 5_000_000], ids=range(4))
def test_hostile_settings_are_set_aside(tmp_path, content):
    path = tmp_path / "viewer.json"
    path.write_text(content)
    settings, message = load_settings(path)
    assert settings == Settings() and "was damaged" in message
    assert path.with_name("viewer.json.broken").read_text() == content


@pytest.mark.parametrize("value", [float("nan"), 1e400, 10**400, -(10**400), [], {}])
@pytest.mark.parametrize("name", ["score", "ui_scale", "window", "place", "recent", "theme"])
def test_absurd_values_fall_back_to_the_defaults(tmp_path, name, value):
    path = tmp_path / "viewer.json"
    path.write_text(json.dumps({name: value}))
    settings, _ = load_settings(path)
    assert load_settings(path)[0] == from_dict(json.loads(json.dumps(asdict(settings))))
