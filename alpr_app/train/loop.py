"""The training loop: AdamW, warm-up and cosine, averaged weights, checkpoints, exact resume, metrics as CSV."""

from __future__ import annotations

import csv
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from alpr_app.train.checkpoint import load_checkpoint, save_checkpoint
from alpr_app.train.options import RunOptions


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


def learning_rate(step: int, options: RunOptions) -> float:
    """Linear warm-up to start_lr, then half a cosine down to min_lr."""
    warmup = max(1, round(options.warmup * options.steps))
    if step < warmup:
        return options.start_lr * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, options.steps - warmup))
    return options.min_lr + 0.5 * (options.start_lr - options.min_lr) * (1 + math.cos(math.pi * progress))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases, norms and other vectors, places and queries do not."""
    decayed, free = [], []
    for name, parameter in network.named_parameters():
        plain = parameter.ndim < 2 or name.endswith(("places", "queries"))
        (free if plain else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of weights and buffers; it follows faster while the run is young."""

    def update(average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        steps = int(count)
        weight = 1 - min(decay, (1 + steps) / (10 + steps))
        if average[0].is_floating_point():
            torch._foreach_lerp_(average, current, weight)
        else:
            for kept, new in zip(average, current, strict=True):
                kept.copy_(new)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the processor computes in bfloat16 itself; emulated, it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


class Metrics:
    """Appends rows to metrics.csv: one kind of row a file, its columns those of the first row."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, row: dict[str, float]) -> None:
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


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
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "description": self.task.description,
        }

    def resume(self) -> None:
        """Go on from last.pt. Raises CheckpointError if it is damaged or belongs to another network."""
        state = load_checkpoint(self.last_path, self.task.description)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        self.step, self.best = state["step"], state["best"]

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

    def train(self) -> None:
        """Train until all steps are done. Ctrl-C saves and ends."""
        sums: dict[str, float] = defaultdict(float)
        counted, saved_at, log_every = 0, time.monotonic(), 50
        validate_every = max(1, self.options.validate_samples // self.options.batch_size)
        batches = self._batches()
        bar = tqdm(total=self.options.steps, initial=self.step, unit="step", mininterval=5, file=sys.stderr)
        started, waited = time.monotonic(), 0.0
        try:
            while self.step < self.options.steps:
                asked = time.monotonic()
                batch = next(batches)
                waited += time.monotonic() - asked
                for name, value in self.train_step(batch).items():
                    sums[name] += value
                counted += 1
                bar.update()
                if self.step % log_every == 0:
                    elapsed = time.monotonic() - started
                    means = {name: value / counted for name, value in sums.items()}
                    speed = {
                        "samples_per_s": counted * self.options.batch_size / elapsed,
                        "waiting_share": waited / elapsed,
                    }
                    rate = learning_rate(self.step - 1, self.options)
                    Metrics(self.options.output / "train.csv").write(
                        {"step": self.step, "learning_rate": rate, **means, **speed}
                    )
                    bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()}, refresh=False)
                    sums.clear()
                    counted, waited, started = 0, 0.0, time.monotonic()
                if self.step % validate_every == 0 or self.step == self.options.steps:
                    self.validate()
                    started = time.monotonic()
                if time.monotonic() - saved_at > self.options.checkpoint_minutes * 60:
                    save_checkpoint(self.last_path, self.state())
                    saved_at = time.monotonic()
        finally:
            bar.close()
            save_checkpoint(self.last_path, self.state())

    def train_step(self, batch: Any) -> dict[str, float]:
        """One optimiser step; returns the losses."""
        self.network.train()
        rate = learning_rate(self.step, self.options)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            losses = self.task.losses(self.network, _to_device(batch, self.device))
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip, error_if_nonfinite=True)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return {**{name: float(value.detach()) for name, value in losses.items()}, "gradient": float(norm)}

    def validate(self) -> None:
        """Measure the averaged weights; keep them as best.pt when they are the best so far."""
        network = self.average.module.eval()
        with torch.inference_mode():
            metrics = self.task.validate(network)
        Metrics(self.options.output / "val.csv").write({"step": self.step, **metrics})
        print(
            f"step {self.step}: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()),
            flush=True,
        )
        if metrics[self.task.judged_by] > self.best:
            self.best = metrics[self.task.judged_by]
            state = {"network": network.state_dict(), "step": self.step, "metrics": metrics}
            save_checkpoint(self.best_path, {**state, "description": self.task.description})


def _single_thread(worker: int) -> None:
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def _to_device(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: _to_device(value, device) for name, value in batch.items()}
    return [_to_device(value, device) for value in batch]
