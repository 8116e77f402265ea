"""Masked pre-training of the reader's encoder: hidden vertical strips of a plate are reconstructed from the others (He
et al., Masked Autoencoders, 2022; on strips as in MaskOCR, Lyu et al., 2022). It needs no texts.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from alpr_app.networks.layers import from_pixels
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Encoder, EncoderLayer
from alpr_app.train.reader.plates import ReaderPlates

HIDDEN_SHARE = 0.7
# The painter, which is the decoder, is small so that the encoder has to learn what plates look like.
PAINTER_WIDTH, PAINTER_HEADS, PAINTER_LAYERS = 96, 4, 2
GREY = 0.5


class MaskedStrips(nn.Module):
    """The reader's encoder, and a painter that reconstructs hidden strips and is discarded after pre-training."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        small = replace(config, embed_dim=PAINTER_WIDTH, num_heads=PAINTER_HEADS)
        self.narrow = nn.Linear(config.embed_dim, PAINTER_WIDTH)
        self.unseen = nn.Parameter(torch.zeros(1, 1, PAINTER_WIDTH))
        self.places = nn.Parameter(torch.empty(1, config.tokens, PAINTER_WIDTH))
        self.painter = nn.Sequential(
            *(EncoderLayer(small) for _ in range(PAINTER_LAYERS)),
            nn.LayerNorm(PAINTER_WIDTH),
            nn.Linear(PAINTER_WIDTH, 3 * config.img_height * config.patch_size),
        )
        nn.init.trunc_normal_(self.unseen, std=0.02)
        nn.init.trunc_normal_(self.places, std=0.02)

    def forward(self, plates: Tensor, hidden: Tensor) -> Tensor:
        """Reconstruct strips.

        Args:
            plates: Rectified plates, (B, 3, H, W).
            hidden: Whether each strip is hidden, (B, T) bool, with `hidden_count(T)` hidden strips in each plate.

        Returns:
            Normalised pixels of all strips, (B, T, 3 * H * patch_size), as in `normalised_strips`.
        """
        batch, _, _, width = plates.shape
        # The stem's convolutions reach across strips, so that hidden pixels are masked before it.
        pixels = hidden.repeat_interleave(width // hidden.shape[1], dim=1)[:, None, None]
        tokens = self.encoder.embed(plates.masked_fill(pixels, GREY))
        # Indices of the visible strips. Their number is the same in each plate and does not depend on the data, so that
        # torch can compile this.
        visible = hidden.long().argsort(dim=1, stable=True)[:, : hidden.shape[1] - hidden_count(hidden.shape[1])]
        encoded = self.encoder.transform(tokens.gather(1, visible[..., None].expand(-1, -1, tokens.shape[2])))
        painted = self.unseen.expand(batch, hidden.shape[1], -1)
        narrow = self.narrow(encoded).to(painted.dtype)
        painted = painted.scatter(1, visible[..., None].expand(-1, -1, narrow.shape[2]), narrow)
        strips: Tensor = self.painter(painted + self.places)
        return strips


def hidden_count(strips: int) -> int:
    """Number of hidden strips of a plate with this many strips."""
    return round(HIDDEN_SHARE * strips)


def random_hidden(batch: int, strips: int, generator: torch.Generator | None = None) -> Tensor:
    """Choose `hidden_count(strips)` random strips of each plate: (B, T) bool."""
    order = torch.rand(batch, strips, generator=generator).argsort(dim=1)
    return order < hidden_count(strips)


def normalised_strips(plates: Tensor, count: int) -> Tensor:
    """Pixels of each strip with mean 0 and standard deviation 1, so that brightness and contrast need not be learned:
    (B, 3, H, W) -> (B, T, 3 * H * W / T) with T = `count`."""
    batch, channels, height, width = plates.shape
    strips = plates.reshape(batch, channels, height, count, width // count).permute(0, 3, 1, 2, 4).flatten(2)
    centred = strips - strips.mean(dim=2, keepdim=True)
    return centred / (centred.square().mean(dim=2, keepdim=True) + 1e-6).sqrt()


def painting_error(painted: Tensor, strips: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error of the hidden strips."""
    return (painted.float() - strips).square().mean(dim=2)[hidden].mean()


class MaskedTask:
    """Pre-trains the encoder of a reader; the error of hidden strips of the val split chooses the best checkpoint."""

    monitor = "judgement"

    def __init__(self, network: MaskedStrips, plates: ReaderPlates) -> None:
        self.network = network
        self.dataset = plates.dataset
        self.validation = [torch.from_numpy(part) for part, _ in plates.validation.values() if len(part)]
        self.strips = network.config.tokens
        self.description: dict[str, Any] = {
            "kind": "masked",
            "config": asdict(network.config),
            **plates.description,
        }

    def losses(self, network: nn.Module, batch: list[Tensor]) -> dict[str, Tensor]:
        plates = from_pixels(batch[0])
        hidden = random_hidden(len(plates), self.strips).to(plates.device)
        return {"loss": painting_error(network(plates, hidden), normalised_strips(plates, self.strips), hidden)}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Mean squared error of a fixed choice of hidden strips; predicting the mean of each strip would give 1."""
        device = next(network.parameters()).device
        generator = torch.Generator().manual_seed(0)
        errors, count = 0.0, 0
        for batch in (batch for plates in self.validation for batch in plates.split(128)):
            images = from_pixels(batch.to(device))
            hidden = random_hidden(len(images), self.strips, generator).to(device)
            error = painting_error(network(images, hidden), normalised_strips(images, self.strips), hidden)
            errors, count = errors + float(error) * len(images), count + len(images)
        mean = errors / max(1, count)
        return {"judgement": -mean, "error": mean}

    def deployable(self, network: MaskedStrips) -> None:
        return None
