"""Picture -> where the plates are: network and decoding."""

from alpr_app.detector.config import STRIDES, DetectorConfig
from alpr_app.detector.decoding import Detection, decode, positions, split_outputs, suppress
from alpr_app.detector.network import Detector

__all__ = ["STRIDES", "Detection", "Detector", "DetectorConfig", "decode", "positions", "split_outputs", "suppress"]
