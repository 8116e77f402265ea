"""Who draws the plates of a training: the painter of Chinese ones, or one that follows a plates file."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from alpr_app.core.errors import UsageError
from alpr_app.train.draw.designed import DesignPainter
from alpr_app.train.draw.painted import PaintedPlate
from alpr_app.train.draw.planned import PlannedPlate
from alpr_app.train.draw.plates import PlatePainter
from alpr_app.train.plate_design import PlatesFile


class Painter(Protocol):
    """What data sets and scenes need of a painter.

    `random_plate` gives a plate of `rows` rows if there are such plates, of any if None. `plan` gives one that the
    front or rear `end` of a car carries, to be drawn later; heavy: of a lorry or bus. `issues` says whether words could
    be the text of such a plate.
    """

    def random_plate(self, rng: np.random.Generator, rows: int | None = None) -> PaintedPlate: ...

    def plan(self, end: str, heavy: bool, rng: np.random.Generator) -> PlannedPlate: ...

    def issues(self, words: str) -> bool: ...


def make_painter(plates: PlatesFile | None, glyphs: Path | None = None, templates: Path | None = None) -> Painter:
    """The painter of a plates file; of Chinese plates if None, with folders of pictures as `PlatePainter` takes them.

    Raises UsageError for such folders together with a plates file.
    """
    if plates is None:
        return PlatePainter(glyphs, templates)
    if glyphs is not None or templates is not None:
        raise UsageError("--glyphs and --templates are pictures of Chinese plates; leave them out beside --plates")
    return DesignPainter(plates)
