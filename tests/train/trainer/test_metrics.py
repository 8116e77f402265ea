import csv
import time

import pytest

from alpr_app.data.run_folder import read_curves
from alpr_app.train.trainer.metrics import Meter, append_row


def test_rows_are_appended_under_one_header(tmp_path):
    path = tmp_path / "train.csv"
    append_row(path, {"step": 1, "loss": 0.123456789})
    append_row(path, {"step": 2, "loss": 0.5})
    with path.open() as file:
        assert list(csv.DictReader(file)) == [{"step": "1", "loss": "0.123457"}, {"step": "2", "loss": "0.5"}]


def test_columns_that_a_file_lacks_are_added_and_earlier_rows_kept(tmp_path):
    path = tmp_path / "val.csv"
    path.write_text("step,loss\r\n50,2\r\n100,1\r\n")
    append_row(path, {"step": 150, "recall": 0.5, "loss": 0.75})
    append_row(path, {"loss": 0.5, "step": 200})
    assert path.read_text().split() == ["step,loss,recall", "50,2,", "100,1,", "150,0.75,0.5", "200,0.5,"]
    found = read_curves(path)
    assert found.trouble == "" and found.columns["loss"].tolist() == [2, 1, 0.75, 0.5]
    assert str(found.columns["recall"].tolist()) == "[nan, nan, 0.5, nan]"
    assert [file.name for file in tmp_path.iterdir()] == ["val.csv"]


def test_a_file_is_as_before_if_the_disk_is_full(tmp_path, monkeypatch):
    path = tmp_path / "val.csv"
    append_row(path, {"step": 1, "loss": 2})
    before = path.read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        append_row(path, {"step": 2, "recall": 0.5})
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", ["", "step,lo", "step,loss\n50,2\n100,0."])
def test_what_a_killed_run_left_of_a_line_does_not_spoil_the_next_one(tmp_path, content):
    path = tmp_path / "train.csv"
    path.write_text(content)
    append_row(path, {"step": 100, "loss": 1})
    found = read_curves(path)
    assert found.columns["step"].tolist() == ([50, 100] if "50" in content else [100]) and found.trouble == ""


def test_damaged_rows_stay_damaged_when_columns_are_added(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("step,loss\n50,2\n100,1,7\n150\n")
    append_row(path, {"step": 200, "loss": 1, "recall": 0.5})
    found = read_curves(path)
    assert found.columns["step"].tolist() == [50, 200] and "2 of 4 lines are damaged" in found.trouble


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
