from dataclasses import replace
from pathlib import Path

import pytest
import torch

from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import load_bundle
from alpr_app.networks.reader.network import Reader
from alpr_app.train.cli.main import main


@pytest.fixture
def bundles(reader_path, tmp_path) -> list[Path]:
    """Three readers of one shape, of which the weights of the last two are shifted by 1 and 2; dropout differs."""
    network, _ = load_bundle(None, reader_path)
    paths = []
    for shift in (0, 1, 2):
        moved = Reader(replace(network.config, dropout=0.1 * shift))
        state = {
            name: value + shift if value.is_floating_point() else value for name, value in network.state_dict().items()
        }
        moved.load_state_dict(state)
        paths.append(tmp_path / f"reader{shift}")
        save_bundle(paths[-1], moved, {}, f"train reader{shift}")
    return paths


def test_the_mean_of_bundles_is_a_bundle_that_knows_where_it_is_from(bundles, tmp_path, capsys):
    assert main(["average", *map(str, bundles), "--output", str(tmp_path / "mean")]) == 0
    mean, info = load_bundle(None, tmp_path / "mean")
    middle, _ = load_bundle(None, bundles[1])
    for (name, value), wanted in zip(mean.state_dict().items(), middle.state_dict().values(), strict=True):
        torch.testing.assert_close(value, wanted, msg=name)
    last = "python -m alpr_app.train average reader0 reader1 reader2 --output mean"
    assert info.command.splitlines() == ["train reader0", "train reader1", "train reader2", last]
    assert "mean of 3, reader" in capsys.readouterr().out


def test_figures_of_the_mean_go_with_it(bundles, tmp_path):
    (tmp_path / "scores.json").write_text('{"split": "val"}', encoding="utf-8")
    arguments = ["average", *map(str, bundles[:2]), "--output", str(tmp_path / "mean")]
    assert main([*arguments, "--scores", str(tmp_path / "scores.json")]) == 0
    assert load_bundle(None, tmp_path / "mean")[1].scores["evaluation"] == {"split": "val"}
    (tmp_path / "scores.json").write_text("no", encoding="utf-8")
    assert main([*arguments, "--scores", str(tmp_path / "scores.json")]) == 1


def test_networks_that_have_nothing_in_common_are_refused(bundles, detector_path, tmp_path, capsys):
    network, _ = load_bundle(None, bundles[0])
    wider = Reader(replace(network.config, embed_dim=2 * network.config.embed_dim))
    save_bundle(tmp_path / "wider", wider, {}, "train wider")
    for other in (detector_path, tmp_path / "wider"):
        assert main(["average", str(bundles[0]), str(other), "--output", str(tmp_path / "mean")]) == 1
        assert f"{other}: not a network of the kind and shape of" in capsys.readouterr().err
    assert main(["average", str(bundles[0]), "--output", str(tmp_path / "mean")]) == 1
    assert "name two or more" in capsys.readouterr().err
    assert not (tmp_path / "mean.json").exists()
