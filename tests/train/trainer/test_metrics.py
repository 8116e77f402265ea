import csv
import io
import time

import pytest

from alpr_app.data.run_folder import read_curves
from alpr_app.train.trainer.metrics import Meter, MetricsFile


def test_rows_are_appended_under_one_header(tmp_path):
    path = tmp_path / "train.csv"
    metrics = MetricsFile(path)
    metrics.append({"step": 1, "loss": 0.123456789})
    metrics.append({"step": 2, "loss": 0.5})
    with path.open() as file:
        assert list(csv.DictReader(file)) == [{"step": "1", "loss": "0.123457"}, {"step": "2", "loss": "0.5"}]


def test_columns_that_a_file_lacks_are_added_and_earlier_rows_kept(tmp_path):
    path = tmp_path / "val.csv"
    path.write_text("step,loss\r\n50,2\r\n100,1\r\n")
    metrics = MetricsFile(path)
    metrics.append({"step": 150, "recall": 0.5, "loss": 0.75})
    metrics.append({"loss": 0.5, "step": 200})
    assert path.read_text().split() == ["step,loss,recall", "50,2,", "100,1,", "150,0.75,0.5", "200,0.5,"]
    found = read_curves(path)
    assert found.trouble == "" and found.columns["loss"].tolist() == [2, 1, 0.75, 0.5]
    assert str(found.columns["recall"].tolist()) == "[nan, nan, 0.5, nan]"
    assert [file.name for file in tmp_path.iterdir()] == ["val.csv"]


def test_a_file_is_as_before_if_the_disk_is_full(tmp_path, monkeypatch):
    path = tmp_path / "val.csv"
    metrics = MetricsFile(path)
    metrics.append({"step": 1, "loss": 2})
    before = path.read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        metrics.append({"step": 2, "recall": 0.5})
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_row_for_which_the_disk_has_no_room_leaves_no_part_of_it(tmp_path, monkeypatch):
    path = tmp_path / "train.csv"
    metrics = MetricsFile(path)
    metrics.append({"step": 1, "loss": 2})
    before = path.read_bytes()

    class AlmostFull(io.FileIO):
        def write(self, data):
            if len(data) < 4:
                raise OSError(28, "No space left on device")
            return super().write(bytes(data)[:-3])

    monkeypatch.setattr("pathlib.Path.open", lambda path, mode, buffering: AlmostFull(path, mode.replace("b", "")))
    with pytest.raises(OSError, match="No space left"):
        metrics.append({"step": 2, "loss": 1})
    monkeypatch.undo()
    assert path.read_bytes() == before
    metrics.append({"step": 2, "loss": 1})
    assert path.read_text().splitlines()[1:] == ["1,2", "2,1"]


def test_an_appended_row_does_not_read_the_file_again(tmp_path, monkeypatch):
    path = tmp_path / "train.csv"
    path.write_text("step,loss\n50,2\n")
    metrics = MetricsFile(path)
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda path: pytest.fail("reads the file"))
    for step in (100, 150):
        metrics.append({"step": step, "loss": 1})
    assert path.read_text() == "step,loss\n50,2\n100,1\n150,1\n"


def test_a_file_that_was_removed_meanwhile_begins_with_its_header_again(tmp_path):
    path = tmp_path / "train.csv"
    metrics = MetricsFile(path)
    metrics.append({"step": 50, "loss": 2})
    path.unlink()
    metrics.append({"step": 100, "loss": 1})
    assert path.read_text() == "step,loss\n100,1\n"


@pytest.mark.parametrize("content", ["", "step,lo", "step,loss\n50,2\n100,0."])
def test_what_a_killed_run_left_of_a_line_does_not_spoil_the_next_one(tmp_path, content):
    path = tmp_path / "train.csv"
    path.write_text(content)
    MetricsFile(path).append({"step": 100, "loss": 1})
    found = read_curves(path)
    assert found.columns["step"].tolist() == ([50, 100] if "50" in content else [100]) and found.trouble == ""


def test_damaged_rows_stay_damaged_when_columns_are_added(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("step,loss\n50,2\n100,1,7\n150\n")
    MetricsFile(path).append({"step": 200, "loss": 1, "recall": 0.5})
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
