"""The training loop: AdamW, warm-up and cosine, averaged weights, checkpoints, exact resume, metrics as CSV."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from alpr_app.errors import AlprError
from alpr_app.train.checkpoint import load_checkpoint, save_checkpoint
from alpr_app.train.metrics import Meter, append_row
from alpr_app.train.optimisation import averaged, bf16_is_fast, learning_rate, parameter_groups
from alpr_app.train.options import RunOptions
from alpr_app.train.stopping import StopSignal

LOG_EVERY = 50


class Task(Protocol):
    """What is trained: a module with its losses, its samples and its validation.

    `network` returns from a batch a dict of losses with their weighted sum under 'loss'. `validate` returns
    metrics, of which `judged_by` is the one the best checkpoint is chosen by: higher is better.
    """

    network: nn.Module
    dataset: Dataset
    judged_by: str
    description: dict[str, Any]

    def losses(self, network: nn.Module, batch: Any) -> dict[str, Tensor]: ...

    def validate(self, network: nn.Module) -> dict[str, float]: ...


class TrainingError(AlprError):
    """A run that cannot go on; the message says what to try."""


class Run:
    """One training run in one folder: last.pt to go on from, best.pt to use, train.csv and val.csv to look at."""

    def __init__(self, task: Task, options: RunOptions) -> None:
        self.task, self.options = task, options
        self.device = torch.device(options.device)
        if options.threads:
            torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.network = task.network.to(self.device, memory_format=torch.channels_last)
        self.average = averaged(self.network, options.ema)
        groups = parameter_groups(self.network, options.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=options.start_lr, betas=(0.9, 0.98))
        self.step = 0
        self.best = -math.inf
        self.metrics: dict[str, float] = {}
        self.half = options.amp and bf16_is_fast(self.device)
        options.output.mkdir(parents=True, exist_ok=True)

    @property
    def last_path(self) -> Path:
        return self.options.output / "last.pt"

    @property
    def best_path(self) -> Path:
        return self.options.output / "best.pt"

    def state(self) -> dict[str, Any]:
        """All that a later run needs to go on as if nothing had happened."""
        return {
            "step": self.step,
            "best": self.best,
            "metrics": self.metrics,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
            "description": self.task.description,
        }

    def resume(self) -> None:
        """Go on from last.pt. Raises CheckpointError if it is damaged or belongs to another network."""
        state = load_checkpoint(self.last_path, self.task.description)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state_all(state["random_cuda"])
        self.step, self.best, self.metrics = state["step"], state["best"], state["metrics"]

    def _batches(self) -> Iterator[Any]:
        first, size = self.step * self.options.batch_size, self.options.batch_size
        loader = DataLoader(
            self.task.dataset,
            batch_size=size,
            sampler=range(first, self.options.steps * size),
            num_workers=self.options.num_workers,
            pin_memory=self.device.type == "cuda",
            worker_init_fn=_single_thread,
            prefetch_factor=4 if self.options.num_workers else None,
            # The loader seeds its workers from here and not from the generator that dropout draws from, whose
            # state a resumed run has just restored.
            generator=torch.Generator(),
        )
        return iter(loader)

    def train(self) -> bool:
        """Train until all steps are done, or until Ctrl-C; returns whether they are.

        Raises TrainingError if the loss is no number any more, CheckpointError if the disk is full.
        """
        validate_every = max(1, self.options.validate_samples // self.options.batch_size)
        batches = self._batches()
        meter, saved_at = Meter(), time.monotonic()
        bar = tqdm(total=self.options.steps, initial=self.step, unit="step", mininterval=5)
        with StopSignal() as stop, bar:
            while self.step < self.options.steps and not stop.asked:
                started = time.monotonic()
                batch = next(batches)
                waited = time.monotonic() - started
                meter.add(self.train_step(batch), self.options.batch_size, started, waited)
                bar.update()
                if self.step % LOG_EVERY == 0:
                    self._log(meter.read(), bar)
                if self.step % validate_every == 0 or self.step == self.options.steps:
                    self.validate()
                if time.monotonic() - saved_at > self.options.checkpoint_minutes * 60:
                    save_checkpoint(self.last_path, self.state())
                    saved_at = time.monotonic()
        save_checkpoint(self.last_path, self.state())
        return self.step == self.options.steps

    def _log(self, means: dict[str, float], bar: tqdm) -> None:
        rate = learning_rate(self.step - 1, self.options)
        append_row(self.options.output / "train.csv", {"step": self.step, "learning_rate": rate, **means})
        bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()}, refresh=False)

    def train_step(self, batch: Any) -> dict[str, float]:
        """One optimiser step; returns the losses and the norm of the gradient."""
        self.network.train()
        rate = learning_rate(self.step, self.options)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            losses = self.task.losses(self.network, _to_device(batch, self.device))
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if not torch.isfinite(norm):
            raise TrainingError(
                f"step {self.step}: the gradient is no number any more; go on from the last checkpoint with --resume, "
                "or start anew with a lower --start_lr"
            )
        self.optimizer.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return {**{name: float(value.detach()) for name, value in losses.items()}, "gradient": float(norm)}

    def validate(self) -> None:
        """Measure the averaged weights; keep them as best.pt when they are the best so far."""
        network = self.average.module.eval()
        with torch.inference_mode():
            self.metrics = metrics = self.task.validate(network)
        append_row(self.options.output / "val.csv", {"step": self.step, **metrics})
        shown = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        tqdm.write(f"step {self.step}: {shown}")
        if metrics[self.task.judged_by] > self.best:
            self.best = metrics[self.task.judged_by]
            state = {"network": network.state_dict(), "step": self.step, "metrics": metrics}
            save_checkpoint(self.best_path, {**state, "description": self.task.description})


def _single_thread(worker: int) -> None:
    """Samples are made by processes, one core each."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def _to_device(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: _to_device(value, device) for name, value in batch.items()}
    return [_to_device(value, device) for value in batch]
