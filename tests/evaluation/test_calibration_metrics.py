import pytest

from alpr_app.evaluation.calibration_metrics import CalibrationMetrics


def counted(*readings: tuple[float, bool], plates: int | None = None) -> CalibrationMetrics:
    reliability = CalibrationMetrics()
    reliability.plates = len(readings) if plates is None else plates
    for reading in readings:
        reliability.add(*reading)
    return reliability


def test_thresholds_trade_recall_for_precision():
    rows = counted((0.995, True), (0.9, True), (0.7, False), (0.4, True), plates=5).by_threshold()
    assert rows["confidence 0.00"] == {"readings": 4, "precision": 0.75, "recall": 0.6}
    assert rows["confidence 0.50"] == {"readings": 3, "precision": pytest.approx(2 / 3), "recall": 0.4}
    assert rows["confidence 0.90"] == {"readings": 2, "precision": 1.0, "recall": 0.4}
    assert rows["confidence 0.99"] == {"readings": 1, "precision": 1.0, "recall": 0.2}


def test_the_calibration_error_weighs_every_range_by_its_readings():
    # Of 0.9 to 1: mean 0.95, all three right; of 0.6 to 0.7: 0.65, none of one.
    summary = counted((0.95, True), (0.95, True), (0.95, True), (0.65, False)).summary()
    assert summary["readings"] == 4 and summary["right"] == 0.75
    assert summary["mean_confidence"] == pytest.approx(0.875)
    assert summary["calibration_error"] == pytest.approx((3 * 0.05 + 1 * 0.65) / 4)


def test_ranges_are_told_with_what_is_in_them():
    assert counted((1.0, True), (0.95, False), (0.05, False)).confidence_bins() == [
        (pytest.approx(0.05), 0.0, 1),
        (pytest.approx(0.975), 0.5, 2),
    ]


def test_nothing_read_is_no_error():
    empty = counted(plates=3)
    assert empty.summary()["calibration_error"] == 0 and empty.confidence_bins() == []
    assert empty.by_threshold()["confidence 0.50"] == {"readings": 0, "precision": 0, "recall": 0}
