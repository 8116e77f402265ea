import numpy as np
import pytest

from alpr_app.viewer.panels.chart import Axis, axis_for, column_title


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0, 8125, ["0", "2,000", "4,000", "6,000", "8,000"]),
        (0.88, 1.006, ["0.90", "0.95", "1.00"]),
        (-3, 4, ["-2", "0", "2", "4"]),
        (0, 3e-6, ["0.0e+00", "1.0e-06", "2.0e-06", "3.0e-06"]),
    ],
)
def test_a_linear_axis_has_round_numbers(low, high, names):
    assert [name for _, name in Axis(low, high).ticks(5)] == names


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0.02, 5, ["0.03", "0.1", "0.3", "1", "3"]),
        (0.5, 3, ["0.5", "1", "2"]),
        (1e-6, 1e6, ["1e-06", "0.001", "1", "1000", "1e+06"]),
    ],
)
def test_a_logarithmic_axis_has_powers_of_ten_and_parts_of_them(low, high, names):
    assert [name for _, name in Axis(low, high, True).ticks(6)] == names


def test_values_lie_between_both_ends_and_invalid_ones_have_no_position():
    shares = Axis(1, 100, True).fractions(np.array([1, 10, 100, 0, -5, np.nan, np.inf]))
    assert shares[:3].tolist() == [0, 0.5, 1]
    assert np.isnan(shares[3:]).all()
    assert Axis(0, 4).fractions(np.array([1.0])).tolist() == [0.25]


def test_an_axis_shows_all_values_with_room_around_them():
    axis = axis_for([np.array([1.0, np.nan]), np.array([3.0])])
    assert axis.low < 1 and axis.high > 3
    axis = axis_for([np.array([0.0, 0.01, 10.0])], logarithmic=True)
    assert 0 < axis.low < 0.01 and axis.high > 10


@pytest.mark.parametrize("value", [0.0, 5.0, -2.0, 1e-30])
def test_a_single_value_has_an_axis_of_its_own(value):
    axis = axis_for([np.array([value])])
    assert axis.low < value < axis.high
    assert axis.ticks(4)


@pytest.mark.parametrize("values", [[], [np.zeros(0)], [np.array([np.nan, np.inf])]])
def test_without_values_there_is_no_axis(values):
    assert axis_for(values) is None
    assert axis_for([np.array([-1.0, 0.0])], logarithmic=True) is None


def test_columns_of_a_run_have_plain_names():
    columns = ("judgement", "bins", "corner_error")
    assert [column_title(column) for column in columns] == ["validation score", "box distribution", "corner error"]
