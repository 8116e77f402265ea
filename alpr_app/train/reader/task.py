"""The training task of the reader: its samples, losses and validation, which the loop (trainer/loop.py) runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from alpr_app.core.plate import has_province
from alpr_app.networks.layers import from_pixels
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.reader.postprocess import decode
from alpr_app.train.reader.dataset import UNKNOWN_COLOUR
from alpr_app.train.reader.plates import ReaderPlates
from alpr_app.train.reader.teacher import Teacher
from alpr_app.train.trainer.distributed import mean_over_ranks

# Weights relative to the cross entropy of the queries.
COLUMN_WEIGHT = 0.3
COLOUR_WEIGHT = 0.1


class ReaderWithCTC(nn.Module):
    """The reader and, for training only, a CTC head on the tokens of the encoder.

    In an untrained network the attention of the queries takes long to find the characters. Connectionist temporal
    classification (Graves et al., 2006) of the tokens needs no attention: it trains the encoder from the first step, so
    that the queries find characters to attend to.
    """

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.reader = Reader(config)
        self.columns = nn.Linear(config.embed_dim, len(config.alphabet) + 1)
        self.frozen = False

    def freeze_encoder(self) -> None:
        """Exclude the encoder from training: its weights and running statistics stay, and its dropout is off."""
        self.frozen = True
        self.reader.encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> ReaderWithCTC:
        super().train(mode)
        if self.frozen:
            self.reader.encoder.eval()
        return self

    def forward(self, plates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Character logits (B, L, classes), colour logits (B, colours), column logits (B, T, classes)."""
        tokens = self.reader.encoder(plates)
        characters, colours = self.reader.decode(tokens)
        return characters, colours, self.columns(tokens)


def reader_losses(
    characters: Tensor, colours: Tensor, columns: Tensor, classes: Tensor, colour: Tensor, blank: int
) -> dict[str, Tensor]:
    """Cross entropy of all queries, blanks included; CTC loss of the columns; cross entropy of known colours.

    Args:
        characters: Character logits, (B, L, classes).
        colours: Colour logits, (B, colours).
        columns: Column logits, (B, T, classes).
        classes: True classes, (B, L), padded with `blank`.
        colour: True colours, (B,), with UNKNOWN_COLOUR for unknown ones.
        blank: The class of no character.

    Returns:
        The losses by name, with their weighted sum as `loss`.
    """
    lengths = (classes != blank).sum(dim=1)
    query_loss = functional.cross_entropy(characters.flatten(0, 1).float(), classes.flatten())
    log_probabilities = columns.float().log_softmax(dim=2).transpose(0, 1)
    tokens = torch.full_like(lengths, columns.shape[1])
    column_loss = functional.ctc_loss(log_probabilities, classes, tokens, lengths, blank=blank, zero_infinity=True)
    colour_loss = functional.cross_entropy(colours.float(), colour, ignore_index=UNKNOWN_COLOUR, reduction="sum")
    known = mean_over_ranks((colour != UNKNOWN_COLOUR).sum().float())
    colour_loss = colour_loss / known.clamp(min=1)
    loss = query_loss + COLUMN_WEIGHT * column_loss + COLOUR_WEIGHT * colour_loss
    return {"loss": loss, "query": query_loss, "column": column_loss, "colour": colour_loss}


class ReaderTask:
    """Trains a reader, by a `teacher` too if there is one. The best checkpoint is chosen by the share of plates of the
    val split that are read right."""

    monitor = "exact"

    def __init__(self, network: ReaderWithCTC, plates: ReaderPlates, teacher: Teacher | None = None) -> None:
        self.network, self.teacher = network, teacher
        self.config = network.reader.config
        self.dataset = plates.dataset
        self.validation = plates.validation
        self.description: dict[str, Any] = {
            "kind": "reader",
            "config": asdict(self.config),
            "frozen": network.frozen,
            **({} if teacher is None else {"teacher": teacher.sha256}),
            **plates.description,
        }

    def losses(self, network: nn.Module, batch: list[Tensor]) -> dict[str, Tensor]:
        plates, classes, colour = batch
        images = from_pixels(plates)
        characters, colours, columns = network(images)
        losses = reader_losses(characters, colours, columns, classes, colour, self.config.blank)
        if self.teacher is None:
            return losses
        taught, taught_colour = self.teacher.losses(images, characters, colours)
        return {**losses, "loss": losses["loss"] + taught + COLOUR_WEIGHT * taught_colour, "taught": taught}

    def validate(self, network: ReaderWithCTC) -> dict[str, float]:
        """Shares of plates read right, by part and in total; for texts with a province also without it."""
        metrics: dict[str, float] = {}
        correct = total = 0
        for name, (plates, texts) in self.validation.items():
            if not texts:
                continue
            read = read_plates(network.reader, plates)
            exact = sum(text == truth for text, truth in zip(read, texts, strict=True))
            metrics[f"{name}_exact"] = exact / len(texts)
            if any(has_province(truth) for truth in texts):
                serial = sum(text[1:] == truth[1:] for text, truth in zip(read, texts, strict=True))
                metrics[f"{name}_without_province"] = serial / len(texts)
            correct, total = correct + exact, total + len(texts)
        return {"exact": correct / max(1, total), **metrics}

    def deployable(self, network: ReaderWithCTC) -> Reader:
        return network.reader


def read_plates(reader: Reader, plates: np.ndarray, batch_size: int = 128) -> list[str]:
    """Read plates (N, H, W, 3) uint8 with a reader in eval mode, on its device."""
    device = next(reader.parameters()).device
    texts: list[str] = []
    for start in range(0, len(plates), batch_size):
        images = from_pixels(torch.from_numpy(plates[start : start + batch_size]).to(device))
        characters, colours = reader(images)
        texts += [reading.text for reading in decode(characters.cpu().numpy(), colours.cpu().numpy(), reader.config)]
    return texts
