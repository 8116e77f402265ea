import pytest
import torch
from small_runs import Line, options

from alpr_app.train.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from alpr_app.train.loop import Run


def test_a_checkpoint_cut_in_half_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"network": {"weight": torch.rand(1000)}, "description": {}})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"last\.pt: the checkpoint is damaged.*start afresh"):
        load_checkpoint(path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    run = Run(Line(), options(tmp_path))
    save_checkpoint(run.last_path, run.state())
    with pytest.raises(CheckpointError, match="other settings: width"):
        Run(Line(width=4), options(tmp_path)).resume()


def test_a_missing_checkpoint_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="leave --resume out"):
        Run(Line(), options(tmp_path)).resume()


def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"network": {}, "description": {"step": 1}})

    def full(state, target):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_checkpoint(path, {"network": {}, "description": {"step": 2}})
    monkeypatch.undo()
    assert load_checkpoint(path)["description"] == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


def test_a_pickle_with_code_in_it_is_not_run(tmp_path):
    import pickle

    class Danger:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "last.pt"
    path.write_bytes(pickle.dumps(Danger(), protocol=2))
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    assert not (tmp_path / "ran").exists()
