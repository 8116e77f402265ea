import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from short_runs import DETECTOR, READER, SHORT
from small_runs import Line, options

from alpr_app.train.cli.main import main
from alpr_app.train.trainer.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from alpr_app.train.trainer.loop import Trainer
from alpr_app.train.trainer.pretrained import trained_network


def test_a_checkpoint_cut_in_half_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"network": {"weight": torch.rand(1000)}, "description": {}})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"last\.pt: the checkpoint is damaged.*start a new run"):
        load_checkpoint(path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    run = Trainer(Line(), options(tmp_path))
    save_checkpoint(run.last_path, run.state())
    with pytest.raises(CheckpointError, match="other settings: width"):
        Trainer(Line(width=4), options(tmp_path)).resume()


def test_a_missing_checkpoint_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="leave --resume out"):
        Trainer(Line(), options(tmp_path)).resume()


def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"network": {}, "description": {"step": 1}})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_checkpoint(path, {"network": {}, "description": {"step": 2}})
    monkeypatch.undo()
    assert load_checkpoint(path)["description"] == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


class Danger:
    """Creates a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


class Strange:
    """Of a class that torch does not know."""


@pytest.mark.parametrize("written", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))])
@pytest.mark.parametrize("made", [Danger, lambda target: Strange(), lambda target: {"network": {"a": os.system}}])
def test_a_checkpoint_with_code_in_it_is_not_opened_and_nobody_is_advised_to(tmp_path, made, written):
    path = tmp_path / "last.pt"
    written({"network": made(tmp_path / "ran"), "description": {}}, path)
    with pytest.raises(
        CheckpointError, match=r"last\.pt: this checkpoint contains code and was not opened; "
    ) as raised:
        load_checkpoint(path)
    assert "weights_only" not in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of the small task, with last.pt."""
    folder = tmp_path_factory.mktemp("run")
    Trainer(Line(), options(folder, samples=32)).train()
    return folder


def resumed(folder, content):
    """Resume from a last.pt with this content: the error message, or nothing."""
    (folder / "last.pt").write_bytes(content)
    try:
        Trainer(Line(), options(folder, samples=32)).resume()
    except CheckpointError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return str(error)
    return ""


def test_any_flipped_or_missing_bytes_are_one_line(run_folder, tmp_path):
    whole = (run_folder / "last.pt").read_bytes()
    assert resumed(tmp_path, whole) == ""
    rng = np.random.default_rng(0)
    for _ in range(150):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 9)):
            content[place] ^= 1 << rng.integers(8)
        resumed(tmp_path, bytes(content))
        # The end of a zip file is its list of contents.
        assert "last.pt: " in resumed(tmp_path, whole[: rng.integers(len(whole))])


def test_any_flipped_byte_in_what_is_unpickled_is_one_line(run_folder, tmp_path):
    state = torch.load(run_folder / "last.pt", weights_only=True)
    stream = io.BytesIO()
    torch.save(state, stream, _use_new_zipfile_serialization=False)
    whole, rng = stream.getvalue(), np.random.default_rng(1)
    for _ in range(150):
        content = bytearray(whole)
        content[rng.integers(0, len(whole))] = rng.integers(256)
        resumed(tmp_path, bytes(content))


@pytest.mark.parametrize("name", ["step", "best", "since_best", "metrics", "network", "average", "optimizer", "random"])
@pytest.mark.parametrize(
    "value", [None, "text", -1, {}, {"a": 1}, {1: torch.zeros(2)}, [[]], torch.zeros(3), {"0.weight": torch.zeros(2)}]
)
def test_any_other_value_in_its_place_is_one_line_or_of_no_harm(run_folder, tmp_path, name, value):
    state = torch.load(run_folder / "last.pt", weights_only=True)
    save_checkpoint(tmp_path / "last.pt", state | {name: value})
    said = resumed(tmp_path, (tmp_path / "last.pt").read_bytes())
    assert said or name in ("step", "best", "since_best", "metrics")


@pytest.mark.parametrize("name", ["step", "network", "average", "optimizer", "random", "description", "schedule"])
def test_a_missing_part_is_one_line(run_folder, tmp_path, name):
    state = torch.load(run_folder / "last.pt", weights_only=True)
    save_checkpoint(tmp_path / "last.pt", {key: value for key, value in state.items() if key != name})
    assert "last.pt: " in resumed(tmp_path, (tmp_path / "last.pt").read_bytes())


def test_figures_of_another_shape_in_the_optimiser_are_one_line(run_folder, tmp_path):
    state = torch.load(run_folder / "last.pt", weights_only=True)
    state["optimizer"]["state"][0]["exp_avg"] = torch.zeros(5)
    save_checkpoint(tmp_path / "last.pt", state)
    assert "the optimiser's 'exp_avg' is (5,)" in resumed(tmp_path, (tmp_path / "last.pt").read_bytes())


def test_an_archive_that_unfolds_is_not_unfolded(tmp_path):
    path = tmp_path / "last.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**7))
        archive.writestr("archive/version", "3")
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(path)


def test_another_archive_is_no_checkpoint(tmp_path):
    path = tmp_path / "last.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(path)
    for other in ([1, 2], torch.zeros(3), {"state_dict": {}}, OrderedDict(a=1), 7):
        torch.save(other, path)
        with pytest.raises(CheckpointError, match="not a checkpoint of a run"):
            load_checkpoint(path)


@pytest.fixture(scope="module", params=["detector", "maskocr"])
def trained(request, tmp_path_factory):
    """A run with a best checkpoint."""
    from builders import write_data

    folder = tmp_path_factory.mktemp("trained")
    shape = DETECTOR if request.param == "detector" else READER
    data = write_data(folder / "data")
    assert main([request.param, "--dataset_path", str(data), "--output", str(folder / "run"), *shape, *SHORT]) == 0
    return folder / "run"


def change(state, *path, value):
    """Set the value at `path` in a checkpoint."""
    for name in path[:-1]:
        state = state[name]
    state[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("description", "kind"), ["detector"], "neither a detector nor a reader"),
        (("description", "kind"), None, "neither a detector nor a reader"),
        (("description", "config"), None, "does not describe a network"),
        (("description", "config"), {"a": 1}, "does not describe a network"),
        (("description", "config", "head_blocks"), 10**6, "does not describe a network"),
        (("description", "config", "num_heads"), 0, "does not describe a network"),
        (("network",), {}, "are missing"),
        (("network", "more"), torch.zeros(1), "'more' are unknown"),
        (("metrics",), {"a": "b"}, "holds other things than figures"),
    ],
)
def test_a_run_with_a_wrong_checkpoint_is_one_line(trained, tmp_path, capsys, path, value, said):
    state = torch.load(trained / "best.pt", weights_only=True)
    change(state, *path, value=value)
    save_checkpoint(tmp_path / "best.pt", state)
    (tmp_path / "command.txt").write_text("x")
    assert main(["export", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"alpr_app.train: {tmp_path / 'best.pt'}: ") and message.count("\n") == 1
    assert said in message


@pytest.mark.parametrize("value", [torch.zeros(7), float("nan")], ids=["shape", "nan"])
def test_weights_that_do_not_fit_are_one_line(trained, tmp_path, value):
    state = torch.load(trained / "best.pt", weights_only=True)
    name = next(name for name, tensor in state["network"].items() if tensor.is_floating_point())
    new = value if isinstance(value, torch.Tensor) else torch.full_like(state["network"][name], value)
    save_checkpoint(tmp_path / "best.pt", state | {"network": state["network"] | {name: new}})
    with pytest.raises(CheckpointError, match=f"'{name}'") as raised:
        trained_network(tmp_path / "best.pt")
    assert "\n" not in str(raised.value)
