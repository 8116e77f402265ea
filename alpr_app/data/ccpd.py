"""CCPD file names: the one place that knows how CCPD 2019 and CCPD 2020 (green) write their labels.

    area-tilt-box-corners-characters-brightness-blurriness
    025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg

Box: left&top_right&bottom. Corners: right-bottom, left-bottom, left-top, right-top. Characters: indices into
the three tables below. See Xu et al., Towards End-to-End License Plate Detection and Recognition, ECCV 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from alpr_app.core.errors import AlprError

PROVINCE_TABLE = "皖沪津渝冀晋蒙辽吉黑苏浙京闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新警学O"
LETTER_TABLE = "ABCDEFGHJKLMNPQRSTUVWXYZO"
CHARACTER_TABLE = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789O"

FIELDS = ("area", "tilt", "box", "corners", "characters", "brightness", "blurriness")

# Larger than any coordinate or other number in a CCPD name.
MAXIMUM_NUMBER = 1_000_000

Point = tuple[int, int]


class CcpdNameError(AlprError, ValueError):
    """A file name that is not a CCPD label; the message says which field is wrong."""


@dataclass(frozen=True)
class Annotation:
    """The label in a CCPD file name: the only plate in its picture.

    Attributes:
        text: The plate's text, without the dot.
        box: Left, top, right, bottom in pixels.
        corners: Top-left, top-right, bottom-right, bottom-left, (x, y) in pixels.
        area: The first field as written: the share of the picture that the plate covers, in CCPD's notation.
        tilt: Horizontal and vertical tilt in degrees.
        brightness, blurriness: CCPD's own measures, 0 if unknown.
    """

    text: str
    box: tuple[int, int, int, int]
    corners: tuple[Point, Point, Point, Point]
    area: str = "0"
    tilt: tuple[int, int] = (90, 90)
    brightness: int = 0
    blurriness: int = 0


def _integers(text: str, count: int, field: str, name: str) -> list[int]:
    parts = text.replace("&", "_").split("_")
    try:
        values = [int(part) for part in parts]
    except ValueError:
        raise CcpdNameError(f"{name}: field '{field}' holds '{text}', which is not whole numbers") from None
    if any(abs(value) > MAXIMUM_NUMBER for value in values):
        raise CcpdNameError(f"{name}: field '{field}' holds '{text}', which is larger than any picture")
    if count and len(values) != count:
        raise CcpdNameError(f"{name}: field '{field}' holds {len(values)} numbers where {count} belong")
    return values


def _table(position: int) -> str:
    return (PROVINCE_TABLE, LETTER_TABLE)[position] if position < 2 else CHARACTER_TABLE


def _decode_text(indices: list[int], name: str) -> str:
    if len(indices) not in (7, 8):
        raise CcpdNameError(f"{name}: field 'characters' holds {len(indices)} characters where 7 or 8 belong")
    text = ""
    for position, index in enumerate(indices):
        table = _table(position)
        if not 0 <= index < len(table):
            raise CcpdNameError(
                f"{name}: field 'characters' holds {index} at place {position + 1}, the table ends at {len(table) - 1}"
            )
        text += table[index]
    return text


def parse_name(path: str | PurePath) -> Annotation:
    """Parse the label in a CCPD file name; folders and extension are ignored.

    Raises:
        CcpdNameError: A field is missing or wrong; the message names it.
    """
    name = PurePath(path).name
    parts = PurePath(path).stem.split("-")
    if len(parts) != len(FIELDS):
        missing = f", '{FIELDS[len(parts)]}' is missing" if len(parts) < len(FIELDS) else ""
        raise CcpdNameError(f"{name}: not a CCPD name: {len(parts)} fields where {len(FIELDS)} belong{missing}")
    area, tilt, box, corners, characters, brightness, blurriness = parts
    if not area.isdigit():
        raise CcpdNameError(f"{name}: field 'area' holds '{area}', which is not a number")
    horizontal, vertical = _integers(tilt, 2, "tilt", name)
    left, top, right, bottom = _integers(box, 4, "box", name)
    if left >= right or top >= bottom:
        raise CcpdNameError(f"{name}: field 'box' holds '{box}', whose left top is not above its right bottom")
    x1, y1, x2, y2, x3, y3, x4, y4 = _integers(corners, 8, "corners", name)
    return Annotation(
        text=_decode_text(_integers(characters, 0, "characters", name), name),
        box=(left, top, right, bottom),
        corners=((x3, y3), (x4, y4), (x1, y1), (x2, y2)),
        area=area,
        tilt=(horizontal, vertical),
        brightness=_integers(brightness, 1, "brightness", name)[0],
        blurriness=_integers(blurriness, 1, "blurriness", name)[0],
    )


def is_ccpd_name(path: str | PurePath) -> bool:
    """Whether the file name is a CCPD label."""
    try:
        parse_name(path)
    except CcpdNameError:
        return False
    return True


def has_all_fields(path: str | PurePath) -> bool:
    """Whether the file name has as many fields as a CCPD label, so that it is either one or a damaged one."""
    return len(PurePath(path).stem.split("-")) == len(FIELDS)


def usual_colour(text: str) -> str:
    """Return the colour of nearly all CCPD plates with a text of that length, because file names do not state it."""
    return "green" if len(text) == 8 else "blue"


def format_name(annotation: Annotation, extension: str = ".jpg") -> str:
    """Return the CCPD file name of `annotation`: the inverse of `parse_name`.

    Raises:
        CcpdNameError: The text has a length or a character that CCPD's tables lack.
    """
    text = annotation.text
    if len(text) not in (7, 8):
        raise CcpdNameError(f"'{text}': CCPD names hold 7 or 8 characters, not {len(text)}")
    indices = [_table(position).find(character) for position, character in enumerate(text)]
    if -1 in indices:
        position = indices.index(-1)
        raise CcpdNameError(f"'{text}': CCPD's table for place {position + 1} lacks '{text[position]}'")
    top_left, top_right, bottom_right, bottom_left = annotation.corners
    left, top, right, bottom = annotation.box
    fields = (
        annotation.area,
        "{}_{}".format(*annotation.tilt),
        f"{left}&{top}_{right}&{bottom}",
        "_".join(f"{x}&{y}" for x, y in (bottom_right, bottom_left, top_left, top_right)),
        "_".join(str(index) for index in indices),
        str(annotation.brightness),
        str(annotation.blurriness),
    )
    return "-".join(fields) + extension
