"""Networks that a run begins with, of another run or of a bundle, and the shape that options give them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from alpr_app.core.errors import UsageError, first_line
from alpr_app.data.bounded_parsing import shown
from alpr_app.networks.bundle import load_bundle
from alpr_app.networks.bundle_description import config_from_dict
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.weights import misfit, not_numbers
from alpr_app.train.reader.masked_pretraining import MaskedStrips
from alpr_app.train.reader.task import ReaderWithCTC
from alpr_app.train.trainer.checkpoint import CheckpointError, load_checkpoint

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Config = TypeVar("Config", bound="DataclassInstance")


def with_fields(config: Config, fields: dict[str, Any]) -> Config:
    """`config` with these fields otherwise. Raises UsageError if there can be no such network."""
    try:
        return replace(config, **fields)
    except ValueError as error:
        raise UsageError(str(error)) from error


TRAINED: dict[str, tuple[type[nn.Module], type[DetectorConfig] | type[ReaderConfig]]] = {
    "detector": (Detector, DetectorConfig),
    "reader": (ReaderWithCTC, ReaderConfig),
    "masked": (MaskedStrips, ReaderConfig),
}


def averaged_weights(state: dict[str, Any]) -> dict[str, Tensor]:
    """The averaged weights in a checkpoint: best.pt holds nothing else, last.pt has them beside the momentary ones."""
    if "average" not in state:
        weights: dict[str, Tensor] = state["network"]
        return weights
    prefix = "module."
    return {name.removeprefix(prefix): value for name, value in state["average"].items() if name.startswith(prefix)}


def trained_network(checkpoint: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a checkpoint as it was trained, in eval mode, and the checkpoint itself.

    Raises CheckpointError if it is damaged, or of a kind that is unknown.
    """
    state = load_checkpoint(checkpoint)
    description = state["description"]
    if description.get("kind") not in tuple(TRAINED):
        raise CheckpointError(
            f"{checkpoint}: holds a {shown(description.get('kind'))}, neither a detector nor a reader"
        )
    network_class, config_class = TRAINED[description["kind"]]
    try:
        # As JSON would give it, lists for tuples: one parser for configs is enough.
        config = config_from_dict(config_class, json.loads(json.dumps(description.get("config"))))
        # Without any memory behind it: whatever the config claims costs nothing yet.
        with torch.device("meta"):
            network = network_class(config)
    except (ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{checkpoint}: its config describes no network: {first_line(error)}") from error
    weights = averaged_weights(state)
    fault = misfit(weights, network.state_dict())
    if fault:
        raise CheckpointError(f"{checkpoint}: {fault}; the checkpoint is damaged, or of another version of the program")
    broken = not_numbers(weights)
    if broken:
        raise CheckpointError(f"{checkpoint}: the weights '{broken}' hold something that is no number; start afresh")
    network.load_state_dict(weights, assign=True)
    return network.eval(), state


def _begun(path: Path) -> nn.Module:
    """The network of a run's folder, its best checkpoint, or of a bundle."""
    if path.is_dir():
        return trained_network(path / "best.pt")[0]
    return load_bundle(None, path)[0]


def pretrained_detector(path: Path) -> Detector:
    """The detector of a run or bundle. Raises CheckpointError or BundleError, also if it is no detector."""
    begun = _begun(path)
    if not isinstance(begun, Detector):
        raise CheckpointError(f"{path}: holds no detector to start from")
    return begun


def pretrained_reader(path: Path, **dropout: float) -> ReaderWithCTC:
    """A reader with the weights of a run or bundle; of a pre-trained encoder, the rest is new. dropout: fields of its
    config that are to be others from now on.

    Raises CheckpointError or BundleError, also if it is no reader.
    """
    begun = _begun(path)
    if not isinstance(begun, Reader | MaskedStrips | ReaderWithCTC):
        raise CheckpointError(f"{path}: holds no reader to start from")
    config = begun.reader.config if isinstance(begun, ReaderWithCTC) else begun.config
    network = ReaderWithCTC(with_fields(config, dropout))
    if isinstance(begun, ReaderWithCTC):
        network.load_state_dict(begun.state_dict())
    elif isinstance(begun, Reader):
        network.reader.load_state_dict(begun.state_dict())
    else:
        network.reader.encoder.load_state_dict(begun.encoder.state_dict())
    return network


def load_matching(network: nn.Module, begun: nn.Module) -> list[str]:
    """Give `network`, new and of a shape of its own, the weights of `begun` whose name and shape it has.

    Returns the names of its parameters that begin anew.
    """
    own = network.state_dict()
    fitting = {
        name: value for name, value in begun.state_dict().items() if name in own and value.shape == own[name].shape
    }
    network.load_state_dict(own | fitting)
    return [name for name, _ in network.named_parameters() if name not in fitting]


def with_plates_of(network: ReaderWithCTC, config: ReaderConfig) -> ReaderWithCTC:
    """A reader of the shape of `network` with alphabet, length and colours of `config`.

    All weights are taken over but those of the heads whose meaning changes: characters, places, colours.
    """
    before = network.reader.config
    after = replace(before, alphabet=config.alphabet, max_length=config.max_length, colours=config.colours)
    changed = {
        "alphabet": ("reader.characters.", "columns."),
        "max_length": ("reader.queries",),
        "colours": ("reader.colour.",),
    }
    new = tuple(
        start for name, starts in changed.items() if getattr(before, name) != getattr(after, name) for start in starts
    )
    begun = ReaderWithCTC(after)
    kept = {name: value for name, value in network.state_dict().items() if not name.startswith(new)}
    begun.load_state_dict(begun.state_dict() | kept)
    return begun
