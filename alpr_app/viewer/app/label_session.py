"""The label tables of the opened folder, as the window corrects them: opens them, carries every edit into the labels of
the list at once, and watches what becomes of them on the disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from alpr_app.data.label_table import EditableTable, TableRow
from alpr_app.viewer.app.label_documents import Document, LabelDocuments
from alpr_app.viewer.app.state import FOLDER, State
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.label_files import LabelFiles, OpenTable
from alpr_app.viewer.workers.label_places import LabelPlace, LabelPlaces
from alpr_app.viewer.workers.label_tables import Labels
from alpr_app.viewer.workers.threads import drain, noop


class LabelSession:
    """The tables and edits of this session. Its thread begins with the first folder that is corrected.

    Args:
        state: State of the window.
        places: Where labels are kept that do not lie beside their pictures.
        wake: Ends the window's sleep.

    Attributes:
        documents: The tables.
        edits: Rises with every change of a label.
    """

    def __init__(self, state: State, places: LabelPlaces, wake: Callable[[], None] = noop) -> None:
        self._state, self._files = state, LabelFiles(places, wake)
        self.documents = LabelDocuments(self._files)
        self.edits = 0
        # The folder and its list of names for which the tables were requested.
        self._requested: tuple[str, Sequence[str]] | None = None
        # The labels that have every edit.
        self._labels: Labels | None = None
        self._edited: set[str] = set()
        self._choosing = False

    def collect(self, active: bool) -> bool:
        """Take over what the thread has done; returns whether labels can be corrected. Never waits.

        Args:
            active: Whether the tables of the folder are needed.
        """
        state, documents, files = self._state, self.documents, self._files
        failed = False
        for opened in drain(files.opened):
            if opened.folder != state.folder or self._requested is None:
                continue
            if opened.error:
                state.add_message(opened.error, is_error=True)
                failed = True
            elif documents.show(opened):
                state.add_message(tr("Another program has changed the labels; edits from before cannot be undone"))
            self._labels = None
        for problem in documents.note(drain(files.events)):
            state.add_message(problem, is_error=True)
        for chosen in drain(files.chosen):
            self._collect_choice(chosen)
        for reloaded in drain(files.reloaded):
            if isinstance(reloaded, str):
                state.add_message(reloaded, is_error=True)
            elif (document := documents.document_at(reloaded[0].path)) is not None:
                self._adopt(document, *reloaded)
        self._follow_folder(active)
        return not failed

    def _follow_folder(self, active: bool) -> None:
        """Request the tables of the folder once it is listed. Labels read from the disk get the edits that were not
        there yet."""
        state, image_list = self._state, self._state.image_list
        if self._requested is not None and (state.kind != FOLDER or self._requested[0] != state.folder):
            self.documents.leave()
            self._requested = None
        listed = state.kind == FOLDER and not state.scanning and image_list.labels.folder == state.folder
        if not listed:
            return
        if active and (self._requested is None or self._requested[1] is not image_list.names):
            self._requested = state.folder, image_list.names
            self._files.open(state.folder, image_list.names)
        if self.documents.root and image_list.labels is not self._labels:
            self._labels = image_list.labels
            for path in self._edited:
                self._relabel(path)

    def name_of(self, path: str) -> str:
        """The name of a picture in the list; empty if it is not in this folder."""
        prefix = os.path.join(self.documents.root, "") if self.documents.root else ""
        return path[len(prefix) :] if prefix and path.startswith(prefix) else ""

    def write(self, path: str, rows: Sequence[TableRow], token: object = None) -> None:
        """Replace the rows of a picture, as `LabelDocuments.write` does."""
        self.documents.write(path, rows, token)
        self._note_edits((path,))

    def _note_edits(self, paths: Sequence[str]) -> None:
        self.edits += 1
        self._edited.update(paths)
        for path in paths:
            self._relabel(path)

    def _relabel(self, path: str) -> None:
        name, image_list = self.name_of(path), self._state.image_list
        if name:
            image_list.labels.set_lines(name, self.documents.lines(path))
            image_list.relabel(name)

    def undo(self) -> None:
        """Take back the last edit, in whichever picture it was, and show that picture."""
        self._show_step(self.documents.undo(), tr("Nothing to undo"))

    def redo(self) -> None:
        """Make the edit again that was taken back last, and show its picture."""
        self._show_step(self.documents.redo(), tr("Nothing to redo"))

    def _show_step(self, paths: tuple[str, ...] | None, nothing: str) -> None:
        if paths is None:
            self._state.add_message(nothing)
            return
        self._note_edits(paths)
        if len(paths) == 1 and (name := self.name_of(paths[0])):
            self._state.image_list.select(name)

    @property
    def place(self) -> LabelPlace | None:
        """Where the labels of pictures are saved that have none yet."""
        return self.documents.chosen.place if self.documents.chosen is not None else None

    def choose_place(self, labels: str) -> None:
        """Save labels in the folder `labels` from now on; those in the former one are moved."""
        if self.place is not None:
            self._choosing = True
            self._files.choose(LabelPlace(self.place.pictures, labels))

    def _collect_choice(self, chosen: OpenTable | str) -> None:
        state = self._state
        if isinstance(chosen, str):
            state.add_message(chosen, is_error=True)
        elif self._choosing:
            # Otherwise undo has chosen the former place again.
            self._note_edits(self.documents.move(chosen))
            state.add_message(tr("Labels are saved in {folder} from now on", folder=chosen.place.labels))
        self._choosing = False

    def _adopt(self, document: Document, table: EditableTable, saved: EditableTable) -> None:
        paths, lost = self.documents.adopt(document, table, saved)
        self._note_edits(paths)
        if lost:
            names = ", ".join(os.path.basename(path) for path in lost)
            self._state.add_message(tr("Changed by both; the other program's labels stand: {names}", names=names))
        else:
            self._state.add_message(tr("The labels have been read again"))

    def close(self, timeout: float = 1.0) -> bool:
        """Save what is left and stop the thread; returns whether it has ended within `timeout` seconds."""
        ended = self._files.close(timeout)
        self.documents.note(drain(self._files.events))
        return ended
