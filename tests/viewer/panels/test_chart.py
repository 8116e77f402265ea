import numpy as np
import pytest

from alpr_app.viewer.panels.chart import Axis, Chart, ChartView, axis_for, column_title, draw_chart


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


def test_the_wheel_zooms_at_the_pointer_and_dragging_moves_within_the_axis():
    view = ChartView()
    view.zoom(3, 0.25)
    low, high = view.part
    assert high - low == pytest.approx(1.25**-3)
    assert low + 0.25 * (high - low) == pytest.approx(0.25)
    view.move(10)
    assert view.part[1] == pytest.approx(1.0) and view.part[1] - view.part[0] == pytest.approx(high - low)
    view.zoom(-100, 0.5)
    assert view.part == (0.0, 1.0)
    view.zoom(1000, 1.0)
    assert 0 < view.part[1] - view.part[0] < 0.002 and view.part[1] == pytest.approx(1.0)


def test_lines_are_hidden_by_a_click_on_their_names_and_steps_are_zoomed_by_the_wheel(window):
    made = window()
    ui, view = made.frame.context.ui, ChartView()
    x = np.arange(1.0, 101.0)
    chart = Chart("losses", x, {"loss": x, "box": 101 - x}, 100.0)

    def draw(seconds=1 / 60):
        for _ in range(3):
            with ui.frame((1280, 720), seconds), ui.area("test", (0, 0, 600, 400), ui.theme.panel, padding=0):
                draw_chart(ui, chart, (0, 0, 600, 400), view)

    def click(x, y):
        ui.inputs.move(x, y)
        draw()
        ui.inputs.button(0, True)
        ui.inputs.button(0, False)
        draw()

    # The name of the first line.
    click(40, 33)
    assert view.hidden == {"loss"}
    click(40, 33)
    assert not view.hidden
    ui.inputs.move(300, 200)
    ui.inputs.wheel(0, 2)
    draw()
    low, high = view.part
    assert 0 < low < 0.5 < high < 1
    # Two clicks in a moment show all steps again; the clicks before are long past.
    draw(1.0)
    click(300, 200)
    click(300, 200)
    assert view.part == (0.0, 1.0)
