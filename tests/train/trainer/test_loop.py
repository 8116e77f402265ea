import csv
import math
import os
import shutil
import signal
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import Line, options, stopped
from torch import nn

from alpr_app.data.run_folder import request_stop, stop_requested
from alpr_app.train.trainer.batches import TrainingError
from alpr_app.train.trainer.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from alpr_app.train.trainer.loop import Trainer
from alpr_app.train.trainer.optimisation import Cosine


def test_a_stopped_and_resumed_run_has_the_same_losses(tmp_path):
    whole = Line()
    Trainer(whole, options(tmp_path / "whole")).train()

    class Stopped(Line):
        """Ctrl-C in the middle of the 23rd step."""

        def losses(self, network, batch):
            if len(self.seen) == 22:
                signal.raise_signal(signal.SIGINT)
            return super().losses(network, batch)

    first = Stopped()
    assert not Trainer(first, options(tmp_path / "parts")).train()
    second = Line()
    run = Trainer(second, options(tmp_path / "parts"))
    run.resume()
    assert run.step == 23
    assert run.train()
    assert first.seen + second.seen == whole.seen
    weights = [load_checkpoint(tmp_path / name / "best.pt")["network"] for name in ("whole", "parts")]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=0, atol=0)


def test_a_run_ends_when_its_folder_asks_it_to_and_can_be_resumed(tmp_path):
    asked = Line()
    losses = asked.losses

    def asking(network, batch):
        if len(asked.seen) == 5:
            request_stop(tmp_path)
        return losses(network, batch)

    asked.losses = asking
    assert not Trainer(asked, options(tmp_path)).train()
    assert len(asked.seen) == 6 and not stop_requested(tmp_path)
    rest = Trainer(Line(), options(tmp_path))
    rest.resume()
    assert rest.step == 6 and rest.train()


def test_training_learns_and_keeps_the_best(tmp_path):
    run = Trainer(Line(), options(tmp_path, samples=6400))
    run.train()
    assert run.best > -0.6
    with (tmp_path / "val.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert run.best == pytest.approx(max(float(row["closeness"]) for row in rows), abs=1e-5)
    with (tmp_path / "train.csv").open() as file:
        row = next(csv.DictReader(file))
    assert float(row["learning_rate"]) > 0 and float(row["samples_per_s"]) > 0


class Unmeasured(Line):
    """A task without anything to validate on."""

    def validate(self, network):
        return {}


def test_without_anything_to_validate_on_no_figure_is_written_and_the_newest_weights_are_the_best(tmp_path):
    run = Trainer(Unmeasured(), options(tmp_path, patience=1))
    run.train()
    assert run.step == 60, "nothing is known that could end it early"
    assert not (tmp_path / "val.csv").exists()
    best, last = (load_checkpoint(tmp_path / name) for name in ("best.pt", "last.pt"))
    assert best["step"] == last["step"]


class Squares(Line):
    """A network without layers that depend on how a batch is divided."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


def test_a_batch_in_parts_moves_the_weights_as_the_whole_would(tmp_path):
    whole, parts = Squares(), Squares()
    parts.network.load_state_dict(whole.network.state_dict())
    Trainer(whole, options(tmp_path / "whole")).train()
    Trainer(parts, options(tmp_path / "parts", accumulate=4)).train()
    for first, second in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)
    assert len(parts.seen) == 4 * len(whole.seen)


def test_a_run_without_a_new_best_ends_early(tmp_path):
    class Stuck(Line):
        def validate(self, network):
            return {"closeness": 0.0}

    run = Trainer(Stuck(), options(tmp_path, patience=2))
    assert run.train()
    assert run.step == 3 * 20  # the first validation is a best, the next two are none


@pytest.mark.parametrize("schedule", ["plateau", "free"])
def test_other_schedules_learn_resume_and_are_exact(tmp_path, schedule):
    if schedule == "free":
        pytest.importorskip("schedulefree", reason="needs the optional package schedulefree")
    settings = {"schedule": schedule, "plateau_thr": 15, "samples": 1600}
    whole = Line()
    run = Trainer(whole, options(tmp_path / "whole", **settings))
    run.train()
    assert np.mean(whole.seen[-10:]) < 0.5 * np.mean(whole.seen[:10])

    class Stopped(Line):
        def losses(self, network, batch):
            if len(self.seen) == 22:
                signal.raise_signal(signal.SIGINT)
            return super().losses(network, batch)

    first, second = Stopped(), Line()
    Trainer(first, options(tmp_path / "parts", **settings)).train()
    resumed = Trainer(second, options(tmp_path / "parts", **settings))
    resumed.resume()
    resumed.train()
    assert first.seen + second.seen == whole.seen
    assert resumed.metrics == run.metrics


def test_a_run_with_other_options_is_not_gone_on_with(tmp_path):
    run = Trainer(Line(), options(tmp_path))
    save_checkpoint(run.last_path, run.state())
    Trainer(Line(), options(tmp_path, num_workers=1, checkpoint_minutes=9)).resume()
    with pytest.raises(CheckpointError, match="other settings"):
        Trainer(Line(), options(tmp_path, start_lr=0.02)).resume()


@pytest.mark.skipif(
    not any(map(shutil.which, filter(None, (os.environ.get("CXX"), "g++", "clang++", "c++"))))
    or not Path(sysconfig.get_path("include"), "Python.h").is_file(),
    reason="needs a C++ compiler and Python's headers",
)
def test_a_compiled_run_learns_the_same_and_its_checkpoints_are_as_any(tmp_path):
    plain, first, second = Squares(), Squares(), Squares()
    first.network.load_state_dict(plain.network.state_dict())
    Trainer(plain, options(tmp_path / "plain", samples=640)).train()
    assert not Trainer(stopped(first, 22), options(tmp_path / "compiled", samples=640, compile=True)).train()
    resumed = Trainer(second, options(tmp_path / "compiled", samples=640, compile=True))
    resumed.resume()
    assert resumed.train()
    assert isinstance(resumed.training_network, torch._dynamo.OptimizedModule)
    np.testing.assert_allclose(first.seen + second.seen, plain.seen, rtol=1e-3)
    for name in ("last.pt", "best.pt"):
        states = [load_checkpoint(tmp_path / run / name) for run in ("plain", "compiled")]
        assert states[0]["network"].keys() == states[1]["network"].keys()
        for key, value in states[0]["network"].items():
            torch.testing.assert_close(value, states[1]["network"][key], rtol=1e-3, atol=1e-4)
    assert states[0]["metrics"]["closeness"] == pytest.approx(states[1]["metrics"]["closeness"], abs=1e-3)


def test_a_second_ctrl_c_ends_at_once(tmp_path):
    class Impatient(Line):
        def losses(self, network, batch):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Trainer(Impatient(), options(tmp_path)).train()
    assert signal.getsignal(signal.SIGINT) is handler
    assert not (tmp_path / "last.pt").exists()  # half a step is not a state to resume from


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint(tmp_path):
    class Broken(Line):
        def losses(self, network, batch):
            losses = super().losses(network, batch)
            return {"loss": losses["loss"] * math.nan} if len(self.seen) > 3 else losses

    run = Trainer(Broken(), options(tmp_path, checkpoint_minutes=0))
    with pytest.raises(TrainingError, match=r"step 3.*--start_lr"):
        run.train()
    assert load_checkpoint(run.last_path)["step"] == 3


def test_averaged_weights_lie_between_old_and_new(tmp_path):
    run = Trainer(Line(), options(tmp_path))
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


def test_a_run_that_its_schedule_ends_is_validated(tmp_path):
    task = Line()
    settings = options(
        tmp_path, schedule="plateau", plateau_thr=2, min_lr=0.009, samples=16_000, validate_samples=16_000
    )
    run = Trainer(task, settings)
    assert run.train() and run.step < settings.steps
    assert run.metrics and run.best_path.is_file()


def test_a_run_in_bf16_learns_keeps_fp32_weights_and_resumes_exactly(tmp_path):
    bf16 = {"precision": "bf16", "samples": 1600}
    whole = Line()
    Trainer(whole, options(tmp_path / "whole", **bf16)).train()
    assert np.mean(whole.seen[-10:]) < 0.5 * np.mean(whole.seen[:10])
    first, second = Line(), Line()
    assert not Trainer(stopped(first, 40), options(tmp_path / "parts", **bf16)).train()
    resumed = Trainer(second, options(tmp_path / "parts", **bf16))
    resumed.resume()
    assert resumed.train()
    assert first.seen + second.seen == whole.seen
    assert {value.dtype for value in resumed.network.parameters()} == {torch.float32}


def test_a_batch_in_parts_and_in_bf16_moves_the_weights_about_as_the_whole_would(tmp_path):
    whole, parts = Squares(), Squares()
    parts.network.load_state_dict(whole.network.state_dict())
    Trainer(whole, options(tmp_path / "whole", precision="bf16")).train()
    Trainer(parts, options(tmp_path / "parts", precision="bf16", accumulate=4)).train()
    for first, second in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        # bfloat16 has 8 bits of mantissa, and Adam's steps are as large for a rounded gradient.
        torch.testing.assert_close(first, second, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_precision_is_what_it_says_whatever_the_processor(tmp_path, precision):
    seen = []

    class Watched(Line):
        def losses(self, network, batch):
            seen.append(network[0](batch[0]).dtype)
            return super().losses(network, batch)

    Trainer(Watched(), options(tmp_path, precision=precision, samples=16)).train()
    assert seen == [{"fp32": torch.float32, "bf16": torch.bfloat16}[precision]]


def test_a_run_goes_on_in_another_precision_unless_fp32_was_asked_for(tmp_path):
    run = Trainer(Line(), options(tmp_path, precision="auto"))
    save_checkpoint(run.last_path, run.state())
    Trainer(Line(), options(tmp_path, precision="bf16")).resume()
    with pytest.raises(CheckpointError, match="other settings: amp"):
        Trainer(Line(), options(tmp_path, precision="fp32")).resume()
