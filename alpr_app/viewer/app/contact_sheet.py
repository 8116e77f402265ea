"""The contact sheet: every plate of the listed pictures as a crop, sorted, and the characters that are confused."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from time import monotonic

from alpr_app.core.plate import COLOURS, PROVINCES, Plate
from alpr_app.evaluation.confusions import Confusion, confusions
from alpr_app.evaluation.outcomes import MISSED, OUTCOMES
from alpr_app.viewer.app.image_list import ImageList
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.app.state import FOLDER, State
from alpr_app.viewer.text.language import mark
from alpr_app.viewer.workers.crops import Corners, CropRequest, CropWorker
from alpr_app.viewer.workers.images import ImageItem, Stamp, load_image_item
from alpr_app.viewer.workers.threads import BackgroundTask, noop

CONFIDENCE, ERRORS, PROVINCE, COLOUR = "confidence", "errors", "province", "colour"
ORDERS = (CONFIDENCE, ERRORS, PROVINCE, COLOUR)
ORDER_TITLES = (mark("Least confident"), mark("Errors first"), mark("By province"), mark("By colour"))

# Seconds of reading after which an untouched sheet takes up the new results.
REFRESH_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class SheetItem:
    """One plate on the sheet, or a labelled plate that was missed.

    Attributes:
        name: Path of the picture relative to the folder.
        plate: The plate; None if it was missed.
        corners: Where it is, as `Plate.corners`.
        stamp: That of the file when it was read.
        label: Text of its label; empty if there is none.
        outcome: One of OUTCOMES; empty if it is unknown.
    """

    name: str
    plate: Plate | None
    corners: Corners
    stamp: Stamp = None
    label: str = ""
    outcome: str = ""

    @property
    def text(self) -> str:
        """The text that was read; that of the label for a missed plate."""
        return self.plate.text if self.plate is not None else self.label

    @property
    def confusions(self) -> list[Confusion]:
        """The characters read otherwise than labelled."""
        return confusions(self.label, self.plate.text) if self.plate is not None and self.label else []


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sorted sheet.

    Attributes:
        folder: The folder that the names are relative to.
        items: The plates in order.
        counts: How often each confusion occurs on the whole sheet.
        labelled: Number of plates with a labelled text.
        pictures: Number of pictures that have been read.
    """

    folder: str
    items: tuple[SheetItem, ...]
    counts: Counter[Confusion]
    labelled: int
    pictures: int

    def request(self, item: SheetItem) -> CropRequest:
        """What the crop of an item is made of."""
        return CropRequest(os.path.join(self.folder, item.name), item.corners, item.stamp)


def sheet_items(name: str, record: Record, score: float, confidence: float) -> list[SheetItem]:
    """The plates of one picture that reach both thresholds, and its missed labels that have a position."""
    plates, stamp = record.recognition.plates, record.recognition.stamp
    matching, truth = record.matching(score, confidence), record.ground_truth
    items = []
    for number, plate in enumerate(plates):
        if plate.score < score or plate.confidence < confidence:
            continue
        match = matching.plates[number] if matching is not None else None
        label = truth.labels[match.label].text if truth is not None and match is not None and match.label >= 0 else ""
        outcome = match.outcome if match is not None else ""
        items.append(SheetItem(name, plate, plate.corners, stamp, label, outcome))
    if matching is not None and truth is not None:
        for missed, outcome in zip(truth.labels, matching.labels, strict=True):
            if outcome == MISSED and missed.corners is not None:
                corners = tuple((float(x), float(y)) for x, y in missed.corners)
                items.append(SheetItem(name, None, corners, stamp, missed.text, MISSED))
    return items


def make_sheet(
    folder: str,
    records: Sequence[tuple[str, Record]],
    order: str,
    score: float,
    confidence: float,
    only: Collection[Confusion] = (),
) -> Sheet:
    """Make the sheet of these pictures.

    Args:
        folder: The folder that the names are relative to.
        records: Name and result of each picture, in the order of the list.
        order: One of ORDERS.
        score, confidence: Thresholds of the plates.
        only: Show only plates with one of these confusions; empty for all plates. The confusions are counted over all
            plates.
    """
    items = [item for name, record in records for item in sheet_items(name, record, score, confidence)]
    counts = Counter(pair for item in items for pair in item.confusions)
    labelled = sum(item.plate is not None and bool(item.label) for item in items)
    if only:
        items = [item for item in items if not set(only).isdisjoint(item.confusions)]
    # Stable: equal plates stay in the order of the list.
    items.sort(key=_KEYS[order])
    return Sheet(folder, tuple(items), counts, labelled, len(records))


def _confidence(item: SheetItem) -> float:
    # Missed plates have no confidence and come last.
    return item.plate.confidence if item.plate is not None else 2.0


_OUTCOME_RANK = {outcome: rank for rank, outcome in enumerate(OUTCOMES)}


def _by_error(item: SheetItem) -> tuple[int, float]:
    return _OUTCOME_RANK.get(item.outcome, len(OUTCOMES)), _confidence(item)


def _by_province(item: SheetItem) -> tuple[int, float]:
    province = PROVINCES.find(item.text[:1]) if item.text else -1
    return province if province >= 0 else len(PROVINCES), _confidence(item)


def _by_colour(item: SheetItem) -> tuple[int, str, float]:
    colour = item.plate.colour if item.plate is not None else ""
    return (COLOURS.index(colour) if colour in COLOURS else len(COLOURS)), colour, _confidence(item)


_KEYS: dict[str, Callable[[SheetItem], tuple[object, ...]]] = {
    CONFIDENCE: lambda item: (_confidence(item),),
    ERRORS: _by_error,
    PROVINCE: _by_province,
    COLOUR: _by_colour,
}


class ContactSheet:
    """The contact sheet of the window. All methods belong to the main thread.

    Args:
        state: State of the window.
        wake: Ends the window's sleep.
        load: Reads the picture at a path.

    Attributes:
        open: Whether the sheet is shown.
        order: One of ORDERS.
        only: The confusions whose plates are shown; empty for all plates.
        confusions_open: Whether the table of confusions is shown in place of the plates.
        outdated: Whether there are results that the sheet does not show yet.
        scrolled: Whether the user has scrolled, so that the sheet must not change by itself.
        crops: Makes the crops; None before the sheet was opened.
    """

    def __init__(
        self,
        state: State,
        wake: Callable[[], None] = noop,
        load: Callable[[str], ImageItem] = load_image_item,
    ) -> None:
        self._state, self._wake, self._load = state, wake, load
        self.open = False
        self.order = ERRORS
        self.only: frozenset[Confusion] = frozenset()
        self.confusions_open = self.outdated = self.scrolled = False
        self.crops: CropWorker | None = None
        self._task: BackgroundTask[Sheet] = BackgroundTask("alpr-sheet", wake)
        # What the sheet was made of: what the user chose, the number of changes of the results, and the listed rows.
        self._choice: tuple[object, ...] = ()
        self._changes = -1
        self._rows: Sequence[int] = ()
        self._made_at = 0.0
        # The plate whose card is selected once its picture is shown.
        self._awaited: SheetItem | None = None

    @property
    def sheet(self) -> Sheet | None:
        """The sheet of the present folder; None while its first one is being made."""
        sheet = self._task.result
        return sheet if sheet is not None and sheet.folder == self._state.folder else None

    def toggle(self) -> None:
        """Show or hide the sheet."""
        self.open = not self.open and self._state.kind == FOLDER
        if self.open:
            self.crops = self.crops or CropWorker(self._wake, self._load)
            self.refresh()

    def show(self, only: Collection[Confusion] = ()) -> None:
        """Show only the plates with one of these confusions; all plates without any."""
        self.only, self.confusions_open = frozenset(only), False
        self.refresh()

    def toggle_confusions(self) -> None:
        """Show or hide the table of confusions."""
        self.confusions_open = not self.confusions_open

    def refresh(self) -> None:
        """Take up all results."""
        self._changes, self.scrolled = -1, False

    def collect(self) -> None:
        """Make the sheet again if what it shows has changed. Never waits."""
        state, image_list = self._state, self._state.image_list
        self._select_awaited()
        if state.kind != FOLDER:
            self.open, self.confusions_open, self.only = False, False, frozenset()
        if not self.open:
            return
        choice = (
            (state.folder, self.order, self.only, image_list.score, image_list.confidence),
            (image_list.text, image_list.only),
        )
        self.outdated = image_list.changes != self._changes or image_list.rows is not self._rows
        # While pictures are being read, nothing moves under the eyes of somebody who looks through the sheet.
        waits = self.scrolled or (state.read_all_total and monotonic() - self._made_at < REFRESH_SECONDS)
        if (choice != self._choice or (self.outdated and not waits)) and self._start(image_list):
            self._choice, self._changes, self._rows = choice, image_list.changes, image_list.rows
            self._made_at, self.outdated = monotonic(), False

    def _start(self, image_list: ImageList) -> bool:
        if self._task.busy:
            return False
        # Copied for the thread, which must not see later changes.
        folder, names, rows, records = self._state.folder, image_list.names, image_list.rows, dict(image_list.records)
        order, only, score, confidence = self.order, self.only, image_list.score, image_list.confidence

        def make() -> Sheet:
            read = [(names[row], records[names[row]]) for row in rows if names[row] in records]
            return make_sheet(folder, read, order, score, confidence, only)

        return self._task.start(make)

    def go_to(self, item: SheetItem) -> None:
        """Show the picture of a plate, with its card selected, in place of the sheet."""
        self.open = False
        if self._state.image_list.select(item.name):
            self._awaited = item

    def _select_awaited(self) -> None:
        state, item = self._state, self._awaited
        if item is None:
            return
        if state.kind != FOLDER or state.image_list.name != item.name:
            self._awaited = None
        elif state.recognition is not None and state.recognition.key == os.path.join(state.folder, item.name):
            self._awaited = None
            corners = [plate.corners for plate in state.plates]
            state.selected = corners.index(item.corners) if item.corners in corners else -1

    def close(self, timeout: float = 1.0) -> bool:
        """Stop the threads; returns whether they have ended within `timeout` seconds."""
        ended = self._task.close(timeout)
        return (self.crops is None or self.crops.close(timeout)) and ended
