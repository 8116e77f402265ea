"""Plates of any kind as data: a TOML file of alphabet, patterns, sizes in millimetres and colours.

    name = "Example"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    max_length = 8                    # characters of a text at most

    [classes]                         # L, the letters, and D, the digits of the alphabet, are there already
    N = "123456789"                   # any of these characters
    C = ["B", "HH", "LEV"]            # any of these texts

    [[design]]                        # one or more; all keys but the first three have defaults, see `Design`
    pattern = ["C*LL NDDD", "C*L NDD"]
    width = 520
    height = 110
    background = ["#ecedea", "#f4f4f0"]
    band = { text = ["D", "F"], stars = true }
    caption = [{ text = "EXAMPLE STATE", height = 12, top = 4 }]

`patterns` says what a pattern may hold. A font file is looked for beside the TOML file.
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
    checked,
    colour,
    colours,
    flag,
    number,
    one_of,
    tables,
    text,
    text_of,
    texts,
)

SHIPPED = Path(__file__).parent / "designs"
# Characters stay this far from the plate's edge, in mm: they are drawn a little off their places.
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
BAND |= {"text": texts, "stars": flag}
CAPTION = {"text": texts, "top": number(0, 500), "height": number(4, 100), "ink": colour}
# Bounds that keep a plate within the grain that every plate is given.
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
    "embossed": flag,
    "bolts": number(0, 1),
    "frame": number(0, 1),
    "end": one_of("front", "rear"),
}


def shipped_plates() -> list[str]:
    """Names of the plates files that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def read_plates_file(name: str | Path) -> PlatesFile:
    """A plates file by its path, or one that comes with the project by its name. Raises PlatesError."""
    path = Path(name)
    if not path.is_file() and str(name) in shipped_plates():
        path = SHIPPED / f"{name}.toml"
    try:
        table = read_toml(path)
    except FileNotFoundError:
        raise PlatesError(f"{path}: no such plates file; by name there are {', '.join(shipped_plates())}") from None
    except OSError as error:
        raise PlatesError(f"{path}: cannot be read: {reason(error)}") from error
    except ContentError as error:
        raise PlatesError(f"{path}: {error}") from error
    return parse_plates(table, path)


def parse_plates(table: dict[str, Any], path: Path) -> PlatesFile:
    """The content of a plates file that lies at `path`. Raises PlatesError naming the key."""
    values = checked(table, FILE, path)
    for key in ("name", "alphabet", "max_length", "design"):
        if key not in values:
            raise PlatesError(f"{path}: '{key}' is missing")
    alphabet = values["alphabet"]
    for character in alphabet:
        if alphabet.count(character) > 1 or character in LAYOUT_ONLY or character.isspace():
            fault = "twice" if alphabet.count(character) > 1 else "which is no character of a text"
            raise PlatesError(f"{path}: 'alphabet' holds '{character}', {fault}")
    classes = _classes(values.get("classes", {}), alphabet, path)
    designs = tuple(
        _design(table, f"design {place}", classes, values, path) for place, table in enumerate(values["design"], 1)
    )
    return PlatesFile(path, values["name"], alphabet, values["max_length"], designs)


def _classes(table: Any, alphabet: str, path: Path) -> Classes:
    """L, D and the file's own, each with its texts."""
    shared = {"L": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "D": "0123456789"}
    classes = {name: tuple(item for item in items if item in alphabet) for name, items in shared.items()}
    checks = dict.fromkeys(table, texts) if isinstance(table, dict) else {}
    for name, found in checked(table, checks, path, "classes").items():
        if len(name) != 1 or name in LAYOUT_ONLY:
            raise PlatesError(f"{path}: classes: '{name}' is no name of a class, which is one character")
        classes[name] = tuple(found[0]) if isinstance(table[name], str) else found
        strange = [character for item in classes[name] for character in item if character not in alphabet]
        if strange:
            raise PlatesError(f"{path}: classes: '{name}' holds '{strange[0]}', which is not in the alphabet")
    return classes


def _design(table: Any, place: str, classes: Classes, shared: dict[str, Any], path: Path) -> Design:
    values = checked(table, DESIGN, path, place)
    for key in ("pattern", "width", "height"):
        if key not in values:
            raise PlatesError(f"{path}: {place}: '{key}' is missing")
    try:
        values["patterns"] = tuple(Pattern.parse(item, classes, shared["alphabet"]) for item in values.pop("pattern"))
    except ValueError as error:
        raise PlatesError(f"{path}: {place}: {error}") from None
    if "band" in values:
        values["band"] = Band(**checked(values["band"], BAND, path, f"{place}, band"))
    if "font" in values:
        values["font"] = _font(path.parent / values["font"], f"{path}: {place}: 'font'")
    values["captions"] = tuple(_caption(item, f"{place}, caption", path) for item in values.pop("caption", ()))
    design = Design(**values)
    fault = _fault(design, shared["alphabet"], shared["max_length"])
    if fault:
        raise PlatesError(f"{path}: {place}: {fault}")
    return design


def _font(path: Path, place: str) -> Path:
    """The path of a font file. OpenCV crashes on what is none, so its beginning is looked at."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise PlatesError(f"{place}: {path} cannot be opened: {reason(error)}") from error
    if start not in FONT_STARTS:
        raise PlatesError(f"{place}: {path} is no TrueType or OpenType font")
    return path


def _caption(table: Any, place: str, path: Path) -> Caption:
    values = checked(table, CAPTION, path, place)
    for key in ("text", "top"):
        if key not in values:
            raise PlatesError(f"{path}: {place}: '{key}' is missing")
    return Caption(**values)


def _fault(design: Design, alphabet: str, longest: int) -> str | None:
    """What cannot be drawn of a design."""
    left, right = design.area
    cell = min(design.character_width, design.character_height)
    if 3 * design.stroke > cell:
        return f"'stroke' is {design.stroke}, at most a third of a character's {cell} mm"
    for pattern in design.patterns:
        length = len(text_of(pattern.widest, alphabet))
        if not 0 < length <= longest:
            return f"the pattern '{pattern.written}' has up to {length} characters, 'max_length' is {longest}"
        if pattern.written.count(NEXT_ROW) + 1 != design.rows:
            return f"the pattern '{pattern.written}' has other rows than '{design.patterns[0].written}'"
        if not all(map(str.strip, pattern.written.split(NEXT_ROW))):
            return f"the pattern '{pattern.written}' has an empty row"
        wide = max(design.places(row)[-1] for row in pattern.widest.split(NEXT_ROW))
        if wide > right - left:
            return (
                f"the pattern '{pattern.written}' needs {wide:.0f} mm, there are {right - left:.0f} between the margins"
            )
    end = design.row_top(design.rows - 1) + design.character_height
    if design.row_top(0) < EDGE or end > design.height - EDGE:
        return f"the rows end {end:.0f} mm below the upper edge, 'height' is {design.height}"
    if any(caption.top + caption.height > design.height for caption in design.captions):
        return "a caption ends below the lower edge"
    return None
