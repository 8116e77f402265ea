"""The kinds of plates that drive in China, with the texts, colours and numbers of rows that they are issued in.

Civil plates follow GA 36-2018: a province character, an office letter, then five characters (six on new-energy plates).
Plates of the armed forces, of airfields and of farm vehicles follow rules of their own, as do the plates of Hong Kong
and Macao, which their cars carry beside one of the mainland. The letter I is never issued on the mainland, and O only
as the office letter of old government plates, although CCPD's own tables allow it everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alpr_app.core.plate import COLOURS, DIGITS, LETTERS, PROVINCES, reads_chinese

# Number of characters of the shortest plates of the mainland.
SHORTEST = 7
# Weight of the confidence of texts that no plate has. Of real plates hardly any is read so, of lettering on clothes and
# walls most is.
NEVER_ISSUED = 0.6

_OFFICE = f"[{PROVINCES}][{LETTERS}O]"
_SERIAL = f"[{DIGITS}{LETTERS}]"
_DIGIT = f"[{DIGITS}]"
# Services and regions of the older military plates.
SERVICES = "军海空北沈兰济南广成"
# Special vehicles of the emergency services: fire and rescue, and the others.
RESCUE = "XS"
# Paper plates are light blue or buff; at a glance they are white, or yellow.
PAPER = ("white", "blue", "yellow")


@dataclass(frozen=True)
class PlateKind:
    """A kind of plates.

    Attributes:
        name: As in `Plate.kind`.
        colours: Colours of the field.
        pattern: Matches the texts.
        rows: Numbers of rows of characters that there are.
    """

    name: str
    colours: tuple[str, ...]
    pattern: re.Pattern[str]
    rows: tuple[int, ...] = (1,)


def _texts(*formats: str) -> re.Pattern[str]:
    return re.compile("|".join(formats))


# More special ones first. Plates of two rows are on the rears of lorries and buses, on trailers and motorcycles; the
# green ones of two rows are those of farm vehicles.
KINDS = (
    PlateKind(
        "armed_police",
        ("white",),
        _texts(f"WJ{_DIGIT}{{2}}{_SERIAL}{_DIGIT}{{4}}", f"WJ[{PROVINCES}]?{_DIGIT}{{4}}{_SERIAL}"),
    ),
    PlateKind(
        "military",
        ("white",),
        _texts(f"[{LETTERS}]{{2}}{_DIGIT}{{5}}", f"[{SERVICES}][{LETTERS}]{_DIGIT}{{5}}"),
        (1, 2),
    ),
    PlateKind("police", ("white",), _texts(f"{_OFFICE}{_SERIAL}{{4}}警"), (1, 2)),
    PlateKind("emergency", ("white",), _texts(f"[{PROVINCES}][{RESCUE}]{_SERIAL}{{4}}应急")),
    # Vehicles of the airfield: 民航 and the letter of the region.
    PlateKind("airport", ("green",), _texts(f"民航[{LETTERS}]{_SERIAL}{{4}}")),
    PlateKind("farm", ("green",), _texts(f"[{PROVINCES}]{_DIGIT}{{7}}"), (2,)),
    # Small cars carry the type letter first, large ones last.
    PlateKind(
        "new_energy", ("green",), _texts(f"{_OFFICE}[A-HJ-K]{_SERIAL}{_DIGIT}{{4}}", f"{_OFFICE}{_DIGIT}{{5}}[A-HJ-K]")
    ),
    PlateKind("driving_school", ("yellow",), _texts(f"{_OFFICE}{_SERIAL}{{4}}学"), (1, 2)),
    PlateKind("trailer", ("yellow",), _texts(f"{_OFFICE}{_SERIAL}{{4}}挂"), (1, 2)),
    PlateKind("embassy", ("black",), _texts(f"使{_DIGIT}{{6}}", f"{_DIGIT}{{6}}使", f"{_OFFICE}{_SERIAL}{{4}}使")),
    PlateKind("consulate", ("black",), _texts(f"{_OFFICE}{_SERIAL}{{4}}领")),
    # 粤Z with 港 or 澳 on the mainland, and the plate of Hong Kong or Macao itself.
    PlateKind("hong_kong", ("black",), _texts(f"{_OFFICE}{_SERIAL}{{4}}港")),
    PlateKind("hong_kong", ("white", "yellow"), _texts(f"[{LETTERS}]{{2}}{_DIGIT}{{3,4}}"), (1, 2)),
    PlateKind("macao", ("black",), _texts(f"{_OFFICE}{_SERIAL}{{4}}澳", f"[MA][{LETTERS}]{_DIGIT}{{4}}")),
    # Paper plates: of new cars, of cars that are tested on the road, and of loads too large for it.
    PlateKind("temporary", PAPER, _texts(f"{_OFFICE}{_SERIAL}{{4,5}}临")),
    PlateKind("test", PAPER, _texts(f"{_OFFICE}{_SERIAL}{{4}}试")),
    PlateKind("oversize", PAPER, _texts(f"{_OFFICE}{_SERIAL}{{4}}超")),
    # Black ones are of foreigners' cars and no longer issued.
    PlateKind("standard", ("blue", "yellow", "black"), _texts(f"{_OFFICE}{_SERIAL}{{5}}"), (1, 2)),
)


def kind_of(text: str, colour: str | None = None, rows: int | None = None) -> str | None:
    """Return the kind of a plate.

    Args:
        text: Its text, without the dot.
        colour: Its colour; None, or one that is not of `COLOURS`, for any.
        rows: Its rows of characters; None for any number.

    Returns:
        A name in `KINDS`; None if no such plate is issued.
    """
    for kind in KINDS:
        if colour in COLOURS and colour not in kind.colours:
            continue
        if rows in (None, *kind.rows) and kind.pattern.fullmatch(text):
            return kind.name
    return None


def fits_format(text: str, colour: str | None = None) -> bool:
    """Whether plates with this text (without the dot) are issued in `colour`, or in any colour if None."""
    return kind_of(text, colour) is not None


def check_format(text: str, colour: str, alphabet: str, rows: int = 1) -> bool | None:
    """Check a reading against the formats of its colour.

    Args:
        text: The reading, without dots.
        colour: The plate's colour.
        alphabet: The reader's alphabet.
        rows: Lines of characters on the plate, 1 or 2.

    Returns:
        Whether such a plate is issued; None if nothing was read or the reader is not for Chinese plates.
    """
    if not text or not reads_chinese(alphabet):
        return None
    return kind_of(text, colour, rows) is not None


def plausibility(text: str, issued: bool | None) -> float:
    """Return how much a reading looks like a Chinese plate, 0 to 1, so that stray characters and lettering do not pass
    for one.

    Args:
        text: The reading, without dots.
        issued: What `check_format` says of it; None for readers of other plates, which may have any text.

    Returns:
        1 for whole texts of any kind, some of which are short; less for other texts, in proportion to their length if
        they are shorter than a plate.
    """
    if issued is not False:
        return 1.0
    return NEVER_ISSUED * min(1.0, len(text) / SHORTEST)
