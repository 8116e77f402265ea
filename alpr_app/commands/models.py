"""`alpr models`: which models there are, whether they are whole, and what they are worth."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpr_app.commands.markdown import markdown
from alpr_app.core.errors import complain, printable
from alpr_app.evaluation.command import table

if TYPE_CHECKING:
    from alpr_app.networks.bundle import BundleInfo


HEAD = f"{'name':16} {'kind':9}{'parameters':>10}{'size':>10}  sha256"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="bundles or folders of them (default: the shipped ones)"
    )
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown, as the README has them")


def _scores(scores: dict[str, Any], before: str = "") -> Iterator[str]:
    """Nested figures as `group, name: value`; those of `alpr eval` as the table it prints."""
    for name, value in scores.items():
        if name == "figures":
            yield from table(value).splitlines()
        elif isinstance(value, dict):
            yield from _scores(value, f"{before}{name}, ")
        else:
            yield f"{before}{name}: {f'{value:.4g}' if isinstance(value, float) else value}"


def describe(info: BundleInfo) -> str:
    """One line for the model, its scores, one line for how it was made."""
    size = f"{info.parameters / 1e6:.2f} M".rjust(10) + f"{info.size / 2**20:.1f} MiB".rjust(10)
    lines = [f"{info.name:16} {info.kind:9}{size}  {info.sha256[:12]}"]
    lines += [f"    {score}".rstrip() for score in _scores(info.scores)]
    if info.command:
        lines.append(f"    made by: {info.command}")
    return "\n".join(map(printable, lines))


def run(args: argparse.Namespace) -> int:
    from alpr_app.data.assets import MODELS
    from alpr_app.networks.bundle import BundleError, list_bundles, load_bundle

    bundles: list[Path] = []
    for path in args.paths or [MODELS]:
        found = list_bundles(path) if path.is_dir() else [path]
        if not found:
            raise BundleError(f"{path}: no model in this folder; a model is a pair NAME.safetensors and NAME.json")
        bundles += found
    failed = False
    models: list[BundleInfo] = []
    for path in bundles:
        try:
            _, info = load_bundle(None, path)
        except BundleError as error:
            complain(error)
            failed = True
        else:
            models.append(info)
    print(markdown(models) if args.markdown else "\n".join([HEAD, *map(describe, models)]))
    return 1 if failed else 0
