"""The training loop: steps, averaged weights, validation, checkpoints, exact resume."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from alpr_app.data.run_folder import command_of
from alpr_app.networks.bundle import save_bundle
from alpr_app.networks.weights import misfit
from alpr_app.runtime.system_info import peak_memory
from alpr_app.train.trainer.batches import Samples, TrainingError, batches, to_device, watching_workers
from alpr_app.train.trainer.checkpoint import check_shapes, load_checkpoint, read_checkpoint, restoring, save_checkpoint
from alpr_app.train.trainer.distributed import (
    BatchSharding,
    Ranks,
    all_or_none,
    from_first,
    mean_over_ranks,
    require_same,
    share_batch_norms,
)
from alpr_app.train.trainer.metrics import Meter, Trackers
from alpr_app.train.trainer.optimisation import averaged, computes_in_bf16, make_optimizer, make_schedule
from alpr_app.train.trainer.options import RunOptions, threads_for
from alpr_app.train.trainer.processes import StopSignal, compiling

LOG_EVERY = 50


class Task(Protocol):
    """What is trained: a module with its losses, its samples and its validation.

    `network` returns from a batch a dict of losses with their weighted sum under 'loss'. `validate` returns
    metrics, of which `monitor` is the one the best checkpoint is chosen by: higher is better. `description`
    is what a checkpoint must have in common with a run that goes on from it.
    """

    monitor: str
    description: dict[str, Any]

    @property
    def network(self) -> nn.Module: ...

    @property
    def dataset(self) -> Samples: ...

    # Each takes networks of its own kind.
    def losses(self, network: Any, batch: Any) -> dict[str, Tensor]: ...

    def validate(self, network: Any) -> dict[str, float]: ...

    def deployable(self, network: Any) -> nn.Module | None:
        """What of a trained network can be used by itself, as a model bundle; None if nothing can."""


class Trainer:
    """One training run in one folder: last.pt to go on from, best.pt to use, train.csv and val.csv to look at.

    Raises UsageError if the batch cannot be shared out evenly among processes and parts, AlprError if the processes
    have other options or data.
    """

    def __init__(self, task: Task, options: RunOptions, ranks: Ranks | None = None) -> None:
        self.task, self.options, self.ranks = task, options, ranks or Ranks()
        self.description = {**task.description, "run": options.description()}
        require_same(self.ranks, self.description)
        self.shares = BatchSharding(options.batch_size, options.accumulate, self.ranks)
        many = self.ranks.world > 1
        place = f"cuda:{self.ranks.local}" if many and options.device == "cuda" else options.device
        self.device = torch.device(place)
        torch.set_num_threads(threads_for(options))
        # Every process has the same weights, but drops out other values.
        torch.manual_seed(options.seed + self.ranks.rank)
        if many:
            share_batch_norms(task.network)
        # torch's own types do not know this argument.
        self.network = task.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = averaged(self.network, options.ema)
        self.optimizer = make_optimizer(self.network, options)
        self.schedule = make_schedule(options)
        running = torch.compile(self.network) if options.compile else self.network
        assert isinstance(running, nn.Module)
        self.running: nn.Module = DistributedDataParallel(running) if many else running
        self.step = self.since_best = 0
        self.best = -math.inf
        self.metrics: dict[str, float] = {}
        self.half = computes_in_bf16(options, self.device)
        if self.ranks.first:
            options.folder.mkdir(parents=True, exist_ok=True)

    @property
    def last_path(self) -> Path:
        return self.options.folder / "last.pt"

    @property
    def best_path(self) -> Path:
        return self.options.folder / "best.pt"

    def state(self) -> dict[str, Any]:
        """All that a later run needs to go on as if nothing had happened."""
        self._take_average()
        return {
            "step": self.step,
            "best": self.best,
            "since_best": self.since_best,
            "metrics": self.metrics,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
            "description": self.description,
        }

    def resume(self) -> None:
        """Go on from last.pt. Raises CheckpointError if it is damaged or belongs to another run."""
        # Of several machines, only the first one's folder has it.
        content = from_first(self.ranks, lambda: read_checkpoint(self.last_path)) if self.ranks.world > 1 else None
        with all_or_none(self.ranks):
            state = load_checkpoint(self.last_path, self.description, content)
        with all_or_none(self.ranks), restoring(self.last_path):
            self._restore(state)

    def _restore(self, state: dict[str, Any]) -> None:
        """Take over what a checkpoint of this run holds."""
        for name, module in (("network", self.network), ("average", self.average)):
            fault = misfit(state[name], module.state_dict())
            if fault:
                raise ValueError(fault)
            module.load_state_dict(state[name])
        self.optimizer.load_state_dict(state["optimizer"])
        check_shapes(self.optimizer)
        self.schedule.restore(state["schedule"])
        if self.ranks.world == 1:
            torch.set_rng_state(state["random"])
            if self.device.type == "cuda":
                torch.cuda.set_rng_state_all(state["random_cuda"])
        else:
            # One checkpoint cannot hold every process's own random numbers: new ones, of this step.
            torch.manual_seed(self.options.seed + self.ranks.rank + self.ranks.world * state["step"])
        self.step, self.best, self.metrics = int(state["step"]), float(state["best"]), dict(state["metrics"])
        self.since_best = int(state["since_best"])

    def batches(self) -> Iterator[Any]:
        """The parts of the batches from this step on, as this process sees them."""
        indices = self.shares.indices(self.step, self.options.steps)
        return batches(self.task.dataset, indices, self.shares.size, self.options.num_workers, self.device)

    @property
    def done(self) -> bool:
        """Whether all steps are done, or nothing is to be gained by more of them."""
        tired = 0 < self.options.patience <= self.since_best
        return self.step >= self.options.steps or self.schedule.finished or tired

    def train(self) -> bool:
        """Train until all steps are done, or until Ctrl-C; returns whether they are.

        Raises TrainingError if the loss is no number any more, CheckpointError if the disk is full.
        """
        validate_every = max(1, self.options.validate_samples // self.options.batch_size)
        parts_to_come = self.batches()
        meter, saved_at = Meter(), time.monotonic()
        quiet = None if self.ranks.first else True
        bar = tqdm(total=self.options.steps, initial=self.step, unit="step", mininterval=5, disable=quiet)
        with (
            StopSignal() as stop,
            Trackers(self.options, self.ranks, self.step > 0) as trackers,
            bar,
            watching_workers(),
        ):
            while not self.done and not self._any(stop.asked):
                started = time.monotonic()
                parts = [next(parts_to_come) for _ in range(self.options.accumulate)]
                waited = time.monotonic() - started
                meter.add(self.train_step(parts), self.options.batch_size, started, waited)
                bar.update()
                if self.step % LOG_EVERY == 0:
                    means = meter.read()
                    memory = peak_memory()
                    means |= {} if memory is None else {"memory_gb": memory}
                    trackers.add("train", self.step, {"learning_rate": self.rate(self.step - 1), **means})
                    bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()}, refresh=False)
                if self.step % validate_every == 0 or self.done:
                    self.validate()
                    trackers.add("val", self.step, self.metrics)
                if time.monotonic() - saved_at > self.options.checkpoint_minutes * 60:
                    self.save()
                    saved_at = time.monotonic()
            self.save()
        return self.done

    def _any(self, asked: bool) -> bool:
        """Whether any process was asked to stop: none may wait for another that has gone."""
        if self.ranks.world == 1:
            return asked
        return bool(mean_over_ranks(torch.tensor(float(asked), device=self.device)) > 0)

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.schedule.rate(step)

    def train_step(self, parts: list[Any]) -> dict[str, float]:
        """One optimiser step over the parts of its batch; returns the mean losses and the norm of the gradient."""
        self.network.train()
        self._optimizer_mode("train")
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        for number, part in enumerate(parts, start=1):
            # Gradients of the processes are added up once a step, with those of its last part.
            shared = self.running if isinstance(self.running, DistributedDataParallel) else None
            alone = shared.no_sync() if shared is not None and number < len(parts) else nullcontext()
            with compiling(self.options.compile), alone:
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                    losses = self.task.losses(self.running, to_device(part, self.device))
                (losses["loss"] / len(parts)).backward()
            sums = {name: sums.get(name, 0) + value.detach() / len(parts) for name, value in losses.items()}
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if not torch.isfinite(norm):
            raise TrainingError(
                f"step {self.step}: the gradient is no number any more; go on from the last checkpoint with --resume, "
                "or start anew with a lower --start_lr"
            )
        self.optimizer.step()
        if self.options.schedule != "free":
            self.average.update_parameters(self.network)
        self.step += 1
        means = {name: float(mean_over_ranks(value)) for name, value in sums.items()}
        self.schedule.observe(means["loss"])
        return {**means, "gradient": float(norm)}

    def _optimizer_mode(self, mode: str) -> None:
        """The schedule-free optimiser holds other weights for training than for use."""
        if self.options.schedule == "free":
            getattr(self.optimizer, mode)()

    def _take_average(self) -> None:
        """With the schedule-free optimiser the average is its own; otherwise it is kept at every step."""
        if self.options.schedule == "free":
            kept = {name: value.clone() for name, value in self.network.state_dict().items()}
            self._optimizer_mode("eval")
            self.average.module.load_state_dict(self.network.state_dict())
            self._optimizer_mode("train")
            # There and back rounds: a run must not depend on how often it was looked at.
            self.network.load_state_dict(kept)

    def save(self) -> None:
        """Write last.pt, by the first process."""
        if self.ranks.first:
            save_checkpoint(self.last_path, self.state())

    def validate(self) -> None:
        """Measure the averaged weights; keep them as best.pt when they are the best so far."""
        self._take_average()
        network = self.average.module.eval()
        # Every process measures, and all find the same: it costs no more than waiting, and all know when to end.
        with torch.inference_mode():
            self.metrics = metrics = self.task.validate(network)
        shown = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self.since_best += 1
        if self.ranks.first:
            tqdm.write(f"step {self.step}: {shown}")
        if self.ranks.first:
            self._publish(network)
        if metrics[self.task.monitor] > self.best:
            self.best, self.since_best = metrics[self.task.monitor], 0
            if self.ranks.first:
                state = {"network": network.state_dict(), "step": self.step, "metrics": metrics}
                save_checkpoint(self.best_path, {**state, "description": self.description})

    def _publish(self, network: nn.Module) -> None:
        """The newest averaged weights as a bundle, to be tried while the run goes on."""
        deployable = self.task.deployable(network)
        if deployable is not None:
            written = command_of(self.options.folder)
            scores = {"training": {"samples_seen": self.step * self.options.batch_size, **self.metrics}}
            save_bundle(self.options.folder / "newest", deployable, scores, written)
