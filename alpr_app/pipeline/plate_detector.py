"""The detector at work: its outputs -> plates in the picture, small ones looked at again from nearer by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alpr_app.core.geometry import SMALLEST_AREA, Letterbox, box_iou, quadrilateral_area
from alpr_app.networks.detector.postprocess import Detection, decode, nms
from alpr_app.runtime.engine import Engine, chunks, stack

# Pictures that go through the network at once: enough to fill a GPU, little enough for any memory.
DETECTOR_BATCH = 8
# Which detections are read depends on them alone, never on the score that somebody wishes plates to have in the end:
# what reads like a plate is one, doubtful as it looked, and must not come and go with a threshold. What bounds them is
# time. A sure detection is read as often as it takes, a fainter one once.
SURE = 0.5
# Detections from this score on are read, but of faint ones only so many, and beside clear plates none that is so many
# times as wide.
CANDIDATE, FAINT, MAXIMUM_FAINT = 0.2, 0.45, 4
MAXIMUM_FAINT_WIDTH = 3.0
# Narrower than this in the network's input, a plate is too small to be sure of and its corners are not exact. Such are
# looked at again in a part of the picture: from a low score on where nothing is sure, from a higher one beside a plate
# that is, as most pictures have only that and a look takes time. What is seen there is read from a score in between on.
SMALL_WIDTH = 46.0
SMALL_CANDIDATE, BESIDE_SURE, SEEN_CLOSER = 0.1, 0.25, 0.3
# The network's input for that part (height, width), and how many times the plate's width fits into it: the plate is 80
# pixels wide there. For the network this is an eleventh of a look at the whole picture.
CLOSER_CANVAS = (96, 128)
CLOSER_SPAN = 1.6
# There must be an end to what a picture of gravel costs. What is beyond it stays as it was found first.
MAXIMUM_CLOSER_LOOKS = 24
# What is found from nearer by is the same plate from this IoU on: so small a plate's box may have been far off.
SAME_IOU = 0.3
# What is not found again is half as sure as it was.
NOT_FOUND_AGAIN = 0.5


class PlateDetector:
    """Finds plates with `detect`, the engine of a detector's network."""

    def __init__(self, detect: Engine) -> None:
        self.detect = detect

    def decode(self, image: np.ndarray, letterbox: Letterbox, outputs: np.ndarray) -> list[Detection]:
        """What may be plates, also small ones of a low score, in pixels of `image`, best first.

        outputs: of the network, for the canvas that `letterbox` makes of `image`.
        """
        least = BESIDE_SURE
        found = decode(outputs, letterbox.canvas, min(CANDIDATE, least))
        if not found or found[0].score < SURE:
            least = SMALL_CANDIDATE
            found = decode(outputs, letterbox.canvas, least)
        candidates = [plate for plate in found if plate.score >= (least if _width(plate) < SMALL_WIDTH else CANDIDATE)]
        return _placed(image, letterbox, candidates)

    def refine_small_plates(self, image: np.ndarray, letterbox: Letterbox, found: list[Detection]) -> list[Detection]:
        """What `decode` found, with the small plates as they look from nearer by: there a score says better what is a
        plate, and the corners are exacter. What turns out to be none is left out."""
        small: list[Detection] = []
        kept: list[Detection] = []
        for plate in found:
            (small if _width(plate) * letterbox.scale[0] < SMALL_WIDTH else kept).append(plate)
        if small:
            again = list(small[MAXIMUM_CLOSER_LOOKS:])
            for several in chunks(small[:MAXIMUM_CLOSER_LOOKS], DETECTOR_BATCH):
                again += self._again(image, several)
            kept += [plate for plate in again if plate.score >= SEEN_CLOSER]
            # Two may have turned out to be one.
            boxes, scores = [plate.box for plate in kept], [plate.score for plate in kept]
            best = nms(np.array(boxes, np.float32), np.array(scores, np.float32))
            kept = [kept[index] for index in best]
        clear = [plate for plate in kept if plate.score >= FAINT]
        faint = [plate for plate in kept if plate.score < FAINT and _is_beside(plate, clear)]
        return clear + faint[:MAXIMUM_FAINT]

    def _again(self, image: np.ndarray, plates: Sequence[Detection]) -> list[Detection]:
        """Each of `plates` as it is found from nearer by."""
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
    placed = []
    for plate in plates:
        sides = letterbox.to_picture(plate.box.reshape(2, 2)).clip(0, image.shape[1::-1])
        points = letterbox.to_picture(plate.corners)
        # Four corners on a line or crossed are no plate, whatever the score says.
        if quadrilateral_area(points) > SMALLEST_AREA and (sides[1] > sides[0]).all():
            placed.append(Detection(plate.score, sides.reshape(4), points))
    return placed


def _width(plate: Detection) -> float:
    """Across its corners: what the picture's edge cuts off counts."""
    return float(np.ptp(plate.corners[:, 0]))


def _is_beside(plate: Detection, clear: list[Detection]) -> bool:
    """Whether a faint plate may be one beside those that are `clear`: neither a part of one, nor what one is fixed to,
    nor so much nearer to the camera than all of them that it would be clear itself."""
    if not clear:
        return True
    boxes = np.array([other.box for other in clear], np.float32)
    sides, others = plate.box[2:] - plate.box[:2], boxes[:, 2:] - boxes[:, :2]
    shared = np.minimum(plate.box[2:], boxes[:, 2:]) - np.maximum(plate.box[:2], boxes[:, :2])
    apart = 2 * shared.clip(0).prod(axis=1) <= np.minimum(sides.prod(), others.prod(axis=1))
    return bool(apart.all() and sides[0] <= MAXIMUM_FAINT_WIDTH * others[:, 0].max())


def _window(image: np.ndarray, plate: Detection) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part around a plate, as far as it lies in `image`: one pixel at least."""
    height, width = CLOSER_CANVAS
    left, top, right, bottom = plate.box.tolist()
    reach = CLOSER_SPAN * max(right - left, (bottom - top) * width / height) / 2
    across, down = (left + right) / 2, (top + bottom) / 2
    from_x, from_y = max(0, int(across - reach)), max(0, int(down - reach * height / width))
    to_x, to_y = int(np.ceil(across + reach)), int(np.ceil(down + reach * height / width))
    return from_x, from_y, min(image.shape[1], to_x), min(image.shape[0], to_y)


def _moved(plate: Detection, origin: tuple[int, int]) -> Detection:
    """A plate found in the part of a picture that begins at `origin`, in the whole picture."""
    offset = np.asarray(origin, np.float32)
    return Detection(plate.score, plate.box + np.tile(offset, 2), plate.corners + offset)


def _found_again(first: Detection, nearer: list[Detection]) -> Detection:
    """Of the plates seen from nearer by, the one that was found `first`; that one, less sure, if it is not there."""
    overlaps = box_iou(first.box, np.array([plate.box for plate in nearer], np.float32))[0]
    same = [plate for overlap, plate in zip(overlaps, nearer, strict=True) if overlap > SAME_IOU]
    if not same:
        return Detection(first.score * NOT_FOUND_AGAIN, first.box, first.corners)
    return max(same, key=lambda plate: plate.score)
