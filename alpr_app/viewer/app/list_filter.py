"""What is typed into the filter of the list: text, and conditions such as `conf<0.9`, a colour or a province."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from alpr_app.core.plate import COLOURS, PROVINCES, Plate
from alpr_app.viewer.text.language import tr


def filter_tip() -> str:
    """What can be typed, one kind a line."""
    return "\n".join(
        [
            tr("Part of a file name, of a label or of a reading; or conditions, separated by spaces:"),
            tr("conf<0.9   a plate with a confidence below 0.9"),
            tr("iou<0.7   a labelled plate whose box overlaps the label less"),
            tr("{colours}   a plate of that colour", colours=", ".join(COLOURS)),
            tr("皖   a plate of that province"),
            tr("*   a star; -*   no star"),
        ]
    )


_CONDITION = re.compile(r"(conf|iou)(<=?|>=?)(\d*[.,]?\d+)(%?)")
# What precedes a complete condition while it is typed; it does not hide anything yet.
_UNFINISHED = re.compile(r"(conf|iou)[<>]=?\d*[.,]?")
_STARS = {"*": True, "-*": False}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """A limit on a figure of one plate. name: conf or iou."""

    name: str
    compare: str
    limit: float

    def holds(self, values: Iterable[float]) -> bool:
        """Whether it holds for any of the values."""
        return any(_COMPARE[self.compare](value, self.limit) for value in values)


@dataclass(frozen=True)
class ListFilter:
    """The parts of a filter; a picture must meet all of them.

    Attributes:
        text: In the file name, or on a labelled or read plate; lower case.
        provinces: First characters of a labelled or read plate.
        colours: Colours of read plates.
        conditions: Limits on confidence and IoU of read plates.
        starred: Whether the picture has a star; None for either.
    """

    text: str = ""
    provinces: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    starred: bool | None = None

    @property
    def needs_results(self) -> bool:
        """Whether only pictures that have been read can meet it."""
        return bool(self.colours or self.conditions)

    def has_text(self, texts: Sequence[str]) -> bool:
        """Whether `text` is part of one of the `texts` of a picture's plates, which are written without the dot."""
        wanted = self.text.replace("·", "")
        return bool(wanted) and any(wanted in text.replace("·", "").casefold() for text in texts)

    def has_provinces(self, texts: Sequence[str]) -> bool:
        """Whether every province has a plate among `texts`."""
        return all(any(text.startswith(province) for text in texts) for province in self.provinces)

    def matches_plates(self, plates: Sequence[Plate], overlaps: Sequence[float]) -> bool:
        """Whether colours and conditions are met. overlaps: IoU of the plates that are matched to a label."""
        colours = {plate.colour for plate in plates}
        values = {"conf": [plate.confidence for plate in plates], "iou": overlaps}
        return colours.issuperset(self.colours) and all(one.holds(values[one.name]) for one in self.conditions)


def parse_filter(typed: str) -> ListFilter:
    """Parse what was typed; words that are no condition are text, with the spaces between them."""
    words, provinces, colours, conditions = [], [], [], []
    starred = None
    for word in typed.strip().casefold().split(" "):
        condition = _CONDITION.fullmatch(word)
        if condition:
            name, compare, number, per_cent = condition.groups()
            limit = float(number.replace(",", ".")) / (100 if per_cent else 1)
            conditions.append(Condition(name, compare, limit))
        elif word in _STARS:
            starred = _STARS[word]
        elif word in COLOURS:
            colours.append(word)
        elif len(word) == 1 and word in PROVINCES:
            provinces.append(word)
        elif not _UNFINISHED.fullmatch(word):
            words.append(word)
    return ListFilter(" ".join(words).strip(), tuple(provinces), tuple(colours), tuple(conditions), starred)
