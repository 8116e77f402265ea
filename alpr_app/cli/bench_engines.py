"""`alpr bench --engines`: every engine that is installed on the same pictures, in one table."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from alpr_app.core.errors import AlprError
from alpr_app.pipeline.options import make_alpr
from alpr_app.runtime.backends import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from alpr_app.pipeline.alpr import ALPR

WARM_UP_PICTURES = 3
# The engine whose readings the others are compared with: the first of these that runs.
EXACT = ("torch", "onnx", "openvino")


def compare(args: argparse.Namespace, images: Iterable[np.ndarray]) -> dict[str, Any]:
    """Time all engines in turns, picture by picture, so that moments in which the computer is slow affect them alike.

    Args:
        args: Options of the models; one thread unless `threads` is given.
        images: The pictures.

    Returns:
        For the JSON: what `auto` takes; for each engine its times in milliseconds, and in how many pictures it reads
        the same texts as the exact one; for each engine that cannot run, why.

    Raises:
        AlprError: No engine runs.
    """
    threads = args.threads or 1
    automatic = make_alpr(_with_backend(args, "auto"), threads).backend
    engines: dict[str, ALPR] = {}
    missing: dict[str, str] = {}
    for name in BACKENDS[1:]:
        try:
            engines[name] = make_alpr(_with_backend(args, name), threads)
        except AlprError as error:
            missing[name] = str(error)
    if not engines:
        raise AlprError(f"no engine runs here: {'; '.join(missing.values())}")
    exact = next(name for name in (*EXACT, *engines) if name in engines)
    times, same, pictures = _timed(engines, images, exact)
    return {
        "auto": automatic,
        "exact": exact,
        "threads": threads,
        "pictures": pictures,
        "engines": {name: _summary(times[name]) | {"same_texts": same[name]} for name in engines},
        "missing": missing,
    }


def _with_backend(args: argparse.Namespace, backend: str) -> argparse.Namespace:
    return argparse.Namespace(**(vars(args) | {"backend": backend}))


def _timed(
    engines: dict[str, ALPR], images: Iterable[np.ndarray], exact: str
) -> tuple[dict[str, list[dict[str, float]]], dict[str, int], int]:
    """Return the stages' times of every picture by engine, the number of equal readings by engine, and of pictures."""
    times: dict[str, list[dict[str, float]]] = {name: [] for name in engines}
    same = dict.fromkeys(engines, 0)
    pictures = 0
    for image in images:
        if not pictures:
            for alpr in engines.values():
                for _ in range(WARM_UP_PICTURES):
                    alpr.analyse(image)
        texts = {}
        for name, alpr in engines.items():
            result = alpr.analyse(image)
            times[name].append(asdict(result.timings))
            texts[name] = sorted(plate.text for plate in result.plates)
        for name in engines:
            same[name] += texts[name] == texts[exact]
        pictures += 1
    return times, same, pictures


def _summary(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Return the medians of the networks, and median and 95th percentile of the whole picture."""
    import numpy as np

    whole = [sum(row.values()) for row in rows]
    return {
        "detector_ms": round(float(np.median([row["detector_ms"] for row in rows])), 3),
        "reader_ms": round(float(np.median([row["reader_ms"] for row in rows])), 3),
        "whole_ms": {f"p{part}": round(float(np.percentile(whole, part)), 3) for part in (50, 95)},
    }


def engines_table(figures: dict[str, Any]) -> list[str]:
    """Format the comparison as lines."""
    threads = figures["threads"]
    lines = [
        f"{threads} thread{'s' if threads > 1 else ''}; auto takes {figures['auto']}",
        "",
        f"{'ms a picture':16}{'detector':>10}{'reader':>10}{'whole p50':>12}{'p95':>8}"
        f"{'same texts as ' + figures['exact']:>26}",
    ]
    by_speed = sorted(figures["engines"].items(), key=lambda item: item[1]["whole_ms"]["p50"])
    for name, engine in by_speed:
        whole = engine["whole_ms"]
        lines.append(
            f"{name:16}{engine['detector_ms']:10.2f}{engine['reader_ms']:10.2f}{whole['p50']:12.2f}{whole['p95']:8.2f}"
            f"{engine['same_texts']:>10} of {figures['pictures']} pictures"
        )
    return lines + [f"{name:16}{reason}" for name, reason in figures["missing"].items()]
