import csv
import math
import os
import shutil
import signal
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from alpr_app.train.batches import TrainingError
from alpr_app.train.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from alpr_app.train.loop import Run
from alpr_app.train.options import RunOptions, threads_for
from alpr_app.train.schedules import Cosine


class Points(Dataset):
    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.random.default_rng((7, index)).normal(size=3).astype(np.float32)
        return x, np.float32([x.sum()])


class Line:
    """A task small enough to train in a moment, with dropout so that torch's own randomness matters."""

    judged_by = "closeness"

    def __init__(self, width: int = 8) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Dropout(0.2), nn.Linear(width, 1))
        self.dataset = Points()
        self.description = {"kind": "line", "width": width}
        self.seen: list[float] = []

    def losses(self, network, batch):
        x, y = batch
        loss = (network(x) - y).square().mean()
        self.seen.append(loss.item())
        return {"loss": loss}

    def validate(self, network):
        x = torch.ones(4, 3)
        return {"closeness": -(network(x) - 3).abs().mean().item()}

    def product(self, network):
        return None


def options(folder, **changes) -> RunOptions:
    values = {"samples": 960, "batch_size": 16, "start_lr": 0.01, "num_workers": 0, "validate_samples": 320}
    return RunOptions(output=folder, **{**values, **changes})


def test_a_stopped_and_resumed_run_has_the_same_losses(tmp_path):
    whole = Line()
    Run(whole, options(tmp_path / "whole")).train()

    class Stopped(Line):
        """Somebody presses Ctrl-C in the middle of the 23rd step."""

        def losses(self, network, batch):
            if len(self.seen) == 22:
                signal.raise_signal(signal.SIGINT)
            return super().losses(network, batch)

    first = Stopped()
    assert not Run(first, options(tmp_path / "parts")).train()
    second = Line()
    run = Run(second, options(tmp_path / "parts"))
    run.resume()
    assert run.step == 23
    assert run.train()
    assert first.seen + second.seen == whole.seen
    weights = [load_checkpoint(tmp_path / name / "best.pt")["network"] for name in ("whole", "parts")]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=0, atol=0)


def test_training_learns_and_keeps_the_best(tmp_path):
    run = Run(Line(), options(tmp_path, samples=6400))
    run.train()
    assert run.best > -0.6
    with (tmp_path / "val.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert run.best == pytest.approx(max(float(row["closeness"]) for row in rows), abs=1e-5)
    with (tmp_path / "train.csv").open() as file:
        row = next(csv.DictReader(file))
    assert float(row["learning_rate"]) > 0 and float(row["samples_per_s"]) > 0


class Squares(Line):
    """Without anything that depends on how a batch is cut into parts."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


def test_a_batch_in_parts_moves_the_weights_as_the_whole_would(tmp_path):
    whole, parts = Squares(), Squares()
    parts.network.load_state_dict(whole.network.state_dict())
    Run(whole, options(tmp_path / "whole")).train()
    Run(parts, options(tmp_path / "parts", accumulate=4)).train()
    for first, second in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)
    assert len(parts.seen) == 4 * len(whole.seen)


def test_a_run_without_a_new_best_ends_early(tmp_path):
    class Stuck(Line):
        def validate(self, network):
            return {"closeness": 0.0}

    run = Run(Stuck(), options(tmp_path, patience=2))
    assert run.train()
    assert run.step == 3 * 20  # the first validation is a best, the next two are none


@pytest.mark.parametrize("schedule", ["plateau", "free"])
def test_other_schedules_learn_resume_and_are_exact(tmp_path, schedule):
    if schedule == "free":
        pytest.importorskip("schedulefree", reason="needs the optional package schedulefree")
    settings = {"schedule": schedule, "plateau_thr": 15, "samples": 1600}
    whole = Line()
    run = Run(whole, options(tmp_path / "whole", **settings))
    run.train()
    assert np.mean(whole.seen[-10:]) < 0.5 * np.mean(whole.seen[:10])

    class Stopped(Line):
        def losses(self, network, batch):
            if len(self.seen) == 22:
                signal.raise_signal(signal.SIGINT)
            return super().losses(network, batch)

    first, second = Stopped(), Line()
    Run(first, options(tmp_path / "parts", **settings)).train()
    resumed = Run(second, options(tmp_path / "parts", **settings))
    resumed.resume()
    resumed.train()
    assert first.seen + second.seen == whole.seen
    assert resumed.metrics == run.metrics


def test_a_run_with_other_options_is_not_gone_on_with(tmp_path):
    run = Run(Line(), options(tmp_path))
    save_checkpoint(run.last_path, run.state())
    Run(Line(), options(tmp_path, num_workers=1, checkpoint_minutes=9)).resume()
    with pytest.raises(CheckpointError, match="other settings"):
        Run(Line(), options(tmp_path, start_lr=0.02)).resume()


def test_figures_go_to_tensorboard_on_demand(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the optional package tensorboard")
    Run(Line(), options(tmp_path, tensorboard=True)).train()
    assert any(path.stat().st_size > 0 for path in (tmp_path / "tensorboard").iterdir())


def stopped(task: Line, steps: int) -> Line:
    """The task, with somebody who presses Ctrl-C in the step after so many."""
    losses = task.losses

    def interrupted(network, batch):
        if len(task.seen) == steps:
            signal.raise_signal(signal.SIGINT)
        return losses(network, batch)

    task.losses = interrupted
    return task


@pytest.mark.skipif(
    not any(map(shutil.which, filter(None, (os.environ.get("CXX"), "g++", "clang++", "c++")))),
    reason="needs a C++ compiler",
)
def test_a_compiled_run_learns_the_same_and_its_checkpoints_are_as_any(tmp_path):
    plain, first, second = Squares(), Squares(), Squares()
    first.network.load_state_dict(plain.network.state_dict())
    Run(plain, options(tmp_path / "plain", samples=640)).train()
    assert not Run(stopped(first, 22), options(tmp_path / "compiled", samples=640, compile=True)).train()
    resumed = Run(second, options(tmp_path / "compiled", samples=640, compile=True))
    resumed.resume()
    assert resumed.train()
    assert isinstance(resumed.running, torch._dynamo.OptimizedModule)
    np.testing.assert_allclose(first.seen + second.seen, plain.seen, rtol=1e-3)
    for name in ("last.pt", "best.pt"):
        states = [load_checkpoint(tmp_path / run / name) for run in ("plain", "compiled")]
        assert states[0]["network"].keys() == states[1]["network"].keys()
        for key, value in states[0]["network"].items():
            torch.testing.assert_close(value, states[1]["network"][key], rtol=1e-3, atol=1e-4)
    assert states[0]["metrics"]["closeness"] == pytest.approx(states[1]["metrics"]["closeness"], abs=1e-3)


def test_wandb_gets_the_figures_and_a_resumed_run_goes_on_there(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="needs the optional package wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run = tmp_path / "run"
    assert not Run(stopped(Line(), 52), options(run, wandb=True)).train()
    known = (run / "wandb_id.txt").read_text().strip()
    resumed = Run(Line(), options(run, wandb=True))
    resumed.resume()
    resumed.train()
    files = sorted(run.glob(f"wandb/offline-run-*/run-{known}.wandb"))
    assert files and (run / "wandb_id.txt").read_text().strip() == known
    written = b"".join(path.read_bytes() for path in files)
    assert all(name in written for name in (b"train/loss", b"train/samples_per_s", b"val/closeness"))
    assert not any((tmp_path / "elsewhere").iterdir())


class FakeWandb(types.ModuleType):
    """Stands in for the package: remembers what it was begun with and what it was told."""

    def __init__(self, error: str = "") -> None:
        super().__init__("wandb")
        self.errors = types.SimpleNamespace(Error=RuntimeError)
        self.error, self.begun, self.logged, self.ended = error, [], {}, []

    def init(self, **options):
        if self.error:
            raise RuntimeError(self.error)
        self.begun.append(options)
        return types.SimpleNamespace(id=options["id"] or "abc", log=self.log, finish=self.finish)

    def log(self, figures, step):
        self.logged.setdefault(step, {}).update(figures)

    def finish(self, exit_code):
        self.ended.append(exit_code)


def test_wandb_is_told_every_row_and_which_run_it_was(tmp_path, monkeypatch):
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    Run(stopped(Line(), 22), options(tmp_path, wandb=True)).train()
    resumed = Run(Line(), options(tmp_path, wandb=True))
    resumed.resume()
    resumed.train()
    assert [(begun["id"], begun["resume"]) for begun in fake.begun] == [(None, None), ("abc", "allow")]
    assert {begun["dir"] for begun in fake.begun} == {str(tmp_path.resolve())} and fake.ended == [0, 0]
    assert list(fake.logged) == [20, 40, 50, 60]
    assert fake.logged[60]["val/closeness"] == resumed.metrics["closeness"] and "train/loss" in fake.logged[50]


def test_what_wandb_refuses_is_one_line_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", FakeWandb("No API key configured.\nMore about it."))
    with pytest.raises(TrainingError, match=r"No API key configured; log in .* WANDB_MODE=offline$"):
        Run(Line(), options(tmp_path, wandb=True)).train()


@pytest.mark.parametrize(("option", "package"), [("tensorboard", "tensorboard"), ("wandb", "wandb")])
def test_a_missing_tracker_names_the_package(tmp_path, monkeypatch, option, package):
    for name in ("tensorboard", "torch.utils.tensorboard", "wandb"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"pip install {package}"):
        Run(Line(), options(tmp_path, **{option: True})).train()


def test_a_second_ctrl_c_ends_at_once(tmp_path):
    class Impatient(Line):
        def losses(self, network, batch):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Run(Impatient(), options(tmp_path)).train()
    assert signal.getsignal(signal.SIGINT) is handler
    assert not (tmp_path / "last.pt").exists()  # half a step is no state to go on from


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint(tmp_path):
    class Broken(Line):
        def losses(self, network, batch):
            losses = super().losses(network, batch)
            return {"loss": losses["loss"] * math.nan} if len(self.seen) > 3 else losses

    run = Run(Broken(), options(tmp_path, checkpoint_minutes=0))
    with pytest.raises(TrainingError, match=r"step 3.*--start_lr"):
        run.train()
    assert load_checkpoint(run.last_path)["step"] == 3


def test_averaged_weights_lie_between_old_and_new(tmp_path):
    run = Run(Line(), options(tmp_path))
    batches = run.batches()
    run.train_step([next(batches)])
    first = run.network[0].weight.clone()
    torch.testing.assert_close(run.average.module[0].weight, first)
    run.train_step([next(batches)])
    second, kept = run.network[0].weight, run.average.module[0].weight
    torch.testing.assert_close(kept, first * 2 / 11 + second * 9 / 11)


def test_the_learning_rate_warms_up_and_falls_as_a_cosine(tmp_path):
    settings = options(tmp_path, samples=16 * 1000, warmup=0.1, start_lr=1.0, min_lr=0.1)
    rates = [Cosine(settings).rate(step) for step in range(settings.steps + 1)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1.0) and rates.index(max(rates)) in (99, 100)
    assert rates[550] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2)
    assert rates[1000] == pytest.approx(0.1)


def test_a_checkpoint_cut_in_half_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"network": {"weight": torch.rand(1000)}, "description": {}})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"last\.pt: the checkpoint is damaged.*start afresh"):
        load_checkpoint(path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    run = Run(Line(), options(tmp_path))
    save_checkpoint(run.last_path, run.state())
    with pytest.raises(CheckpointError, match="other settings"):
        Run(Line(width=4), options(tmp_path)).resume()


def test_a_missing_checkpoint_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="without --resume"):
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


def test_the_network_gets_the_processors_that_workers_leave(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("alpr_app.train.options.cores", lambda: 4)
    options = RunOptions(tmp_path, samples=8, batch_size=4, start_lr=1e-3, num_workers=1)
    assert threads_for(options) == 3
    assert threads_for(replace(options, num_workers=8)) == 1
    assert threads_for(replace(options, threads=2)) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads_for(options) == torch.get_num_threads()
