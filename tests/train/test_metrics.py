import csv
import time

import pytest

from alpr_app.train.metrics import Meter, append_row


def test_rows_are_appended_under_one_header(tmp_path):
    path = tmp_path / "train.csv"
    append_row(path, {"step": 1, "loss": 0.123456789})
    append_row(path, {"step": 2, "loss": 0.5})
    with path.open() as file:
        assert list(csv.DictReader(file)) == [{"step": "1", "loss": "0.123457"}, {"step": "2", "loss": "0.5"}]


def test_a_meter_gives_means_and_begins_anew():
    meter = Meter()
    for loss in (1.0, 2.0):
        meter.add({"loss": loss}, samples=8, started=time.monotonic() - 2.0, waited=0.5)
    means = meter.read()
    assert means["loss"] == 1.5
    assert means["samples_per_s"] == pytest.approx(4.0, rel=0.05)
    assert means["waiting_share"] == pytest.approx(0.25, rel=0.05)
    meter.add({"loss": 7.0}, samples=8, started=time.monotonic() - 1.0, waited=0.0)
    assert meter.read()["loss"] == 7.0
