"""Networks built from bundles with torch, and saved as bundles. Everything torch is needed for in a bundle is here."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import write_together
from alpr_app.data.bounded_parsing import without_nan
from alpr_app.networks.bundle import Bundle, BundleInfo
from alpr_app.networks.bundle_description import FORMAT, BundleError, description_text
from alpr_app.networks.detector.config import STRIDES
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.layers import one_thread_if_forked
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.weights import Described, learned, misfit

NETWORKS: dict[str, type[Detector] | type[Reader]] = {"detector": Detector, "reader": Reader}
# Limits of the number of weights, and of weights times the positions they are applied at, so that a processor takes
# seconds at most. The shipped networks have up to 2.3 million weights and a hundredth of that arithmetic.
MAXIMUM_WEIGHTS, MAXIMUM_ARITHMETIC = 100_000_000, 10**11
_TYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def described(weights: dict[str, Tensor]) -> dict[str, Described]:
    """The weights as the header of a safetensors file describes them."""
    return {name: Described(tuple(tensor.shape), _TYPE_NAMES[tensor.dtype]) for name, tensor in weights.items()}


def not_numbers(weights: dict[str, Tensor]) -> str:
    """Return the name of the first weights that contain NaN or infinity; empty if none do."""
    return next((name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())), "")


def build(bundle: Bundle) -> nn.Module:
    """Build the network of a bundle, in evaluation mode.

    Raises:
        BundleError: The config describes no network or another one than the weights, or they are not numbers.
    """
    one_thread_if_forked()
    path = bundle.info.weights
    network = _empty(bundle.info.kind, bundle.config, bundle.json)
    fault = misfit(bundle.head, described(network.state_dict()))
    if fault:
        raise BundleError(f"{path}: {fault}; the config in {bundle.json.name} does not belong to it")
    try:
        weights = safetensors.torch.load(bundle.data)
    except SafetensorError as error:
        raise BundleError(f"{path}: this is not a safetensors file ({error}); save the model again") from error
    broken = not_numbers(weights)
    if broken:
        raise BundleError(
            f"{path}: the weights '{broken}' contain NaN or infinity, so it would read "
            "nothing; use a model from before its training went wrong"
        )
    network.load_state_dict(weights, strict=True, assign=True)
    return network.eval()


def _empty(kind: str, config: Any, path: Path) -> nn.Module:
    """Build the network without memory for its weights, so that false claims of the config cost nothing."""
    network_class: type[nn.Module] = NETWORKS[kind]
    try:
        with torch.device("meta"):
            network = network_class(config)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise BundleError(f"{path}: its config describes no network: {error}") from error
    count = sum(parameter.numel() for parameter in network.parameters())
    places = config.tokens if isinstance(config, ReaderConfig) else (config.long_side // STRIDES[0]) ** 2
    if count > MAXIMUM_WEIGHTS or count * places > MAXIMUM_ARITHMETIC:
        raise BundleError(f"{path}: its config describes a network that is too large to be run ({count:,} weights)")
    return network


def save_bundle(path: Path | str, network: nn.Module, scores: dict[str, Any], command: str) -> BundleInfo:
    """Write NAME.safetensors and NAME.json, both or neither.

    Args:
        path: NAME with either suffix or none.
        network: A Detector or a Reader as trained, not fused.
        scores: Figures with the data they were measured on.
        command: The command that made the model.

    Raises:
        BundleError: The network does not fit its config, or the files cannot be written; earlier ones stay.
    """
    path = Path(path)
    stem = path.with_suffix("") if path.suffix in (".safetensors", ".json") else path
    weights_path, json_path = (stem.with_name(stem.name + suffix) for suffix in (".safetensors", ".json"))
    kinds = [kind for kind, network_class in NETWORKS.items() if type(network) is network_class]
    if not kinds or not isinstance(network, Detector | Reader):
        raise BundleError(f"{weights_path}: a {type(network).__name__} is neither a detector nor a reader")
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    head = described(weights)
    fault = misfit(head, described(_empty(kinds[0], network.config, json_path).state_dict()))
    if fault:
        raise BundleError(f"{weights_path}: {fault}; save the network before it is fused")
    data = safetensors.torch.save(weights)
    content = {
        "kind": kinds[0],
        "format": FORMAT,
        "config": asdict(network.config),
        "scores": without_nan(scores),
        "command": command,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    try:
        weights_path.parent.mkdir(parents=True, exist_ok=True)
        write_together({weights_path: data, json_path: description_text(content).encode()})
    except OSError as error:
        raise BundleError(f"{error.filename or weights_path}: the model was not saved: {reason(error)}") from error
    return BundleInfo(kinds[0], weights_path, content["sha256"], content["scores"], command, learned(head), len(data))
