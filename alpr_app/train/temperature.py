"""How sure a reader says it is, made true: one temperature for its logits (Guo et al., On Calibration of Modern Neural
Networks, 2017), folded into its last layer, so that nothing is computed or stored for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alpr_app.data.labels import DataFolder, LabelError
from alpr_app.networks.layers import from_pixels
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.reader.postprocess import decode
from alpr_app.train.plate_samples import load_plates, plate_sources, rectified

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
        reader.characters.weight /= temperature
        reader.characters.bias /= temperature
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
