"""`python -m alpr_app.train`: make the models."""

from __future__ import annotations

import sys

from alpr_app.front_door import enter

if __name__ == "__main__":
    enter("alpr_app.train")
    from alpr_app.train.cli import main

    sys.exit(main())
