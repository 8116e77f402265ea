"""Where the shipped models, fonts and sample pictures are: in a checkout, or inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# pyproject.toml puts models/ and assets/ there when a wheel is built; a checkout has them beside the package.
_INSTALLED = _PACKAGE / "_data"
ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent

MODELS = ROOT / "models"
SAMPLES = ROOT / "assets" / "samples"
FONT = ROOT / "assets" / "fonts" / "NotoSansSC-Medium.ttf"
