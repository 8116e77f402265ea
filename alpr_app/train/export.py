"""A run's best checkpoint -> a model bundle that the program loads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from alpr_app.bundle import BundleInfo, save_bundle
from alpr_app.detector import Detector
from alpr_app.train.checkpoint import CheckpointError
from alpr_app.train.masked import MaskedStrips
from alpr_app.train.maskocr import ReaderWithColumns
from alpr_app.train.starting import trained_network


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
    if isinstance(network, MaskedStrips):
        raise CheckpointError(f"{run}: holds an encoder that cannot read yet; train it with maskocr --start_from {run}")
    if isinstance(network, ReaderWithColumns):
        network = network.reader
    if long_side is not None:
        if not isinstance(network, Detector):
            raise ValueError(f"{run}: --long_side is for a detector, this is a {description['kind']}")
        network.config = replace(network.config, long_side=long_side)
    metrics = {name: round(float(value), 5) for name, value in state.get("metrics", {}).items()}
    figures: dict[str, Any] = {
        "training": {"samples_seen": state["step"] * description["run"]["batch_size"], **metrics}
    }
    if scores is not None:
        try:
            figures["evaluation"] = json.loads(scores.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(f"{scores}: no JSON ({error}); write it with alpr eval --json") from error
    command = (run / "command.txt").read_text(encoding="utf-8").strip()
    return save_bundle(output, network, figures, command)
