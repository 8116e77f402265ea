"""Where a picture lies on the canvas: fitted, zoomed at the pointer, dragged."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 64.0
WHEEL_STEP = 1.2


@dataclass
class View:
    """zoom: screen pixels a picture pixel, None while the whole picture is fitted in. centre: the point of the picture
    in the middle of the canvas, as a share of its width and height, so that it holds for a picture of another size.
    shown: the scale that was drawn last."""

    zoom: float | None = None
    centre: tuple[float, float] = (0.5, 0.5)
    shown: float = 1.0

    def fit(self) -> None:
        self.zoom, self.centre = None, (0.5, 0.5)

    def scale(self, picture: tuple[int, int], canvas: tuple[float, float]) -> float:
        """Screen pixels a picture pixel. picture, canvas: width and height."""
        return fitting(picture, canvas) if self.zoom is None else self.zoom

    def origin(self, picture: tuple[int, int], canvas: tuple[float, float]) -> tuple[float, float]:
        """Where the picture's top left corner lies, in pixels from the canvas's."""
        scale = self.scale(picture, canvas)
        return (
            canvas[0] / 2 - self.centre[0] * picture[0] * scale,
            canvas[1] / 2 - self.centre[1] * picture[1] * scale,
        )

    def zoom_at(
        self, steps: float, point: tuple[float, float], picture: tuple[int, int], canvas: tuple[float, float]
    ) -> None:
        """Enlarge by wheel `steps`; what is under `point` (in pixels from the canvas's corner) stays there."""
        before = self.scale(picture, canvas)
        least = min(fitting(picture, canvas), 1.0) / 4
        after = min(max(before * WHEEL_STEP**steps, least), MOST)
        left, top = self.origin(picture, canvas)
        x, y = (point[0] - left) / before, (point[1] - top) / before
        self.zoom = after
        self._place(
            (x - (point[0] - canvas[0] / 2) / after) / picture[0],
            (y - (point[1] - canvas[1] / 2) / after) / picture[1],
        )

    def set_zoom(self, zoom: float) -> None:
        """Show the middle at `zoom` screen pixels a picture pixel."""
        self.zoom = min(max(zoom, 0.01), MOST)

    def enlarge(self, steps: float) -> None:
        """By so many wheel steps, around the middle of the canvas."""
        self.set_zoom(self.shown * WHEEL_STEP**steps)

    def drag(self, delta: tuple[float, float], picture: tuple[int, int], canvas: tuple[float, float]) -> None:
        """Move the picture by `delta` screen pixels."""
        scale = self.scale(picture, canvas)
        self.zoom = scale
        self._place(self.centre[0] - delta[0] / scale / picture[0], self.centre[1] - delta[1] / scale / picture[1])

    def _place(self, x: float, y: float) -> None:
        """The picture never leaves the canvas wholly."""
        self.centre = (min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))


def fitting(picture: tuple[int, int], canvas: tuple[float, float]) -> float:
    """The scale at which all of the picture is seen; tiny ones are not blown up beyond 16 times."""
    return max(1e-3, min(canvas[0] / max(1, picture[0]), canvas[1] / max(1, picture[1]), 16.0))
