"""Networks exported as ONNX models of standard operators, which any program can run."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from alpr_app.networks.detector.postprocess import split_outputs
from alpr_app.networks.layers import fuse
from alpr_app.runtime.engine import EngineError, temporary_folder
from alpr_app.runtime.torch_engine import NormalizedInput, example_pictures

OPSET = 20
OUTPUTS = {"detector": ("quality", "boxes", "corners"), "reader": ("characters", "colours")}


class Split(nn.Module):
    """A detector whose outputs are separate tensors."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (outputs,) = self.detector(images)
        return split_outputs(outputs)


def export_onnx(network: nn.Module, kind: str, split: bool = True) -> bytes:
    """Export a network as an ONNX model: images (B, H, W, 3) uint8 RGB -> its outputs, a detector's as `split_outputs`
    returns them. B is variable, for a detector also H and W, in multiples of 32.

    Args:
        network: The network, which is fused in place.
        kind: detector or reader.
        split: Split a detector's outputs for other programs; the engines here take them in one piece.

    Raises:
        EngineError: torch cannot export the network, or onnx is not installed.
    """
    if find_spec("onnx") is None:
        raise EngineError("an ONNX file cannot be made: the package 'onnx' is missing; install 'alpr-app[onnx]'")
    network.eval()
    fuse(network)
    exported: nn.Module = NormalizedInput(network)
    outputs = OUTPUTS[kind]
    free_in = free_out = {0: "batch"}
    if kind == "detector":
        free_in, free_out = {0: "batch", 1: "height", 2: "width"}, {0: "batch", 1: "positions"}
        if split:
            exported = Split(exported)
        else:
            outputs = ("outputs",)
    with temporary_folder() as folder, warnings.catch_warnings():
        # It warns of shapes taken as constant, which they are; tests cover the variable ones.
        warnings.simplefilter("ignore")
        path = folder / "model.onnx"
        try:
            torch.onnx.export(
                exported.eval(),
                (example_pictures(network),),
                path,
                input_names=["images"],
                output_names=list(outputs),
                dynamic_axes={"images": free_in} | dict.fromkeys(outputs, free_out),
                opset_version=OPSET,
                # The newer exporter needs another package, onnxscript.
                dynamo=False,
            )
        except ImportError as error:
            raise EngineError(f"an ONNX file cannot be made: {error}; install the extra 'onnx'") from error
        except RuntimeError as error:
            raise EngineError(
                f"this version of torch cannot export the {kind}: {error}; use --backend torch"
            ) from error
        return path.read_bytes()
