from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.data.ccpd import Annotation, format_name
from alpr_app.data.label_csv import TABLE_NAME

CCPD_NAME = format_name(Annotation("皖A12345", (30, 40, 90, 62), ((30, 40), (90, 42), (90, 62), (30, 60))))
TABLE = """file,split,subset,text,colour,rows,corners,state
gate/a.png,val,north,皖AD12345,green,,10.3 20.1 110.7 22.9 111.1 55.5 9.9 50.2,checked
gate/a.png,val,north,粤B1234学,yellow,2,120.3 60.1 150.7 62.9 151.1 85.5 119.9 80.2,checked
gate/b.png,train,,,,,,checked
gate/unknown.png,train,,,,,30 30 90 31 90 50 30 49,
gate/worn.png,test,,,,,30 30 90 31 90 50 30 49,unreadable
"""


@pytest.fixture
def data(tmp_path) -> Path:
    """A data folder with every kind of label that has a position: a table, a CCPD name, and a plate-free folder."""
    folder = tmp_path / "data"
    gate = [f"gate/{name}.png" for name in ("a", "b", "unknown", "worn")]
    gate = [f"gate/{name}.png" for name in ("a", "b", "unknown", "worn")]
    for name in (*gate, f"ccpd/{CCPD_NAME}", "negatives/n.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, np.full((101, 207, 3), 90, np.uint8))[1].tobytes())
    (folder / TABLE_NAME).write_text(TABLE, encoding="utf-8")
    return folder
