"""Who may import whom, as the contracts in pyproject.toml say; and what a user does not wait for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

PACKAGE = ROOT / "alpr_app"
GUI = {"imgui", "imgui_bundle", "glfw", "OpenGL"}
ROOMS = {"core", "data", "networks", "runtime", "pipeline", "evaluation", "serving", "cli", "synth", "train", "viewer"}
# A module, and an import that the house forbids it.
FORBIDDEN = {
    "core/plate.py": "import alpr_app.data.images",
    "data/images.py": "import torch",
    "networks/layers.py": "from alpr_app.train.trainer import loop",
    "pipeline/alpr.py": "from alpr_app.evaluation import evaluate",
    "serving/distributed.py": "import alpr_app.cli.read",
    "serving/batcher.py": "import alpr_app.cli.main",
    "cli/read.py": "import alpr_app.viewer.app.program",
    "viewer/app/program.py": "import alpr_app.train.cli.main",
    "viewer/panels/help.py": "import imgui",
    "viewer/panels/chart.py": "import imgui_bundle",
    "train/trainer/loop.py": "import glfw",
    "synth/plates/glyphs.py": "import alpr_app.networks.layers",
    "train/detector/dataset.py": "import alpr_app.synth.scenes.scenes",
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the package that lies in `folder`, by the contracts of pyproject.toml."""
    pytest.importorskip("importlinter", reason="needs import-linter, of the extra 'test'")
    code = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return subprocess.run(
        [sys.executable, "-c", code, "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_the_rooms_keep_to_the_contract():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_forbidden_imports_break_the_contract(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "alpr_app", ignore=shutil.ignore_patterns("__pycache__"))
    for place, forbidden in FORBIDDEN.items():
        with (tmp_path / "alpr_app" / place).open("a", encoding="utf-8") as file:
            file.write(f"\n{forbidden}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0, done.stdout + done.stderr
    for place, forbidden in FORBIDDEN.items():
        importer = f"alpr_app.{place.removesuffix('.py').replace('/', '.')}"
        words = forbidden.split()
        imported = f"{words[1]}.{words[3]}" if words[0] == "from" else words[1]
        assert f"{importer} -> {imported}" in done.stdout, f"{importer} may import {imported}?\n{done.stdout}"


def test_nothing_lies_loose_beside_the_rooms():
    there = {path.name for path in PACKAGE.iterdir() if path.name not in ("__pycache__", "_data")}
    assert there == ROOMS | {"__init__.py", "__main__.py", "py.typed"}


def test_every_room_says_what_it_is_for():
    for path in sorted(PACKAGE.rglob("__init__.py")):
        assert path.read_text(encoding="utf-8").startswith('"""'), f"{path} says nothing"


def loaded_by(code: str) -> set[str]:
    """The modules that are there after `code` has run in a fresh Python."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(' '.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(PACKAGE.parent), "PATH": ""},
    )
    return set(done.stdout.split())


def test_recognising_loads_neither_training_nor_the_screen():
    code = "import alpr_app, alpr_app.pipeline.alpr, alpr_app.cli.main, alpr_app.cli.read, alpr_app.data.overlay"
    loaded = loaded_by(code)
    assert "cv2" in loaded and "torch" not in loaded
    assert not {name for name in loaded if name.split(".")[0] in GUI or name.startswith("alpr_app.train")}


def test_loading_models_does_not_wait_for_torchs_compiler(detector_path, reader_path):
    code = f"from alpr_app import ALPR; ALPR({str(detector_path)!r}, {str(reader_path)!r}, backend='torch')"
    assert "torch._dynamo" not in loaded_by(code)


def test_help_does_not_wait_for_torch():
    code = """
import alpr_app, alpr_app.cli.main, contextlib, io
for command in ("read", "serve", "bench", "models", "export", "eval"):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        alpr_app.cli.main.main([command, "--help"])
"""
    loaded = loaded_by(code)
    assert "alpr_app.cli.read" in loaded
    assert not loaded & {"torch", "cv2", "numpy", "fastapi", "uvicorn"}


def test_the_front_door_gives_the_pipeline_and_refuses_the_rest():
    import alpr_app
    from alpr_app.pipeline.alpr import ALPR

    assert alpr_app.ALPR is ALPR
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = alpr_app.nothing
