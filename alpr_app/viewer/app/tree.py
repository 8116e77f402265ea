"""The opened folder and its subfolders as a tree, with the number of pictures in each."""

from __future__ import annotations

import os
from collections.abc import Iterator

from alpr_app.viewer.workers.folders import FolderContent


class Node:
    """A folder.

    Attributes:
        path, name, parent, depth: Its position in the tree.
        children: Its subfolders; None until they have been read.
        pictures: Number of pictures directly in the folder.
        total: The same including subfolders, as far as they have been read.
        expanded: Whether its subfolders are shown.
        link: Whether it is a link; its pictures do not count in its parents.
        error: Why it cannot be read; empty if it can.
    """

    __slots__ = ("children", "depth", "error", "expanded", "link", "name", "parent", "path", "pictures", "total")

    def __init__(self, path: str, name: str, parent: Node | None = None, link: bool = False) -> None:
        self.path, self.name, self.parent, self.link = path, name, parent, link
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.children: list[Node] | None = None
        self.pictures = self.total = 0
        self.expanded = False
        self.error = ""

    @property
    def expandable(self) -> bool:
        """Whether it has subfolders, or may have some."""
        return bool(self.children) or (self.children is None and not self.error)


class Tree:
    """The tree of folders; it belongs to the main thread.

    Attributes:
        root: The opened folder; None if there is none.
        rows: The visible folders from top to bottom.
    """

    def __init__(self) -> None:
        self.root: Node | None = None
        self._nodes: dict[str, Node] = {}
        self._rows: list[Node] | None = []

    def set_root(self, path: str) -> None:
        """Replace the tree by one with the expanded root `path`."""
        self.root = Node(path, os.path.basename(path) or path)
        self.root.expanded = True
        self._nodes = {path: self.root}
        self._rows = None

    def clear(self) -> None:
        self.root, self._nodes, self._rows = None, {}, []

    def find(self, path: str) -> Node | None:
        return self._nodes.get(path)

    def add(self, content: FolderContent) -> None:
        """Set the content of a folder; known subfolders stay expanded."""
        node = self._nodes.get(content.path)
        if node is None:
            return
        old = {child.name: child for child in node.children or ()}
        for name in old.keys() - set(content.folders):
            self._forget(old[name])
        node.children = [old.get(name) or self._child(node, name, name in content.links) for name in content.folders]
        node.error = content.error
        _add_pictures(node, content.pictures - node.pictures)
        node.pictures = content.pictures
        self._rows = None

    def _child(self, parent: Node, name: str, link: bool) -> Node:
        path = os.path.join(parent.path, name)
        self._nodes[path] = child = Node(path, name, parent, link)
        return child

    def _forget(self, node: Node) -> None:
        if not node.link:
            _add_pictures(node.parent, -node.total)
        waiting = [node]
        while waiting:
            removed = waiting.pop()
            self._nodes.pop(removed.path, None)
            waiting.extend(removed.children or ())

    def set_expanded(self, node: Node, expanded: bool) -> None:
        if node.expanded != expanded:
            node.expanded = expanded
            self._rows = None

    def reveal(self, path: str) -> None:
        """Expand all parents of `path`."""
        node = self._nodes.get(path)
        while node is not None and node.parent is not None:
            node = node.parent
            self.set_expanded(node, True)

    @property
    def rows(self) -> list[Node]:
        if self._rows is None:
            self._rows = list(_visible_rows(self.root)) if self.root is not None else []
        return self._rows


def _add_pictures(node: Node | None, by: int) -> None:
    """Add to the number of pictures in `node` and in all its parents."""
    while node is not None and by:
        node.total += by
        node = None if node.link else node.parent


def _visible_rows(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node.expanded:
            waiting.extend(reversed(node.children or ()))
