"""The Dockerfile: what it copies is let through, and what it runs is there. `.ci/image` carries its steps out."""

from __future__ import annotations

import json
import re

from alpr_app.cli.main import _parser
from tests.places import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_what_is_copied_exists_and_is_not_ignored():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)]
    names = {name for several in copied for name in several}
    assert names == allowed and all((ROOT / name).exists() for name in names)


def test_it_starts_the_service_as_an_ordinary_user():
    entrypoint = json.loads(re.search(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)[1])
    assert entrypoint[0].endswith("/bin/alpr")
    args = _parser("serve").parse_args(entrypoint[1:])
    assert args.command == "serve" and args.host == "0.0.0.0" and not args.without_token and args.token is None
    user = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)[-1]
    assert user.isdecimal() and int(user) > 0


def test_its_health_check_asks_the_port_of_the_service():
    check = json.loads(re.search(r"^HEALTHCHECK .*?CMD (.*)$", DOCKERFILE, re.MULTILINE)[1])
    port = _parser("serve").parse_args(["serve"]).port
    assert f"http://127.0.0.1:{port}/healthz" in check[-1]
    assert f"EXPOSE {port}" in DOCKERFILE
    compile(check[-1], "check", "exec")
