"""The right side: a card for each plate, with its crop, its text, and the confidence of each character."""

from __future__ import annotations

import numpy as np

from alpr_app.core.geometry import corner_distance
from alpr_app.core.plate import Plate
from alpr_app.data.images import LARGE_PIXELS
from alpr_app.evaluation.ground_truth import Label
from alpr_app.evaluation.outcomes import FALSE_BOX, Match
from alpr_app.viewer.app.commands import save_crop
from alpr_app.viewer.app.state import NOTHING
from alpr_app.viewer.panels.context import PanelContext, confidence_colour, draw_outcome, elide, wrap
from alpr_app.viewer.panels.menu import open_menu
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.painter import BODY, LARGE, SMALL, Painter, Point, Rect
from alpr_app.viewer.toolkit.textures import Texture
from alpr_app.viewer.toolkit.theme import PLATE_COLOURS
from alpr_app.viewer.workers.images import ImageItem, cut_out
from alpr_app.viewer.workers.recogniser import FAILED, LOADING

TEXT_HEIGHT, BAR_HEIGHT = 38, 16
# Height of the plate as it is in the picture, beside the facts; and its share of the width.
RAW_HEIGHT, RAW_SHARE = 52, 0.44
# Height below a bar: the character, its confidence, and the second guess.
BAR_NOTES = 50
# Width from which two cards stand side by side.
TWO_COLUMNS = 620
# A less likely second guess is shown without its confidence.
NOTABLE = 0.01
NO_CHARACTER = "–"
# Names of the kinds of plates; `standard` goes without saying.
KIND_NAMES = {
    "new_energy": mark("new energy"),
    "police": mark("police"),
    "military": mark("military"),
    "armed_police": mark("armed police"),
    "emergency": mark("emergency"),
    "airport": mark("airport"),
    "farm": mark("farm"),
    "driving_school": mark("driving school"),
    "trailer": mark("trailer"),
    "embassy": mark("embassy"),
    "consulate": mark("consulate"),
    "hong_kong": mark("Hong Kong"),
    "macao": mark("Macao"),
    "temporary": mark("temporary"),
    "test": mark("test"),
    "oversize": mark("oversize"),
}


class PlatesPanel:
    """The list of cards."""

    def __init__(self) -> None:
        self._scrolled_to = -1

    def draw(self, context: PanelContext) -> None:
        ui, state = context.ui, context.program.state
        image_item, plates = state.image_item, state.plates
        if image_item is None or image_item.image is None or state.recognition is None or not plates:
            _no_plates(context)
            return
        self._cards(context, image_item, plates)
        hidden = len(state.recognition.plates) - len(plates)
        if hidden:
            ui.text(tr("{count} more below the thresholds", count=hidden), ui.theme.dim)
        _draw_missed(context)

    def _cards(self, context: PanelContext, image_item: ImageItem, plates: list[Plate]) -> None:
        """Draw the cards in one column, or in two if there is room; cards side by side begin at the same height."""
        ui, state = context.ui, context.program.state
        left, top = first = ui.cursor
        columns = 2 if len(plates) > 1 and ui.room[0] >= TWO_COLUMNS * ui.unit else 1
        width = (ui.room[0] - (columns - 1) * ui.gap[0]) / columns
        sight = ui.room[1]
        for start in range(0, len(plates), columns):
            cards = [
                _Card(context, image_item, plates[number], number)
                for number in range(start, min(start + columns, len(plates)))
            ]
            height = max(card.height(width) for card in cards)
            for column, card in enumerate(cards):
                self._draw_card(context, card, (left + column * (width + ui.gap[0]), top, width, height))
                if card.number == state.selected != self._scrolled_to:
                    # Scrolls to the card of a plate that was selected in the picture or with the keyboard.
                    place = top - first[1]
                    ui.scroll = place if place < ui.scroll else max(ui.scroll, place + height - sight)
            top += height + ui.gap[1]
        self._scrolled_to = state.selected
        ui.cursor = first
        ui.space(top - first[1] - ui.gap[1])

    def _draw_card(self, context: PanelContext, card: _Card, rect: Rect) -> None:
        ui, state, number = context.ui, context.program.state, card.number
        ui.cursor = rect[:2]
        hit = ui.hit(f"card {number}", rect[2], rect[3], overlap=True)
        if hit.hovered:
            state.hovered_card = number
        if ui.painter.is_visible(rect):
            card.draw(rect, hit.hovered or number in (state.selected, state.hovered))
        if hit.clicked:
            state.selected = number
        if hit.menu:
            state.selected = number
            path = "" if card.image_item.live else card.image_item.key
            open_menu(context, path, card.plate, card.plate.text)


class _Card:
    """The card of one plate, laid out from top to bottom; `height` and `draw` follow the same steps."""

    def __init__(self, context: PanelContext, image_item: ImageItem, plate: Plate, number: int) -> None:
        self.context, self.image_item, self.plate, self.number = context, image_item, plate, number
        state = context.program.state
        self.car = state.cars.listed.get(state.car_numbers[number])
        self.ui = context.ui
        unit = context.ui.unit
        self.pad = 10 * unit
        self.line = context.ui.line_height + 4 * unit
        self.small_line = context.ui.line_height
        self.warning_height = self.line if plate.fits_format is False else 0.0
        self.kind = KIND_NAMES.get(plate.kind or "", "")
        self.match = state.plate_match(plate)

    def height(self, width: float) -> float:
        unit = self.ui.unit
        inner = width - 2 * self.pad
        return (
            self.pad * 2
            + (TEXT_HEIGHT + 8) * unit
            + self.warning_height
            + self._crop_height(inner)
            + 6 * unit
            + (BAR_HEIGHT + BAR_NOTES + 8) * unit
            + self._facts_height
            + self._truth_height(inner)
            + self.ui.row_height
            + 6 * unit
        )

    def draw(self, rect: Rect, highlighted: bool) -> None:
        ui, unit, paint = self.ui, self.ui.unit, self.ui.painter
        left, top, width, _ = rect
        paint.fill(rect, ui.theme.field, 6 * unit)
        if highlighted:
            paint.outline(rect, confidence_colour(self.context, self.plate.confidence), 6 * unit, 1.5 * unit)
        x, y, inner = left + self.pad, top + self.pad, width - 2 * self.pad
        version = (self.image_item.key, self.plate.corners)
        self._text(paint, (x, y), inner)
        y += (TEXT_HEIGHT + 8) * unit + self.warning_height
        high = self._crop_height(inner)
        self._draw_crop(paint, (x, y, inner, high), version)
        y += high + 6 * unit
        self._bars(paint, (x, y, inner, BAR_HEIGHT * unit))
        y += (BAR_HEIGHT + BAR_NOTES + 8) * unit
        raw = RAW_SHARE * inner
        self._draw_cut_out(paint, (x + inner - raw, y, raw, RAW_HEIGHT * unit), version)
        self._facts(paint, (x, y), inner - raw - 8 * unit)
        y += self._facts_height
        y = self._ground_truth(paint, (x, y), inner)
        self._buttons((x, y + 6 * unit), inner)

    def _crop_height(self, width: float) -> float:
        """Height of the crop at the full width of the card, at most half of that width."""
        high, wide = self.plate.crop.shape[:2] if self.plate.crop.size else (1, 4)
        return float(width * min(0.5, high / wide))

    def _draw_crop(self, paint: Painter, rect: Rect, version: tuple[object, ...]) -> None:
        """Draw the crop given to the reader; nothing if it was not kept, until the picture has been read again."""
        crop = self.plate.crop
        if not crop.size:
            paint.fill(rect, self.ui.theme.ground, 2 * self.ui.unit)
            return
        # Other models may have used another crop of the same plate.
        recognition = self.context.program.state.recognition
        model = recognition.model if recognition is not None else None
        texture = self.context.textures.get(("crop", self.number), (*version, model), lambda: crop)
        self._fitted(paint, rect, texture)

    def _draw_cut_out(self, paint: Painter, rect: Rect, version: object) -> None:
        """Draw the plate as it is in the picture."""
        texture = self.context.textures.get(("cut-out", self.number), version, self._raw_cut_out)
        paint.fill(rect, self.ui.theme.ground, 2 * self.ui.unit)
        self._fitted(paint, rect, texture)

    def _fitted(self, paint: Painter, rect: Rect, texture: Texture) -> None:
        """Draw a texture in the middle of `rect`, as large as possible."""
        left, top, width, height = rect
        scale = min(width / texture.size[0], height / texture.size[1])
        across, down = (side * scale for side in texture.size)
        paint.picture(texture, (left + (width - across) / 2, top + (height - down) / 2, across, down))

    def _text(self, paint: Painter, point: Point, width: float) -> None:
        """Draw the text on the colour of the plate, and its confidence."""
        ui, unit, plate = self.ui, self.ui.unit, self.plate
        x, y = point
        text = plate.text or "?"
        ground, letters = PLATE_COLOURS.get(plate.colour, (ui.theme.raised, ui.theme.text))
        confidence = f"{100 * plate.confidence:.1f} %"
        room = width - ui.text_width(confidence) - 30 * unit
        font = LARGE if ui.text_width(text, LARGE) <= room else BODY
        chip = ui.text_width(text, font) + 20 * unit
        paint.fill((x, y, chip, TEXT_HEIGHT * unit), ground, 5 * unit)
        paint.text((x + 10 * unit, y + (2 if font == LARGE else 9) * unit), text, letters, font)
        colour = confidence_colour(self.context, plate.confidence)
        middle = y + (TEXT_HEIGHT * unit - ui.line_height) / 2
        paint.text((x + width - ui.text_width(confidence), middle), confidence, colour)
        if self.warning_height:
            warning = elide(
                ui, tr("Not a valid {colour} plate number; perhaps an unknown kind", colour=tr(plate.colour)), width
            )
            paint.text((x, y + 42 * unit), warning, ui.theme.uncertain)

    def _bars(self, paint: Painter, rect: Rect) -> None:
        """Draw one bar per character; its height is the confidence. Below it stands the second guess."""
        ui, unit, plate = self.ui, self.ui.unit, self.plate
        left, top, width, height = rect
        if not plate.text:
            return
        column = width / max(7, len(plate.text))
        bar = column - 6 * unit
        for number, (character, confidence) in enumerate(zip(plate.text, plate.characters, strict=True)):
            x = left + number * column + 3 * unit
            colour = confidence_colour(self.context, confidence)
            paint.fill((x, top, bar, height), ui.theme.raised, 2 * unit)
            paint.fill((x, top + height * (1 - confidence), bar, height * confidence), colour, 2 * unit)
            middle = x + bar / 2
            paint.text((middle - ui.text_width(character) / 2, top + height + 1 * unit), character, ui.theme.text)
            share = f"{100 * confidence:.0f}"
            paint.text((middle - ui.text_width(share, SMALL) / 2, top + height + 19 * unit), share, ui.theme.dim, SMALL)
            self._second_guess(paint, (middle, top + height + 35 * unit), *plate.alternatives[number])

    def _second_guess(self, paint: Painter, point: Point, guess: str, confidence: float) -> None:
        """Draw the second guess; `point` is the middle of its upper edge."""
        ui = self.ui
        notable = confidence >= NOTABLE
        text = f"{guess or NO_CHARACTER} {100 * confidence:.0f}" if notable else guess or NO_CHARACTER
        colour = ui.theme.uncertain if confidence >= 0.1 else ui.theme.dim
        paint.text((point[0] - ui.text_width(text, SMALL) / 2, point[1]), text, colour, SMALL)

    @property
    def _facts_height(self) -> float:
        return max(RAW_HEIGHT * self.ui.unit, (3 + bool(self.kind) + (self.car is not None)) * self.small_line)

    def _facts(self, paint: Painter, point: Point, width: float) -> None:
        """Draw colour, kind and score, size and position, and for a live source the car, in small lines."""
        plate = self.plate
        x, y = point
        box, corners = plate.box, np.asarray(plate.corners, np.float32)
        across, down = (float(np.linalg.norm(corners[0] - corners[end])) for end in (1, 3))
        rows = [
            tr("{colour}, score {score:.2f}", colour=tr(plate.colour), score=plate.score),
            tr("{width:.0f} × {height:.0f} px", width=across, height=down),
            tr("at {x:.0f}, {y:.0f}", x=box[0], y=box[1]),
        ]
        if self.kind:
            # Beside a long name there is no room for the score.
            rows[:1] = [
                tr("{colour}, {kind}", colour=tr(plate.colour), kind=tr(self.kind)),
                tr("score {score:.2f}", score=plate.score),
            ]
        if self.car is not None:
            track = self.car.track
            rows.insert(0, tr("Car #{number}, from {count} readings", number=track.number, count=track.count))
        for row in rows:
            paint.text((x, y), elide(self.ui, row, width, SMALL), self.ui.theme.dim, SMALL)
            y += self.small_line

    @property
    def _label(self) -> Label | None:
        """The label that the plate is matched to."""
        record = self.context.program.state.canvas_record
        if self.match is None or self.match.label < 0 or record is None or record.ground_truth is None:
            return None
        return record.ground_truth.labels[self.match.label]

    def _outcome_lines(self, width: float) -> list[str]:
        assert self.match is not None
        if self._label is not None:
            return [_outcome_words(self.match)]
        return wrap(self.ui, _outcome_words(self.match), width - 18 * self.ui.unit)

    def _truth_height(self, width: float) -> float:
        if self.match is None:
            return 0.0
        return 8 * self.ui.unit + (len(self._outcome_lines(width)) + (self._label is not None)) * self.line

    def _ground_truth(self, paint: Painter, point: Point, width: float) -> float:
        """Draw the outcome of the plate in words, and the label that it is matched to; returns where that ends."""
        x, y = point
        if self.match is None:
            return y
        ui, unit, theme, label = self.ui, self.ui.unit, self.ui.theme, self._label
        y += 4 * unit
        paint.line([(x, y), (x + width, y)], theme.line)
        y += 4 * unit
        draw_outcome(ui, paint, (x + 6 * unit, y + ui.line_height / 2), 5 * unit, self.match.outcome)
        if label is not None:
            self._label_text(paint, (x + width, y), label.text)
        for line in self._outcome_lines(width):
            paint.text((x + 18 * unit if self.match.outcome else x, y), line, theme.text)
            y += self.line
        if label is None:
            return y
        value = tr("matched by text only")
        if self.match.iou is not None and label.corners is not None:
            error = corner_distance(self.plate.corners, label.corners)
            value = tr("IoU {iou:.2f}, corner error {error:.1f} px", iou=self.match.iou, error=error)
        paint.text((x + 18 * unit, y), elide(ui, value, width - 18 * unit), theme.dim)
        return y + self.line

    def _label_text(self, paint: Painter, point: Point, text: str) -> None:
        """Draw the label with its wrong characters in colour; `point` is the upper right corner."""
        ui, theme = self.ui, self.ui.theme
        # Character by character is slightly wider than the whole text.
        x = point[0] - sum(ui.text_width(character) for character in text)
        title = tr("Label")
        paint.text((x - ui.text_width(title) - 8 * ui.unit, point[1]), title, theme.dim)
        for number, character in enumerate(text):
            same = number < len(self.plate.text) and self.plate.text[number] == character
            paint.text((x, point[1]), character, theme.text if same else theme.wrong)
            x += ui.text_width(character)

    def _buttons(self, point: Point, width: float) -> None:
        ui, program = self.ui, self.context.program
        half = (width - ui.gap[0]) / 2
        ui.cursor = point
        if ui.button(f"{tr('Copy text')}##copy {self.number}", half, enabled=bool(self.plate.text)):
            ui.copy(self.plate.text)
            program.state.add_message(tr("Copied {text}", text=self.plate.text))
        ui.cursor = (point[0] + half + ui.gap[0], point[1])
        tip = tr("The crop given to the reader, and the plate as in the picture")
        if ui.button(f"{tr('Save crop')}##save {self.number}", half, enabled=bool(self.plate.crop.size), tip=tip):
            save_crop(program, self.plate, self.image_item.image)

    def _raw_cut_out(self) -> np.ndarray:
        """The plate as it is in the picture, with a margin: H x W x 3 uint8."""
        assert self.image_item.image is not None
        return cut_out(self.image_item.image, self.plate.box)


def _no_plates(context: PanelContext) -> None:
    """Show why there are no cards."""
    ui, state = context.ui, context.program.state
    theme = ui.theme
    recognition = state.recognition
    if state.models.state == FAILED:
        ui.text(tr("The models cannot be used"), theme.wrong)
        ui.text(state.models.detail, theme.dim, wrapped=True)
    elif state.models.state == LOADING:
        ui.text(tr("Loading the models..."), theme.dim)
    elif state.kind == NOTHING or (state.image_item is None and recognition is None):
        ui.text(tr("Plates appear here"), theme.dim)
    elif state.image_item is not None and state.image_item.is_preview:
        ui.text(tr("Decoding the picture..."), theme.dim)
    elif recognition is None:
        ui.text(tr("Reading..."), theme.dim)
    elif recognition.error:
        ui.text(tr("This picture could not be read"), theme.wrong)
        ui.text(recognition.error, theme.dim, wrapped=True)
    else:
        ui.text(tr("No plate found"), theme.dim)
        if recognition.plates:
            ui.text(tr("{count} below the thresholds", count=len(recognition.plates)), theme.dim)
        if context.program.choice.tiles == "off" and recognition.size[0] * recognition.size[1] >= LARGE_PIXELS:
            hint = tr("Small plates in a picture as large as this are found with 'Search in tiles' in the settings.")
            ui.text(hint, theme.dim, wrapped=True)
        _draw_missed(context)


def _outcome_words(match: Match) -> str:
    if match.outcome == FALSE_BOX:
        return tr("False box: on no labelled plate")
    if match.outcome:
        return tr(match.outcome).capitalize()
    return tr("Not counted: another box has this plate, or it has no text")


def _draw_missed(context: PanelContext) -> None:
    ui, state = context.ui, context.program.state
    record = state.canvas_record
    missed = record.missed(state.settings.score, state.settings.confidence) if record is not None else []
    if missed:
        ui.text(elide(ui, tr("Missed: the label says {texts}", texts=", ".join(missed)), ui.room[0]), ui.theme.missed)
