"""`python -m alpr_app.train`: the command line of the training, which is in cli/main.py."""

from __future__ import annotations

import sys

from alpr_app.core.startup import start

if __name__ == "__main__":
    sys.exit(start("alpr_app.train", "alpr_app.train.cli.main"))
