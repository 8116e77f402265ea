"""The manifests in docs/scale are valid, and the commands in them are commands of this program."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess

import pytest

from alpr_app.cli import read
from tests.places import ROOT

MANIFESTS = sorted((ROOT / "docs" / "scale").glob("*.yaml"))


def commands(text: str) -> list[list[str]]:
    """The arguments of every `alpr read` in a text, with variables as a shell would fill them in."""
    plain = re.sub(r"\\\n|\s+", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    found = re.findall(r"alpr read (.*?)(?: \|\||'|$| envFrom| shutdown)", plain)
    return [shlex.split(re.sub(r"\$\w*COUNT", "100", re.sub(r"\$\w+(ID|INDEX)", "3", line))) for line in found]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_has_what_every_object_needs(path):
    yaml = pytest.importorskip("yaml", reason="needs PyYAML, which ray brings")
    for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert {"apiVersion", "kind", "metadata", "spec"} <= manifest.keys()
        assert re.fullmatch(r"[a-z0-9-]+", manifest["metadata"]["name"])


@pytest.mark.parametrize("name", ["read.slurm", "read-job.yaml", "ray-job.yaml"])
def test_the_commands_are_those_of_this_program(name):
    found = commands((ROOT / "docs" / "scale" / name).read_text(encoding="utf-8"))
    assert found
    parser = argparse.ArgumentParser()
    read.add_arguments(parser)
    for arguments in found:
        args = parser.parse_args(arguments)
        assert args.resume and args.out.suffix == ".parquet"
        assert args.engine == "ray" or args.shard == (3, 100)


def test_the_batch_script_is_a_shell_script():
    assert subprocess.run(["sh", "-n", str(ROOT / "docs" / "scale" / "read.slurm")], check=False).returncode == 0
