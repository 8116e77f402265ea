"""Damaged and hostile bodies for the service: every one is answered, with what the library says of it.

python -m tests.serving.hostile --inputs 1000 [--folder DIR]
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alpr_app.core.errors import AlprError
from alpr_app.data.images import decode_picture, quiet_opencv
from tests.fuzz.mutations import damage
from tests.fuzz.targets import pictures
from tests.services import PLATE_READER, READ, ask, expected, form, running, without_times

Body = tuple[str, bytes, dict[str, str], bytes | None]


def bodies(count: int, folder: Path | None, seed: int = 0) -> Iterator[Body]:
    """Path, body and headers of requests, and the bytes of the picture where the body is one as it stands."""
    rng = random.Random(seed)
    seeds = pictures()
    if folder is not None:
        found = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
        for content in found:
            yield READ, content, {}, content
        seeds = seeds + [content for content in found if len(content) < 600_000]
    for number in range(count):
        content = damage(rng.choice(seeds), seeds, rng)
        kind = number % 5
        if kind < 2:
            yield READ, content, {}, content
        elif kind == 2:
            yield PLATE_READER, *form(("upload", "x.jpg", content)), content
        elif kind == 3:
            # The form itself is damaged, often within its head.
            body, headers = form(("camera_id", None, b"1"), ("upload", "x.jpg", content[:300]))
            yield PLATE_READER, damage(body, [body], rng), headers, None
        else:
            yield READ, damage(b'{"upload": "aGVsbG8=", "x": [1, {"y": 2e9}]}', [content], rng), _JSON, None


_JSON = {"Content-Type": "application/json"}


def check(address: str, alpr: Any, body: Body) -> int:
    """The status of one answer. Raises AssertionError if it is none of those that it may be."""
    path, content, headers, picture = body
    answer = ask(address, path, content, headers, "POST")
    assert answer.status == 200 or 400 <= answer.status < 500, (answer, content[:100])
    if answer.status != 200:
        assert isinstance(answer.error, str) and "\n" not in answer.error and len(answer.error) < 300, answer
    if picture is not None and content:
        try:
            image = decode_picture(picture, "x")
        except AlprError:
            assert answer.status in (400, 413), answer
        else:
            if answer.status == 200 and path == READ:
                assert without_times(answer.json) == expected(alpr, image)
            else:
                assert answer.status in (200, 413), answer
    return answer.status


def main(argv: Sequence[str] | None = None) -> int:
    from alpr_app import ALPR
    from alpr_app.serving.application import Service

    parser = argparse.ArgumentParser(
        prog="python -m tests.serving.hostile", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--inputs", type=int, default=1000, metavar="N", help="how many (default: 1000)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="files to send as they are and damaged")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    quiet_opencv()
    alpr = ALPR(threads=1)
    with running(Service(alpr, workers=2)) as address:
        statuses = Counter(check(address, alpr, body) for body in bodies(args.inputs, args.folder, args.seed))
        assert ask(address, "/readyz").status == 200
    print(", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
