"""What the window shows, independent of how it is drawn: source, picture, zoom, brightness, panels. Belongs to the main
thread alone.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from alpr_app.core.plate import Plate
from alpr_app.evaluation.ground_truth import GroundTruth
from alpr_app.evaluation.outcomes import Match
from alpr_app.viewer.app.cars import Cars
from alpr_app.viewer.app.image_list import UNSURE, ImageList
from alpr_app.viewer.app.record import Record
from alpr_app.viewer.app.settings import Settings
from alpr_app.viewer.app.tree import Tree
from alpr_app.viewer.text.language import choose_language, tr
from alpr_app.viewer.workers.films import FilmStatus
from alpr_app.viewer.workers.images import ImageItem
from alpr_app.viewer.workers.live import LiveStatus, Rate
from alpr_app.viewer.workers.recogniser import READY, ModelStatus, Recognition

if TYPE_CHECKING:
    from alpr_app.core.result import Timings


# Per cent, in either direction.
LIGHT_LIMIT = 100
STEP = 10


@dataclass(frozen=True)
class Light:
    """Brightness and contrast of the canvas.

    Attributes:
        brightness, contrast: From -100 to 100 per cent; 0 leaves the picture unchanged.
    """

    brightness: int = 0
    contrast: int = 0

    @property
    def neutral(self) -> bool:
        return self == Light()

    def changed(self, brightness: int = 0, contrast: int = 0) -> Light:
        """Change both by these amounts, within the limits."""
        return replace(
            self,
            brightness=min(max(self.brightness + brightness, -LIGHT_LIMIT), LIGHT_LIMIT),
            contrast=min(max(self.contrast + contrast, -LIGHT_LIMIT), LIGHT_LIMIT),
        )

    def curve(self) -> np.ndarray:
        """The displayed value of each pixel value 0 to 255: (256,) uint8."""
        # Contrast is the slope at the middle grey: from a quarter, over 1, to four.
        slope = 4.0 ** (self.contrast / LIGHT_LIMIT)
        # Brightness is a gamma curve, which lifts shadows without losing black or white.
        gamma = 4.0 ** (-self.brightness / LIGHT_LIMIT)
        lit = (np.arange(256, dtype=np.float64) / 255) ** gamma
        return np.asarray(np.clip(255 * ((lit - 0.5) * slope + 0.5), 0, 255).round(), np.uint8)

    def applied(self, image: np.ndarray) -> np.ndarray:
        """Apply this light to `image`, H x W x 3 uint8: the same array if nothing changes, else a new one."""
        return image if self.neutral else cv2.LUT(image, self.curve())

    @property
    def text(self) -> str:
        """Brightness +20 %, contrast -10 %; values of 0 are left out."""
        parts = [f"{tr(name)} {value:+d} %" for name, value in vars(self).items() if value]
        return ", ".join(parts).capitalize()


MAXIMUM_ZOOM = 64.0
WHEEL_STEP = 1.2


@dataclass
class View:
    """The part of the picture that is visible.

    Attributes:
        zoom: Screen pixels per picture pixel; None to fit the whole picture.
        centre: Point of the picture in the middle of the canvas, as fractions of its width and height, so that it also
            applies to a picture of another size.
        drawn_scale: Scale that was drawn last.
    """

    zoom: float | None = None
    centre: tuple[float, float] = (0.5, 0.5)
    drawn_scale: float = 1.0

    def fit(self) -> None:
        self.zoom, self.centre = None, (0.5, 0.5)

    def scale(self, picture: tuple[int, int], canvas: tuple[float, float]) -> float:
        """Screen pixels per picture pixel. picture, canvas: width and height."""
        return fitting(picture, canvas) if self.zoom is None else self.zoom

    def origin(self, picture: tuple[int, int], canvas: tuple[float, float]) -> tuple[float, float]:
        """Position of the picture's top left corner on the canvas, in pixels."""
        scale = self.scale(picture, canvas)
        return (
            canvas[0] / 2 - self.centre[0] * picture[0] * scale,
            canvas[1] / 2 - self.centre[1] * picture[1] * scale,
        )

    def zoom_at(
        self, steps: float, point: tuple[float, float], picture: tuple[int, int], canvas: tuple[float, float]
    ) -> None:
        """Zoom in by wheel `steps`; the picture stays fixed at `point`, in pixels on the canvas."""
        before = self.scale(picture, canvas)
        minimum = min(fitting(picture, canvas), 1.0) / 4
        after = min(max(before * WHEEL_STEP**steps, minimum), MAXIMUM_ZOOM)
        left, top = self.origin(picture, canvas)
        x, y = (point[0] - left) / before, (point[1] - top) / before
        self.zoom = after
        self._place(
            (x - (point[0] - canvas[0] / 2) / after) / picture[0],
            (y - (point[1] - canvas[1] / 2) / after) / picture[1],
        )

    def set_zoom(self, zoom: float) -> None:
        """Set `zoom` screen pixels per picture pixel, around the middle."""
        self.zoom = min(max(zoom, 0.01), MAXIMUM_ZOOM)

    def enlarge(self, steps: float) -> None:
        """Zoom in by so many wheel steps, around the middle of the canvas."""
        self.set_zoom(self.drawn_scale * WHEEL_STEP**steps)

    def drag(self, delta: tuple[float, float], picture: tuple[int, int], canvas: tuple[float, float]) -> None:
        """Move the picture by `delta` screen pixels."""
        scale = self.scale(picture, canvas)
        self.zoom = scale
        self._place(self.centre[0] - delta[0] / scale / picture[0], self.centre[1] - delta[1] / scale / picture[1])

    def _place(self, x: float, y: float) -> None:
        """Keeps part of the picture on the canvas."""
        self.centre = (min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))


def fitting(picture: tuple[int, int], canvas: tuple[float, float]) -> float:
    """The scale at which the whole picture is visible; at most 16."""
    return max(1e-3, min(canvas[0] / max(1, picture[0]), canvas[1] / max(1, picture[1]), 16.0))


NOTHING, FOLDER, LIVE = "nothing", "folder", "live"


@dataclass(frozen=True)
class Menu:
    """A context menu.

    Attributes:
        position: Of the pointer when it was opened.
        path: The picture that it is about; empty for a live source.
        plate: The plate that it is about; None if there is none.
        image: The picture in which the plate is, H x W x 3 uint8 RGB; None if it is not decoded.
        text: The text to be copied; empty if there is none.
    """

    position: tuple[float, float]
    path: str = ""
    plate: Plate | None = None
    image: np.ndarray | None = field(default=None, repr=False, compare=False)
    text: str = ""


# Seconds for which the status line shows a message.
MESSAGE_SECONDS = 8.0
TIMED_PICTURES = 200


@dataclass(frozen=True)
class Message:
    """A message to the user; `when` it came, in seconds of the monotonic clock."""

    text: str
    is_error: bool = False
    when: float = field(default_factory=monotonic)


@dataclass
class State:
    """The state of the window.

    Attributes:
        settings: What is remembered.
        image_list: The pictures of the folder.
        view, light: Zoom and brightness of the canvas.
        tree: The opened folder and its subfolders.
        kind: nothing, folder or live.
        folder: The folder whose pictures are listed.
        scanning: Whether the list of the folder is still growing.
        listing_error: Why the folder cannot be listed; empty if it can.
        image_item, recognition: The picture on the canvas and its result; they always belong together.
        selected_since: When the picture was selected in the list, in seconds of the monotonic clock.
        selected, hovered, hovered_card: Indices in `plates`, -1 for none; hovered in the picture or as a card.
        playing: Whether the slide show is running.
        live_name, live_address, live_status: The live source.
        film: What is known of the film, if the source is one.
        live_last_frame: When its last new frame came, in seconds of the monotonic clock; 0 before the first one.
        cars: Cars of the live session.
        models: State of the models.
        read_all_total: Number of pictures to read when the reading of the whole folder began; 0 if it is not running.
        read_all_started: When it began, in seconds of the monotonic clock.
        read_all_done: Number of pictures read since.
        menu: The context menu that is open; None if there is none.
        focus_filter: Whether the field of the filter is to get the focus in the next frame.
        full_screen: Whether the window covers the whole screen.
        help_open, open_dialog_open, goto_dialog_open, summary_open, run_open: Which dialog is open.
        messages: The last messages.
        timings: Those of the last pictures.
        source_rate, recogniser_rate: Frames per second from the source and through the recogniser.
    """

    settings: Settings = field(default_factory=Settings)
    image_list: ImageList = field(default_factory=ImageList)
    view: View = field(default_factory=View)
    light: Light = field(default_factory=Light)
    tree: Tree = field(default_factory=Tree)
    kind: str = NOTHING
    folder: str = ""
    scanning: bool = False
    listing_error: str = ""
    image_item: ImageItem | None = None
    recognition: Recognition | None = None
    selected_since: float = 0.0
    selected: int = -1
    hovered: int = -1
    hovered_card: int = -1
    playing: bool = False
    live_name: str = ""
    live_address: str | int = ""
    live_status: LiveStatus = field(default_factory=LiveStatus)
    film: FilmStatus | None = None
    live_last_frame: float = 0.0
    cars: Cars = field(default_factory=Cars)
    models: ModelStatus = field(default_factory=ModelStatus)
    read_all_total: int = 0
    read_all_started: float = 0.0
    read_all_done: int = 0
    menu: Menu | None = None
    focus_filter: bool = False
    full_screen: bool = False
    help_open: bool = False
    open_dialog_open: bool = False
    goto_dialog_open: bool = False
    summary_open: bool = False
    run_open: bool = False
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=200))
    timings: deque[Timings] = field(default_factory=lambda: deque(maxlen=TIMED_PICTURES))
    source_rate: Rate = field(default_factory=Rate)
    recogniser_rate: Rate = field(default_factory=Rate)

    def __post_init__(self) -> None:
        choose_language(self.settings.language)
        self.image_list.set_thresholds(self.settings.score, self.settings.confidence)

    def change(self, **values: Any) -> None:
        """Change settings; thresholds apply at once to existing results."""
        self.settings = replace(self.settings, **values)
        choose_language(self.settings.language)
        self.image_list.set_thresholds(self.settings.score, self.settings.confidence)
        self.selected = min(self.selected, len(self.plates) - 1)

    def add_message(self, text: str, is_error: bool = False) -> None:
        """Show a message, unless it is the one being shown."""
        if text and not (self.messages and self.messages[-1].text == text and self.message is not None):
            self.messages.append(Message(text, is_error))

    def note_result(self, recognition: Recognition) -> None:
        """Remember how long a result took, and report why there is none."""
        if recognition.timings is not None:
            self.timings.append(recognition.timings)
        if recognition.error:
            self.add_message(f"{os.path.basename(recognition.key)}: {recognition.error}", is_error=True)

    @property
    def message(self) -> Message | None:
        """The newest message for MESSAGE_SECONDS, then None."""
        if self.messages and monotonic() - self.messages[-1].when < MESSAGE_SECONDS:
            return self.messages[-1]
        return None

    @property
    def plates(self) -> list[Plate]:
        """The plates on the canvas that reach both thresholds, in the order of the cards."""
        return self.cards(self.recognition.plates) if self.recognition is not None else []

    def cards(self, plates: Sequence[Plate]) -> list[Plate]:
        """The plates that reach both thresholds, best first; but first the plate that ranks its picture in the list."""
        shown = self.image_list.shown(plates)
        if self.kind == FOLDER and self.settings.order == UNSURE:
            shown.sort(key=lambda plate: plate.confidence)
        return shown

    @property
    def car_numbers(self) -> list[int]:
        """The number of the car of each of `plates`, 0 if it is not tracked."""
        if self.recognition is None or not self.recognition.cars:
            return [0] * len(self.plates)
        numbered = zip(self.recognition.plates, self.recognition.cars, strict=True)
        return [number for plate, number in numbered if self.image_list.shown([plate])]

    @property
    def ground_truth(self) -> GroundTruth | None:
        """Labels of the picture on the canvas, in the spelling of the reader once the picture has been read."""
        if self.image_item is None or self.image_item.live:
            return None
        name = self.image_item.key.removeprefix(os.path.join(self.folder, ""))
        record = self.image_list.records.get(name)
        return self.image_list.ground_truth(name) if record is None else record.ground_truth

    @property
    def selected_path(self) -> str:
        """Path of the picture selected in the list; empty without one."""
        name = self.image_list.name if self.kind == FOLDER else ""
        return os.path.join(self.folder, name) if name else ""

    @property
    def waits_for_picture(self) -> bool:
        """Whether the selected picture is still being opened, decoded or read."""
        item, path = self.image_item, self.selected_path
        if not path or self.listing_error:
            return False
        if item is None or item.key != path or item.is_preview:
            return True
        return self.recognition is None and item.image is not None and self.models.state == READY

    @property
    def record(self) -> Record | None:
        """The result of the selected picture; None if it has not been read."""
        return self.image_list.records.get(self.image_list.name) if self.kind == FOLDER else None

    @property
    def outcome(self) -> str:
        """Outcome of the selected picture, one of `OUTCOMES`; empty if unknown."""
        return self.image_list.outcome(self.image_list.name) if self.kind == FOLDER else ""

    @property
    def canvas_record(self) -> Record | None:
        """The result of the picture on the canvas, which stays there until the selected one is decoded."""
        record = self.record
        return record if record is not None and record.recognition is self.recognition else None

    def plate_match(self, plate: Plate) -> Match | None:
        """The outcome of a plate on the canvas; None if its picture has no label."""
        record = self.canvas_record
        return record.plate_match(plate, self.settings.score, self.settings.confidence) if record is not None else None

    @property
    def live_title(self) -> str:
        """Name of the live source in the language of the window."""
        number = self.live_address
        return tr("camera {number}", number=number) if isinstance(number, int) else self.live_name

    @property
    def title(self) -> str:
        """Title of the window: the name of the picture or source."""
        if self.kind == FOLDER:
            return os.path.basename(self.image_list.name) or os.path.basename(self.folder) or self.folder
        return self.live_title if self.kind == LIVE else ""

    def show(self, image_item: ImageItem | None, recognition: Recognition | None) -> None:
        """Put a picture and its result (None: not yet read) on the canvas."""
        if recognition is not None and (image_item is None or recognition.key != image_item.key):
            recognition = None
        if (image_item.key if image_item else "") != (self.image_item.key if self.image_item else "") and not (
            image_item and image_item.live
        ):
            self.selected = self.hovered = self.hovered_card = -1
            if not self.settings.keep_zoom:
                self.view.fit()
        self.image_item, self.recognition = image_item, recognition
        # Cars move on in live frames; the selection stays while there are enough plates.
        count = len(self.plates)
        self.selected, self.hovered = min(self.selected, count - 1), min(self.hovered, count - 1)
