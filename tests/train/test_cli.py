import json

import numpy as np
import pytest
import torch

from alpr_app.bundle import load_detector, load_reader
from alpr_app.train.cli import main, published_command

READER = ["--embed_dim", "32", "--num_heads", "2", "--batch_size", "4"]
READER += ["--num_encoder_layers", "1", "--num_decoder_layers", "1"]
DETECTOR = ["--crop_size", "96", "--long_side", "160", "--batch_size", "2"]
SHORT = ["--samples", "16", "--num_workers", "0", "--threads", "1", "--validate_samples", "8"]


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("command", "options"), [("maskocr", READER), ("detector", DETECTOR)])
def test_train_export_and_load(command, options, data_folder, tmp_path, capsys):
    run, scores = tmp_path / "run", tmp_path / "scores.json"
    arguments = [command, "--dataset_path", str(data_folder), "--output", str(run), *options, *SHORT]
    assert main(arguments) == 0
    assert {"last.pt", "best.pt", "train.csv", "val.csv", "command.txt"} >= {path.name for path in run.iterdir()} - {
        "train.csv"
    }
    scores.write_text(json.dumps({"split": "val", "figures": {"crops": {"all": {"exact": 0.5}}}}))
    bundle = tmp_path / "models" / "mine"
    assert main(["export", str(run), "--output", str(bundle), "--scores", str(scores)]) == 0
    network, info = (load_reader if command == "maskocr" else load_detector)(bundle)
    assert info.command.startswith(f"python -m alpr_app.train {command} --dataset_path")
    assert info.scores["evaluation"]["figures"]["crops"]["all"]["exact"] == 0.5
    assert info.scores["training"]["samples_seen"] in (8, 16)
    side = (48, 192) if command == "maskocr" else (96, 160)
    with torch.inference_mode():
        output = network(torch.zeros(1, 3, *side))[0].numpy()
    assert np.isfinite(output).all()
    assert "parameters" in capsys.readouterr().out


def test_the_newest_checkpoint_is_exported_on_demand(data_folder, tmp_path):
    run = tmp_path / "run"
    assert main(["detector", "--dataset_path", str(data_folder), "--output", str(run), *DETECTOR, *SHORT]) == 0
    for name, choice in (("best", []), ("last", ["--last"])):
        assert main(["export", str(run), "--output", str(tmp_path / name), *choice]) == 0
    assert load_detector(tmp_path / "last")[1].scores["training"]["samples_seen"] == 16
    # Nothing was found in validation, so the first of two equal checkpoints stayed the best.
    assert load_detector(tmp_path / "best")[1].scores["training"]["samples_seen"] == 8
    weights = [load_detector(tmp_path / name)[0].head.output.weight for name in ("best", "last")]
    assert (weights[0] != weights[1]).any()


def test_a_bundle_tells_nothing_of_where_the_data_lay():
    arguments = ["maskocr", "--dataset_path", "../secret/my data", "--output", "/home/me/run", "--samples", "5"]
    assert published_command(arguments) == (
        "python -m alpr_app.train maskocr --dataset_path 'my data' --output run --samples 5"
    )


def test_a_run_is_not_overwritten_but_resumed(data_folder, tmp_path, capsys):
    arguments = ["maskocr", "--dataset_path", str(data_folder), "--output", str(tmp_path / "run"), *READER, *SHORT]
    assert main(arguments) == 0
    assert main(arguments) == 1
    assert "there is a run already; add --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"--dataset_path": "/nowhere"}, "/nowhere: no such folder"),
        ({"--glyphs": "/nowhere"}, "/nowhere"),
        ({"--embed_dim": "33"}, "embed_dim 33"),
        ({"--patch_size": "7"}, "patch_size"),
    ],
)
def test_wrong_input_is_one_line_that_names_it(changes, said, data_folder, tmp_path, capsys):
    values = {"--dataset_path": str(data_folder), "--output": str(tmp_path / "run"), **changes}
    assert main(["maskocr", *(word for pair in values.items() for word in pair)]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_an_unknown_option_is_wrong_use(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["maskocr", "--dataset_path", "x", "--output", "y", "--epocs", "3"])
    assert caught.value.code == 2
    assert "--epocs" in capsys.readouterr().err


def test_the_input_size_in_use_is_chosen_at_export(data_folder, tmp_path, capsys):
    arguments = ["--dataset_path", str(data_folder), *SHORT]
    assert main(["detector", "--output", str(tmp_path / "found"), *DETECTOR, *arguments]) == 0
    assert main(["maskocr", "--output", str(tmp_path / "read"), *READER, *arguments]) == 0
    assert main(["export", str(tmp_path / "found"), "--output", str(tmp_path / "small"), "--long_side", "96"]) == 0
    assert load_detector(tmp_path / "small")[0].config.long_side == 96
    for run, side, said in (("found", "100", "multiple of 32"), ("read", "96", "for a detector")):
        assert main(["export", str(tmp_path / run), "--output", str(tmp_path / "x"), "--long_side", side]) == 1
        assert said in capsys.readouterr().err


def test_exporting_what_is_no_run_says_so(tmp_path, capsys):
    assert main(["export", str(tmp_path), "--output", str(tmp_path / "x")]) == 1
    assert "best.pt: no such checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "options"), [("maskocr", READER), ("detector", DETECTOR)])
def test_a_run_begins_with_a_bundles_weights_and_shape(command, options, data_folder, tmp_path):
    arguments = [command, "--dataset_path", str(data_folder), *SHORT]
    load = load_reader if command == "maskocr" else load_detector
    assert main([*arguments, "--output", str(tmp_path / "first"), *options]) == 0
    assert main(["export", str(tmp_path / "first"), "--output", str(tmp_path / "bundle"), "--last"]) == 0
    begun = [*arguments, "--output", str(tmp_path / "second"), "--start_from", str(tmp_path / "bundle")]
    begun += ["--batch_size", "4", "--start_lr", "1e-9", "--min_lr", "1e-9"]
    if command == "detector":
        begun += ["--crop_size", "96", "--long_side", "160"]
    assert main(begun) == 0
    assert main(["export", str(tmp_path / "second"), "--output", str(tmp_path / "again"), "--last"]) == 0
    (first, _), (second, _) = load(tmp_path / "bundle"), load(tmp_path / "again")
    assert first.config == second.config
    for (name, before), after in zip(first.named_parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-4, msg=name)
