"""Answers in the shape of Plate Recognizer's Snapshot API, which many clients and Home Assistant integrations know.

The shape is documented at https://guides.platerecognizer.com/docs/snapshot/api-reference.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpr_app.core.plate import Plate
    from alpr_app.serving.batcher import Reading
    from alpr_app.serving.uploads import Upload

MAXIMUM_CANDIDATES = 5
# Clients look for plates among all candidates, so those that are hardly possible are left out.
MINIMUM_CANDIDATE = 0.01
# Clients of a server of one's own show how many calls are left; there is no limit.
MAXIMUM_CALLS = 10**9
_REGIONS = {"hong_kong": "hk", "macao": "mo"}


def plate_reader_answer(
    reading: Reading, upload: Upload, milliseconds: float, is_chinese: bool, calls: int
) -> dict[str, Any]:
    """Return the answer to one picture.

    Args:
        reading: What was read.
        upload: The request; its camera_id and timestamp are repeated.
        milliseconds: Time from the request to the answer.
        is_chinese: Whether the reader reads Chinese plates.
        calls: Pictures read so far.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "processing_time": round(milliseconds, 3),
        "results": [_result(plate, is_chinese) for plate in reading.result.plates],
        "filename": upload.name or "",
        "version": 1,
        "camera_id": upload.fields.get("camera_id"),
        "timestamp": upload.fields.get("timestamp") or now,
        "image_width": reading.size[0],
        "image_height": reading.size[1],
        "usage": {"calls": calls, "max_calls": MAXIMUM_CALLS},
    }


def _result(plate: Plate, is_chinese: bool) -> dict[str, Any]:
    left, top, right, bottom = (round(side) for side in plate.box)
    region = _REGIONS.get(plate.kind or "", "cn") if is_chinese else "unknown"
    box = {"xmin": left, "ymin": top, "xmax": right, "ymax": bottom}
    return {
        "box": box,
        "plate": plate.text.lower(),
        "region": {"code": region, "score": round(plate.confidence, 3) if is_chinese else 0.0},
        "score": round(plate.confidence, 3),
        "candidates": candidates(plate),
        "dscore": round(plate.score, 3),
        # Vehicles are not looked for.
        "vehicle": {"score": 0.0, "type": "Unknown", "box": dict.fromkeys(box, 0)},
        "model_make": [],
        "color": [],
        "orientation": [],
    }


def candidates(plate: Plate) -> list[dict[str, Any]]:
    """Return the reading and its likeliest variants, each with the second guess for one character, best first."""
    found = {plate.text.lower(): plate.confidence}
    for index, (guess, confidence) in enumerate(plate.alternatives[: len(plate.text)]):
        text = (plate.text[:index] + guess + plate.text[index + 1 :]).lower()
        others = [value for position, value in enumerate(plate.characters) if position != index]
        score = min([confidence, *others])
        if score >= MINIMUM_CANDIDATE:
            found.setdefault(text, score)
    best = sorted(found.items(), key=lambda item: -item[1])[:MAXIMUM_CANDIDATES]
    return [{"score": round(score, 3), "plate": text} for text, score in best]
