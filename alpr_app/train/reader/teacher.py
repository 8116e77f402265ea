"""Distillation (Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015): a smaller reader learns
not only the texts but also how likely a larger, trained one takes every character to be."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor
from torch.nn import functional

from alpr_app.core.errors import UsageError
from alpr_app.networks.layers import fuse
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader

# Both readers' logits are divided by it, so that unlikely characters count too; the loss is multiplied by its square,
# which keeps the size of its gradients.
TEMPERATURE = 2.0
# Fields of the config in which teacher and learner must agree.
SHARED = ("alphabet", "max_length", "colours", "img_height", "img_width")


class Teacher:
    """A trained reader that another one of `config` learns from. `network` is fused in place.

    Raises:
        UsageError: Its plates, alphabet, colours or length differ from those in `config`.
    """

    def __init__(self, network: Reader, config: ReaderConfig) -> None:
        different = [name for name in SHARED if getattr(network.config, name) != getattr(config, name)]
        if different:
            raise UsageError(f"--teacher: differs from the reader that learns in {', '.join(different)}")
        digest = hashlib.sha256()
        for name, tensor in network.state_dict().items():
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        self.sha256 = digest.hexdigest()
        self.network = network.eval().requires_grad_(False)
        fuse(self.network)

    def losses(self, plates: Tensor, characters: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
        """Divergence of the learner's probabilities from the teacher's, mean over characters and over plates.

        Args:
            plates: (B, 3, H, W), RGB from 0 to 1.
            characters: The learner's character logits, (B, L, classes).
            colours: Its colour logits, (B, colours).
        """
        self.network.to(plates.device)
        with torch.no_grad():
            taught_characters, taught_colours = self.network(plates)
        return (
            _divergence(characters.flatten(0, 1), taught_characters.flatten(0, 1)),
            _divergence(colours, taught_colours),
        )


def _divergence(logits: Tensor, taught: Tensor) -> Tensor:
    """Kullback-Leibler divergence of softened probabilities, mean over rows (N, classes)."""
    learner, teacher = ((values.float() / TEMPERATURE).log_softmax(dim=1) for values in (logits, taught))
    return TEMPERATURE**2 * functional.kl_div(learner, teacher, reduction="batchmean", log_target=True)
