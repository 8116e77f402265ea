"""What a network costs wherever it runs: its arithmetic."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def gigaflop(network_class: type[nn.Module], config: Any, height: int, width: int) -> float:
    """10^9 operations for one picture of height x width; a multiplication and an addition are two."""
    # Counting needs shapes only: on the meta device nothing is computed.
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network_class(config).eval()(torch.zeros(1, 3, height, width))
    return counter.get_total_flops() / 1e9
