from __future__ import annotations

import sys
import types

import pytest

from alpr_app import __version__
from alpr_app.cli import main as cli
from alpr_app.cli.main import main
from alpr_app.core.errors import AlprError


@pytest.fixture
def command(monkeypatch):
    """A command `read` that does what a test wants."""

    def install(run) -> None:
        module = types.ModuleType("pretended")
        module.add_arguments = lambda parser: None
        module.run = run
        monkeypatch.setitem(sys.modules, "pretended", module)
        monkeypatch.setitem(cli.COMMANDS, "read", ("pretended", "pretends"))

    return install


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["read", "x.jpg", "--score", "2"],
        ["read", "x.jpg", "--jobs", "0"],
        ["read", "x.jpg", "--device", "tpu"],
        ["read", "x.jpg", "--nothing"],
        ["bench", "--frames", "many"],
        ["export"],
    ],
)
def test_wrong_use_is_one_line_and_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("alpr")
    assert err.count("\n") == 1


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"alpr {__version__}\n"


def test_the_commands_status_is_the_programs(command):
    command(lambda args: 1)
    assert main(["read"]) == 1


def test_expected_failures_are_one_line(command, capsys):
    def run(args):
        raise AlprError("models/a\nb.json: damaged")

    command(run)
    assert main(["read"]) == 2
    assert capsys.readouterr().err == "alpr: models/a\\nb.json: damaged\n"


def test_an_interruption_is_no_traceback(command, capsys):
    def run(args):
        raise KeyboardInterrupt

    command(run)
    assert main(["read"]) == 130
    assert capsys.readouterr().err == "alpr: interrupted\n"


def test_the_module_runs_as_a_program(alpr_command):
    done = alpr_command("--version")
    assert (done.returncode, done.stdout) == (0, f"alpr {__version__}\n")
