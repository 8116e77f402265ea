"""The training loop: steps, averaged weights, validation, checkpoints, exact resume.

`Trainer.train` is the loop; `Trainer.train_step` is one optimiser step, whose losses come from the `Task`.
"""

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

from alpr_app.data.run_folder import command_of, forget_stop, stop_requested
from alpr_app.networks.building import save_bundle
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
    synchronise_batch_norms,
)
from alpr_app.train.trainer.metrics import Meter, Trackers
from alpr_app.train.trainer.optimisation import averaged, computes_in_bf16, make_optimizer, make_schedule
from alpr_app.train.trainer.options import RunOptions, threads_for
from alpr_app.train.trainer.processes import StopSignal, compiling

# Steps between two rows of train.csv.
LOG_EVERY = 50


class Task(Protocol):
    """A network with its samples, its losses and its validation.

    Attributes:
        monitor: Name of the metric that chooses the best checkpoint; higher is better.
        description: Settings that must be the same in a checkpoint and in the run that resumes from it.
        network: The network to train, on the CPU.
        dataset: Its training samples.
    """

    monitor: str
    description: dict[str, Any]

    @property
    def network(self) -> nn.Module: ...

    @property
    def dataset(self) -> Samples: ...

    # Each task accepts its own kind of network.
    def losses(self, network: Any, batch: Any) -> dict[str, Tensor]:
        """The losses of a batch by name, with their weighted sum as `loss`."""

    def validate(self, network: Any) -> dict[str, float]:
        """The metrics by name, `monitor` among them unless the data has nothing to measure it on."""

    def deployable(self, network: Any) -> nn.Module | None:
        """The part of a trained network that a model bundle holds; None if it has no use by itself."""


class Trainer:
    """One training run in one folder: last.pt to resume from, best.pt to use, train.csv and val.csv to look at.

    Args:
        task: What is trained.
        options: The options of the run, with a folder.
        ranks: This process among those that train together; None for a single process.

    Raises:
        UsageError: the batch cannot be divided evenly among processes and parts.
        AlprError: the processes were given different options or data.
    """

    def __init__(self, task: Task, options: RunOptions, ranks: Ranks | None = None) -> None:
        self.task, self.options, self.ranks = task, options, ranks or Ranks()
        self.description = {**task.description, "run": options.description()}
        require_same(self.ranks, self.description)
        self.sharding = BatchSharding(options.batch_size, options.accumulate, self.ranks)
        distributed = self.ranks.world > 1
        device_name = f"cuda:{self.ranks.local}" if distributed and options.device == "cuda" else options.device
        self.device = torch.device(device_name)
        torch.set_num_threads(threads_for(options))
        # All processes have the same weights, but each draws its own dropout.
        torch.manual_seed(options.seed + self.ranks.rank)
        if distributed:
            synchronise_batch_norms(task.network)
        # torch's type stubs lack this argument.
        self.network = task.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = averaged(self.network, options.ema)
        self.optimizer = make_optimizer(self.network, options)
        self.schedule = make_schedule(options)
        compiled = torch.compile(self.network) if options.compile else self.network
        assert isinstance(compiled, nn.Module)
        # The network as training steps call it; its weights are those of `self.network`.
        self.training_network: nn.Module = DistributedDataParallel(compiled) if distributed else compiled
        self.step = self.since_best = 0
        self.best = -math.inf
        self.metrics: dict[str, float] = {}
        self.uses_bf16 = computes_in_bf16(options, self.device)
        if self.ranks.first:
            options.folder.mkdir(parents=True, exist_ok=True)

    @property
    def last_path(self) -> Path:
        return self.options.folder / "last.pt"

    @property
    def best_path(self) -> Path:
        return self.options.folder / "best.pt"

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs to reach the weights that an uninterrupted one would have."""
        self._update_average()
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
        """Continue from last.pt. Raises CheckpointError if it is damaged or belongs to another run."""
        # Only the folder of the first machine has it.
        content = from_first(self.ranks, lambda: read_checkpoint(self.last_path)) if self.ranks.world > 1 else None
        with all_or_none(self.ranks):
            state = load_checkpoint(self.last_path, self.description, content)
        with all_or_none(self.ranks), restoring(self.last_path):
            self._restore(state)

    def _restore(self, state: dict[str, Any]) -> None:
        """Load the state from a checkpoint of this run."""
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
            # The checkpoint holds the random state of one process only, so that all are seeded by the step.
            torch.manual_seed(self.options.seed + self.ranks.rank + self.ranks.world * state["step"])
        self.step, self.best, self.metrics = int(state["step"]), float(state["best"]), dict(state["metrics"])
        self.since_best = int(state["since_best"])

    def batches(self) -> Iterator[Any]:
        """The parts of the batches of this process, from the current step on."""
        sampler = self.sharding.sampler(self.step, self.options.steps)
        return batches(self.task.dataset, sampler, self.sharding.size, self.options.num_workers, self.device)

    @property
    def done(self) -> bool:
        """Whether all steps are done, the schedule has finished, or early stopping applies."""
        stopped_early = 0 < self.options.patience <= self.since_best
        return self.step >= self.options.steps or self.schedule.finished or stopped_early

    def train(self) -> bool:
        """Train until the run is done or is asked to stop, by Ctrl-C or `run_folder.request_stop`, and save a
        checkpoint at the end.

        Returns:
            Whether the run is done.

        Raises:
            TrainingError: the gradient is not finite, or a worker process was killed.
            CheckpointError: a checkpoint cannot be written.
        """
        validate_every = max(1, self.options.validate_samples // self.options.batch_size)
        batch_parts = self.batches()
        meter, saved_at = Meter(), time.monotonic()
        # None shows the bar in a terminal only.
        hidden = None if self.ranks.first else True
        bar = tqdm(total=self.options.steps, initial=self.step, unit="step", mininterval=5, disable=hidden)
        with (
            StopSignal() as stop_signal,
            Trackers(self.options, self.ranks, self.step > 0) as trackers,
            bar,
            watching_workers(),
        ):
            while not self.done and not self._in_any_process(stop_signal.requested or self._stop_requested()):
                started = time.monotonic()
                parts = [next(batch_parts) for _ in range(self.options.accumulate)]
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
                    if self.metrics:
                        trackers.add("val", self.step, self.metrics)
                if time.monotonic() - saved_at > self.options.checkpoint_minutes * 60:
                    self.save()
                    saved_at = time.monotonic()
            self.save()
        if self.ranks.first:
            forget_stop(self.options.folder)
        return self.done

    def _stop_requested(self) -> bool:
        # Only the folder of the first machine is looked at.
        return self.ranks.first and stop_requested(self.options.folder)

    def _in_any_process(self, stop: bool) -> bool:
        """Whether any process should stop: all stop together, so that none waits for one that has ended."""
        if self.ranks.world == 1:
            return stop
        return bool(mean_over_ranks(torch.tensor(float(stop), device=self.device)) > 0)

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.schedule.rate(step)

    def train_step(self, parts: list[Any]) -> dict[str, float]:
        """Take one optimiser step over the parts of its batch.

        Returns:
            The mean losses by name, and the norm of the gradient as `gradient`.
        """
        self.network.train()
        self._optimizer_mode("train")
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        for number, part in enumerate(parts, start=1):
            # The processes exchange gradients once per step, with the last part.
            parallel = self.training_network if isinstance(self.training_network, DistributedDataParallel) else None
            unsynchronised = parallel.no_sync() if parallel is not None and number < len(parts) else nullcontext()
            with compiling(self.options.compile), unsynchronised:
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bf16):
                    losses = self.task.losses(self.training_network, to_device(part, self.device))
                (losses["loss"] / len(parts)).backward()
            sums = {name: sums.get(name, 0) + value.detach() / len(parts) for name, value in losses.items()}
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if not torch.isfinite(norm):
            raise TrainingError(
                f"step {self.step}: the gradient is not finite any more; continue from the last checkpoint with "
                "--resume, or start again with a lower --start_lr"
            )
        self.optimizer.step()
        if self.options.schedule != "free":
            self.average.update_parameters(self.network)
        self.step += 1
        means = {name: float(mean_over_ranks(value)) for name, value in sums.items()}
        self.schedule.observe(means["loss"])
        return {**means, "gradient": float(norm)}

    def _optimizer_mode(self, mode: str) -> None:
        """Switch the schedule-free optimiser, which uses other weights in training than in evaluation."""
        if self.options.schedule == "free":
            getattr(self.optimizer, mode)()

    def _update_average(self) -> None:
        """Copy the average of the schedule-free optimiser; otherwise every step has updated it already."""
        if self.options.schedule == "free":
            training_weights = {name: value.clone() for name, value in self.network.state_dict().items()}
            self._optimizer_mode("eval")
            self.average.module.load_state_dict(self.network.state_dict())
            self._optimizer_mode("train")
            # Switching back and forth rounds: the result of a run must not depend on how often it is validated.
            self.network.load_state_dict(training_weights)

    def save(self) -> None:
        """Write last.pt, in the first process."""
        if self.ranks.first:
            save_checkpoint(self.last_path, self.state())

    def validate(self) -> None:
        """Measure the averaged weights, and save them as best.pt if they are the best so far. Where nothing can be
        measured, the newest are the best."""
        self._update_average()
        network = self.average.module.eval()
        # Every process validates, with the same result: that takes no longer than waiting, and all know when to stop.
        with torch.inference_mode():
            self.metrics = metrics = self.task.validate(network)
        shown = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()) or "nothing to validate on"
        self.since_best += 1
        if self.ranks.first:
            tqdm.write(f"step {self.step}: {shown}")
        if self.ranks.first:
            self._publish(network)
        if metrics.get(self.task.monitor, math.inf) > self.best:
            self.best, self.since_best = metrics.get(self.task.monitor, -math.inf), 0
            if self.ranks.first:
                state = {"network": network.state_dict(), "step": self.step, "metrics": metrics}
                save_checkpoint(self.best_path, {**state, "description": self.description})

    def _publish(self, network: nn.Module) -> None:
        """Write the current averaged weights as a bundle, to try while the run is in progress."""
        deployable = self.task.deployable(network)
        if deployable is not None:
            command = command_of(self.options.folder)
            scores = {"training": {"samples_seen": self.step * self.options.batch_size, **self.metrics}}
            save_bundle(self.options.folder / "newest", deployable, scores, command)
