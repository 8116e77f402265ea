"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` into `path`. Until all of it is on the disk, an earlier file of that name stays as it is.

    Raises OSError, having removed what was written so far.
    """
    if path.exists() and not path.is_file():
        # A device or a pipe (/dev/stdout): there is nothing to replace.
        with path.open("wb") as file:
            file.write(data)
        return
    # In the same folder, because only within one file system is a rename one step. The name is short: a long
    # name that is just allowed must not become too long.
    part = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
