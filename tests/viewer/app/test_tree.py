from __future__ import annotations

import pytest

from alpr_app.viewer.app.tree import Tree
from alpr_app.viewer.panels.tree import picture_counts
from alpr_app.viewer.workers.folders import FolderContent


@pytest.fixture
def tree():
    """/r with a (2 pictures; with a/x of 5) and b (3), one picture in /r itself."""
    made = Tree()
    made.set_root("/r")
    for found in (
        FolderContent("/r", ("a", "b"), pictures=1),
        FolderContent("/r/a", ("x",), pictures=2),
        FolderContent("/r/b", pictures=3),
    ):
        made.add(found)
    made.add(FolderContent("/r/a/x", pictures=5))
    return made


def names(tree):
    return [node.name for node in tree.rows]


def test_expanded_folders_are_visible(tree):
    assert names(tree) == ["r", "a", "b"]
    tree.set_expanded(tree.find("/r/a"), True)
    assert [(node.name, node.depth) for node in tree.rows] == [("r", 0), ("a", 1), ("x", 2), ("b", 1)]
    tree.set_expanded(tree.root, False)
    assert names(tree) == ["r"]
    tree.reveal("/r/a/x")
    assert names(tree) == ["r", "a", "x", "b"]


def test_counts_grow_as_folders_are_read(tree):
    assert (tree.root.pictures, tree.root.total, tree.find("/r/a").total) == (1, 11, 7)
    tree.add(FolderContent("/r/b", pictures=4))
    assert tree.root.total == 12


def test_a_folder_read_again_stays_expanded_and_loses_what_is_gone(tree):
    tree.set_expanded(tree.find("/r/a"), True)
    tree.add(FolderContent("/r", ("a", "c"), pictures=1))
    assert names(tree) == ["r", "a", "x", "c"]
    assert tree.find("/r/b") is None
    assert tree.root.total == 8
    tree.add(FolderContent("/r", ("c",), pictures=0))
    assert (tree.root.total, tree.find("/r/a/x")) == (0, None)
    tree.add(FolderContent("/r/a", pictures=100))
    assert tree.root.total == 0, "news of a folder that is gone"


def test_pictures_behind_a_link_do_not_count_in_its_parents(tree):
    tree.add(FolderContent("/r/b", ("link",), frozenset({"link"}), pictures=3))
    tree.add(FolderContent("/r/b/link", ("y",), pictures=10))
    tree.add(FolderContent("/r/b/link/y", pictures=1))
    assert (tree.find("/r/b/link").total, tree.find("/r/b").total, tree.root.total) == (11, 3, 11)
    tree.add(FolderContent("/r/b", pictures=3))
    assert tree.root.total == 11


def test_a_folder_without_access_cannot_be_expanded(tree):
    tree.add(FolderContent("/r/b", error="Permission denied"))
    node = tree.find("/r/b")
    assert not node.expandable
    assert picture_counts(node, False) == [("no access", False)]


def test_the_number_is_that_of_the_pictures_a_click_would_show(tree):
    assert picture_counts(tree.root, recursive=False) == [("1", True), ("+10", False)]
    assert picture_counts(tree.root, recursive=True) == [("11", True)]
    assert picture_counts(tree.find("/r/a/x"), recursive=False) == [("5", True)]
    tree.add(FolderContent("/r", ("a", "b")))
    assert picture_counts(tree.root, recursive=False) == [("+10", False)]


def test_ten_thousand_folders_are_rows_like_others():
    tree = Tree()
    tree.set_root("/r")
    folders = tuple(map(str, range(10_000)))
    tree.add(FolderContent("/r", folders))
    for name in folders:
        tree.add(FolderContent(f"/r/{name}", pictures=20))
    assert len(tree.rows) == 10_001
    assert tree.root.total == 200_000
