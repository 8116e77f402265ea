"""Networks run by torch: batch norms folded, channels_last, no gradients, and traced on the processor, so that Python
takes no time between operations; and the number of operations of a network.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.layers import fuse, one_thread_if_forked
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.runtime.engine import EngineError, example_shape

# TorchScript optimises a traced network during its first two runs.
FIRST_RUNS = 3


class NormalizedInput(nn.Module):
    """A copy of a network that takes pictures (B, H, W, 3) uint8 instead of (B, 3, H, W) from 0 to 1. The division by
    255 is folded into the weights of its first convolution, so that it costs nothing per picture."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = deepcopy(network)
        first = next(module for module in self.network.modules() if isinstance(module, nn.Conv2d))
        with torch.no_grad():
            first.weight *= 1 / 255

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        # In this order the pixels are already channels_last in memory.
        outputs = self.network(images.permute(0, 3, 1, 2).float())
        return outputs if isinstance(outputs, tuple) else (outputs,)


def example_pictures(network: nn.Module) -> Tensor:
    """Return black pictures to trace `NormalizedInput(network)` with."""
    config = network.config
    assert isinstance(config, DetectorConfig | ReaderConfig)
    return torch.zeros(*example_shape(config), dtype=torch.uint8)


class TorchEngine:
    """Runs `network`, which is fused in place and from then on belongs to the engine.

    threads: of torch's operations in the whole process, because torch knows no other; None leaves them alone. In a
    process that was forked off it is one.
    Calls share nothing but the weights, so several threads may call at once.

    Raises EngineError if a graphics card has no memory left.
    """

    backend = "torch"

    def __init__(self, network: nn.Module, device: torch.device, threads: int | None = None) -> None:
        self.device = device.type
        self._device = device
        if not one_thread_if_forked() and threads is not None:
            torch.set_num_threads(threads)
        network.eval()
        fuse(network)
        with enough_memory(device):
            normalized = NormalizedInput(network).eval()
            # torch's type stubs lack this argument.
            self._network: nn.Module = normalized.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.device == "cpu":
            self._network = trace(self._network, example_pictures(network))

    @torch.inference_mode()
    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        one_thread_if_forked()
        with enough_memory(self._device):
            outputs = self._network(torch.from_numpy(images).to(self._device))
            return tuple(output.cpu().numpy() for output in outputs)


@contextmanager
def enough_memory(device: torch.device) -> Iterator[None]:
    """Raise EngineError if the graphics card runs out of memory in the block. For main memory, torch's own error is
    clear."""
    try:
        yield
    except RuntimeError as error:
        full = isinstance(error, torch.cuda.OutOfMemoryError) or "out of memory" in str(error).lower()
        if device.type == "cpu" or not full:
            raise
        raise EngineError(f"the memory of the graphics card ({device.type}) is full; use --device cpu") from error


@torch.inference_mode()
def trace(network: nn.Module, example: torch.Tensor) -> nn.Module:
    """Convert `network` to TorchScript, which takes a quarter less time per picture: these networks are many small
    operations, so Python's share in each counts. Results are the same up to rounding, for pictures of any size.

    torch deprecates TorchScript, but its successors need a C++ compiler on the user's machine.
    """
    with warnings.catch_warnings():
        # It warns of its deprecation, and of shapes taken as constant, which these are.
        warnings.simplefilter("ignore")
        frozen: nn.Module = torch.jit.freeze(torch.jit.trace(network, (example,), check_trace=False))
    for _ in range(FIRST_RUNS):
        frozen(example)
    return frozen


def gigaflop(network_class: type[nn.Module], config: Any, height: int, width: int) -> float:
    """Return the operations for one picture of height x width in 10^9; a multiply-add counts as two."""
    # Counting needs shapes only; nothing is computed on the meta device.
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network_class(config).eval()(torch.zeros(1, 3, height, width))
    return float(counter.get_total_flops() / 1e9)
