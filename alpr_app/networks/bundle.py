"""Model bundles: NAME.safetensors with the weights, NAME.json with all that is needed to use and judge them.

Loading is strict: every field of the configuration must be there, no other, each of its own type, the weights must have
the stated hash, and the scores must be figures as `alpr eval --json` writes them. Pickles are refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from alpr_app.core.errors import AlprError, reason
from alpr_app.data import assets
from alpr_app.data.atomic_files import write_atomically
from alpr_app.data.bounded_parsing import JSON_BYTES, ContentError, read_json, shown, without_nan
from alpr_app.networks.detector.config import STRIDES, DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.layers import one_thread_if_forked
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.networks.weights import misfit, not_numbers, read_head

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Config = TypeVar("Config", bound="DataclassInstance")


def _as_type_of(default: Any, value: Any, name: str) -> Any:
    """`value` as the type that `default` has; a list becomes a tuple. Raises ValueError if it is another
    type."""
    if isinstance(default, tuple):
        if not isinstance(value, list):
            raise ValueError(f"'{name}' must be a list, not {shown(value)}")
        return tuple(_as_type_of(default[0], item, name) for item in value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise ValueError(f"'{name}' must be a {type(default).__name__}, not {shown(value)}")
    return value


def config_from_dict(config_class: type[Config], values: Any) -> Config:
    """The config that `values` describe; `config_class` is a dataclass whose fields all have defaults.

    The defaults only say the types: a missing field is not filled in, because a default may change while the
    weights do not. Raises ValueError naming the field.
    """
    if not isinstance(values, dict):
        raise ValueError(f"'config' must be an object, not {shown(values)}")
    defaults = {item.name: item.default for item in fields(config_class)}
    origin = "the model was saved by another version of the program"
    for name in sorted(defaults.keys() - values.keys()):
        raise ValueError(f"'config' lacks '{name}'; {origin}")
    for name in sorted(values.keys() - defaults.keys()):
        raise ValueError(f"'config' has the unknown {shown(name)}; {origin}")
    return config_class(**{name: _as_type_of(default, values[name], name) for name, default in defaults.items()})


# What the tables of a part are made of.
_GROUPS = {"scenes": {"micro"}}
_NAMES = {"scenes": {"plates"}, "confidence": {"readings", "precision", "recall"}}


def check_scores(scores: dict[str, Any]) -> None:
    """Raises ValueError if some `figures` in there are none: parts with groups, each of numbers with the same names."""
    for figures in _figures(scores):
        if not isinstance(figures, dict):
            raise ValueError("'figures' must be an object")
        for part, groups in figures.items():
            _check_part(part, groups)


def _figures(scores: dict[str, Any]) -> Iterator[Any]:
    for name, value in scores.items():
        if name == "figures":
            yield value
        elif isinstance(value, dict):
            yield from _figures(value)


def _check_part(part: str, groups: Any) -> None:
    if not isinstance(groups, dict) or not groups or not all(isinstance(values, dict) for values in groups.values()):
        raise ValueError("a part of 'figures' must be an object of objects")
    names = next(iter(groups.values())).keys()
    for values in groups.values():
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values())
        if not names or values.keys() != names or not numbers:
            raise ValueError("each group of 'figures' must have the same names, of numbers")
    if _GROUPS.get(part, set()) - groups.keys() or _NAMES.get(part, set()) - names:
        raise ValueError("'figures' lack what their tables are made of")


FORMAT = 1
KINDS: dict[str, tuple[type[Detector] | type[Reader], type[DetectorConfig] | type[ReaderConfig]]] = {
    "detector": (Detector, DetectorConfig),
    "reader": (Reader, ReaderConfig),
}
# Trained numbers of a network at most, and these times the places at which they are used: what a processor computes in
# seconds. The shipped ones have 2.3 million at most, and a hundredth of that arithmetic.
MOST_WEIGHTS, MOST_ARITHMETIC = 100_000_000, 10**11
SHIPPED = {"detector": "detector", "reader": "maskocr"}

_FIELDS = ("kind", "format", "config", "scores", "command", "sha256")
_PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".tar", ".zip")
# A zip, which torch.save writes; a pickle of protocol 2 to 5; torch's oldest format.
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x8a\nl\xfc")


class BundleError(AlprError):
    """A model that cannot be used or saved; the message names the file and the remedy."""


@dataclass(frozen=True)
class BundleInfo:
    """What a bundle's JSON says, and where it lies. parameters: trained numbers; size: bytes of the
    weights."""

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
    """The two files (weights, JSON) of a bundle.

    kind: detector, reader, or None for either, which needs a path. path: None is the shipped one of `kind`, else
    NAME.safetensors, NAME.json or NAME. description: the JSON if it is elsewhere.
    Raises BundleError if a file is missing or the path names none, or a pickle.
    """
    path = assets.MODELS / SHIPPED[kind or "detector"] if path is None else Path(path)
    if not path.name:
        raise BundleError(f"'{path}': this names no model; give a bundle, NAME.safetensors")
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


def _read_description(kind: str | None, path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except OSError as error:
        raise BundleError(f"{path}: cannot be opened: {reason(error)}") from error
    except ContentError as error:
        raise BundleError(f"{path}: damaged, {error}; copy it again") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path}: damaged, this does not describe a model; copy it again")
    version = content.get("format")
    # Asked first: a newer format may have other fields.
    if isinstance(version, int) and version > FORMAT:
        raise BundleError(f"{path}: format {version}, this program knows up to {FORMAT}; update the program")
    for name in _FIELDS:
        if name not in content:
            raise BundleError(f"{path}: '{name}' is missing; copy the file again or save the model again")
    unknown = sorted(set(content) - set(_FIELDS))
    if unknown:
        raise BundleError(f"{path}: {shown(unknown[0])} is unknown; it describes a model with {', '.join(_FIELDS)}")
    if version != FORMAT:
        raise BundleError(f"{path}: format {shown(version)} is unknown; save the model again")
    if not isinstance(content["sha256"], str):
        raise BundleError(f"{path}: damaged, 'sha256' must be a text; copy the file again")
    if not isinstance(content["scores"], dict) or not isinstance(content["command"], str):
        raise BundleError(f"{path}: damaged, 'scores' must be an object and 'command' a text; copy the file again")
    try:
        check_scores(content["scores"])
    except ValueError as error:
        raise BundleError(f"{path}: damaged scores, {error}; copy the file again") from error
    wanted = list(KINDS) if kind is None else [kind]
    if content["kind"] not in wanted:
        raise BundleError(f"{path}: describes a {shown(content['kind'])} where a {' or '.join(wanted)} is needed")
    return content


def _build(kind: str, config: Any, path: Path) -> nn.Module:
    """The network without any memory behind its weights: whatever the config claims costs nothing yet."""
    network_class, _ = KINDS[kind]
    try:
        with torch.device("meta"):
            network = network_class(config)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise BundleError(f"{path}: its config describes no network: {error}") from error
    count = sum(parameter.numel() for parameter in network.parameters())
    places = config.tokens if isinstance(config, ReaderConfig) else (config.long_side // STRIDES[0]) ** 2
    if count > MOST_WEIGHTS or count * places > MOST_ARITHMETIC:
        raise BundleError(f"{path}: its config describes a network that is too large to be run ({count:,} weights)")
    return network


def _read_weights(path: Path, network: nn.Module, described: Path, sha256: str) -> bytes:
    """The whole file of a network's weights, if it is the one that `described` describes. Raises BundleError."""
    most = sum(tensor.nbytes for tensor in network.state_dict().values()) + JSON_BYTES
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= most else b""
    except OSError as error:
        raise BundleError(f"{path}: cannot be opened: {reason(error)}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        why = "sha256 differs" if size <= most else f"{size:,} bytes where at most {most:,} belong"
        raise BundleError(
            f"{path}: not the weights that {described.name} describes ({why}): one of the two files is damaged or "
            "swapped; copy both again"
        )
    return data


def load_bundle(
    kind: str | None, path: Path | str | None = None, description: Path | str | None = None
) -> tuple[nn.Module, BundleInfo]:
    """The network of a bundle, in evaluation mode, and what is known of it. Paths as in `find_bundle`.

    Raises BundleError for whatever does not fit: the message names the file and the remedy.
    """
    one_thread_if_forked()
    weights_path, json_path = find_bundle(kind, path, description)
    content = _read_description(kind, json_path)
    kind = content["kind"]
    try:
        config = config_from_dict(KINDS[kind][1], content["config"])
    except ValueError as error:
        raise BundleError(f"{json_path}: its config describes no network: {error}") from error
    network = _build(kind, config, json_path)
    data = _read_weights(weights_path, network, json_path, content["sha256"])
    try:
        fault = misfit(read_head(data), network.state_dict())
        if fault:
            raise BundleError(f"{weights_path}: {fault}; the config in {json_path.name} does not belong to it")
        weights = safetensors.torch.load(data)
    except (ContentError, SafetensorError) as error:
        raise BundleError(f"{weights_path}: this is no safetensors file ({error}); save the model again") from error
    broken = not_numbers(weights)
    if broken:
        raise BundleError(
            f"{weights_path}: the weights '{broken}' hold something that is no number (NaN or infinity), so it would "
            "read nothing; use a model from before its training went wrong"
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
    """The detector in `path`, None being the shipped one. Raises BundleError."""
    network, info = load_bundle("detector", path)
    assert isinstance(network, Detector)
    return network, info


def load_reader(path: Path | str | None = None, description: Path | str | None = None) -> tuple[Reader, BundleInfo]:
    """The reader in `path`, None being the shipped one; `description` as in `find_bundle`. Raises BundleError."""
    network, info = load_bundle("reader", path, description)
    assert isinstance(network, Reader)
    return network, info


def save_bundle(path: Path | str, network: nn.Module, scores: dict[str, Any], command: str) -> BundleInfo:
    """Write NAME.safetensors and NAME.json, each whole or not at all. `path`: NAME with either suffix or none.

    network: a Detector or a Reader as trained, not fused. Raises BundleError; then earlier files are left alone,
    or, if only the JSON could not be written, do not pass for whole because the hash tells.
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
    for target, part in ((weights_path, data), (json_path, described.encode())):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, part)
        except OSError as error:
            raise BundleError(f"{target}: the model was not saved: {reason(error)}") from error
    return _info(network, content, weights_path, len(data))


def list_bundles(folder: Path | None = None) -> list[Path]:
    """The weights of all bundles in `folder`, None being the shipped ones, by name."""
    return sorted((assets.MODELS if folder is None else folder).glob("*.safetensors"))
