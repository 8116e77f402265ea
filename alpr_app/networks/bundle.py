"""Model bundles: NAME.safetensors with the weights, NAME.json with everything needed to use and assess them, and where
they were exported NAME.onnx, the network as ONNX Runtime and OpenVINO run it, and NAME.int8.onnx, the same in 8 bits,
with their hashes in NAME.json.

Opening is strict: the weights must have the stated hash and fit the network that the JSON describes
(`bundle_description`). Pickles are refused. Nothing here needs torch until a network is built (`building`).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from alpr_app.core.errors import reason
from alpr_app.data import assets
from alpr_app.data.atomic_files import write_together
from alpr_app.data.bounded_parsing import ContentError
from alpr_app.networks.bundle_description import (
    SHIPPED,
    BundleError,
    config_from_dict,
    description_text,
    read_description,
)
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.weights import Described, learned, read_head

if TYPE_CHECKING:
    from torch import nn

    from alpr_app.networks.detector.network import Detector
    from alpr_app.networks.reader.network import Reader

CONFIGS: dict[str, type[DetectorConfig] | type[ReaderConfig]] = {"detector": DetectorConfig, "reader": ReaderConfig}
Read = TypeVar("Read")
# Larger than any model that is run here.
MAXIMUM_BYTES = 2**30
# A bundle that is just being replaced is read again after these delays, and so is each newer pair that follows, up to
# so many times in all. Files that do not match so many seconds after the last write never will.
REREAD_AFTER_SECONDS = (0.05, 0.2)
MAXIMUM_REREADS = 50
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
        int8: sha256, scores and command of the ONNX file in 8 bits; empty if there is none.
    """

    kind: str
    weights: Path
    sha256: str
    scores: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    parameters: int = 0
    size: int = 0
    int8: dict[str, Any] = field(default_factory=dict)

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


@dataclass(frozen=True, eq=False)
class Bundle:
    """An opened bundle whose weights have the stated hash.

    Attributes:
        info: Its description.
        config: A DetectorConfig or ReaderConfig.
        json: Path of the JSON.
        data: Content of the weights' file.
        head: The weights as the file describes them.
        onnx_sha256: Hash of the ONNX file beside it; empty if it has none.
    """

    info: BundleInfo
    config: DetectorConfig | ReaderConfig
    json: Path
    data: bytes
    head: dict[str, Described]
    onnx_sha256: str = ""

    @cached_property
    def onnx(self) -> bytes | None:
        """The content of the ONNX file beside the bundle; None if it has none. Raises BundleError if it is damaged."""
        remedy = f"alpr export {self.info.weights}"
        return self._companion(onnx_path(self.info.weights), self.onnx_sha256, remedy) if self.onnx_sha256 else None

    @cached_property
    def int8(self) -> bytes | None:
        """The content of the ONNX file in 8 bits; None if there is none. Raises BundleError if it is damaged."""
        remedy = f"alpr export {self.info.weights} --int8 --calibration DIR"
        return self._companion(int8_path(self.info.weights), self.int8_sha256, remedy) if self.int8_sha256 else None

    @property
    def int8_sha256(self) -> str:
        """Hash of the ONNX file in 8 bits; empty if there is none."""
        sha256: str = self.info.int8.get("sha256", "")
        return sha256

    def _companion(self, path: Path, sha256: str, remedy: str) -> bytes:
        try:
            with path.open("rb") as file:
                model = file.read(MAXIMUM_BYTES)
        except OSError as error:
            raise BundleError(f"{path}: cannot be read: {reason(error)}; copy it again, or run {remedy}") from error
        if hashlib.sha256(model).hexdigest() != sha256:
            raise BundleError(
                f"{path}: not the file that {self.json.name} describes (sha256 differs); copy it again, or make it "
                f"anew: {remedy}"
            )
        return model

    def network(self) -> nn.Module:
        """Build the network with torch, in evaluation mode. Raises BundleError if the weights do not fit it."""
        from alpr_app.networks.building import build

        return build(self)


def onnx_path(weights: Path) -> Path:
    """Return the path of the ONNX file of a bundle with these weights."""
    return weights.with_suffix(".onnx")


def int8_path(weights: Path) -> Path:
    """Return the path of the ONNX file in 8 bits of a bundle with these weights."""
    return weights.with_suffix(".int8.onnx")


def _read_weights(file: BinaryIO, path: Path, described: Path, sha256: str) -> bytes:
    """Read the weights if they have the stated hash. Raises BundleError."""
    try:
        size = os.fstat(file.fileno()).st_size
        data = file.read() if size <= MAXIMUM_BYTES else b""
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {reason(error)}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        why = "sha256 differs" if size <= MAXIMUM_BYTES else f"{size:,} bytes, expected at most {MAXIMUM_BYTES:,}"
        raise BundleError(
            f"{path}: not the weights that {described.name} describes ({why}): one of the two files is damaged or "
            "swapped; copy both again"
        )
    return data


def open_bundle(kind: str | None, path: Path | str | None = None, description: Path | str | None = None) -> Bundle:
    """Open a bundle: read and check its description and the hash of its weights.

    Args:
        kind: detector, reader, or None for either, which needs a path.
        path: As in `find_bundle`.
        description: As in `find_bundle`.

    Raises:
        BundleError: A file is missing, damaged, or does not fit the other; the message names it and the remedy.
    """
    return _reread(lambda *paths: _open(kind, *paths), *find_bundle(kind, path, description))


def load_bundle(
    kind: str | None, path: Path | str | None = None, description: Path | str | None = None
) -> tuple[nn.Module, BundleInfo]:
    """Open a bundle as `open_bundle` does and build its network with torch, in evaluation mode.

    Raises:
        BundleError: A file is missing, damaged, or does not fit the other; the message names it and the remedy.
    """

    def load(weights_path: Path, json_path: Path) -> tuple[nn.Module, BundleInfo]:
        bundle = _open(kind, weights_path, json_path)
        return bundle.network(), bundle.info

    return _reread(load, *find_bundle(kind, path, description))


def _reread(read: Callable[[Path, Path], Read], weights_path: Path, json_path: Path) -> Read:
    pair, waits = None, iter(REREAD_AFTER_SECONDS)
    for _ in range(MAXIMUM_REREADS):
        previous, pair = pair, (_stamp(weights_path), _stamp(json_path))
        if pair != previous:
            waits = iter(REREAD_AFTER_SECONDS)
        try:
            return read(weights_path, json_path)
        except BundleError:
            # A training run replaces both files, one right after the other: they may have been opened in between.
            wait = next(waits, None)
            if wait is None or not _is_young(weights_path):
                raise
            time.sleep(wait)
    return read(weights_path, json_path)


def _stamp(path: Path) -> tuple[int, int]:
    """Changes whenever a file is replaced; zeros if there is no such file."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_ino


def _is_young(path: Path) -> bool:
    """Whether a file was written within the last seconds."""
    try:
        return abs(time.time() - path.stat().st_mtime) < YOUNG_SECONDS
    except OSError:
        return False


def _open(kind: str | None, weights_path: Path, json_path: Path) -> Bundle:
    try:
        # Both files are opened together, so that a later replacement of one of them has no effect.
        file = weights_path.open("rb")
    except OSError as error:
        raise BundleError(f"{weights_path}: cannot be opened: {reason(error)}") from error
    with file:
        content = read_description(kind, json_path)
        return _opened(file, content, weights_path, json_path)


def _opened(file: BinaryIO, content: dict[str, Any], weights_path: Path, json_path: Path) -> Bundle:
    try:
        config = config_from_dict(CONFIGS[content["kind"]], content["config"])
    except ValueError as error:
        raise BundleError(f"{json_path}: its config describes no network: {error}") from error
    data = _read_weights(file, weights_path, json_path, content["sha256"])
    try:
        head = read_head(data)
    except ContentError as error:
        raise BundleError(f"{weights_path}: this is not a safetensors file ({error}); save the model again") from error
    info = BundleInfo(
        kind=content["kind"],
        weights=weights_path,
        sha256=content["sha256"],
        scores=content["scores"],
        command=content["command"],
        parameters=learned(head),
        size=len(data),
        int8=content.get("int8") or {},
    )
    return Bundle(info, config, json_path, data, head, content.get("onnx", ""))


def load_detector(path: Path | str | None = None) -> tuple[Detector, BundleInfo]:
    """Load the detector in `path`, or the shipped one. Raises BundleError."""
    from alpr_app.networks.detector.network import Detector

    network, info = load_bundle("detector", path)
    assert isinstance(network, Detector)
    return network, info


def load_reader(path: Path | str | None = None, description: Path | str | None = None) -> tuple[Reader, BundleInfo]:
    """Load the reader in `path`, or the shipped one; `description` as in `find_bundle`. Raises BundleError."""
    from alpr_app.networks.reader.network import Reader

    network, info = load_bundle("reader", path, description)
    assert isinstance(network, Reader)
    return network, info


def keep_onnx(bundle: Bundle, model: bytes) -> Path:
    """Write the ONNX file of a bundle beside it, and its hash into NAME.json.

    Returns:
        The file.

    Raises:
        BundleError: It cannot be written; earlier files stay.
    """
    return _keep(bundle, onnx_path(bundle.info.weights), model, "onnx", hashlib.sha256(model).hexdigest())


def keep_int8(bundle: Bundle, model: bytes, scores: dict[str, Any], command: str) -> Path:
    """Write the ONNX file in 8 bits of a bundle beside it, and its hash, figures and command into NAME.json.

    Returns:
        The file.

    Raises:
        BundleError: It cannot be written; earlier files stay.
    """
    described = {"sha256": hashlib.sha256(model).hexdigest(), "scores": scores, "command": command}
    return _keep(bundle, int8_path(bundle.info.weights), model, "int8", described)


def _keep(bundle: Bundle, path: Path, model: bytes, field_name: str, value: object) -> Path:
    content = read_description(bundle.info.kind, bundle.json) | {field_name: value}
    try:
        write_together({path: model, bundle.json: description_text(content).encode()})
    except OSError as error:
        raise BundleError(f"{error.filename or path}: cannot be written: {reason(error)}") from error
    return path


def list_bundles(folder: Path | None = None) -> list[Path]:
    """Return the weights of all bundles in `folder`, or of the shipped ones, sorted by name."""
    return sorted((assets.MODELS if folder is None else folder).glob("*.safetensors"))
