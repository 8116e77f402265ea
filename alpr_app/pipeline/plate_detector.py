"""Applies the detector: decodes its outputs to plates in the picture, and refines small plates from a closer view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alpr_app.core.geometry import SMALLEST_AREA, Letterbox, box_iou, quadrilateral_area
from alpr_app.networks.detector.postprocess import Detection, decode, nms
from alpr_app.runtime.engine import Engine, chunks, stack

# Pictures that go through the network at once: enough to fill a GPU, little enough for any memory.
DETECTOR_BATCH = 8
# Which detections are read depends on them alone, never on the user's threshold: what reads like a plate is one,
# however faint it looked, and must not appear and disappear with a threshold. Only time limits them. A sure detection
# is read as often as necessary, a fainter one once.
SURE = 0.5
# Detections from this score on are read, beside a sure plate from a higher score on: of 484 fainter ones beside sure
# plates in two thousand pictures, three were plates, and none of these was read surely. Of faint ones only so many are
# read, and beside clear plates none that is this many times wider.
CANDIDATE, BESIDE_SURE = 0.2, 0.3
FAINT, MAXIMUM_FAINT, MAXIMUM_FAINT_WIDTH = 0.45, 4, 3.0
# A plate narrower than this in the network's input is unsure, whatever its score, and its corners are inexact. It is
# refined in an enlarged part of the picture, even a very faint one if nothing else is sure, and read from the second of
# these scores on.
SMALL_WIDTH = 46.0
SMALL_CANDIDATE, SEEN_CLOSER = 0.1, 0.3
# The network's input for that part (height, width), and its width in plate widths: the plate is 80 pixels wide there.
# It costs an eleventh of the whole picture.
CLOSER_CANVAS = (96, 128)
CLOSER_SPAN = 1.6
# Limits the time spent on pictures full of texture, such as gravel; further candidates keep their first detection.
MAXIMUM_CLOSER_LOOKS = 24
# From this IoU on, a refined plate is the same as before: boxes of small plates may be far off.
SAME_IOU = 0.3
# The score of a plate that is not found again is multiplied by this.
NOT_FOUND_AGAIN = 0.5


class PlateDetector:
    """Finds plates with `detect`, the engine of a detector."""

    def __init__(self, detect: Engine) -> None:
        self.detect = detect

    def decode(self, image: np.ndarray, letterbox: Letterbox, outputs: np.ndarray) -> list[Detection]:
        """Decode plate candidates, including small ones of low score, best first.

        Args:
            image: The picture, H x W x 3 uint8 RGB.
            letterbox: How `image` was put into the network's input.
            outputs: The network's outputs for that input.

        Returns:
            Detections in pixels of `image`.
        """
        found = decode(outputs, letterbox.canvas, BESIDE_SURE)
        # Most pictures have only one sure plate, and each further candidate takes as long.
        if not any(plate.score >= SURE and _width(plate) >= SMALL_WIDTH for plate in found):
            found = [
                plate
                for plate in decode(outputs, letterbox.canvas, SMALL_CANDIDATE)
                if plate.score >= CANDIDATE or _width(plate) < SMALL_WIDTH
            ]
        return _placed(image, letterbox, found)

    def refine_small_plates(self, image: np.ndarray, letterbox: Letterbox, found: list[Detection]) -> list[Detection]:
        """Replace small plates among the detections of `decode` by what a closer view shows: its scores tell plates
        from other things better, and its corners are more exact. Candidates that turn out not to be plates are
        dropped."""
        small: list[Detection] = []
        kept: list[Detection] = []
        for plate in found:
            (small if _width(plate) * letterbox.scale[0] < SMALL_WIDTH else kept).append(plate)
        if small:
            again = list(small[MAXIMUM_CLOSER_LOOKS:])
            for several in chunks(small[:MAXIMUM_CLOSER_LOOKS], DETECTOR_BATCH):
                again += self._refined(image, several)
            kept += [plate for plate in again if plate.score >= SEEN_CLOSER]
            # Two candidates may have turned out to be the same plate.
            boxes, scores = [plate.box for plate in kept], [plate.score for plate in kept]
            best = nms(np.array(boxes, np.float32), np.array(scores, np.float32))
            kept = [kept[index] for index in best]
        clear = [plate for plate in kept if plate.score >= FAINT]
        faint = [plate for plate in kept if plate.score < FAINT and _is_beside(plate, clear)]
        return clear + faint[:MAXIMUM_FAINT]

    def _refined(self, image: np.ndarray, plates: Sequence[Detection]) -> list[Detection]:
        """Return each of `plates` as found in a closer view."""
        windows = [_window(image, plate) for plate in plates]
        parts = [image[top:bottom, left:right] for left, top, right, bottom in windows]
        letterboxes = [Letterbox.fit(part.shape[0], part.shape[1], CLOSER_CANVAS) for part in parts]
        closer = [letterbox.apply(part) for letterbox, part in zip(letterboxes, parts, strict=True)]
        (outputs,) = self.detect(stack(closer))
        return [
            _found_again(
                first,
                [
                    _moved(plate, window[:2])
                    for plate in _placed(part, letterbox, decode(output, letterbox.canvas, SMALL_CANDIDATE))
                ],
            )
            for first, window, part, letterbox, output in zip(plates, windows, parts, letterboxes, outputs, strict=True)
        ]


def _placed(image: np.ndarray, letterbox: Letterbox, plates: list[Detection]) -> list[Detection]:
    """Plates given in pixels of the canvas that `letterbox` makes of `image`, in pixels of `image`; those that lie at
    least partly within it."""
    if not plates:
        return []
    # All points of all plates at once, which takes a fraction of the time.
    points = letterbox.to_picture(np.array([[*plate.box.reshape(2, 2), *plate.corners] for plate in plates]))
    boxes = np.minimum(np.maximum(points[:, :2], 0), np.array(image.shape[1::-1], np.float32))
    inside = (boxes[:, 1] > boxes[:, 0]).all(axis=1)
    return [
        Detection(plate.score, box.reshape(4), corners)
        for plate, box, corners, is_inside in zip(plates, boxes, points[:, 2:], inside, strict=True)
        # Four corners on a line or crossed are not a plate, whatever the score.
        if is_inside and quadrilateral_area(corners) > SMALLEST_AREA
    ]


def _width(plate: Detection) -> float:
    """Return the width between its corners, including what the picture's edge cuts off."""
    return float(np.ptp(plate.corners[:, 0]))


def _is_beside(plate: Detection, clear: list[Detection]) -> bool:
    """Whether a faint plate may be real beside the `clear` ones: neither a part of one, nor something that contains
    one, nor so much closer to the camera than all of them that it would be clear itself."""
    if not clear:
        return True
    boxes = np.array([other.box for other in clear], np.float32)
    sides, others = plate.box[2:] - plate.box[:2], boxes[:, 2:] - boxes[:, :2]
    shared = np.minimum(plate.box[2:], boxes[:, 2:]) - np.maximum(plate.box[:2], boxes[:, :2])
    apart = 2 * shared.clip(0).prod(axis=1) <= np.minimum(sides.prod(), others.prod(axis=1))
    return bool(apart.all() and sides[0] <= MAXIMUM_FAINT_WIDTH * others[:, 0].max())


def _window(image: np.ndarray, plate: Detection) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the closer view of a plate, clipped to `image`, at least one pixel."""
    height, width = CLOSER_CANVAS
    left, top, right, bottom = plate.box.tolist()
    reach = CLOSER_SPAN * max(right - left, (bottom - top) * width / height) / 2
    across, down = (left + right) / 2, (top + bottom) / 2
    from_x, from_y = max(0, int(across - reach)), max(0, int(down - reach * height / width))
    to_x, to_y = int(np.ceil(across + reach)), int(np.ceil(down + reach * height / width))
    return from_x, from_y, min(image.shape[1], to_x), min(image.shape[0], to_y)


def _moved(plate: Detection, origin: tuple[int, int]) -> Detection:
    """Move a plate from the part of a picture that begins at `origin` to the whole picture."""
    offset = np.asarray(origin, np.float32)
    return Detection(plate.score, plate.box + np.tile(offset, 2), plate.corners + offset)


def _found_again(first: Detection, closer: list[Detection]) -> Detection:
    """Return the plate in the closer view that matches the `first` detection, or that one with a lower score."""
    overlaps = box_iou(first.box, np.array([plate.box for plate in closer], np.float32))[0]
    same = [plate for overlap, plate in zip(overlaps, closer, strict=True) if overlap > SAME_IOU]
    if not same:
        return Detection(first.score * NOT_FOUND_AGAIN, first.box, first.corners)
    return max(same, key=lambda plate: plate.score)
