"""Where a window was, and where it can be put again: screens come and go between two sessions."""

from __future__ import annotations

from collections.abc import Sequence

Area = tuple[int, int, int, int]
"""Left, top, width, height, in coordinates of all screens together."""

# So much of a window has to be on some screen for it to be taken hold of.
SEEN = (120, 40)
# A place is that of what is inside the frame. Moved down from above the screen, the title has to be seen too.
TITLE = 32


def placed(
    place: tuple[int, int] | None, size: tuple[int, int], areas: Sequence[Area]
) -> tuple[tuple[int, int] | None, tuple[int, int]]:
    """Place and size for a window of `size` that was at `place`, with the usable `areas` of all screens, the main one
    first. Wholly on the screen that shows most of it; without a place, for the system to choose, where none does."""
    if not areas:
        return place, size
    screen = max(areas, key=lambda area: _shared(place, size, area)) if place is not None else areas[0]
    left, top, width, height = screen
    size = min(size[0], width), min(size[1], height)
    if place is None or not _seen(place, size, screen):
        return None, size
    y = place[1] if place[1] >= top else top + TITLE
    return (min(max(place[0], left), left + width - size[0]), min(y, top + height - size[1])), size


def _overlap(place: tuple[int, int], size: tuple[int, int], area: Area) -> tuple[int, int]:
    """Width and height of what both share."""
    return tuple(
        max(0, min(place[axis] + size[axis], area[axis] + area[axis + 2]) - max(place[axis], area[axis]))
        for axis in (0, 1)
    )


def _shared(place: tuple[int, int], size: tuple[int, int], area: Area) -> int:
    across, down = _overlap(place, size, area)
    return across * down


def _seen(place: tuple[int, int], size: tuple[int, int], area: Area) -> bool:
    across, down = _overlap(place, size, area)
    return across >= SEEN[0] and down >= SEEN[1]
