"""Pretrained networks that a run starts from, taken from a run or a bundle, in their own or in another shape."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from alpr_app.core.errors import UsageError, first_line
from alpr_app.core.plate import ALPHABET, MAXIMUM_LENGTH
from alpr_app.data.bounded_parsing import shown
from alpr_app.networks.building import not_numbers
from alpr_app.networks.bundle import load_bundle
from alpr_app.networks.bundle_description import config_from_dict
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.weights import misfit
from alpr_app.train.reader.masked_pretraining import MaskedStrips
from alpr_app.train.reader.task import ReaderWithCTC
from alpr_app.train.trainer.checkpoint import CheckpointError, load_checkpoint

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Config = TypeVar("Config", bound="DataclassInstance")


def with_fields(config: Config, fields: dict[str, Any]) -> Config:
    """`config` with some fields replaced. Raises UsageError if no such network is possible."""
    try:
        return replace(config, **fields)
    except ValueError as error:
        raise UsageError(str(error)) from error


# Network and config by the kind that a checkpoint states.
NETWORKS: dict[str, tuple[type[nn.Module], type[DetectorConfig] | type[ReaderConfig]]] = {
    "detector": (Detector, DetectorConfig),
    "reader": (ReaderWithCTC, ReaderConfig),
    "masked": (MaskedStrips, ReaderConfig),
}


def averaged_weights(state: dict[str, Any]) -> dict[str, Tensor]:
    """The averaged weights in a checkpoint: best.pt holds no others, last.pt also holds the current ones."""
    if "average" not in state:
        weights: dict[str, Tensor] = state["network"]
        return weights
    prefix = "module."
    return {name.removeprefix(prefix): value for name, value in state["average"].items() if name.startswith(prefix)}


def trained_network(checkpoint: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Load the network of a checkpoint with its averaged weights.

    Returns:
        The network as it was trained, in eval mode, and the content of the checkpoint.

    Raises:
        CheckpointError: the checkpoint is damaged or holds an unknown kind of network.
    """
    state = load_checkpoint(checkpoint)
    description = state["description"]
    if description.get("kind") not in tuple(NETWORKS):
        raise CheckpointError(
            f"{checkpoint}: holds a {shown(description.get('kind'))}, neither a detector nor a reader"
        )
    network_class, config_class = NETWORKS[description["kind"]]
    try:
        # Tuples become lists, as in JSON, which the parser of configs expects.
        config = config_from_dict(config_class, json.loads(json.dumps(description.get("config"))))
        # Without memory: a config with absurd sizes must not allocate any.
        with torch.device("meta"):
            network = network_class(config)
    except (ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{checkpoint}: its config does not describe a network: {first_line(error)}") from error
    weights = averaged_weights(state)
    fault = misfit(weights, network.state_dict())
    if fault:
        raise CheckpointError(f"{checkpoint}: {fault}; the checkpoint is damaged, or of another version of the program")
    invalid = not_numbers(weights)
    if invalid:
        raise CheckpointError(
            f"{checkpoint}: the weights '{invalid}' hold values that are not numbers; start a new run"
        )
    network.load_state_dict(weights, assign=True)
    return network.eval(), state


def _load_network(path: Path) -> nn.Module:
    """The network of a run's best checkpoint or of a bundle."""
    if path.is_dir():
        return trained_network(path / "best.pt")[0]
    return load_bundle(None, path)[0]


def pretrained_detector(path: Path) -> Detector:
    """The detector of a run or bundle. Raises CheckpointError or BundleError, also for another kind of network."""
    network = _load_network(path)
    if not isinstance(network, Detector):
        raise CheckpointError(f"{path}: holds no detector to start from")
    return network


def pretrained_reader(path: Path, **dropout: float) -> ReaderWithCTC:
    """A reader with the weights of a run or bundle; after masked pre-training only those of the encoder.

    Args:
        path: Folder of a run, or a bundle.
        dropout: Fields of the config to replace.

    Raises:
        CheckpointError, BundleError: the file is damaged or does not hold a reader.
    """
    pretrained = _load_network(path)
    if not isinstance(pretrained, Reader | MaskedStrips | ReaderWithCTC):
        raise CheckpointError(f"{path}: holds no reader to start from")
    config = pretrained.reader.config if isinstance(pretrained, ReaderWithCTC) else pretrained.config
    network = ReaderWithCTC(with_fields(config, dropout))
    if isinstance(pretrained, ReaderWithCTC):
        network.load_state_dict(pretrained.state_dict())
    elif isinstance(pretrained, Reader):
        network.reader.load_state_dict(pretrained.state_dict())
    else:
        network.reader.encoder.load_state_dict(pretrained.encoder.state_dict())
    return network


def trained_reader(path: Path) -> Reader:
    """The reader of a run or bundle that has learned to read. Raises CheckpointError or BundleError, also after masked
    pre-training alone."""
    trained = _load_network(path)
    if isinstance(trained, ReaderWithCTC):
        return trained.reader
    if not isinstance(trained, Reader):
        raise CheckpointError(f"{path}: holds no reader to learn from")
    return trained


def load_matching(network: nn.Module, pretrained: nn.Module) -> list[str]:
    """Load those weights of `pretrained` into `network` that have the same name and shape in both.

    Returns:
        The names of the parameters that keep their initialisation.
    """
    initial = network.state_dict()
    matching = {
        name: value
        for name, value in pretrained.state_dict().items()
        if name in initial and value.shape == initial[name].shape
    }
    network.load_state_dict(initial | matching)
    return [name for name, _ in network.named_parameters() if name not in matching]


def present_plates(config: ReaderConfig) -> dict[str, Any]:
    """The alphabet and length of today's Chinese plates for a reader that was made for those of an earlier version."""
    added = "".join(character for character in ALPHABET if character not in config.alphabet)
    return {"alphabet": config.alphabet + added, "max_length": max(config.max_length, MAXIMUM_LENGTH)}


def with_classes_of(network: ReaderWithCTC, pretrained: ReaderWithCTC) -> ReaderWithCTC:
    """A reader in the shape of `pretrained` with the characters, colours and length of `network`.

    Classes that both have keep their weights, in whatever order they are; the others are newly initialised. Queries of
    further characters begin as copies of the last one, which mostly answers that there is no character.
    """
    old, new = pretrained.reader.config, network.reader.config
    adapted = ReaderWithCTC(replace(old, alphabet=new.alphabet, max_length=new.max_length, colours=new.colours))
    characters = _shared((*old.alphabet, None), (*new.alphabet, None))
    colours = _shared(old.colours, new.colours)
    queries = _shared(range(old.max_length), range(new.max_length))
    state = adapted.state_dict()
    for name, value in pretrained.state_dict().items():
        if name.startswith(("reader.characters.", "columns.")):
            state[name][characters[1]] = value[characters[0]]
        elif name.startswith("reader.colour."):
            state[name][colours[1]] = value[colours[0]]
        elif name == "reader.queries":
            state[name][:] = value[:, -1:]
            state[name][:, queries[1]] = value[:, queries[0]]
        else:
            state[name] = value
    adapted.load_state_dict(state)
    return adapted


def _shared(old: Sequence[Hashable], new: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """The positions in both of what both have."""
    places = {value: index for index, value in enumerate(new)}
    pairs = [(index, places[value]) for index, value in enumerate(old) if value in places]
    return [first for first, _ in pairs], [second for _, second in pairs]


def adapted_to_plates(network: ReaderWithCTC, config: ReaderConfig) -> ReaderWithCTC:
    """A reader of the shape of `network` with the alphabet, length and colours of `config`.

    All weights are copied except those whose meaning changes: the character and colour heads and the queries.
    """
    before = network.reader.config
    after = replace(before, alphabet=config.alphabet, max_length=config.max_length, colours=config.colours)
    prefixes = {
        "alphabet": ("reader.characters.", "columns."),
        "max_length": ("reader.queries",),
        "colours": ("reader.colour.",),
    }
    changed = tuple(
        prefix for name in prefixes if getattr(before, name) != getattr(after, name) for prefix in prefixes[name]
    )
    adapted = ReaderWithCTC(after)
    copied = {name: value for name, value in network.state_dict().items() if not name.startswith(changed)}
    adapted.load_state_dict(adapted.state_dict() | copied)
    return adapted
