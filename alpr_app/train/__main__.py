"""`python -m alpr_app.train`: make the models."""

from __future__ import annotations

import sys

from alpr_app.train.cli import main

if __name__ == "__main__":
    sys.exit(main())
