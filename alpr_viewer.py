"""Front door of the desktop program: python alpr_viewer.py --image_folder DIR"""

from __future__ import annotations

import sys

from alpr_app.core.startup import viewer

if __name__ == "__main__":
    sys.exit(viewer())
