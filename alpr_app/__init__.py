"""Finds licence plates in pictures and reads them.

from alpr_app import ALPR
plates = ALPR().read(image)     # H x W x 3 uint8 RGB -> list[Plate], best first
"""

from __future__ import annotations

from importlib import import_module

# What `typing` has under this name; importing that takes longer than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from alpr_app.core.errors import AlprError
    from alpr_app.core.plate import Plate
    from alpr_app.core.tracking import Track, Tracker
    from alpr_app.pipeline.alpr import ALPR

__version__ = "0.1.0"
__all__ = ["ALPR", "AlprError", "Plate", "Track", "Tracker", "__version__"]

_HOMES = {
    "ALPR": "alpr_app.pipeline.alpr",
    "AlprError": "alpr_app.core.errors",
    "Plate": "alpr_app.core.plate",
    "Track": "alpr_app.core.tracking",
    "Tracker": "alpr_app.core.tracking",
}


def __getattr__(name: str) -> object:
    # Importing torch takes more than a second: only those who use it pay for it.
    if name not in _HOMES:
        raise AttributeError(f"module 'alpr_app' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
