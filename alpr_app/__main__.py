"""`python -m alpr_app` is `alpr`."""

from __future__ import annotations

import sys

from alpr_app.core.startup import alpr

if __name__ == "__main__":
    sys.exit(alpr())
