"""Paths of the shipped models, fonts and sample pictures, in a checkout or inside an installed wheel.

A module of its own although it is short: the only place that knows the two layouts.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# pyproject.toml puts models/ and assets/ here when a wheel is built; a checkout has them beside the package.
_INSTALLED = _PACKAGE / "_data"
ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent

MODELS = ROOT / "models"
SAMPLES = ROOT / "assets" / "samples"
FONT = ROOT / "assets" / "fonts" / "NotoSansSC-Medium.ttf"
