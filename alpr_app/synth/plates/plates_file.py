"""Plates files: plates of any kind as a TOML file of alphabet, patterns, sizes in millimetres and colours.

    name = "Example"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    max_length = 8                    # maximum number of characters on a plate, up to 16

    [classes]                         # L, the letters, and D, the digits of the alphabet, exist already
    N = "123456789"                   # any of these characters
    C = ["B", "HH"]                   # any of these texts

    [[design]]                        # one or more
    pattern = ["C*LL NDDD", "C*L NDD"]
    width = 520                       # all lengths are in millimetres
    height = 110
    background = ["#ecedea", "#f4f4f0"]
    band = { text = ["D", "F"], stars = true }
    caption = [{ text = "EXAMPLE STATE", height = 12, top = 4 }]

docs/plates.md describes all keys and what a pattern may hold. A font file is searched for beside the TOML file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alpr_app.core.errors import reason
from alpr_app.data.bounded_parsing import ContentError, read_toml
from alpr_app.synth.plates.plate_design import (
    LAYOUT_ONLY,
    NEXT_ROW,
    Band,
    Caption,
    Classes,
    Design,
    Pattern,
    PlatesError,
    PlatesFile,
    boolean,
    check_table,
    colour,
    colours,
    number,
    one_of,
    tables,
    text,
    text_of,
    texts,
)

SHIPPED = Path(__file__).parent / "designs"
# Minimum distance in mm of characters from the plate's edge, because they are drawn with small displacements.
EDGE = 2
FONT_STARTS = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
FILE = {
    "name": text,
    "alphabet": text,
    "max_length": number(1, 16, whole=True),
    "classes": lambda value: value,
    "design": tables,
}
BAND = {"width": number(10, 200), "side": one_of("left", "right"), "colour": colour, "ink": colour}
BAND |= {"text": texts, "stars": boolean}
CAPTION = {"text": texts, "top": number(0, 500), "height": number(4, 100), "ink": colour}
# The bounds keep a plate smaller than the picture of grain that is laid over it.
DESIGN = {
    "pattern": texts,
    "width": number(100, 1000, whole=True),
    "height": number(40, 500, whole=True),
    "weight": number(0.001, 1000),
    "colour": text,
    "background": colours,
    "ink": colour,
    "rim": number(0, 30),
    "rim_inset": number(0, 30),
    "rim_colour": colour,
    "radius": number(0, 60),
    "character_width": number(8, 300, whole=True),
    "character_height": number(12, 300, whole=True),
    "stroke": number(1, 60),
    "spacing": number(0, 100),
    "gap": number(0, 300),
    "row_spacing": number(0, 200),
    "top": number(EDGE, 400),
    "margin": number(EDGE, 300),
    "font": text,
    "band": lambda value: value,
    "caption": tables,
    "embossed": boolean,
    "bolts": number(0, 1),
    "frame": number(0, 1),
    "end": one_of("front", "rear"),
}


def shipped_plates() -> list[str]:
    """Names of the plates files that come with the project, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def read_plates_file(name: str | Path) -> PlatesFile:
    """Read a plates file by its path, or a shipped one by its name. Raises PlatesError."""
    path = Path(name)
    if not path.is_file() and str(name) in shipped_plates():
        path = SHIPPED / f"{name}.toml"
    try:
        table = read_toml(path)
    except FileNotFoundError:
        raise PlatesError(f"{path}: no such plates file; the shipped ones are {', '.join(shipped_plates())}") from None
    except OSError as error:
        raise PlatesError(f"{path}: cannot be read: {reason(error)}") from error
    except ContentError as error:
        raise PlatesError(f"{path}: {error}") from error
    return parse_plates(table, path)


def parse_plates(table: dict[str, Any], path: Path) -> PlatesFile:
    """Parse the content of the plates file at `path`. Raises PlatesError, which names the key."""
    values = check_table(table, FILE, path)
    for key in ("name", "alphabet", "max_length", "design"):
        if key not in values:
            raise PlatesError(f"{path}: '{key}' is missing")
    alphabet = values["alphabet"]
    for character in alphabet:
        if alphabet.count(character) > 1 or character in LAYOUT_ONLY or character.isspace():
            fault = "twice" if alphabet.count(character) > 1 else "which cannot be part of a text"
            raise PlatesError(f"{path}: 'alphabet' holds '{character}', {fault}")
    classes = _classes(values.get("classes", {}), alphabet, path)
    designs = tuple(
        _design(table, f"design {index}", classes, values, path) for index, table in enumerate(values["design"], 1)
    )
    return PlatesFile(path, values["name"], alphabet, values["max_length"], designs)


def _classes(table: Any, alphabet: str, path: Path) -> Classes:
    """The texts of each class: L, D and those of the file."""
    shared = {"L": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "D": "0123456789"}
    classes = {name: tuple(item for item in items if item in alphabet) for name, items in shared.items()}
    checks = dict.fromkeys(table, texts) if isinstance(table, dict) else {}
    for name, class_texts in check_table(table, checks, path, "classes").items():
        if len(name) != 1 or name in LAYOUT_ONLY:
            raise PlatesError(f"{path}: classes: '{name}' is not the name of a class, which is one character")
        classes[name] = tuple(class_texts[0]) if isinstance(table[name], str) else class_texts
        unknown = [character for item in classes[name] for character in item if character not in alphabet]
        if unknown:
            raise PlatesError(f"{path}: classes: '{name}' holds '{unknown[0]}', which is not in the alphabet")
    return classes


def _design(table: Any, location: str, classes: Classes, shared: dict[str, Any], path: Path) -> Design:
    values = check_table(table, DESIGN, path, location)
    for key in ("pattern", "width", "height"):
        if key not in values:
            raise PlatesError(f"{path}: {location}: '{key}' is missing")
    try:
        values["patterns"] = tuple(Pattern.parse(item, classes, shared["alphabet"]) for item in values.pop("pattern"))
    except ValueError as error:
        raise PlatesError(f"{path}: {location}: {error}") from None
    if "band" in values:
        values["band"] = Band(**check_table(values["band"], BAND, path, f"{location}, band"))
    if "font" in values:
        values["font"] = _font(path.parent / values["font"], f"{path}: {location}: 'font'")
    values["captions"] = tuple(_caption(item, f"{location}, caption", path) for item in values.pop("caption", ()))
    design = Design(**values)
    fault = _fault(design, shared["alphabet"], shared["max_length"])
    if fault:
        raise PlatesError(f"{path}: {location}: {fault}")
    return design


def _font(path: Path, location: str) -> Path:
    """Check a font file by its first bytes, because OpenCV crashes on other files."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise PlatesError(f"{location}: {path} cannot be opened: {reason(error)}") from error
    if start not in FONT_STARTS:
        raise PlatesError(f"{location}: {path} is not a TrueType or OpenType font")
    return path


def _caption(table: Any, location: str, path: Path) -> Caption:
    values = check_table(table, CAPTION, path, location)
    for key in ("text", "top"):
        if key not in values:
            raise PlatesError(f"{path}: {location}: '{key}' is missing")
    return Caption(**values)


def _fault(design: Design, alphabet: str, maximum_length: int) -> str | None:
    """Why a design cannot be drawn; None if it can."""
    left, right = design.area
    cell = min(design.character_width, design.character_height)
    if 3 * design.stroke > cell:
        return f"'stroke' is {design.stroke}, but must be at most a third of a character's {cell} mm"
    for pattern in design.patterns:
        length = len(text_of(pattern.widest, alphabet))
        if not 0 < length <= maximum_length:
            return f"the pattern '{pattern.written}' has up to {length} characters, 'max_length' is {maximum_length}"
        if pattern.written.count(NEXT_ROW) + 1 != design.rows:
            return f"the pattern '{pattern.written}' has another number of rows than '{design.patterns[0].written}'"
        if not all(map(str.strip, pattern.written.split(NEXT_ROW))):
            return f"the pattern '{pattern.written}' has an empty row"
        width = max(design.offsets(row)[-1] for row in pattern.widest.split(NEXT_ROW))
        if width > right - left:
            between_margins = f"only {right - left:.0f} mm are between the margins"
            return f"the pattern '{pattern.written}' needs {width:.0f} mm, but {between_margins}"
    end = design.row_top(design.rows - 1) + design.character_height
    if design.row_top(0) < EDGE or end > design.height - EDGE:
        return f"the rows end {end:.0f} mm below the upper edge, but 'height' is {design.height}"
    if any(caption.top + caption.height > design.height for caption in design.captions):
        return "a caption ends below the lower edge"
    return None
