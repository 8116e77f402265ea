"""Correcting labels: the mode of the window in which plates are dragged, typed, added and deleted.

`Corrections` has the plates of the picture on the canvas; every change of them goes through `_write` to the tables of
the `label_session`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from alpr_app.core.plate import ALPHABET
from alpr_app.data.ccpd import is_ccpd_name
from alpr_app.data.label_csv import CHECKED, COLUMNS, UNREADABLE, LabelError
from alpr_app.data.label_table import TableRow
from alpr_app.data.label_text import spelled
from alpr_app.viewer.app import label_draft
from alpr_app.viewer.app.label_documents import Document, for_table
from alpr_app.viewer.app.label_draft import Corners, DraftPlate
from alpr_app.viewer.app.label_session import LabelSession
from alpr_app.viewer.app.state import FOLDER, State
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.toolkit.painter import Point
from alpr_app.viewer.workers.label_places import LabelPlaces
from alpr_app.viewer.workers.threads import noop

# Columns of a new table for crops of plates, which has no positions.
CROP_COLUMNS = ("file", "split", "text", "rows")
# Columns that say something about a plate.
PLATE_COLUMNS = ("text", "colour", "rows", "box", "corners", "state")
# Seconds after the last letter at which a text is saved although the field still has the focus.
TYPING_SECONDS = 0.3


class Corrections:
    """The mode in which labels are corrected.

    Args:
        state: State of the window.
        places: Where labels are kept that do not lie beside their pictures; None if they cannot be corrected.
        step: Goes so many pictures on.
        wake: Ends the window's sleep.

    Attributes:
        active: Whether the mode is on.
        session: The tables; None before the mode is first used.
        plates: The plates of the current picture.
        guessed: Whether they are readings, because the picture has no label.
        is_crop: Whether the picture is itself a plate, according to its table.
        selected, corner: Index of the selected plate and of the corner that keys move; -1 for none.
        dragged: Corners of the selected plate while they are dragged or cannot be saved; None otherwise.
        drawing: Corners of the plate that is being drawn; None if none is.
        field_text: What is typed for the selected plate and not saved yet; None if nothing is.
        field_number: Rises when the field of the text has lost the focus.
        focus_field: Whether the field of the text is to get the focus in the next frame.
        remark: What is wrong with the last command or with the labels of the picture; empty if nothing is.
        place_dialog_open: Whether the dialog is open that chooses where labels are saved.
    """

    def __init__(
        self,
        state: State,
        places: LabelPlaces | None = None,
        step: Callable[[int], None] = lambda by: None,
        wake: Callable[[], None] = noop,
    ) -> None:
        self._state, self.places, self._step, self._wake = state, places, step, wake
        self.session: LabelSession | None = None
        self.active = self.place_dialog_open = False
        # The picture of `plates`, and what else they were made of.
        self._path = ""
        self._version: tuple[object, ...] = ()
        self._typed_at, self.field_number = 0.0, 0
        self._clear()

    def _clear(self) -> None:
        self.plates: list[DraftPlate] = []
        self.guessed = self.is_crop = self._damaged = False
        self.selected = self.corner = -1
        self.dragged: Corners | None = None
        self.drawing: list[Point] | None = None
        self.field_text: str | None = None
        self.focus_field, self.remark = False, ""

    def toggle(self) -> None:
        """Begin or end to correct labels."""
        state = self._state
        if self.active:
            self.leave_picture()
            self.active = self.place_dialog_open = False
        elif self.places is None or state.kind != FOLDER:
            state.add_message(tr("Labels are corrected in a folder of pictures; O opens one"))
        else:
            state.playing, self.active = False, True
            self.session = self.session or LabelSession(state, self.places, self._wake)

    def collect(self) -> None:
        """Take over what the thread has done, and the picture on the canvas. Never waits."""
        if self.session is None:
            return
        self.active &= self.session.collect(self.active) and self._state.kind == FOLDER
        if self.active:
            self._commit_typed(pause=True)
        if self.path != self._path or not self.active:
            self.leave_picture()
        if self.active:
            self._load()

    def leave_picture(self) -> None:
        """Save what was typed, and say what cannot be saved."""
        self._commit_typed()
        if self._path and self.dragged is not None and (why := label_draft.fault(self.dragged)):
            self._state.add_message(tr("The corners were not saved: {reason}", reason=why), is_error=True)
        if self._path and self.field_text is not None:
            self._state.add_message(tr("The text '{text}' was not saved", text=self.field_text), is_error=True)
        self._path, self._version = "", ()
        self._clear()

    @property
    def path(self) -> str:
        """The selected picture, without links in its folder's path; empty as long as it is not on the canvas."""
        state, item = self._state, self._state.image_item
        root = self.session.documents.root if self.session is not None and self.active else ""
        name = state.image_list.name
        if not root or not name or item is None or item.image is None:
            return ""
        return os.path.join(root, name) if item.key == os.path.join(state.folder, name) else ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self._state.image_item.size if self._state.image_item is not None else (0, 0)

    @property
    def alphabet(self) -> str:
        """The characters that a text may have."""
        reading = self._state.recognition
        return label_draft.text_alphabet(reading.alphabet if reading is not None else ALPHABET)

    def _load(self) -> None:
        """Make the plates of the picture again if anything has changed of which they are made."""
        session, state, path = self.session, self._state, self.path
        if session is None or not path:
            return
        settings = state.settings
        version = (session.edits, state.image_list.labels, state.recognition, settings.score, settings.confidence)
        if path == self._path and all(map(_is_same, version, self._version)):
            return
        self._path, self._version = path, version
        sources = session.documents.sources(path)
        self.is_crop = bool(sources) and not any(one.has_positions for one, _ in sources)
        self.guessed = self._damaged = False
        try:
            if sources:
                self.plates = label_draft.of_rows(row for _, rows in sources for row in rows)
            elif (named := label_draft.of_name(path, state.plates)) is not None:
                self.plates = named
            else:
                self.plates, self.guessed = label_draft.of_readings(state.plates, self.size), True
        except (LabelError, ValueError) as error:
            self.plates, self._damaged = [], True
            self.remark = tr("The labels are damaged: {reason}", reason=str(error).removeprefix("., row 0: "))
        self.selected = min(max(self.selected, 0), len(self.plates) - 1)

    # Changes

    def _write(self, plates: Sequence[DraftPlate], token: object = None) -> bool:
        """Save these plates as the labels of the picture; returns whether that is possible."""
        session, path = self.session, self._path
        if session is None or not path or self._damaged or (target := self._target(path)) is None:
            return False
        if not self.is_crop and any(plate.corners is None for plate in plates):
            self.remark = tr("This plate has no place yet: draw it (Insert)")
            return False
        sources = session.documents.sources(path)
        if sources:
            first = dict(sources[0][1][0].values)
        else:
            first = dict(session.documents.origins.get(session.name_of(path), {}))
            if is_ccpd_name(path) and not first.get("subset"):
                first["subset"] = os.path.basename(os.path.dirname(path))
        fresh = {name: first[name] for name in ("split", "subset") if first.get(name)}
        rows = [plate.as_row(fresh) for plate in plates]
        if not plates:
            # Without a row, the picture would get back the label that its name or another table states.
            row = sources[0][1][0] if sources else TableRow(fresh)
            rows = [row.changed(**{name: "" for name in PLATE_COLUMNS if row.values.get(name)} | {"state": CHECKED})]
        if len(sources) == 1 and rows == sources[0][1]:
            return True
        session.write(path, [for_table(row, sources, target) for row in rows], token)
        self.remark = ""
        if path == self.path:
            self._load()
        return True

    def _target(self, path: str) -> Document | None:
        """The table for the picture; None if it cannot have labels of this kind."""
        target = self.session.documents.target(path) if self.session is not None else None
        if target is None:
            return None
        if not target.table.columns:
            target.table.new_columns = CROP_COLUMNS if self.is_crop else COLUMNS
        if self.is_crop == (not target.has_positions):
            return target
        if self.is_crop:
            self.remark = tr("This picture is a crop, and the table holds plates in pictures; choose another folder")
        else:
            self.remark = tr("The table holds crops of plates, without positions; choose another folder")
        return None

    def _replace(self, plate: DraftPlate, token: object = None) -> bool:
        """Change the selected plate."""
        plates = [*self.plates]
        plates[self.selected] = plate
        return self._write(plates, token)

    @property
    def plate(self) -> DraftPlate | None:
        """The selected plate."""
        return self.plates[self.selected] if 0 <= self.selected < len(self.plates) else None

    def select(self, number: int) -> None:
        """Select a plate; what was typed for the former one is saved."""
        if number != self.selected:
            self._commit_typed()
            self.selected, self.corner, self.dragged, self.field_text = number, -1, None, None

    def select_next(self, by: int = 1) -> None:
        """Select the next plate, or the one before."""
        if self.plates:
            self.select((self.selected + by) % len(self.plates))

    def type_text(self, text: str) -> None:
        """What the field of the text holds now; it is saved after a pause."""
        plate = self.plate
        if plate is not None and text != (plate.text if self.field_text is None else self.field_text):
            self.field_text, self._typed_at = text, monotonic()

    def end_typing(self) -> None:
        """Save what was typed, which is one step of undo."""
        self._commit_typed()
        self.field_number += 1

    def _commit_typed(self, pause: bool = False) -> None:
        """Save what was typed, if it can be; `pause`: only if nothing has been typed for a moment."""
        text, plate = self.field_text, self.plate
        if text is None or plate is None or (pause and monotonic() - self._typed_at < TYPING_SECONDS):
            return
        plain = spelled(text, self.alphabet) if text.strip() else ""
        if plain is None:
            return
        if plain != plate.text and not self._replace(
            replace(plate, text=plain), ("text", self._path, self.selected, self.field_number)
        ):
            return
        if not pause or plain == text:
            self.field_text = None

    @property
    def strange(self) -> str:
        """The typed characters that no plate has."""
        return label_draft.strange_characters(self.field_text or "", self.alphabet)

    def set_corners(self, corners: Corners) -> None:
        """Save new corners of the selected plate; crossed ones are kept apart until they are put right."""
        plate, why = self.plate, label_draft.fault(corners)
        if plate is None:
            return
        self.dragged = corners if why else None
        if why:
            self.remark = tr("Not saved: {reason}", reason=why)
        elif corners != plate.corners:
            self._replace(replace(plate, corners=corners))

    def nudge(self, x: float, y: float) -> None:
        """Move the selected corner, or the whole plate, by a pixel."""
        plate = self.plate
        if plate is None or plate.corners is None:
            return
        corners = list(self.dragged or plate.corners)
        if self.corner < 0:
            self.set_corners(label_draft.moved(tuple(corners), (x, y), self.size))
            return
        left, top = corners[self.corner]
        corners[self.corner] = label_draft.clamped((left + x, top + y), self.size)
        self.set_corners(tuple(corners))

    def draw(self) -> None:
        """Begin to draw a plate: the next drag is its box, or the next four clicks its corners."""
        if self.is_crop:
            self.remark = tr("The picture is the crop of one plate; only its text can be corrected")
        elif self.path:
            self.drawing = [] if self.drawing is None else None

    def add(self, corners: Sequence[Point]) -> None:
        """Add a plate with four corners in any order; or give a plate without a place its place."""
        self.drawing = None
        placeless = next((number for number, plate in enumerate(self.plates) if plate.corners is None), -1)
        try:
            made = label_draft.with_corners(
                self.plates[placeless] if placeless >= 0 else DraftPlate(None),
                [label_draft.clamped(point, self.size) for point in corners],
            )
            why = label_draft.fault(made.corners or ())
        except ValueError:
            why = tr("Two corners lie on one another")
        if why:
            self.remark = tr("Not saved: {reason}", reason=why)
            return
        plates = [*self.plates]
        if placeless >= 0:
            plates[placeless] = made
        else:
            plates.append(made)
        if self._write(plates):
            self.select(placeless if placeless >= 0 else len(self.plates) - 1)
            self.focus_field = True

    def delete(self) -> None:
        """Delete the selected plate; the last one leaves a picture without plates."""
        if self.is_crop:
            self.remark = tr("A crop cannot be without a plate; mark it as unreadable (Q)")
        elif self.plate is not None:
            self.field_text, self.dragged = None, None
            left = [plate for number, plate in enumerate(self.plates) if number != self.selected]
            if self._write(left) and not left:
                self._state.add_message(tr("The picture is now labelled as one without plates"))

    def change(self, **values: Any) -> None:
        """Change fields of the selected plate."""
        self._commit_typed()
        if self.plate is not None:
            self._replace(replace(self.plate, **values))

    def mark_unreadable(self) -> None:
        """Mark the selected plate as unreadable, or as readable again."""
        if self.plate is not None:
            self.change(state="" if self.plate.unreadable else UNREADABLE)

    def mark_plate_free(self) -> None:
        """Label the picture as one without plates."""
        if self.is_crop:
            self.remark = tr("A crop cannot be without a plate; mark it as unreadable (Q)")
        elif self.path:
            self.field_text, self.dragged = None, None
            self._write([])

    def accept(self) -> None:
        """Mark the labels as checked, which makes labels of readings, and go to the next picture."""
        state = self._state
        self._commit_typed()
        # A remark says what is wrong.
        if self.session is None or not self.path or self._damaged or self.dragged or self.field_text is not None:
            return
        if not self.plates and not self.session.documents.sources(self.path):
            nothing = tr("Nothing was read here: draw the plate (Insert), or mark the picture as without (V)")
            self.remark = nothing if state.recognition is not None else tr("This picture has not been read yet")
            return
        if self._write([plate if plate.unreadable else replace(plate, state=CHECKED) for plate in self.plates]):
            before = state.image_list.index
            self._step(1)
            if state.image_list.index == before:
                state.add_message(tr("This was the last picture"))

    def cancel(self) -> bool:
        """Give up what is being drawn, dragged or typed; returns whether there was anything."""
        given_up = self.drawing is not None or self.dragged is not None or self.field_text is not None
        self.drawing = self.dragged = self.field_text = None
        self.remark = "" if given_up else self.remark
        return given_up

    def undo(self) -> None:
        """Take back the last change, in whichever picture it was."""
        if self.session is not None and not self.cancel():
            self.session.undo()

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        if self.session is not None:
            self.cancel()
            self.session.redo()

    def close(self, timeout: float = 1.0) -> bool:
        """Save what is left and stop the thread; returns whether it has ended within `timeout` seconds."""
        self._commit_typed()
        return self.session is None or self.session.close(timeout)

    @property
    def problems(self) -> list[str]:
        """Why edits are not saved, one line for each table."""
        return self.session.documents.problems if self.session is not None else []


def _is_same(first: object, second: object) -> bool:
    return first is second or (isinstance(first, int | float) and first == second)
