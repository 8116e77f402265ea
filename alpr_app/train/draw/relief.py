"""A relief seen in true perspective: planes of growing depth are swept through it until every line of sight hits.

The warp from relief to picture is a homography for each plane, so a sweep is a handful of cv2 calls; see Policarpo
et al., Real-Time Relief Mapping on Arbitrary Polygonal Surfaces, I3D 2005, for the search along the line of sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from alpr_app.train.draw.camera import Camera, to_pixel_centres, warp
from alpr_app.train.draw.surface import OUTSIDE, Surface


@dataclass(frozen=True)
class Quality:
    """coarse: the search is made on a picture this many times smaller. detail: relief pixels for a pixel seen.

    planes: how many are swept, times 30.
    """

    coarse: int = 4
    detail: float = 0.8
    planes: int = 1

    def depths(self) -> np.ndarray:
        """The planes: dense where bumpers and lamps are, sparse along the bonnet and the windscreen."""
        knots = ((-0.06, 8), (0.2, 9), (0.8, 13), (2.6, 1))
        pieces = [np.linspace(a, b, n * self.planes, endpoint=False) for (a, n), (b, _) in pairwise(knots)]
        return np.concatenate([*pieces, [2.6]])


WALL, BLOCKED = np.float32(0.1), np.float32(-1)
RIGHT, UP = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])


def _plane_matrix(surface: Surface, camera: Camera, depth: float) -> np.ndarray:
    return camera.plane(np.array([0, 0, depth]), RIGHT, UP) @ surface.to_metres()


def _sweep(surface: Surface, camera: Camera, depths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every pixel of `camera`: the depth that is hit (H, W), and whether any is."""
    width, height = camera.size
    coarse, inside = surface.carried_on(), surface.inside().astype(np.uint8) * 255
    step = max(1, int(surface.scale * np.linalg.norm(camera.position) / camera.focal / 1.4))
    if step > 1:
        size = coarse.shape[1] // step, coarse.shape[0] // step
        coarse, inside = (cv2.resize(m, size, interpolation=cv2.INTER_AREA) for m in (coarse, inside))
    ratio_x, ratio_y = surface.depth.shape[1] / coarse.shape[1], surface.depth.shape[0] / coarse.shape[0]
    to_fine = np.diag([ratio_x, ratio_y, 1.0])
    found = np.full((height, width), np.float32(OUTSIDE))
    before = None
    for index, plane in enumerate(depths):
        matrix = _plane_matrix(surface, camera, plane) @ to_fine
        gap = np.float32(plane) - warp(coarse, matrix, (width, height), OUTSIDE)
        if before is not None:
            step = np.float32(plane - depths[index - 1])
            share = np.clip(gap / np.maximum(gap - before, np.float32(1e-4)), 0, 1)
            depth = np.float32(plane) - share * step
            # Far below the surface at once: the line of sight came in through the side, which is drawn by itself.
            depth[gap > step + WALL] = BLOCKED
            within = warp(inside, matrix, (width, height)) > 127
            np.copyto(found, depth, where=(gap >= 0) & within & (found >= OUTSIDE))
        before = gap
    return found, (found < OUTSIDE) & (found > BLOCKED)


def render(surface: Surface, radiance: np.ndarray, camera: Camera, quality: Quality) -> tuple[np.ndarray, np.ndarray]:
    """The relief as `camera` sees it: light (H, W, 3) and cover (H, W) 0 to 1; `camera` is in the car's axes."""
    coarse = quality.coarse
    width, height = camera.size
    small = camera.smaller(coarse)
    depth, hit = _sweep(surface, small, quality.depths())
    known = cv2.medianBlur(hit.astype(np.uint8), 5).astype(np.float32)
    # Past the outline the depth is carried on, so that nothing foreign is mixed into the edge.
    spread = cv2.blur(known, (7, 7))
    filled = cv2.blur(np.where(hit, depth, 0), (7, 7)) / np.maximum(spread, np.float32(1e-3))
    depth = np.where(hit, depth, filled).astype(np.float32)
    size = small.size[0] * coarse, small.size[1] * coarse
    depth = cv2.resize(depth, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    cover = cv2.resize(cv2.GaussianBlur(known, (3, 3), 0), size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    column, row = _lookup(surface, camera, depth)
    light = cv2.remap(radiance, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return light, np.clip((cover - 0.5) * 2 + 0.5, 0, 1)


def _lookup(surface: Surface, camera: Camera, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where on the relief each pixel looks, given the depth it hits there: columns and rows for cv2.remap."""
    height, width = depth.shape
    # With the lines of sight known on two planes, the spot on any other depth lies on the line between them.
    spots = []
    for plane in (0.0, 1.0):
        inverse = np.linalg.inv(to_pixel_centres(_plane_matrix(surface, camera, plane)))
        x, y = np.arange(width)[None], np.arange(height)[:, None]
        below = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        spots.append(
            [((inverse[i, 0] * x + inverse[i, 1] * y + inverse[i, 2]) / below).astype(np.float32) for i in (0, 1)]
        )
    near, far = spots
    return near[0] + (far[0] - near[0]) * depth, near[1] + (far[1] - near[1]) * depth


def render_flat(
    surface: Surface, radiance: np.ndarray, camera: Camera, lean: float = 0, foot: float = 0
) -> tuple[np.ndarray, np.ndarray]:
    """As `render`, but as if painted on a plane: for sides, seen from so far aside that depth hardly shows.

    lean: metres that the plane recedes for each metre above the height `foot`.
    """
    matrix = camera.plane(np.array([0, 0, -lean * foot]), RIGHT, UP + np.array([0, 0, lean])) @ surface.to_metres()
    inside = surface.inside().astype(np.float32)
    height, width = inside.shape
    # Seen from far aside, many columns of the relief fall on one of the picture: they are averaged first.
    narrow = max(8, min(width, round(1.3 * camera.size[0])))
    if narrow < width:
        inside, radiance = (cv2.resize(m, (narrow, height), interpolation=cv2.INTER_AREA) for m in (inside, radiance))
        matrix = matrix @ np.diag([width / narrow, 1, 1])
    light = cv2.warpPerspective(
        radiance, to_pixel_centres(matrix), camera.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return light, warp(inside, matrix, camera.size)
