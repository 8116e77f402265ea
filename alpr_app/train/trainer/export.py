"""From runs to bundles: a run's best checkpoint, its confidences made true by one temperature (Guo et al., On
Calibration of Modern Neural Networks, 2017), and the mean of several bundles' weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from alpr_app.core.errors import UsageError
from alpr_app.data.bounded_parsing import ContentError, read_json
from alpr_app.data.label_csv import LabelError
from alpr_app.data.labels import DataFolder, read_data_folder
from alpr_app.networks.bundle import BundleInfo, load_bundle, save_bundle
from alpr_app.networks.bundle_description import BundleError
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.layers import from_pixels
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.reader.postprocess import decode
from alpr_app.train.reader.dataset import load_plates, plate_sources, rectified
from alpr_app.train.reader.masked_pretraining import MaskedStrips
from alpr_app.train.reader.task import ReaderWithCTC
from alpr_app.train.trainer.checkpoint import CheckpointError, samples_seen
from alpr_app.train.trainer.pretrained import trained_network, with_fields

# Up to a factor of four each way: what needs more is not miscalibrated but broken.
TEMPERATURES = np.geomspace(0.25, 4.0, 161)
BATCH = 64


def calibrate(reader: Reader, data: DataFolder) -> float:
    """Scale the logits of `reader`, in eval mode, so that its confidences are likeliest on the labelled plates of
    `data`; returns the temperature. Raises LabelError if `data` holds no plates with texts."""
    sources = plate_sources(data, reader.config.alphabet)
    if not sources:
        raise LabelError("there are no plates with texts in the val split to calibrate on")
    plates = np.stack(list(rectified(load_plates(sources, limit=0), reader.config.img_height, reader.config.img_width)))
    temperature = fit_temperature(reader, plates, [source.text for source in sources])
    with torch.no_grad():
        reader.characters.weight.div_(temperature)
        reader.characters.bias.div_(temperature)
    return temperature


@torch.no_grad()
def fit_temperature(reader: Reader, plates: np.ndarray, texts: Sequence[str]) -> float:
    """The temperature by which the logits of `plates` (N, H, W, 3) uint8 are to be divided, so that the confidences of
    whole readings are likeliest: the least mean cross entropy with their being right or wrong."""
    parts = [
        reader(from_pixels(torch.from_numpy(plates[start : start + BATCH]))) for start in range(0, len(plates), BATCH)
    ]
    characters, colours = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    losses = []
    for temperature in TEMPERATURES:
        readings = decode(characters / temperature, colours, reader.config)
        sure = np.clip([reading.confidence for reading in readings], 1e-6, 1 - 1e-6)
        right = np.array([reading.text == text for reading, text in zip(readings, texts, strict=True)])
        losses.append(-np.log(np.where(right, sure, 1 - sure)).mean())
    return float(TEMPERATURES[int(np.argmin(losses))])


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
    if isinstance(network, ReaderWithCTC):
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
