"""How a network is run: torch or ONNX Runtime, on which device, with how many threads."""

from alpr_app.backends import BACKENDS, DEVICES
from alpr_app.engine.choice import make_engine
from alpr_app.engine.common import Engine, EngineError, FromPixels
from alpr_app.engine.onnx_engine import OnnxEngine
from alpr_app.engine.onnx_file import export_onnx
from alpr_app.engine.torch_engine import TorchEngine

__all__ = [
    "BACKENDS",
    "DEVICES",
    "Engine",
    "EngineError",
    "FromPixels",
    "OnnxEngine",
    "TorchEngine",
    "export_onnx",
    "make_engine",
]
