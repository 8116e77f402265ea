"""A run's best checkpoint -> a model bundle that the program loads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from alpr_app.bundle import BundleInfo, save_bundle
from alpr_app.bundle_config import config_from_dict
from alpr_app.detector import Detector, DetectorConfig
from alpr_app.reader import ReaderConfig
from alpr_app.train.checkpoint import CheckpointError, load_checkpoint
from alpr_app.train.maskocr import ReaderWithColumns


def averaged_weights(state: dict[str, Any]) -> dict[str, Tensor]:
    """The averaged weights in a checkpoint: best.pt holds nothing else, last.pt has them beside the momentary ones."""
    if "average" not in state:
        return state["network"]
    prefix = "module."
    return {name.removeprefix(prefix): value for name, value in state["average"].items() if name.startswith(prefix)}


def trained_network(checkpoint: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a checkpoint, in eval mode and without what only training needs, and the checkpoint itself.

    Raises CheckpointError if it is damaged, or of a kind that is unknown.
    """
    state = load_checkpoint(checkpoint)
    description, weights = state["description"], averaged_weights(state)
    # As JSON would give it, lists for tuples: one parser for configs is enough.
    config = json.loads(json.dumps(description.get("config")))
    if description.get("kind") == "detector":
        detector = Detector(config_from_dict(DetectorConfig, config))
        detector.load_state_dict(weights)
        return detector.eval(), state
    if description.get("kind") == "reader":
        trained = ReaderWithColumns(config_from_dict(ReaderConfig, config))
        trained.load_state_dict(weights)
        return trained.reader.eval(), state
    raise CheckpointError(f"{checkpoint}: holds a '{description.get('kind')}', neither a detector nor a reader")


def export_run(
    run: Path,
    output: Path,
    scores: Path | None = None,
    long_side: int | None = None,
    last: bool = False,
) -> BundleInfo:
    """Write the bundle `output` from the run's best checkpoint or, with `last`, from its newest one.

    scores: JSON as `alpr eval --json` writes it, to go with the run's own validation figures. long_side: of a
    detector's input in use; the network is the same for any.

    Raises CheckpointError or BundleError, ValueError if `scores` is no JSON.
    """
    network, state = trained_network(run / ("last.pt" if last else "best.pt"))
    description = state["description"]
    if long_side is not None:
        if not isinstance(network, Detector):
            raise ValueError(f"{run}: --long_side is for a detector, this is a {description['kind']}")
        network.config = replace(network.config, long_side=long_side)
    metrics = {name: round(float(value), 5) for name, value in state.get("metrics", {}).items()}
    figures: dict[str, Any] = {"training": {"samples_seen": state["step"] * description["batch_size"], **metrics}}
    if scores is not None:
        try:
            figures["evaluation"] = json.loads(scores.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(f"{scores}: no JSON ({error}); write it with alpr eval --json") from error
    command = (run / "command.txt").read_text(encoding="utf-8").strip()
    return save_bundle(output, network, figures, command)
