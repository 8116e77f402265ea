"""What networks can be run by, by name. Apart from what runs them, whose import takes as long as torch's."""

from __future__ import annotations

DEVICES = ("auto", "cpu", "cuda", "mps")
# A reader's matrix products in 8 bits: faster, and its results are no longer torch's to a thousandth.
INT8 = "onnx-int8"
BACKENDS = ("auto", "torch", "onnx", INT8)
