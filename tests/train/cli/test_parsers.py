"""Options are made from dataclasses, and a config file is checked against them."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import pytest

from alpr_app.train.cli.main import build_parser
from alpr_app.train.cli.parsers import CommandParser, ConfigError, add_field_options, config_arguments
from alpr_app.train.trainer.options import RunOptions


@dataclass
class Toy:
    size: int = field(default=3, metadata={"help": "its size", "metavar": "N"})
    folder: Path | None = field(default=None, metadata={"help": "its folder"})
    fast: bool = field(default=False, metadata={"help": "whether it is fast"})
    kind: str = field(default="a", metadata={"help": "its kind", "choices": ("a", "b")})
    hidden: float = 0.5


@pytest.fixture
def toy() -> CommandParser:
    parser = CommandParser(prog="toy")
    add_field_options(parser, Toy)
    return parser


def test_a_field_with_a_help_text_becomes_an_option_of_its_name_type_and_default(toy):
    assert vars(toy.parse_args([])) == {"size": 3, "folder": None, "fast": False, "kind": "a"}
    args = toy.parse_args(["--size", "5", "--folder", "x", "--fast", "--kind", "b"])
    assert vars(args) == {"size": 5, "folder": Path("x"), "fast": True, "kind": "b"}
    text = toy.format_help()
    assert "--size N" in text and "its size (default: 3)" in text and "--hidden" not in text
    assert "its folder\n" in text and "whether it is fast\n" in text


@pytest.mark.parametrize("command", ["detector", "maskocr"])
def test_every_option_of_a_run_has_the_default_of_its_field(command):
    _, commands = build_parser()
    parser = commands.parsers[command]
    given = [] if command == "maskocr" else ["--dataset_path", "x"]
    args = parser.parse_args(given)
    for item in fields(RunOptions):
        if "help" in item.metadata:
            default = item.metadata.get("default", item.default)
            wanted = {"output": None, "batch_size": 64 if command == "maskocr" else 16}.get(item.name, default)
            assert wanted is not MISSING and getattr(args, item.name) == wanted, item.name


def test_a_command_is_found_by_its_name_and_its_alias():
    _, commands = build_parser()
    assert commands.parsers["hard_copies"] is commands.parsers["robustness_set"]
    assert isinstance(commands.parsers["label"], argparse.ArgumentParser)


@pytest.mark.parametrize("key", ["help", "hidden", "h"])
def test_a_config_file_holds_options_of_the_command_alone(toy, tmp_path, key):
    path = tmp_path / "toy.toml"
    path.write_text(f"{key} = true\n")
    with pytest.raises(ConfigError, match=f"toy.toml: '{key}' is not an option of toy"):
        config_arguments(path, toy)
