"""The mean of several networks' weights: what runs that went on from one another have in common generalises better
than any of them (Wortsman et al., Model Soups, 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from alpr_app.networks.bundle import BundleError, BundleInfo, load_bundle, save_bundle
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.train.export import read_scores


def average_bundles(bundles: Sequence[Path], output: Path, command: str, scores: Path | None = None) -> BundleInfo:
    """Write the bundle `output` with the mean of the weights of `bundles`, networks of one kind and shape.

    Its command is those that made each of them, and then `command`, a line each. scores: JSON as `alpr eval --json`
    writes it.

    Raises BundleError if there is one only, one cannot be read, or is not shaped as the first; UsageError if `scores`
    is no JSON.
    """
    if len(bundles) < 2:
        raise BundleError(f"{bundles[0]}: the mean of one network is itself; name two or more")
    networks, infos = zip(*(load_bundle(None, path) for path in bundles), strict=True)
    for path, network in zip(bundles[1:], networks[1:], strict=True):
        if type(network) is not type(networks[0]) or _shape(network) != _shape(networks[0]):
            raise BundleError(f"{path}: not a network of the kind and shape of {bundles[0]}; their mean means nothing")
    states = [network.state_dict() for network in networks]
    networks[0].load_state_dict({name: _mean([state[name] for state in states]) for name in states[0]})
    figures = {} if scores is None else {"evaluation": read_scores(scores)}
    return save_bundle(output, networks[0], figures, "\n".join([*(info.command for info in infos), command]))


def _shape(network: nn.Module) -> object:
    """What two networks must have in common for their weights to mean the same; dropout is none of it."""
    config = network.config
    return replace(config, dropout=0.0, emb_dropout=0.0) if isinstance(config, ReaderConfig) else config


def _mean(values: list[Tensor]) -> Tensor:
    """Counts, of batches seen, are no weights: of those the first stays."""
    if not values[0].is_floating_point():
        return values[0]
    return torch.stack(values).mean(dim=0)
