"""A run's best checkpoint -> a model bundle that the program loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alpr_app.core.errors import UsageError
from alpr_app.data.bounded_parsing import ContentError, read_json
from alpr_app.data.labels import read_data_folder
from alpr_app.networks.bundle import BundleInfo, save_bundle
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.network import Reader
from alpr_app.train.checkpoint import CheckpointError, samples_seen
from alpr_app.train.masked import MaskedStrips
from alpr_app.train.maskocr import ReaderWithColumns
from alpr_app.train.shapes import with_fields
from alpr_app.train.starting import trained_network
from alpr_app.train.temperature import calibrate


def export_run(
    run: Path,
    output: Path,
    scores: Path | None = None,
    long_side: int | None = None,
    last: bool = False,
    calibration: Path | None = None,
) -> BundleInfo:
    """Write the bundle `output` from the run's best checkpoint or, with `last`, from its newest one.

    scores: JSON as `alpr eval --json` writes it, to go with the run's own validation figures. long_side: of a
    detector's input in use; the network is the same for any. calibration: labelled pictures on whose val split a
    reader's confidences are made true.

    Raises CheckpointError, BundleError or LabelError, UsageError if `scores` is no JSON.
    """
    checkpoint = run / ("last.pt" if last else "best.pt")
    network, state = trained_network(checkpoint)
    description = state["description"]
    if isinstance(network, MaskedStrips):
        raise CheckpointError(f"{run}: holds an encoder that cannot read yet; train it with maskocr --start_from {run}")
    if isinstance(network, ReaderWithColumns):
        network = network.reader
    if long_side is not None:
        if not isinstance(network, Detector):
            raise UsageError(f"{run}: --long_side is for a detector, this is a {description['kind']}")
        network.config = with_fields(network.config, {"long_side": long_side})
    metrics = {name: round(float(value), 5) for name, value in state.get("metrics", {}).items()}
    figures: dict[str, Any] = {"training": {"samples_seen": samples_seen(checkpoint, state), **metrics}}
    if calibration is not None:
        if not isinstance(network, Reader):
            raise UsageError(f"{run}: --calibrate is for a reader, this is a {description['kind']}")
        temperature = calibrate(network.eval(), read_data_folder(calibration).of_split("val"))
        figures["calibration"] = {"data": calibration.name, "split": "val", "temperature": round(temperature, 4)}
    if scores is not None:
        figures["evaluation"] = read_scores(scores)
    command = (run / "command.txt").read_text(encoding="utf-8", errors="replace").strip()
    return save_bundle(output, network, figures, command)


def read_scores(path: Path) -> dict[str, Any]:
    """Figures as `alpr eval --json` writes them. Raises UsageError if they are no such JSON, OSError."""
    try:
        scores = read_json(path)
    except ContentError as error:
        raise UsageError(f"{path}: {error}; write it with alpr eval --json") from error
    if not isinstance(scores, dict):
        raise UsageError(f"{path}: holds no figures; write it with alpr eval --json")
    return scores
