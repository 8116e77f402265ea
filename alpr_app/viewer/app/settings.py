"""The settings of the viewer, stored as JSON in the user's configuration folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.bounded_parsing import ContentError, read_json
from alpr_app.data.camera_mode import CameraMode, mode_from_dict
from alpr_app.viewer.app.image_list import NAME, SORT_ORDERS
from alpr_app.viewer.text.language import LANGUAGE_CHOICES, SYSTEM, tr

RECENT = 10
# Cameras whose modes are remembered.
MAXIMUM_CAMERAS = 32
ASK, YES, NO = "ask", "yes", "no"
THEMES = ("dark", "light")


@dataclass(frozen=True)
class Settings:
    """What the viewer remembers. The names are keys of the file.

    Attributes:
        theme, colour_blind: Colours of the window.
        language: Of the window: system, en or zh.
        ui_scale: Scale on top of that of the screen.
        window, place: Size and position while it is not maximised; None where the system does not tell a position.
        browser_width, plates_width, tree_height: Sizes of the panels in pixels at scale 1.
        recursive: Whether pictures in subfolders are listed.
        follow_cars: Whether cars of a live source are tracked and their readings combined.
        order: Order of the pictures.
        score, confidence: Thresholds of the plates shown.
        sure: Confidence below which a reading is shown as uncertain.
        slide_seconds: Seconds per picture in the slide show.
        recent: Recently opened folders, runs, videos and addresses, the newest first.
        cameras: Wanted mode of each camera, by the name of `camera_key`; those changed last come last.
        keep_results: Whether results of pictures are kept on disk: yes, no, or ask until the user has decided.
    """

    theme: str = "dark"
    colour_blind: bool = False
    language: str = SYSTEM
    ui_scale: float = 1.0
    window: tuple[int, int] = (1440, 900)
    place: tuple[int, int] | None = None
    maximised: bool = False
    browser_width: float = 300.0
    plates_width: float = 340.0
    show_browser: bool = True
    show_plates: bool = True
    show_tree: bool = True
    tree_height: float = 84.0
    show_boxes: bool = True
    show_corners: bool = True
    show_text: bool = True
    show_truth: bool = True
    keep_zoom: bool = False
    recursive: bool = False
    follow_cars: bool = True
    order: str = NAME
    score: float = 0.5
    confidence: float = 0.0
    sure: float = 0.85
    slide_seconds: float = 2.0
    recent: tuple[str, ...] = field(default=())
    keep_results: str = ASK
    cameras: dict[str, CameraMode] = field(default_factory=dict)


_WORDS = {"theme": THEMES, "language": LANGUAGE_CHOICES, "order": SORT_ORDERS, "keep_results": (ASK, YES, NO)}
# Minimum and maximum of each number.
LIMITS: dict[str, tuple[float, float]] = {
    "ui_scale": (0.6, 3.0),
    "browser_width": (180.0, 900.0),
    "plates_width": (260.0, 900.0),
    "tree_height": (60.0, 1200.0),
    "score": (0.0, 1.0),
    "confidence": (0.0, 1.0),
    "sure": (0.0, 1.0),
    "slide_seconds": (0.2, 60.0),
}


def settings_path() -> Path:
    """Path of the user's settings file."""
    return Path(platformdirs.user_config_dir("alpr-app", appauthor=False)) / "viewer.json"


def with_recent(settings: Settings, target: str) -> Settings:
    """`settings` with `target`, a path or an address, first among those opened recently."""
    rest = tuple(name for name in settings.recent if name != target)
    return replace(settings, recent=(target, *rest)[:RECENT])


def load_settings(path: Path) -> tuple[Settings, str]:
    """Load the settings, with a message if there is a problem. A damaged file is renamed to NAME.broken."""
    try:
        content = read_json(path, errors="surrogateescape")
        if not isinstance(content, dict):
            raise ContentError("it holds no settings")
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        return Settings(), tr("{path}: settings cannot be read: {reason}", path=path, reason=reason(error))
    except ContentError:
        aside = path.with_name(path.name + ".broken")
        try:
            os.replace(path, aside)
        except OSError:
            return Settings(), tr("{path}: damaged settings, not used", path=path)
        return Settings(), tr(
            "The settings file was damaged; it is now {path}, and the defaults are in use", path=aside
        )
    return from_dict(content), ""


def from_dict(content: dict[str, Any]) -> Settings:
    """Make settings from JSON; unknown, mistyped and out-of-range values fall back to the defaults or the limits."""
    default = Settings()
    values = {}
    for item in fields(Settings):
        value = _checked(item.name, content.get(item.name), getattr(default, item.name))
        if value is not None:
            values[item.name] = value
    return replace(default, **values)


def _checked(name: str, value: Any, default: Any) -> Any:
    """`value` converted to the type of `default`; None if it does not fit."""
    if isinstance(default, bool):
        return value if isinstance(value, bool) else None
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            return None
        low, high = LIMITS[name]
        # Clamped before the conversion, because an integer may be too large for a float.
        return float(min(max(value, low), high))
    if name in _WORDS:
        return value if value in _WORDS[name] else None
    if name in ("window", "place"):
        fits = isinstance(value, list) and len(value) == 2 and all(type(side) is int for side in value)
        low = 320 if name == "window" else -65536
        return tuple(min(max(side, low), 16384) for side in value) if fits else None
    if name == "recent":
        fits = isinstance(value, list) and all(isinstance(folder, str) for folder in value)
        return tuple(value[:RECENT]) if fits else None
    if name == "cameras":
        return _camera_modes(value)
    return None


def _camera_modes(value: Any) -> dict[str, CameraMode] | None:
    if not isinstance(value, dict):
        return None
    modes = {camera: mode_from_dict(content) for camera, content in value.items() if isinstance(content, dict)}
    return {camera: mode for camera, mode in [*modes.items()][-MAXIMUM_CAMERAS:] if mode is not None}


def with_camera(settings: Settings, camera: str, mode: CameraMode) -> Settings:
    """`settings` with the wanted mode of a camera."""
    rest = [(name, other) for name, other in settings.cameras.items() if name != camera]
    return replace(settings, cameras=dict([*rest, (camera, mode)][-MAXIMUM_CAMERAS:]))


def save_settings(path: Path, settings: Settings) -> str:
    """Write the settings completely or not at all; returns a message if that failed."""
    content = json.dumps(asdict(settings), ensure_ascii=False, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.encode("utf-8", errors="surrogateescape"))
    except (OSError, UnicodeError) as error:
        return tr("{path}: settings cannot be saved: {reason}", path=path, reason=error)
    return ""
