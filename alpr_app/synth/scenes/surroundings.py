"""The surroundings of the cars: the road with its markings and shadows, and the blurred background of sky, houses,
trees, hedges, walls or the inside of a garage.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr_app.synth.scenes.camera import Camera, to_pixel_centres
from alpr_app.synth.scenes.light import Light
from alpr_app.synth.scenes.surface import linear

KINDS = ("asphalt", "paving", "concrete", "painted")
TILE = 512
FLOOR = np.array([0.0, 0, 0])
ACROSS, AHEAD = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])


def _noise(rng: np.random.Generator, sigmas: tuple[float, ...], weights: tuple[float, ...]) -> np.ndarray:
    """Tileable noise of standard deviation 1."""
    total = np.zeros((TILE, TILE), np.float32)
    for sigma, weight in zip(sigmas, weights, strict=True):
        layer: np.ndarray = rng.normal(0, 1, (TILE, TILE)).astype(np.float32)
        padded = np.pad(layer, TILE // 4, mode="wrap")
        layer = cv2.GaussianBlur(padded, (0, 0), sigma)[TILE // 4 : -TILE // 4, TILE // 4 : -TILE // 4]
        total += weight * layer / layer.std()
    even: np.ndarray = total / total.std()
    return even


def _bricks(rng: np.random.Generator) -> np.ndarray:
    """Paving of 2 x 1 stones in a running bond: brightness around 1."""
    tile = np.ones((TILE, TILE), np.float32)
    tall, wide = TILE // 8, TILE // 4
    for row in range(8):
        for column in range(-1, 4):
            left = column * wide + (row % 2) * wide // 2
            tone = rng.uniform(0.82, 1.15)
            columns = np.arange(left, left + wide) % TILE
            tile[row * tall : (row + 1) * tall, columns] = tone
            tile[row * tall : row * tall + 5, columns] = 0.45
            tile[row * tall : (row + 1) * tall, columns[:5]] = 0.45
    return cv2.GaussianBlur(tile, (0, 0), 1.2)


@dataclass(frozen=True)
class Ground:
    """Tiles of brightness: `grain` for close ground, `patches` for distant ground, `bricks` for paving."""

    grain: np.ndarray
    patches: np.ndarray
    bricks: np.ndarray

    @classmethod
    def make(cls) -> Ground:
        """Make the tiles, which are always the same; their positions are random."""
        rng = np.random.default_rng(20)
        return cls(_noise(rng, (0.5, 1.0, 2.2), (1, 0.6, 0.35)), _noise(rng, (6, 20, 50), (0.4, 0.8, 1)), _bricks(rng))

    def draw(
        self, frame: np.ndarray, camera: Camera, light: Light, kind: str, end: float, rng: np.random.Generator
    ) -> None:
        """Draw the ground over `frame`, (H, W, 3) light, in place, up to `end` metres ahead; `kind` is one of KINDS."""
        top = max(0, int(camera.horizon()) - 20)
        height, width = frame.shape[:2]
        if top >= height:
            return
        inverse = np.linalg.inv(to_pixel_centres(camera.plane(FLOOR, ACROSS, AHEAD)))
        columns, rows = np.arange(width)[None], np.arange(top, height)[:, None]
        x, z, w = (
            (inverse[i, 0] * columns + inverse[i, 1] * rows + inverse[i, 2]).astype(np.float32) for i in range(3)
        )
        over = 1 / np.where(np.abs(w) < 1e-9, np.float32(1e-9), w)
        x, z = x * over, z * over
        visible = (z > camera.position[2]) & (z < end)
        x, z = np.clip(x, -60, 60), np.clip(z, -20, 90)
        tone = self._tone(x, z, camera, kind, rng)
        colour = self._colour(kind, rng) * _daylight(light)
        planes = [tone * value for value in colour.astype(np.float32)]
        # The range of headlamps or a flash: close ground is brighter.
        if light.flash.max() > 0.2:
            near = tone / (1 + np.float32(0.06) * (z - np.float32(camera.position[2])) ** 2)
            for plane, value in zip(planes, linear((96, 94, 90)) * light.flash, strict=True):
                plane += near * value
        part = frame[top:]
        cv2.copyTo(cv2.merge(planes), visible.astype(np.uint8), part)

    def _tone(self, x: np.ndarray, z: np.ndarray, camera: Camera, kind: str, rng: np.random.Generator) -> np.ndarray:
        far = np.maximum(z - camera.position[2], 0.3)
        tone = 1 + 0.09 * self._lay(self.patches, x, z, rng.uniform(3, 7), rng)
        sharp = np.minimum(1, 3.0 / far)
        strength = {"asphalt": rng.uniform(0.14, 0.26), "paving": 0.09, "concrete": 0.06, "painted": 0.03}[kind]
        tone += strength * sharp * self._lay(self.grain, x, z, rng.uniform(1.0, 1.5), rng)
        if kind == "paving":
            tone *= 1 + (self._lay(self.bricks, x, z, rng.uniform(0.8, 1.0), rng) - 1) * np.minimum(1, 6.0 / far)
        return np.maximum(tone, 0.1)

    @staticmethod
    def _lay(tile: np.ndarray, x: np.ndarray, z: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
        dx, dz = rng.uniform(0, TILE, 2)
        scale = np.float32(TILE / size)
        return cv2.remap(
            tile, x * scale + np.float32(dx), z * -scale + np.float32(dz), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )

    @staticmethod
    def _colour(kind: str, rng: np.random.Generator) -> np.ndarray:
        base = {
            "asphalt": (118, 117, 114),
            "paving": (158, 148, 138),
            "concrete": (152, 150, 144),
            "painted": (96, 132, 110),
        }
        return linear(np.array(base[kind]) * rng.uniform(0.8, 1.12) * rng.uniform(0.97, 1.03, 3))


def _daylight(light: Light) -> np.ndarray:
    daylight: np.ndarray = (light.zenith + light.horizon) / 2 + light.sun * light.towards_sun[1]
    return daylight


def draw_markings(
    frame: np.ndarray, camera: Camera, light: Light, strips: list[np.ndarray], ground: Ground, rng: np.random.Generator
) -> None:
    """Draw strips of worn white or yellow paint, each (4, 2) of x and z in metres, in place."""
    height, width = frame.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for strip in strips:
        points = camera.outline(np.stack([strip[:, 0], np.zeros(len(strip)), strip[:, 1]], axis=1))
        if len(points):
            cv2.fillPoly(mask, [np.round(np.clip(points, -30000, 30000) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    worn = cv2.resize(ground.patches[: TILE // 2, : TILE // 2], (width, height))
    cover = mask.astype(np.float32) * np.float32(1 / 255) * np.clip(0.75 + 0.22 * worn, 0.1, 0.95)
    colour = linear((236, 186, 60) if rng.random() < 0.2 else (222, 222, 216)) * 0.8 * _daylight(light)
    flash = linear((200, 200, 196)) * light.flash * 0.3
    left, top, wide, tall = cv2.boundingRect(mask)
    part, cover = frame[top : top + tall, left : left + wide], cover[top : top + tall, left : left + wide]
    part += ((colour + flash).astype(np.float32) - part) * cover[..., None]


def draw_litter(frame: np.ndarray, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    """Draw leaves, stones and stains on the road, in place."""
    for _ in range(int(rng.integers(0, 26))):
        x, z = rng.uniform(-2.5, 2.5), rng.uniform(camera.position[2] + 1.3, 3)
        size = rng.uniform(0.012, 0.035)
        angles = np.sort(rng.uniform(0, 2 * np.pi, 6))
        ring = np.stack(
            [x + size * np.cos(angles), np.zeros(6), z + size * rng.uniform(0.5, 1) * np.sin(angles)], axis=1
        )
        colour = linear(((150, 112, 48), (116, 84, 44), (170, 150, 70), (60, 56, 50))[rng.integers(4)]) * _daylight(
            light
        )
        points = np.round(np.clip(camera.project(ring), -4000, 4000) * 16).astype(np.int32)
        cv2.fillPoly(frame, [points], tuple(float(v) for v in colour), cv2.LINE_8, 4)
    if rng.random() < 0.4:
        x, z, size = rng.uniform(-1.5, 1.5), rng.uniform(camera.position[2] + 0.8, 2), rng.uniform(0.1, 0.5)
        angles = np.linspace(0, 2 * np.pi, 24)
        wobble = size * (1 + 0.25 * np.sin(angles * 3 + rng.uniform(0, 6)))
        ring = np.stack([x + wobble * np.cos(angles), np.zeros(24), z + wobble * np.sin(angles)], axis=1)
        small = camera.smaller(4)
        stain = cv2.GaussianBlur(_fill(small.project(ring), small.size), (0, 0), 2) * np.float32(rng.uniform(0.1, 0.45))
        rows, columns = frame.shape[:2]
        frame *= 1 - cv2.resize(stain, (small.size[0] * 4, small.size[1] * 4))[:rows, :columns, None]


def footprint(half: float, length: float, start: float = 0.15) -> np.ndarray:
    """The outline of the ground under a car in the car's axes: (8, 2) of x and z in metres."""
    w, a, b = half, start, length
    return np.array(
        [
            (-w + 0.2, a),
            (w - 0.2, a),
            (w, a + 0.3),
            (w, b - 0.3),
            (w - 0.2, b),
            (-w + 0.2, b),
            (-w, b - 0.3),
            (-w, a + 0.3),
        ]
    )


def _cast(camera: Camera, points: np.ndarray, heights: np.ndarray, light: Light, turn: float) -> np.ndarray:
    """The shadows on the road of points (N, 2) at `heights`, in pixels."""
    sun = light.towards_sun
    local = np.cos(turn) * sun[0] - np.sin(turn) * sun[2], np.sin(turn) * sun[0] + np.cos(turn) * sun[2]
    shifted = points - np.array(local)[None] / max(sun[1], 0.25) * heights[:, None]
    return camera.project(np.stack([shifted[:, 0], np.zeros(len(points)), shifted[:, 1]], axis=1))


def draw_shadow(
    frame: np.ndarray, camera: Camera, light: Light, half: float, height: float, length: float, heading: float
) -> None:
    """Darken the road under and beside a car in place; `camera` is in the car's axes."""
    rows, columns = frame.shape[:2]
    small = 4
    view = camera.smaller(small)
    size = view.size
    near = camera.position[2] + 0.5
    base = footprint(half, length)
    base[:, 1] = np.maximum(base[:, 1], near)
    touch = _fill(view.project(np.stack([base[:, 0], np.zeros(8), base[:, 1]], axis=1)), size)
    metre = float(camera.focal / np.linalg.norm(camera.position) / small)
    shade: np.ndarray = 1 - 0.86 * cv2.GaussianBlur(touch, (0, 0), max(0.5, 0.07 * metre))
    shade *= 1 - 0.4 * cv2.GaussianBlur(touch, (0, 0), max(0.8, 0.3 * metre))
    if light.sun.max() > 0.3:
        both = np.concatenate([base, base * (0.8, 0.8)])
        heights = np.concatenate([np.full(8, 0.0), np.full(8, height)])
        hull = cv2.convexHull(_cast(view, both, heights, light, np.radians(heading)))[:, 0]
        falls = cv2.GaussianBlur(_fill(hull, size), (0, 0), max(0.5, 0.025 * metre))
        shade *= 1 - 0.62 * falls * np.clip(1 - 0.5 * (1 - shade), 0, 1)
    shade = cv2.resize(shade, (size[0] * small, size[1] * small), interpolation=cv2.INTER_LINEAR)[:rows, :columns]
    left, top, wide, tall = cv2.boundingRect((shade < 0.995).astype(np.uint8))
    part = frame[top : top + tall, left : left + wide]
    part *= shade[top : top + tall, left : left + wide, None]


def _fill(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(np.clip(points, -4000, 4000) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) * np.float32(1 / 255)


# Drawn this many times smaller and then enlarged, because the background is blurred anyway.
SMALL = 3


def draw_backdrop(camera: Camera, light: Light, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The light (H, W, 3) of everything except road and cars, and the distance in metres at which the road ends."""
    width, height = camera.size
    view = camera.smaller(SMALL)
    canvas: np.ndarray = np.empty((view.size[1], view.size[0], 3), np.float32)
    horizon = view.horizon()
    share = np.clip((horizon - np.arange(view.size[1], dtype=np.float32)) / (0.6 * view.size[0]), 0, 1)
    canvas[:] = (light.horizon + (light.zenith - light.horizon) * share[:, None])[:, None]
    surroundings = _garage if light.mood == "garage" else _street
    end = surroundings(canvas, view, light, rng)
    canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1.0, 2.4) * view.size[0] / 300)
    size = view.size[0] * SMALL, view.size[1] * SMALL
    return np.ascontiguousarray(cv2.resize(canvas, size, interpolation=cv2.INTER_LINEAR)[:height, :width]), end


def _quad(canvas: np.ndarray, view: Camera, corners: list[tuple[float, float, float]], colour: np.ndarray) -> None:
    points = np.clip(view.outline(np.array(corners)), -30000, 30000)
    if len(points):
        cv2.fillPoly(canvas, [np.round(points * 16).astype(np.int32)], tuple(float(v) for v in colour), cv2.LINE_8, 4)


def _wall(
    canvas: np.ndarray, view: Camera, left: float, right: float, low: float, high: float, far: float, colour: np.ndarray
) -> None:
    _quad(canvas, view, [(left, low, far), (right, low, far), (right, high, far), (left, high, far)], colour)


def _ambient(light: Light) -> np.ndarray:
    ambient: np.ndarray = (light.zenith + light.horizon) / 2 + light.sun * 0.35 + light.flash * 0.04
    return ambient


def _street(canvas: np.ndarray, view: Camera, light: Light, rng: np.random.Generator) -> float:
    x = -45.0
    night = light.mood == "night"
    while x < 45:
        wide, far = rng.uniform(6, 16), rng.uniform(26, 42)
        if rng.random() < 0.8:
            _house(canvas, view, (x, x + wide), rng.uniform(7, 24), far, light, rng)
        x += wide * rng.uniform(0.85, 1.15)
    for _ in range(int(rng.integers(3, 9))):
        _tree(canvas, view, rng.uniform(-22, 22), rng.uniform(13, 26), rng.uniform(5, 10), light, rng)
    end = rng.uniform(7.5, 14)
    if rng.random() < 0.7:
        _hedge(canvas, view, end, rng.uniform(0.7, 1.8), light, rng)
    else:
        base = linear((120, 117, 112)) * rng.uniform(0.4, 1.1) * _ambient(light)
        _wall(canvas, view, -40, 40, 0, rng.uniform(0.8, 2.6), end, base)
    if night:
        for _ in range(int(rng.integers(6, 18))):
            spot = view.project(np.array([[rng.uniform(-14, 14), rng.uniform(0.6, 6), rng.uniform(14, 30)]]))[0]
            colour = linear(
                ((255, 190, 110), (255, 230, 190), (255, 60, 40), (190, 220, 255))[rng.integers(4)]
            ) * rng.uniform(0.6, 2.5)
            centre = tuple(int(v) for v in np.clip(spot, -500, 2000))
            cv2.circle(canvas, centre, int(rng.integers(2, 7)), tuple(float(v) for v in colour), -1)
    return end - 0.5


def _house(
    canvas: np.ndarray,
    view: Camera,
    sides: tuple[float, float],
    high: float,
    far: float,
    light: Light,
    rng: np.random.Generator,
) -> None:
    left, right = sides
    tone = linear(np.clip(rng.uniform(90, 210) * rng.uniform(0.92, 1.08, 3) * (1.04, 1.0, 0.94), 0, 255))
    wall = tone * _ambient(light) * 0.8
    _wall(canvas, view, left, right, 0, high, far, wall)
    lit_share = 0.35 if light.mood == "night" else 0.0
    step_x, step_y = rng.uniform(1.4, 2.6), rng.uniform(2.6, 3.4)
    for y in np.arange(1.0, high - 1.6, step_y):
        for x in np.arange(left + 0.6, right - 1.0, step_x):
            pane = wall * rng.uniform(0.15, 0.6) + light.horizon * rng.uniform(0, 0.15)
            if rng.random() < lit_share:
                pane = linear((255, 214, 150)) * rng.uniform(0.2, 0.9)
            _wall(canvas, view, x, x + step_x * 0.55, y, y + step_y * 0.5, far, pane)


def _leaves(
    canvas: np.ndarray,
    view: Camera,
    middle: np.ndarray,
    spread: np.ndarray,
    count: int,
    size: float,
    light: Light,
    rng: np.random.Generator,
) -> None:
    """Draw blobs of foliage around `middle`, lit from above and darker below."""
    offsets = rng.normal(0, 1, (count, 3))
    # Uniformly distributed in a ball.
    offsets *= (rng.uniform(0, 1, count) ** (1 / 3) / np.linalg.norm(offsets, axis=1))[:, None]
    order = np.argsort(offsets[:, 1])
    spots = view.project(middle + offsets[order] * spread)
    pixel = view.focal / max(1.0, middle[2] - view.position[2])
    base = linear(np.array((66, 80, 46)) * rng.uniform(0.7, 1.1) * rng.uniform(0.9, 1.1, 3))
    tones = (0.35 + 0.75 * np.linspace(0, 1, count)) * rng.uniform(0.55, 1.35, count)
    ambient = _ambient(light)
    for (x, y), tone in zip(spots, tones, strict=True):
        if -50 < x < canvas.shape[1] + 50 and -50 < y < canvas.shape[0] + 50:
            radius = max(1, round(size * pixel * rng.uniform(0.5, 1.2)))
            cv2.circle(canvas, (int(x), int(y)), radius, tuple(float(v) for v in base * tone * ambient), -1)


def _tree(
    canvas: np.ndarray, view: Camera, x: float, far: float, high: float, light: Light, rng: np.random.Generator
) -> None:
    trunk = linear((84, 72, 62)) * _ambient(light) * 0.7
    _wall(canvas, view, x - 0.14, x + 0.14, 0, high * 0.5, far, trunk)
    _leaves(
        canvas, view, np.array([x, high * 0.66, far]), np.array([high * 0.36, high * 0.34, 0.6]), 320, 0.22, light, rng
    )


def _hedge(canvas: np.ndarray, view: Camera, far: float, high: float, light: Light, rng: np.random.Generator) -> None:
    _wall(canvas, view, -30, 30, 0, high * 0.9, far, linear((40, 56, 30)) * _ambient(light) * 0.7)
    for x in np.arange(-9, 9, 1.5):
        _leaves(canvas, view, np.array([x, high * 0.6, far]), np.array([1.1, high * 0.5, 0.3]), 90, 0.09, light, rng)
    kerb = linear((124, 122, 118)) * _ambient(light)
    _wall(canvas, view, -30, 30, 0, 0.16, far - 0.5, kerb)


def _garage(canvas: np.ndarray, view: Camera, light: Light, rng: np.random.Generator) -> float:
    far = rng.uniform(9, 18)
    ambient = _ambient(light) * 1.5
    _quad(
        canvas,
        view,
        [(-30, 2.9, far), (30, 2.9, far), (30, 2.9, -1.0), (-30, 2.9, -1.0)],
        linear((96, 96, 94)) * ambient,
    )
    _wall(canvas, view, -30, 30, 0, 2.9, far, linear((190, 188, 180)) * ambient * 0.55)
    _wall(canvas, view, -30, 30, 0, 1.1, far - 0.01, linear((70, 120, 90)) * ambient * 0.6)
    for z in np.arange(far - 1, 1, -2.5):
        for x in (-3.4, 2.2):
            _quad(
                canvas,
                view,
                [(x, 2.75, z), (x + 1.2, 2.75, z), (x + 1.2, 2.75, z - 0.15), (x, 2.75, z - 0.15)],
                linear((255, 250, 236)) * 1.5,
            )
    for x in np.arange(-9.6, 10, 4.8):
        z = far - rng.uniform(2, 5)
        _wall(canvas, view, x - 0.35, x + 0.35, 0, 2.9, z, linear((176, 174, 168)) * ambient * rng.uniform(0.5, 0.8))
        for low in np.arange(0, 1.2, 0.4):
            _wall(canvas, view, x - 0.35, x + 0.35, low, low + 0.2, z - 0.01, linear((216, 176, 40)) * ambient * 0.6)
            _wall(canvas, view, x - 0.35, x + 0.35, low + 0.2, low + 0.4, z - 0.01, linear((26, 26, 26)) * ambient)
    return far
