"""From runs to bundles: export of a run's best checkpoint, calibration of confidences by one temperature (Guo et al.,
On Calibration of Modern Neural Networks, 2017), and the mean of several bundles' weights.
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
from alpr_app.data.label_csv import LabelError
from alpr_app.data.labels import DataFolder, read_data_folder
from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import BundleInfo, load_bundle
from alpr_app.networks.bundle_description import BundleError, read_scores
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

# Up to a factor of four each way: a reader that needs more is not miscalibrated but broken.
TEMPERATURES = np.geomspace(0.25, 4.0, 161)
BATCH = 64


def calibrate(reader: Reader, data: DataFolder) -> float:
    """Scale the character logits of `reader`, in place and in eval mode, so that its confidences have the highest
    likelihood on the labelled plates of `data`.

    Returns:
        The temperature that the logits were divided by.

    Raises:
        LabelError: `data` holds no plates with texts.
    """
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
    """The temperature, a divisor of the logits, at which the confidences of whole readings have the lowest mean cross
    entropy with whether they are right.

    Args:
        reader: A reader in eval mode.
        plates: Rectified plates, (N, H, W, 3) uint8.
        texts: Their true texts.
    """
    parts = [
        reader(from_pixels(torch.from_numpy(plates[start : start + BATCH]))) for start in range(0, len(plates), BATCH)
    ]
    characters, colours = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    losses = []
    for temperature in TEMPERATURES:
        readings = decode(characters / temperature, colours, reader.config)
        confidences = np.clip([reading.confidence for reading in readings], 1e-6, 1 - 1e-6)
        right = np.array([reading.text == text for reading, text in zip(readings, texts, strict=True)])
        losses.append(-np.log(np.where(right, confidences, 1 - confidences)).mean())
    return float(TEMPERATURES[int(np.argmin(losses))])


def export_run(
    run: Path,
    output: Path,
    scores: Path | None = None,
    long_side: int | None = None,
    last: bool = False,
    calibration: Path | None = None,
) -> BundleInfo:
    """Write the bundle `output` from a checkpoint of the run.

    Args:
        run: Folder of the run.
        output: Path of the bundle, without its suffix.
        scores: JSON of `alpr eval --json`, stored in addition to the run's own validation metrics.
        long_side: Longer side of a detector's input in use; the network is the same for any.
        last: Export the newest checkpoint instead of the best one.
        calibration: Labelled pictures on whose val split a reader's confidences are calibrated.

    Raises:
        CheckpointError, BundleError, LabelError: a file cannot be used, such as `scores`.
        UsageError: An option does not apply to this network.
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


def average_bundles(bundles: Sequence[Path], output: Path, command: str, scores: Path | None = None) -> BundleInfo:
    """Write the bundle `output` with the mean weights of `bundles`, networks of one kind and shape.

    Its training command consists of theirs and of `command`, one per line.

    Args:
        bundles: Paths of two or more bundles.
        output: Path of the new bundle, without its suffix.
        command: The command that averages them.
        scores: JSON of `alpr eval --json` to store in the bundle.

    Raises:
        BundleError: there is only one bundle, one or `scores` cannot be read, or one differs from the first in kind or
            shape.
    """
    if len(bundles) < 2:
        raise BundleError(f"{bundles[0]}: the mean of one network is itself; name two or more")
    networks, infos = zip(*(load_bundle(None, path) for path in bundles), strict=True)
    for path, network in zip(bundles[1:], networks[1:], strict=True):
        if type(network) is not type(networks[0]) or _shape(network) != _shape(networks[0]):
            raise BundleError(f"{path}: not a network of the kind and shape of {bundles[0]}; they cannot be averaged")
    states = [network.state_dict() for network in networks]
    networks[0].load_state_dict({name: _mean([state[name] for state in states]) for name in states[0]})
    figures = {} if scores is None else {"evaluation": read_scores(scores)}
    return save_bundle(output, networks[0], figures, "\n".join([*(info.command for info in infos), command]))


def _shape(network: nn.Module) -> object:
    """The settings that two networks must share for their weights to have the same meaning: all but dropout."""
    config = network.config
    return replace(config, dropout=0.0, emb_dropout=0.0) if isinstance(config, ReaderConfig) else config


def _mean(values: list[Tensor]) -> Tensor:
    """The mean of weights; of integers, which count the batches seen, the first."""
    if not values[0].is_floating_point():
        return values[0]
    return torch.stack(values).mean(dim=0)
