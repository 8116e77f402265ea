import re

import pytest

from alpr_app.train.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        (["detector", "--long_side", "160", "--stem_channels", "8", "--stage_channels", "8", "8", "8"], "96 x 160"),
        (["maskocr", "--embed_dim", "16", "--num_heads", "2", "--num_encoder_layers", "1"], "192 x 48"),
    ],
)
def test_a_shape_is_timed_before_it_is_trained(arguments, size, capsys):
    assert main(["speed", *arguments, "--runs", "3"]) == 0
    said = capsys.readouterr().out
    assert f"1 in use; {size}, 3 runs" in said
    best, half = map(float, re.search(r"torch\s+(\S+) ms .* (\S+) ms", said).groups())
    assert 0 < best <= half


def test_a_smaller_network_has_fewer_parameters_and_operations(capsys):
    figures = []
    for width in ("32", "16"):
        assert main(["speed", "maskocr", "--embed_dim", width, "--num_heads", "2", "--runs", "1"]) == 0
        figures.append([float(part) for part in re.search(r"(\S+) M .* (\S+) GFLOP", capsys.readouterr().out).groups()])
    (large, large_cost), (small, small_cost) = figures
    assert small < large and small_cost < large_cost


def test_a_shape_that_cannot_be_is_one_line(capsys):
    assert main(["speed", "maskocr", "--embed_dim", "30", "--num_heads", "4"]) == 1
    assert "30" in capsys.readouterr().err
