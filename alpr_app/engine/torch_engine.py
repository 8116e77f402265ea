"""Networks run by torch: batch norms folded away, channels_last, no gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from alpr_app.engine.common import FromPixels
from alpr_app.layers import fuse


class TorchEngine:
    """Runs `network`, which is fused in place and from then on belongs to the engine.

    threads: of torch's operations in the whole process, because torch knows no other; None leaves them alone.
    Calls share nothing but the weights, so several threads may call at once.
    """

    backend = "torch"

    def __init__(self, network: nn.Module, device: torch.device, threads: int | None = None) -> None:
        self.device = device.type
        self._device = device
        if threads is not None:
            torch.set_num_threads(threads)
        network.eval()
        fuse(network)
        self._network = FromPixels(network).eval().to(device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        outputs = self._network(torch.from_numpy(images).to(self._device))
        return tuple(output.cpu().numpy() for output in outputs)
