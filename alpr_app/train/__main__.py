"""`python -m alpr_app.train`: make the models."""

from __future__ import annotations

import sys

from alpr_app.core.startup import start

if __name__ == "__main__":
    sys.exit(start("alpr_app.train", "alpr_app.train.cli.main"))
