"""Which results keep what the reader saw: those of the pictures that were looked at last, in whatever folder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from alpr_app.viewer.recogniser import Outcome

# About a thousand plates' worth.
MOST_BYTES = 32 * 2**20


class Crops:
    """Keeps the crops in results below `most` bytes; the earliest go first. drop: takes them out of the result of a
    folder's picture."""

    def __init__(self, drop: Callable[[str, str], None], most: int = MOST_BYTES) -> None:
        self._drop, self._most = drop, most
        self._sizes: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._bytes = 0

    def note(self, folder: str, name: str, outcome: Outcome) -> None:
        """There is a new result of the picture `name` in `folder`."""
        self._bytes -= self._sizes.pop((folder, name), 0)
        size = sum(plate.crop.nbytes for plate in outcome.plates)
        if not size:
            return
        self._sizes[folder, name] = size
        self._bytes += size
        while self._bytes > self._most and len(self._sizes) > 1:
            earliest, freed = self._sizes.popitem(last=False)
            self._bytes -= freed
            self._drop(*earliest)

    def clear(self) -> None:
        """All results have gone."""
        self._sizes.clear()
        self._bytes = 0
