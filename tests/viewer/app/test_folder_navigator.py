"""Opening folders and moving between them with keys and clicks."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest

from alpr_app.data.images import write_picture
from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.state import FOLDER
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.workers.folders import FolderContent
from alpr_app.viewer.workers.images import load_image_item
from alpr_app.viewer.workers.recogniser import Recognition


@pytest.fixture
def nested(tmp_path):
    """1.png and 2.png; in `north` 3.png and 4.png; in `south` only `south/far` with 5.png."""
    root = tmp_path / "pictures"
    for place in ("1", "2", "north/3", "north/4", "south/far/5"):
        path = root / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, np.full((30, 40, 3), 20 * int(path.stem), np.uint8))
    return root


@pytest.fixture
def opened(program, until, nested):
    viewer = program()
    viewer.open(str(nested))

    def wait(holds=lambda: True):
        def ready():
            viewer.collect()
            state = viewer.state
            return not state.scanning and state.tree.root.total == 5 and holds()

        until(ready, "the folders")

    wait()
    return viewer, wait


def test_the_tree_counts_what_it_finds(opened, nested):
    viewer, _ = opened
    tree = viewer.state.tree
    assert [(node.name, node.pictures, node.total) for node in tree.rows] == [
        ("pictures", 2, 5),
        ("north", 2, 2),
        ("south", 0, 1),
    ]
    assert viewer.state.settings.recent == (str(nested),)


def test_a_folder_of_the_tree_shows_its_pictures_and_the_tree_stays(opened, nested):
    viewer, wait = opened
    root = viewer.state.tree.root
    viewer.show_folder(str(nested / "north"))
    wait(lambda: viewer.state.image_item is not None)
    assert viewer.state.image_list.names == ["3.png", "4.png"]
    assert viewer.state.tree.root is root
    assert viewer.state.settings.recent == (str(nested),), "going about in the tree is no opening"
    viewer.show_folder(str(nested))
    wait()
    assert viewer.state.image_list.names == ["1.png", "2.png"]


def test_keys_go_through_the_tree(opened, nested):
    viewer, wait = opened
    for key, place in (
        ("Down", "north"),
        ("Down", "south"),
        ("Right", "south"),
        ("Right", "south/far"),
        ("Left", "south"),
        ("Left", "south"),
        ("Left", ""),
        ("Up", ""),
        ("Down", "north"),
    ):
        assert press(viewer, key, CONTROL)
        wait()
        assert viewer.state.folder == os.path.join(nested, place).rstrip("/"), (key, place)
    press(viewer, "Backspace")
    wait()
    assert viewer.state.folder == str(nested)


def test_above_the_root_the_tree_gets_a_new_root(opened, nested, until):
    viewer, _ = opened
    press(viewer, "Backspace")
    state = viewer.state
    until(lambda: viewer.collect() or (state.tree.root.total == 5 and not state.scanning), "the folder above")
    assert state.folder == str(nested.parent)
    assert state.tree.root.path == str(nested.parent)
    assert str(nested) in [node.path for node in state.tree.rows]
    viewer.open(os.path.abspath(os.sep))
    press(viewer, "Backspace")
    assert viewer.state.folder == os.path.abspath(os.sep)
    assert "no parent folder" in viewer.state.message.text


def test_results_are_still_there_on_the_next_visit(opened, nested, fakes):
    viewer, wait = opened
    viewer.read_all(True)
    wait(lambda: len(viewer.state.image_list.records) == 2)
    first = viewer.state.image_list.records["2.png"]
    viewer.show_folder(str(nested / "south"))
    wait()
    assert not viewer.state.image_list.records
    viewer.show_folder(str(nested))
    wait(lambda: len(viewer.state.image_list.records) == 2)
    assert viewer.state.image_list.records["2.png"].recognition.stamp == first.recognition.stamp
    viewer.choose_models(threads=7)
    viewer.show_folder(str(nested / "south"))
    wait()
    viewer.show_folder(str(nested))
    wait()
    assert not viewer.state.image_list.records, "other models would read otherwise"


def test_subfolders_are_listed_and_left_out_again_without_losing_the_picture(opened, nested):
    viewer, wait = opened
    viewer.step(1)
    viewer.rescan(True)
    assert viewer.state.image_list.names, "what is shown stays until the new list is there"
    wait(lambda: len(viewer.state.image_list.names) == 5)
    assert viewer.state.image_list.name == "2.png"
    viewer.rescan(False)
    wait(lambda: len(viewer.state.image_list.names) == 2)
    assert viewer.state.image_list.name == "2.png"


def test_new_and_lost_pictures_are_seen_on_demand(opened, nested):
    viewer, wait = opened
    viewer.read_all(True)
    wait(lambda: len(viewer.state.image_list.records) == 2)
    viewer.step(1)
    (nested / "2.png").rename(nested / "10.png")
    (nested / "south" / "new").mkdir()
    press(viewer, "F5")
    wait(lambda: "10.png" in viewer.state.image_list.names and viewer.state.tree.find(str(nested / "south" / "new")))
    assert viewer.state.image_list.names == ["1.png", "10.png"]
    assert viewer.state.image_list.name == "10.png", "the nearest to the one that is gone"
    assert "2.png" not in viewer.state.image_list.records


def test_a_reading_that_ends_after_its_picture_is_gone_is_left_out(opened, nested, until):
    viewer, wait = opened
    viewer.read_all(True)
    wait(lambda: len(viewer.state.image_list.records) == 2)
    gone = viewer.state.image_list.records["2.png"].recognition
    (nested / "2.png").unlink()
    press(viewer, "F5")
    until(lambda: viewer.collect() or viewer.state.image_list.names == ["1.png"], "the new list")
    viewer.recogniser.results.append(replace(gone, model=viewer.recogniser.model, session=viewer._session))
    viewer.collect()
    assert not viewer.recogniser.results
    assert list(viewer.state.image_list.records) == ["1.png"]


def test_a_folder_without_permission_says_so(opened, nested, monkeypatch, until):
    viewer, _ = opened
    scandir = os.scandir

    def refusing(path):
        if "north" in str(path):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    viewer.show_folder(str(nested / "north"))
    until(lambda: viewer.collect() or viewer.state.listing_error, "the error")
    assert viewer.state.kind == FOLDER
    assert "Permission denied" in viewer.state.message.text
    viewer.show_folder(str(nested))
    assert not viewer.state.listing_error


def test_a_picture_far_down_a_long_list_is_selected_once_it_is_listed(program):
    viewer = program()
    viewer.navigator._pending_selection = "900.png"
    for count in (10, 500, 1000):
        viewer.state.image_list.set_names([f"{number}.png" for number in range(count)], "900.png")
    assert viewer.state.image_list.name == "900.png"


def test_live_sources_have_no_folders(opened, fakes):
    viewer, _ = opened
    viewer.camera_modes._capture = lambda address: fakes.Capture(["new"])
    viewer.open(0)
    viewer.state.tree.add(FolderContent("/", ("x",)))
    assert viewer.state.tree.rows == []
    for key in ("Backspace", "F5"):
        press(viewer, key)
    press(viewer, "Down", CONTROL)
    assert viewer.state.kind == "live"


@pytest.mark.parametrize("recursive", [False, True])
def test_results_of_a_former_folder_do_not_count_in_the_present_one(program, until, nested, fakes, recursive):
    begun, gate = threading.Event(), threading.Event()
    alpr = fakes.Alpr()
    analyse = alpr.analyse
    alpr.analyse = lambda image: begun.set() or (gate.wait(10) and analyse(image))
    viewer = program(alpr)
    viewer.open(str(nested / "north"))
    until(lambda: viewer.collect() or begun.is_set(), "a picture of the child being read")
    viewer.state.change(recursive=recursive)
    viewer.open(str(nested))
    viewer.collect()
    gate.set()
    until(lambda: viewer.collect() or "1.png" in viewer.state.image_list.records, "a picture of the parent")
    assert set(viewer.state.image_list.records) <= set(viewer.state.image_list.names)
    expected = set(viewer.state.image_list.neighbours())
    until(lambda: viewer.collect() or expected <= viewer.state.image_list.records.keys(), "its neighbours")
    assert set(viewer.state.image_list.records) == expected


def test_a_folder_that_goes_away_while_it_is_browsed_is_reported_and_ends_nothing(opened, nested, until):
    viewer, wait = opened
    viewer.read_all(True)
    wait(lambda: len(viewer.state.image_list.records) == 2)
    shutil.rmtree(nested)
    viewer.step(1)
    viewer.collect()
    viewer.navigator.refresh()
    until(lambda: viewer.collect() or viewer.state.listing_error, "the trouble")
    assert "No such file or directory" in viewer.state.message.text
    image_list = viewer.state.image_list
    assert (image_list.names, image_list.records, image_list.totals.pictures) == ((), {}, 0), "no figures are left"
    viewer.collect()
    assert viewer.state.image_item is None
    late = Recognition(str(nested / "1.png"), error="gone", model=viewer.recogniser.model, session=viewer._session)
    viewer.recogniser.results.append(late)
    viewer.collect()
    assert not image_list.records and not image_list.totals.outcomes["unreadable file"]
    viewer.step(1)
    viewer.show_folder(str(nested / "north"))
    until(lambda: viewer.collect() or viewer.state.listing_error, "the trouble")
    assert viewer.state.image_list.names == ()
    viewer.show_folder(str(nested))
    until(lambda: viewer.collect() or viewer.state.listing_error, "the trouble")
    nested.mkdir()
    write_picture(nested / "2.png", np.zeros((30, 40, 3), np.uint8))
    viewer.navigator.refresh()
    until(lambda: viewer.collect() or "2.png" in viewer.state.image_list.records, "the drive to be back")
    assert viewer.state.image_list.names == ["2.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="to the administrator all is allowed")
def test_a_picture_without_permission_is_a_message(program, until, nested):
    # Removed before it is opened, because neighbours are read ahead.
    os.chmod(nested / "2.png", 0)
    viewer = program()
    viewer.open(str(nested))
    until(lambda: viewer.collect() or len(viewer.state.image_list.records) == 2, "both pictures")
    assert viewer.state.image_list.records["2.png"].recognition.error == "cannot be opened: Permission denied"
    assert not viewer.state.image_list.records["1.png"].recognition.error


@pytest.mark.parametrize("error", [RuntimeError("a bug"), PermissionError(13, "denied"), MemoryError("full")])
def test_a_loader_that_fails_on_one_picture_goes_on_with_the_next(program, until, nested, error):
    def load(path):
        if path.endswith("1.png"):
            raise error
        return load_image_item(path)

    viewer = program(load=load)
    viewer.open(str(nested))
    until(lambda: viewer.collect() or len(viewer.state.image_list.records) == 2, "both pictures")
    assert f"cannot be read: {type(error).__name__}" in viewer.state.image_list.records["1.png"].recognition.error
    assert not viewer.state.image_list.records["2.png"].recognition.error


def test_a_requested_picture_is_listed_whatever_its_name(program, until, nested):
    (nested / "2.png").rename(nested / "2.upload")
    viewer = program()
    viewer.open(str(nested / "2.upload"))
    until(lambda: viewer.collect() or not viewer.state.scanning, "the list")
    assert (list(viewer.state.image_list.names), viewer.state.image_list.name) == (["1.png", "2.upload"], "2.upload")
    viewer.navigator.refresh()
    until(lambda: viewer.collect() or not viewer.state.scanning, "the list")
    assert viewer.state.image_list.name == "2.upload"
    viewer.open(str(nested))
    until(lambda: viewer.collect() or not viewer.state.scanning, "the list")
    assert list(viewer.state.image_list.names) == ["1.png"]
