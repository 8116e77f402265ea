"""Model bundles: NAME.safetensors with the weights, NAME.json with everything needed to use and assess them.

Loading is strict: the weights must have the stated hash and fit the network that the JSON describes
(`bundle_description`). Pickles are refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from alpr_app.core.errors import reason
from alpr_app.data import assets
from alpr_app.data.atomic_files import write_together
from alpr_app.data.bounded_parsing import JSON_BYTES, ContentError, without_nan
from alpr_app.networks.bundle_description import FORMAT, SHIPPED, BundleError, config_from_dict, read_description
from alpr_app.networks.detector.config import STRIDES, DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.layers import one_thread_if_forked
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.weights import misfit, not_numbers, read_head

KINDS: dict[str, tuple[type[Detector] | type[Reader], type[DetectorConfig] | type[ReaderConfig]]] = {
    "detector": (Detector, DetectorConfig),
    "reader": (Reader, ReaderConfig),
}
# Limits of the number of weights, and of weights times the positions they are applied at, so that a processor takes
# seconds at most. The shipped networks have up to 2.3 million weights and a hundredth of that arithmetic.
MAXIMUM_WEIGHTS, MAXIMUM_ARITHMETIC = 100_000_000, 10**11
# A bundle that is just being replaced is read again after these delays. Files that do not match so many seconds after
# the last write never will.
REREAD_AFTER_SECONDS = (0.05, 0.2)
YOUNG_SECONDS = 2.0

_PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".tar", ".zip")
# A zip as written by torch.save; a pickle of protocol 2 to 5; torch's oldest format.
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x8a\nl\xfc")


@dataclass(frozen=True)
class BundleInfo:
    """The description of a bundle.

    Attributes:
        kind: detector or reader.
        weights: Path of the weights.
        sha256: Hash of the weights.
        scores: Figures with the data they were measured on.
        command: The training command.
        parameters: Number of trained weights.
        size: Size of the weights in bytes.
    """

    kind: str
    weights: Path
    sha256: str
    scores: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    parameters: int = 0
    size: int = 0

    @property
    def name(self) -> str:
        return self.weights.stem


def find_bundle(
    kind: str | None, path: Path | str | None = None, description: Path | str | None = None
) -> tuple[Path, Path]:
    """Find the two files (weights, JSON) of a bundle.

    Args:
        kind: detector, reader, or None for either, which needs a path.
        path: NAME.safetensors, NAME.json or NAME; None for the shipped bundle of `kind`.
        description: The JSON, if it is not beside the weights.

    Raises:
        BundleError: A file is missing, or the path names no bundle or a pickle.
    """
    path = assets.MODELS / SHIPPED[kind or "detector"] if path is None else Path(path)
    if not path.name:
        raise BundleError(f"'{path}': this is not the name of a model; give a bundle, NAME.safetensors")
    _refuse_pickle(path)
    weights = path
    if path.suffix == ".json":
        weights = path.with_suffix(".safetensors")
    elif path.suffix != ".safetensors":
        weights = path.with_name(path.name + ".safetensors")
    described = weights.with_suffix(".json") if description is None else Path(description)
    if not weights.is_file():
        raise BundleError(f"{weights}: no such model; a {kind or 'model'} is a pair NAME.safetensors and NAME.json")
    if not described.is_file():
        raise BundleError(f"{described}: missing; it describes {weights.name} and belongs beside it")
    _refuse_pickle(weights)
    return weights, described


def _refuse_pickle(path: Path) -> None:
    pickled = path.suffix.lower() in _PICKLE_SUFFIXES
    if not pickled and path.is_file():
        try:
            with path.open("rb") as file:
                pickled = file.read(4).startswith(_PICKLE_STARTS)
        except OSError as error:
            raise BundleError(f"{path}: cannot be opened: {reason(error)}") from error
    if pickled:
        raise BundleError(
            f"{path}: a pickle or an archive, which may run code when it is opened; give a bundle, NAME.safetensors"
        )


def _build(kind: str, config: Any, path: Path) -> nn.Module:
    """Build the network without memory for its weights, so that false claims of the config cost nothing."""
    network_class, _ = KINDS[kind]
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


def _read_weights(file: BinaryIO, path: Path, network: nn.Module, described: Path, sha256: str) -> bytes:
    """Read the weights if they have the stated hash. Raises BundleError."""
    maximum = sum(tensor.nbytes for tensor in network.state_dict().values()) + JSON_BYTES
    try:
        size = os.fstat(file.fileno()).st_size
        data = file.read() if size <= maximum else b""
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {reason(error)}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        why = "sha256 differs" if size <= maximum else f"{size:,} bytes, expected at most {maximum:,}"
        raise BundleError(
            f"{path}: not the weights that {described.name} describes ({why}): one of the two files is damaged or "
            "swapped; copy both again"
        )
    return data


def load_bundle(
    kind: str | None, path: Path | str | None = None, description: Path | str | None = None
) -> tuple[nn.Module, BundleInfo]:
    """Load the network of a bundle, in evaluation mode, with its description.

    Args:
        kind: detector, reader, or None for either, which needs a path.
        path: As in `find_bundle`.
        description: As in `find_bundle`.

    Raises:
        BundleError: A file is missing, damaged, or does not fit the other; the message names it and the remedy.
    """
    one_thread_if_forked()
    weights_path, json_path = find_bundle(kind, path, description)
    for wait in (*REREAD_AFTER_SECONDS, None):
        try:
            return _load(kind, weights_path, json_path)
        except BundleError:
            # A training run replaces both files, one right after the other: they may have been opened in between.
            if wait is None or not _is_young(weights_path):
                raise
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _is_young(path: Path) -> bool:
    """Whether a file was written within the last seconds."""
    try:
        return abs(time.time() - path.stat().st_mtime) < YOUNG_SECONDS
    except OSError:
        return False


def _load(kind: str | None, weights_path: Path, json_path: Path) -> tuple[nn.Module, BundleInfo]:
    try:
        # Both files are opened together, so that a later replacement of one of them has no effect.
        file = weights_path.open("rb")
    except OSError as error:
        raise BundleError(f"{weights_path}: cannot be opened: {reason(error)}") from error
    with file:
        content = read_description(kind, json_path)
        return _load_opened(file, content, weights_path, json_path)


def _load_opened(
    file: BinaryIO, content: dict[str, Any], weights_path: Path, json_path: Path
) -> tuple[nn.Module, BundleInfo]:
    try:
        config = config_from_dict(KINDS[content["kind"]][1], content["config"])
    except ValueError as error:
        raise BundleError(f"{json_path}: its config describes no network: {error}") from error
    network = _build(content["kind"], config, json_path)
    data = _read_weights(file, weights_path, network, json_path, content["sha256"])
    try:
        fault = misfit(read_head(data), network.state_dict())
        if fault:
            raise BundleError(f"{weights_path}: {fault}; the config in {json_path.name} does not belong to it")
        weights = safetensors.torch.load(data)
    except (ContentError, SafetensorError) as error:
        raise BundleError(f"{weights_path}: this is not a safetensors file ({error}); save the model again") from error
    broken = not_numbers(weights)
    if broken:
        raise BundleError(
            f"{weights_path}: the weights '{broken}' contain NaN or infinity, so it would read "
            "nothing; use a model from before its training went wrong"
        )
    network.load_state_dict(weights, strict=True, assign=True)
    return network.eval(), _info(network, content, weights_path, len(data))


def _info(network: nn.Module, content: dict[str, Any], path: Path, size: int) -> BundleInfo:
    return BundleInfo(
        kind=content["kind"],
        weights=path,
        sha256=content["sha256"],
        scores=content["scores"],
        command=content["command"],
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        size=size,
    )


def load_detector(path: Path | str | None = None) -> tuple[Detector, BundleInfo]:
    """Load the detector in `path`, or the shipped one. Raises BundleError."""
    network, info = load_bundle("detector", path)
    assert isinstance(network, Detector)
    return network, info


def load_reader(path: Path | str | None = None, description: Path | str | None = None) -> tuple[Reader, BundleInfo]:
    """Load the reader in `path`, or the shipped one; `description` as in `find_bundle`. Raises BundleError."""
    network, info = load_bundle("reader", path, description)
    assert isinstance(network, Reader)
    return network, info


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
    kinds = [kind for kind, (network_class, _) in KINDS.items() if type(network) is network_class]
    if not kinds or not isinstance(network, Detector | Reader):
        raise BundleError(f"{weights_path}: a {type(network).__name__} is neither a detector nor a reader")
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    fault = misfit(weights, _build(kinds[0], network.config, json_path).state_dict())
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
    described = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    try:
        weights_path.parent.mkdir(parents=True, exist_ok=True)
        write_together({weights_path: data, json_path: described.encode()})
    except OSError as error:
        raise BundleError(f"{error.filename or weights_path}: the model was not saved: {reason(error)}") from error
    return _info(network, content, weights_path, len(data))


def list_bundles(folder: Path | None = None) -> list[Path]:
    """Return the weights of all bundles in `folder`, or of the shipped ones, sorted by name."""
    return sorted((assets.MODELS if folder is None else folder).glob("*.safetensors"))
