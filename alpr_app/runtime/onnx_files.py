"""The ONNX file of a bundle: the one beside it, or made on first use and kept in a cache; and, for bundles and
processors that cannot use a file in 8 bits (`quantization`), a reader's copy whose matrix products are in 8 bits.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import platformdirs

from alpr_app import __version__
from alpr_app.core.errors import reason
from alpr_app.data.atomic_files import write_atomically
from alpr_app.networks.bundle import MAXIMUM_BYTES, Bundle
from alpr_app.runtime.engine import EngineError, temporary_folder

# Increment whenever a bundle yields another file than before, so that users' caches are renewed.
RECIPE = 7
# Files in the cache; those not used for longest go. A training run yields a model at each validation.
MAXIMUM_FILES = 24
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder of cached ONNX files."""
    return Path(platformdirs.user_cache_dir("alpr-app", appauthor=False)) / "onnx"


def onnx_model(bundle: Bundle) -> bytes:
    """Return the ONNX model of a bundle, whose outputs are those of the network: the file beside it, else from the
    cache, else made now by torch.

    Raises:
        BundleError: The file beside it is damaged.
        EngineError: The model cannot be made.
    """
    return bundle.onnx or _cached(bundle, bundle.info.kind, lambda: _exported(bundle))


def dynamic_int8_model(bundle: Bundle) -> bytes:
    """Return `onnx_model` with matrix products in 8 bits, from the cache or made now. Raises as `onnx_model` does, and
    EngineError if the package onnx, which makes it, is missing."""
    return _cached(bundle, f"{bundle.info.kind}-int8", lambda: with_dynamic_int8(onnx_model(bundle)))


def _exported(bundle: Bundle) -> bytes:
    if find_spec("torch") is None:
        raise EngineError(
            f"{bundle.info.weights}: there is no ONNX file beside it, and torch, which makes one, is not installed; "
            f"run this once where it is: alpr export {bundle.info.weights}"
        )
    from alpr_app.runtime.onnx_export import export_onnx

    return export_onnx(bundle.network(), bundle.info.kind, split=False)


def with_dynamic_int8(model: bytes) -> bytes:
    """Quantise the matrix products of an ONNX model to 8 bits. Weights are rounded here, activations in every call by
    their range, so that a picture's results depend slightly on the others in its batch.

    Convolutions stay as they are: without 8-bit instructions of the processor they would get slower.
    """
    if find_spec("onnx") is None:
        raise EngineError("a model in 8 bits cannot be made: the package 'onnx' is missing; install 'alpr-app[onnx]'")
    # Imported here, because the import takes longer than running a network.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with temporary_folder() as folder:
        prepared, quantised = folder / "prepared.onnx", folder / "int8.onnx"
        quant_pre_process(onnx.load_from_string(model), str(prepared), skip_symbolic_shape=True, skip_optimization=True)
        # Unsigned, because sums of signed products overflow on processors without VNNI.
        quantize_dynamic(prepared, quantised, op_types_to_quantize=["MatMul"], weight_type=QuantType.QUInt8)
        return quantised.read_bytes()


def _cached(bundle: Bundle, kind: str, make: Callable[[], bytes]) -> bytes:
    """Return a model from the cache, or what `make` makes.

    The name of a cached file contains the bundle's hash, RECIPE and the hash of its own content: damaged files are not
    used, and several processes may make one at the same time.
    """
    folder, stem = cache_folder(), f"{kind}-{bundle.info.sha256[:16]}-{__version__}-{RECIPE}"
    found = _intact(folder, stem)
    if found is not None:
        return found
    model = make()
    path = folder / f"{stem}-{_digest(model)}.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, model)
    except OSError as error:
        _warn_not_cached(path, error)
    _drop_oldest(folder)
    return model


def _drop_oldest(folder: Path) -> None:
    """Remove the files not used for longest beyond MAXIMUM_FILES."""
    try:
        files = sorted(folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[MAXIMUM_FILES:]:
            path.unlink(missing_ok=True)
    except OSError as error:
        # Another process may remove files at the same time.
        _log.debug("%s: %s", folder, reason(error))


def _intact(folder: Path, stem: str) -> bytes | None:
    """Return the intact file of that name in the cache; damaged ones are removed."""
    try:
        found = sorted(path for path in folder.iterdir() if path.name.startswith(f"{stem}-"))
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn_not_cached(folder, error)
        return None
    for path in found:
        try:
            if (
                path.stat().st_size <= MAXIMUM_BYTES
                and path.name == f"{stem}-{_digest(model := path.read_bytes())}.onnx"
            ):
                _mark_used(path)
                return model
            path.unlink()
        except OSError as error:
            # It may be gone by now, or be a folder; another file is made.
            _log.debug("%s: %s", path, reason(error))
    return None


def _mark_used(path: Path) -> None:
    try:
        os.utime(path)
    except OSError as error:
        # The cache may be read-only; nothing is dropped from it then.
        _log.debug("%s: %s", path, reason(error))


def _digest(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()[:32]


def _warn_not_cached(path: Path, error: OSError) -> None:
    """Log that the model is not cached, which only costs time at the next start."""
    _log.warning("%s: the ONNX file is not cached: %s", path, reason(error))
