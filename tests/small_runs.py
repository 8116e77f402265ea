"""A task small enough to train in a moment, for tests of what every run has in common."""

import signal

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from alpr_app.train.trainer.options import RunOptions


class Points(Dataset):
    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.random.default_rng((7, index)).normal(size=3).astype(np.float32)
        return x, np.float32([x.sum()])


class Line:
    """A task small enough to train in a moment, with dropout so that torch's own randomness matters."""

    monitor = "closeness"

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

    def deployable(self, network):
        return None


def options(folder, **changes) -> RunOptions:
    """In fp32 unless `changes` say otherwise: what is compared to a thousandth must not hang on the processor."""
    values = {"precision": "fp32"}
    values |= {"samples": 960, "batch_size": 16, "start_lr": 0.01, "num_workers": 0, "validate_samples": 320}
    return RunOptions(output=folder, **{**values, **changes})


def stopped(task: Line, steps: int) -> Line:
    """The task, with somebody who presses Ctrl-C in the step after so many."""
    losses = task.losses

    def interrupted(network, batch):
        if len(task.seen) == steps:
            signal.raise_signal(signal.SIGINT)
        return losses(network, batch)

    task.losses = interrupted
    return task
