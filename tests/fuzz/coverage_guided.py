"""`python -m tests.fuzz.coverage_guided NAME`: atheris makes the inputs, led by which lines of ours they reach.

It finds other things than chance does in the readers that are Python throughout. It runs until Ctrl-C, or for so many
inputs (-atheris_runs=N), and ends with a traceback and the input at the first failure. Needs `pip install atheris`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["alpr_app"]):
    from alpr_app.core.errors import AlprError, printable
    from alpr_app.core.plate import ALPHABET
    from alpr_app.data.bounded_parsing import ContentError, parse_json
    from alpr_app.data.ccpd import parse_name
    from alpr_app.data.image_headers import is_cut_short, picture_header
    from alpr_app.data.label_text import spelled
    from alpr_app.data.labels import read_table
    from alpr_app.data.network import file_name_for, without_secrets
    from alpr_app.synth.plates.plates_file import read_plates_file

FOLDER = Path(tempfile.mkdtemp())


def _file(name: str, content: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(content)
    return path


def _texts(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    printable(text), spelled(text, ALPHABET), without_secrets(text), file_name_for(text)
    parse_name(text)


READERS: dict[str, Callable[[bytes], object]] = {
    "headers": lambda content: (picture_header(content), is_cut_short(content)),
    "texts": _texts,
    "json": lambda content: parse_json(content.decode("utf-8", "replace")),
    "tables": lambda content: read_table(_file("alpr_dataset.csv", content)),
    "toml": lambda content: read_plates_file(_file("plates.toml", content)),
}


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in READERS:
        sys.exit(f"python -m tests.fuzz.coverage_guided NAME, one of {', '.join(READERS)}")
    reader = READERS[sys.argv.pop(1)]

    def read(content: bytes) -> None:
        try:
            reader(content)
        except (AlprError, ContentError):
            return

    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
