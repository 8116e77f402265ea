"""The label tables that are being corrected: which table has the rows of a picture, edits with undo and redo across
pictures, and what is not saved yet. Belongs to the main thread; `workers.label_files` reads and writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from alpr_app.data.label_table import Edit, EditableTable, TableRow
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.label_files import CHANGED, FAILED, SAVED, LabelFiles, OpenedFolder, OpenTable, SaveEvent
from alpr_app.viewer.workers.label_places import LabelPlace
from alpr_app.viewer.workers.label_tables import LabelTable, Line, line_of

POSITIONS = {"box", "corners"}


@dataclass(eq=False)
class Document:
    """A table with its state of saving.

    Attributes:
        place: Its folder, and that of its pictures.
        table: Its content.
        overrides: Whether it has precedence over the tables beside the pictures.
        version, saved: Number of edits so far, and at the last save.
        problem: Why it could not be saved the last time; empty if it could.
        changed: Whether another program has changed the file.
        unsaved: Pictures edited since the last save, with the version of their last edit.
    """

    place: LabelPlace
    table: EditableTable
    overrides: bool
    version: int = 0
    saved: int = 0
    problem: str = ""
    changed: bool = False
    unsaved: dict[str, int] = field(default_factory=dict)

    @property
    def has_positions(self) -> bool:
        """Whether the table has positions of plates; if not, each picture is the crop of one plate."""
        return bool(POSITIONS & set(self.table.columns or self.table.new_columns))

    def key(self, path: str) -> str:
        """The name of the picture at `path` in this table."""
        names = [path]
        # On Windows there is no relative path to another drive.
        with suppress(ValueError):
            names.insert(0, os.path.relpath(path, self.place.labels))
        default = names[0] if self.place.is_beside else path
        return next((name for name in names if self.table.rows(name)), Path(default).as_posix())

    def rows(self, path: str) -> list[TableRow]:
        """The rows of the picture at `path`."""
        return self.table.rows(self.key(path))


@dataclass(frozen=True, eq=False)
class _Step:
    """One step of undo and redo.

    Attributes:
        paths: The pictures it has changed.
        edits: What it has changed in each table, in order.
        token: Steps with the same token that follow one another are undone together; None for none.
        chosen: The table for new labels before and after; None if that has not changed.
    """

    paths: tuple[str, ...]
    edits: tuple[tuple[Document, Edit], ...]
    token: object = None
    chosen: tuple[Document, Document] | None = None


class LabelDocuments:
    """The tables of the folder that is being corrected, and the edits of this session.

    Args:
        files: Reads and writes them.

    Attributes:
        root: The folder, without links in its path; empty before it is opened.
        tables: Its tables; later ones have precedence.
        chosen: The table for pictures that are in none.
        origins: Split and subset of pictures labelled by their CCPD names, by name.
    """

    def __init__(self, files: LabelFiles) -> None:
        self._files = files
        self.root = ""
        self.tables: list[Document] = []
        self.chosen: Document | None = None
        self.origins: Mapping[str, Mapping[str, str]] = {}
        # All tables of this session, because an edit in a folder that has been left can still be undone.
        self._known: dict[Path, Document] = {}
        self._done: list[_Step] = []
        self._undone: list[_Step] = []

    def show(self, opened: OpenedFolder) -> bool:
        """Take over the tables of a folder; returns whether another program has changed one, so that edits are lost
        to undo."""
        documents = [self._document(one) for one in opened.tables]
        fresh = any(self._known.get(one.table.path, one) is not one for one in documents)
        if fresh:
            self._forget_steps()
        self._known |= {one.table.path: one for one in documents}
        self.root, self.tables, self.origins = opened.root, documents, opened.origins or {}
        self.chosen = self._known[opened.chosen.table.path] if opened.chosen is not None else None
        self._files.watch([one.table for one in documents])
        return fresh

    def _document(self, opened: OpenTable) -> Document:
        known = self._known.get(opened.table.path)
        # One with unsaved edits is kept; saving it will notice a change.
        if known is not None and (known.unsaved or known.table.has_same_file(opened.table)):
            return known
        return Document(opened.place, opened.table, opened.overrides)

    def leave(self) -> None:
        """The folder is left; its edits are still saved."""
        self.root, self.tables, self.chosen = "", [], None
        self._files.watch(())

    def _forget_steps(self) -> None:
        self._done.clear()
        self._undone.clear()

    def sources(self, path: str) -> list[tuple[Document, list[TableRow]]]:
        """The tables that decide about the picture at `path`, with its rows in each."""
        found = [(one, rows) for one in self.tables if (rows := one.rows(path))]
        overriding = [(one, rows) for one, rows in found if one.overrides]
        return overriding[-1:] or found

    def lines(self, path: str) -> list[Line]:
        """The rows of a picture as `Labels` takes them."""
        return [
            line_of(LabelTable(one.table.path, one.has_positions), number, row.values)
            for one, rows in self.sources(path)
            for number, row in enumerate(rows, start=2)
        ]

    def target(self, path: str) -> Document | None:
        """The table in which the corrections of a picture are saved."""
        sources = self.sources(path)
        if self.chosen is None or (sources and (sources[-1][0].overrides or self.chosen.place.is_beside)):
            return sources[-1][0] if sources else None
        return self.chosen

    def write(self, path: str, rows: Sequence[TableRow], token: object = None) -> None:
        """Replace the rows of a picture. token: edits with the same one that follow one another are one step."""
        target = self.target(path)
        if target is None:
            return
        if token is not None and self._done and self._done[-1].token == token:
            self._take_back(self._done.pop())
        # Other tables beside the pictures may name it too, and would add their rows.
        others = [one for one, _ in self.sources(path) if one is not target and not target.overrides]
        edits = [(one, one.table.replace(one.key(path), ())) for one in others]
        edits.append((target, target.table.replace(target.key(path), rows)))
        self._finish(_Step((path,), tuple(edits), token))

    def move(self, opened: OpenTable) -> tuple[str, ...]:
        """Save labels in another table from now on, those included that are in the former one; returns the pictures of
        these."""
        before = self.chosen
        target = self._document(opened)
        if before is None or target.table.path == before.table.path:
            return ()
        self._known[target.table.path] = target
        if target not in self.tables:
            self.tables.append(target)
        paths = [path_of(before, name) for name in before.table.pictures()] if before.overrides else []
        edits = []
        for path in paths:
            rows = [TableRow(dict(row.values)) for row in before.rows(path)]
            key = target.key(path)
            edits.append((target, target.table.replace(key, [row.changed(file=key) for row in rows])))
            edits.append((before, before.table.replace(before.key(path), ())))
        self.chosen = target
        self._finish(_Step(tuple(paths), tuple(edits), None, (before, target)))
        return tuple(paths)

    def _finish(self, step: _Step) -> None:
        self._done.append(step)
        self._undone.clear()
        self._save(step)

    def undo(self) -> tuple[str, ...] | None:
        """Take back the last step; returns the pictures that it had changed, None if there is no step."""
        if not self._done:
            return None
        step = self._done.pop()
        self._take_back(step)
        self._undone.append(step)
        if step.chosen is not None:
            self._choose(step.chosen[0])
        self._save(step)
        return step.paths

    def redo(self) -> tuple[str, ...] | None:
        """Make the step again that was taken back last; returns its pictures, None if there is no step."""
        if not self._undone:
            return None
        step = self._undone.pop()
        for document, edit in step.edits:
            document.table.redo(edit)
        self._done.append(step)
        if step.chosen is not None:
            self._choose(step.chosen[1])
        self._save(step)
        return step.paths

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def _take_back(self, step: _Step) -> None:
        for document, edit in reversed(step.edits):
            document.table.undo(edit)

    def _choose(self, document: Document) -> None:
        self.chosen = document
        self._files.choose(document.place)

    def _save(self, step: _Step) -> None:
        for document in dict.fromkeys(document for document, _ in step.edits):
            document.version += 1
            document.unsaved |= dict.fromkeys(step.paths, document.version)
            self.save(document)

    def reload(self) -> None:
        """Read the table again that another program has changed; `adopt` continues with it."""
        if (document := self.changed) is not None:
            self._files.reread(document.table.snapshot())

    def document_at(self, path: Path) -> Document | None:
        """The table at a path."""
        return self._known.get(path)

    def save(self, document: Document) -> None:
        """Have a table written, unless another program has changed it."""
        if not document.changed:
            self._files.save(document.place, document.table.snapshot(), document.version)

    def note(self, events: Iterable[SaveEvent]) -> list[str]:
        """Take over what has become of the tables; returns new problems, one line each."""
        problems = []
        for event in events:
            document = self._known.get(event.path)
            if document is None:
                continue
            if event.state == SAVED:
                document.saved, document.problem = event.version, ""
                document.unsaved = {path: at for path, at in document.unsaved.items() if at > event.version}
            elif event.state == FAILED and document.problem != event.message:
                document.problem = event.message
                problems.append(event.message)
            elif event.state == CHANGED:
                document.changed, document.problem = True, ""
        return problems

    @property
    def changed(self) -> Document | None:
        """A table that another program has changed, so that it has to be read again before it is saved."""
        return next((one for one in self._known.values() if one.changed), None)

    @property
    def problem(self) -> str:
        """Why something is not saved; empty if everything is, or will be at once."""
        return next((one.problem for one in self._known.values() if one.problem), "")

    @property
    def problems(self) -> list[str]:
        """Why edits are not saved, one line for each table that has some."""
        return [
            one.problem or tr("{path}: not saved, because another program has changed it", path=one.table.path)
            for one in self._known.values()
            if one.unsaved and (one.problem or one.changed)
        ]

    @property
    def is_saved(self) -> bool:
        """Whether every edit is on the disk."""
        return not any(one.unsaved for one in self._known.values())

    def adopt(self, document: Document, table: EditableTable, saved: EditableTable) -> tuple[list[str], list[str]]:
        """Continue with what another program has made of a table.

        Edits that were not saved are made again, except in pictures that the other program has changed as well.

        Args:
            document: The table as it is here.
            table: As the other program has left it.
            saved: As it was before, without the edits that are not saved.

        Returns:
            Every picture of either version; and those whose unsaved edits have been left out.
        """
        fresh = Document(document.place, table, document.overrides)
        self._known[table.path] = fresh
        self.tables = [fresh if one is document else one for one in self.tables]
        self.chosen = fresh if self.chosen is document else self.chosen
        self._forget_steps()
        former = Document(document.place, saved, document.overrides)
        lost = []
        for path in document.unsaved:
            mine, theirs, before = ([_values(row) for row in one.rows(path)] for one in (document, fresh, former))
            if theirs == before:
                self.write(path, [TableRow(values) for values in mine])
            elif theirs != mine:
                lost.append(path)
        self._files.watch([one.table for one in self.tables])
        names = dict.fromkeys((*document.table.pictures(), *table.pictures()))
        return [path_of(fresh, name) for name in names], lost


def path_of(document: Document, name: str) -> str:
    """The path of a picture that a table names."""
    return os.path.normpath(os.path.join(document.place.labels, name))


def for_table(row: TableRow, sources: Sequence[tuple[Document, list[TableRow]]], target: Document) -> TableRow:
    """A row for `target`; one from another table is copied, with the subset that it has there."""
    if not sources or sources[-1][0] is target:
        return row
    values = dict(row.values)
    former = sources[0][0].place.pictures
    if not values.get("subset") and former != target.place.pictures:
        values["subset"] = Path(former).name
    return TableRow({**values, "file": ""})


def _values(row: TableRow) -> dict[str, str]:
    """The values of a row that are not empty, so that rows of tables with other columns can be compared."""
    return {name: value for name, value in row.values.items() if value and name != "file"}
