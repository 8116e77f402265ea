"""The database of results: what is kept, for whom, and what happens when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from dataclasses import replace

import pytest

from alpr_app.core.result import Timings
from alpr_app.viewer.workers.recogniser import NO_CROP, Recognition
from alpr_app.viewer.workers.result_store import ResultStore, StoreError, delete_store
from tests.builders import make_plate

STAMP = (1_700_000_000_123_456_789, 4321)


def result(path="/a/1.jpg", models="one", **more):
    plate = replace(
        make_plate("皖A12345", score=1 / 3, confidence=2 / 3),
        crop=NO_CROP,
        corners=((0.1, 1 / 7),) * 4,
        fits_format=True,
    )
    values = {"plates": (plate,), "timings": Timings(1.0, 2.5), "size": (720, 1160), "models": models, "stamp": STAMP}
    return Recognition(path, **(values | more))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "results" / "results.sqlite"


@pytest.fixture
def store(path):
    made = ResultStore(path)
    yield made
    made.close()


def test_a_result_comes_back_with_all_its_digits(store, path):
    store.add([result(alphabet="ABC")])
    store.close()
    (found,) = ResultStore(path).find("one", ["/a/1.jpg", "/a/2.jpg"]).values()
    wanted = result(alphabet="ABC")
    assert (found.key, found.models, found.stamp, found.size) == ("/a/1.jpg", "one", STAMP, (720, 1160))
    assert (found.alphabet, found.timings) == ("ABC", wanted.timings)
    assert vars(found.plates[0]) == vars(wanted.plates[0])


def test_models_are_kept_apart_and_a_newer_result_replaces_an_older_one(store):
    store.add([result(), result(models="two", plates=())])
    store.add([result(stamp=(5, 6))])
    assert store.find("one", ["/a/1.jpg"])["/a/1.jpg"].stamp == (5, 6)
    assert store.find("two", ["/a/1.jpg"])["/a/1.jpg"].plates == ()
    assert store.find("three", ["/a/1.jpg"]) == {}


def test_errors_and_frames_are_not_kept(store):
    store.add([result(error="not a picture"), result("/a/2.jpg", stamp=None)])
    assert store.find("one", ["/a/1.jpg", "/a/2.jpg"]) == {}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere all names are text")
def test_names_need_not_be_valid_text(store):
    store.add([result("/a/\udcd6\udcd0.jpg")])
    assert list(store.find("one", ["/a/\udcd6\udcd0.jpg"])) == ["/a/\udcd6\udcd0.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_only_the_user_can_read_it_even_if_folder_and_file_were_open_to_all(path):
    path.parent.mkdir(parents=True)
    path.touch(0o644)
    path.parent.chmod(0o755)
    store = ResultStore(path)
    store.add([result()])
    store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_above_its_size_the_results_that_were_not_used_for_longest_go(path, monkeypatch):
    store = ResultStore(path, maximum=600_000)
    module = "alpr_app.viewer.workers.result_store.time"
    names = [f"/a/{number}.jpg" for number in range(2000)]
    for day, start in enumerate(range(0, 2000, 200)):
        monkeypatch.setattr(module, lambda day=day: 86_400.0 * (day + 1))
        store.add([result(name) for name in names[start : start + 200]])
        # The very first picture is looked at every day.
        assert "/a/0.jpg" in store.find("one", names[:1])
    left = [name for start in range(0, 2000, 500) for name in store.find("one", names[start : start + 500])]
    store.close()
    assert names[0] in left and names[1] not in left and names[-1] in left
    assert 100 < len(left) < 1500
    assert path.stat().st_size < 800_000


def test_a_damaged_file_is_one_line_with_the_remedy_and_can_be_deleted(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"results\.sqlite: .*damaged.*Forget") as raised:
        ResultStore(path)
    assert "\n" not in str(raised.value)
    delete_store(path)
    delete_store(path)
    ResultStore(path).close()


def test_a_damaged_result_is_read_again(store, path):
    store.add([result(), result("/a/2.jpg")])
    with sqlite3.connect(path) as database:
        for content in ("{", "[]", '{"size":[1,2],"plates":[[1]],"timings":[],"alphabet":""}', '{"size":[1,2]}', ""):
            database.execute("UPDATE results SET content = ? WHERE path = ?", (content, b"/a/1.jpg"))
            database.commit()
            assert list(store.find("one", ["/a/1.jpg", "/a/2.jpg"])) == ["/a/2.jpg"]


def test_a_locked_database_is_one_line(store, path, monkeypatch):
    monkeypatch.setattr("alpr_app.viewer.workers.result_store.LOCKED_SECONDS", 0.05)
    impatient = ResultStore(path)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"results\.sqlite: .*another program"):
            impatient.add([result()])
        with pytest.raises(StoreError, match="another program"):
            impatient.find("one", ["/a/1.jpg"])


def test_a_full_disk_is_one_line_and_leaves_the_earlier_results(store):
    store.add([result()])
    store._database.execute("PRAGMA max_page_count = 10")
    with pytest.raises(StoreError, match="the disk is full"):
        store.add([result(f"/b/{number}.jpg") for number in range(500)])
    assert list(store.find("one", ["/a/1.jpg", "/b/1.jpg"])) == ["/a/1.jpg"]


def test_a_database_of_another_format_is_begun_anew(store, path):
    store.add([result()])
    store._database.execute("PRAGMA user_version = 99")
    store.close()
    assert ResultStore(path).find("one", ["/a/1.jpg"]) == {}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="results cannot be kept"):
        ResultStore(tmp_path / "file" / "results.sqlite")
