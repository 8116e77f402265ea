import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from short_runs import DETECTOR, READER, SHORT

from alpr_app.networks.bundle import load_detector, load_reader
from alpr_app.train.cli.main import main
from alpr_app.train.cli.run_options import published_command
from alpr_app.train.detector.dataset import SceneDataset
from alpr_app.train.trainer.checkpoint import load_checkpoint
from alpr_app.train.trainer.processes import WorkerError, map_in_processes
from tests.builders import TEXTS, write_scene
from tests.places import ROOT


@pytest.mark.parametrize(("command", "options"), [("maskocr", READER), ("detector", DETECTOR)])
def test_train_export_and_load(command, options, data_folder, tmp_path, capsys):
    run, scores = tmp_path / "run", tmp_path / "scores.json"
    arguments = [command, "--dataset_path", str(data_folder), "--output", str(run), *options, *SHORT]
    assert main(arguments) == 0
    names = {path.name for path in run.iterdir()}
    assert {"last.pt", "best.pt", "val.csv", "command.txt", "newest.safetensors", "newest.json"} <= names
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


def test_a_training_without_a_stated_split_warns_and_its_report_holds_no_zeros(tmp_path, capsys):
    for seed, name in enumerate(("ccpd_db", "ccpd_challenge")):
        write_scene(tmp_path / "data" / name, TEXTS[seed], seed)
    run = tmp_path / "run"
    arguments = ["detector", "--dataset_path", str(tmp_path / "data"), "--output", str(run), *DETECTOR, *SHORT]
    assert main(arguments) == 0
    said = capsys.readouterr().err
    assert "warning: no split is stated for ccpd_challenge (1), ccpd_db (1), so that it counts as train" in said
    assert "warning: no labelled plate has the split val" in said
    assert not (run / "val.csv").exists()
    assert "the data has no val split" in (run / "report.md").read_text(encoding="utf-8")
    assert main(["export", str(run), "--output", str(tmp_path / "mine")]) == 0
    assert load_detector(tmp_path / "mine")[1].scores["training"]["samples_seen"] == 16


def test_the_newest_checkpoint_is_exported_on_demand(data_folder, tmp_path):
    run = tmp_path / "run"
    assert main(["detector", "--dataset_path", str(data_folder), "--output", str(run), *DETECTOR, *SHORT]) == 0
    for name, choice in (("best", []), ("last", ["--last"])):
        assert main(["export", str(run), "--output", str(tmp_path / name), *choice]) == 0
    assert load_detector(tmp_path / "last")[1].scores["training"]["samples_seen"] == 16
    # No plate was found in validation, so the first of two equal checkpoints stayed the best.
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


@pytest.mark.parametrize(
    ("size", "said"), [(["90"], "multiples of 32"), (["96", "0"], "96 0"), (["96"] * 3, "one or two numbers")]
)
def test_views_of_an_impossible_size_are_refused(size, said, data_folder, tmp_path, capsys):
    arguments = ["detector", "--dataset_path", str(data_folder), "--output", str(tmp_path / "run"), *SHORT]
    assert main([*arguments, "--crop_size", *size]) == 1
    assert said in capsys.readouterr().err


def test_exporting_what_is_no_run_says_so(tmp_path, capsys):
    assert main(["export", str(tmp_path), "--output", str(tmp_path / "x")]) == 1
    assert "best.pt: no such checkpoint" in capsys.readouterr().err


def test_a_readers_confidences_are_made_true_when_it_is_exported(data_folder, tmp_path, capsys):
    run, plain, true = (str(tmp_path / name) for name in ("run", "plain", "true"))
    assert main(["maskocr", "--dataset_path", str(data_folder), *SHORT, "--output", run, *READER]) == 0
    assert main(["export", run, "--output", plain]) == 0
    assert main(["export", run, "--output", true, "--calibrate", str(data_folder)]) == 0
    (before, _), (after, info) = load_reader(plain), load_reader(true)
    temperature = info.scores["calibration"]["temperature"]
    assert temperature != 1
    torch.testing.assert_close(after.characters.weight * temperature, before.characters.weight, atol=1e-3, rtol=1e-2)


def test_an_encoder_that_cannot_read_yet_is_not_exported(data_folder, tmp_path, capsys):
    run = tmp_path / "masked"
    arguments = ["maskocr", "--phase", "masked", "--dataset_path", str(data_folder), "--output", str(run)]
    assert main([*arguments, *READER, *SHORT]) == 0
    assert main(["export", str(run), "--output", str(tmp_path / "model")]) == 1
    assert "cannot read yet; train it with maskocr --start_from" in capsys.readouterr().err


def test_options_come_from_a_file_and_the_command_line_wins(data_folder, tmp_path):
    config = tmp_path / "detector.toml"
    config.write_text(
        f"dataset_path = '{data_folder}'\nsamples = 400\nbatch_size = 2\ncrop_size = 96\nlong_side = 160\n"
        "stem_channels = [4, 8]\nwide_stages = [true, false, false]\nnum_workers = 0\nno_amp = true\n"
    )
    run = tmp_path / "run"
    assert main(["detector", "--config", str(config), "--output", str(run), "--samples", "4", "--threads", "1"]) == 0
    description = load_checkpoint(run / "last.pt")["description"]
    assert description["run"]["samples"] == 4 and description["run"]["amp"] is False
    assert description["config"]["stem_channels"] == (4, 8)
    assert description["config"]["wide_stages"] == (True, False, False)
    command = (run / "command.txt").read_text()
    assert "--config" not in command and "--crop_size 96" in command


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("smaples = 4", "'smaples' is not an option of detector"),
        ("samples = ", "not a TOML file"),
        ("[detector]\nsamples = 4", "'detector' is not an option"),
        ("no_amp = 3", "'no_amp' must be true or false, not 3"),
    ],
)
def test_a_config_file_that_cannot_be_right_is_refused(content, said, tmp_path, capsys):
    config = tmp_path / "wrong.toml"
    config.write_text(content)
    assert main(["detector", "--config", str(config), "--output", str(tmp_path / "run")]) == 1
    message = capsys.readouterr().err
    assert said in message and "wrong.toml" in message and message.count("\n") == 1


def test_epochs_are_rounds_over_the_labelled_pictures(data_folder, tmp_path):
    arguments = ["detector", "--dataset_path", str(data_folder), "--output", str(tmp_path), *DETECTOR, *SHORT]
    assert main([*arguments, "--end_epoch", "2"]) == 0
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 6  # two passes over six pictures, two per step


def test_a_batch_that_cannot_be_shared_out_is_refused(data_folder, tmp_path, capsys):
    arguments = ["detector", "--dataset_path", str(data_folder), "--output", str(tmp_path), *DETECTOR, *SHORT]
    assert main([*arguments, "--accumulate", "3"]) == 1
    assert "--batch_size 2 must be a multiple of 3" in capsys.readouterr().err


def test_a_picture_that_breaks_while_training_ends_the_run_with_one_line(data_folder, tmp_path, capsys):
    broken = sorted((data_folder / "scenes").iterdir())[-1]
    broken.write_bytes(b"no picture")
    arguments = ["detector", "--dataset_path", str(data_folder), "--output", str(tmp_path / "run"), *DETECTOR, *SHORT]
    assert main([*arguments, "--cache_gb", "0", "--num_workers", "1", "--samples", "400"]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert broken.name in message and "Traceback" not in message


def test_without_a_compiler_one_line_names_the_remedy(data_folder, tmp_path):
    """In a separate process, so that compiled code of other tests is not found."""
    arguments = ["maskocr", "--dataset_path", str(data_folder), "--output", str(tmp_path / "run"), *READER, *SHORT]
    missing = {"CXX": str(tmp_path / "no-compiler"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "alpr_app.train", *arguments, "--compile"],
        cwd=ROOT,
        env=os.environ | missing,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("alpr_app.train: ")]
    assert len(said) == 1 and "No working C++ compiler" in said[0] and said[0].endswith("or leave --compile out")
    assert "Traceback" not in done.stderr


def test_an_option_with_its_value_in_one_word_stays_in_the_published_command():
    assert published_command(["detector", "--dataset_path=/data/x"]).endswith("detector --dataset_path=x")


def test_abbreviated_options_are_wrong_use(data_folder, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["maskocr", "--dataset_path", str(data_folder), "--output", str(tmp_path / "x"), "--conf", "run.toml"])
    assert "--conf" in capsys.readouterr().err


def test_a_reader_too_short_for_chinese_plates_is_refused(data_folder, tmp_path, capsys):
    arguments = ["maskocr", "--dataset_path", str(data_folder), "--output", str(tmp_path / "x")]
    assert main([*arguments, "--max_length", "7"]) == 1
    assert "--max_length 7: Chinese plates have up to 9" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
def test_a_device_that_is_not_there_is_refused_at_once(data_folder, tmp_path, capsys):
    arguments = ["detector", "--dataset_path", str(data_folder), "--output", str(tmp_path / "x")]
    assert main([*arguments, "--device", "cuda"]) == 1
    assert "device 'cuda' is not available on this machine" in capsys.readouterr().err


def test_a_run_that_is_gone_on_with_otherwise_is_told_what_differs(data_folder, tmp_path, capsys):
    arguments = ["detector", "--dataset_path", str(data_folder), "--output", str(tmp_path / "x"), *DETECTOR, *SHORT]
    assert main(arguments) == 0
    assert main([*arguments, "--resume", "--start_lr", "0.5"]) == 1
    assert capsys.readouterr().err.endswith("belongs to a run with other settings: start_lr\n")


@pytest.mark.parametrize("error", [ValueError("a bug"), ImportError("a bug"), KeyError("a bug"), TypeError("a bug")])
def test_a_fault_of_the_program_keeps_its_traceback(error, tmp_path, monkeypatch):
    def broken(folder, *rest):
        raise error

    monkeypatch.setattr("alpr_app.train.cli.models.write_report", broken)
    with pytest.raises(type(error), match="a bug"):
        main(["report", str(tmp_path)])


def test_an_error_of_the_system_is_one_line_that_names_the_file(tmp_path, monkeypatch, capsys):
    def full(folder, *rest):
        raise OSError(28, "No space left on device", str(tmp_path / "report.md"))

    monkeypatch.setattr("alpr_app.train.cli.models.write_report", full)
    assert main(["report", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"alpr_app.train: {tmp_path / 'report.md'}: No space left on device\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--embed_dim", "30", "--num_heads", "7"],
        ["--batch_size", "0"],
        ["--num_workers", "-1"],
        ["--img_width", "190"],
        ["--num_encoder_layers", "1000000"],
    ],
)
def test_options_that_cannot_be_are_one_line(arguments, data_folder, tmp_path, capsys):
    command = ["maskocr", "--dataset_path", str(data_folder), "--output", str(tmp_path / "run"), *SHORT, *READER]
    assert main([*command, *arguments]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("alpr_app.train: ")


# When the process dies, clean-up in torch's own threads may meet what is half taken down already.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_killed_process_that_makes_samples_is_one_line_that_names_the_way_on(
    data_folder, tmp_path, monkeypatch, capsys
):
    parent = os.getpid()
    sample = SceneDataset.__getitem__

    def killed(self, index):
        if os.getpid() != parent and index >= 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return sample(self, index)

    monkeypatch.setattr(SceneDataset, "__getitem__", killed)
    arguments = ["detector", "--dataset_path", str(data_folder), "--output", str(tmp_path / "run"), *DETECTOR, *SHORT]
    assert main([*arguments, "--num_workers", "1", "--samples", "400"]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("alpr_app.train: ")]
    assert len(said) == 1
    # torch does not always learn the signal.
    assert "a process that makes samples was killed" in said[0] and "--resume" in said[0]


def test_a_killed_process_that_shares_the_work_is_one_line():
    with pytest.raises(WorkerError, match=r"was killed, .*run the command again with fewer --num_workers"):
        list(map_in_processes(os._exit, [3, 3], 2))
