"""Who may import whom, as the architecture says; and what a user does not wait for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

PACKAGE = ROOT / "alpr_app"
GUI = {"imgui", "glfw", "OpenGL"}

# Part of the package -> the parts of it that it may import, besides itself.
MAY_IMPORT = {
    "plate": set(),
    "ccpd": {"errors"},
    "geometry": set(),
    "errors": set(),
    "resources": set(),
    "machine": set(),
    "backends": set(),
    "layers": set(),
    "files": {"errors"},
    "bounded": set(),
    "weights": {"bounded"},
    "run_folder": {"bounded", "errors", "files"},
    "detector": {"bounded", "geometry", "layers", "plate"},
    "reader": {"bounded", "geometry", "layers", "plate"},
    "tracking": {"plate"},
}
INFERENCE_MAY_NOT = {"train", "viewer"}
# `alpr bench --viewer` measures the window; it imports what it needs for that when it is asked to.
EXCEPTIONS = {("commands/bench.py", "viewer")}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at its top or within."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def part(module: str) -> str | None:
    """`pipeline` of alpr_app.pipeline.alpr.ALPR; None outside the package."""
    names = module.split(".")
    return names[1] if names[0] == "alpr_app" and len(names) > 1 else None


def files() -> list[tuple[str, Path]]:
    """(part, file) of the whole package."""
    found = sorted(PACKAGE.rglob("*.py"))
    return [(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path) for path in found]


@pytest.mark.parametrize("owner", sorted(MAY_IMPORT))
def test_the_ground_floor_knows_nobody_above(owner):
    for name, path in files():
        if name == owner:
            known = {part(module) for module in imports(path)} - {None, owner}
            assert known <= MAY_IMPORT[owner], f"{path} imports {known - MAY_IMPORT[owner]}"


def test_nobody_imports_training_and_only_the_viewer_itself():
    for name, path in files():
        known = {part(module) for module in imports(path)}
        place = path.relative_to(PACKAGE).as_posix()
        forbidden = {other for other in INFERENCE_MAY_NOT - {name} if (place, other) not in EXCEPTIONS}
        assert not known & forbidden, f"{path} imports {known & forbidden}"


def test_the_screen_is_the_viewers_alone_and_imgui_one_modules():
    with_imgui = set()
    for name, path in files():
        outside = {module.split(".")[0] for module in imports(path)}
        if name != "viewer":
            assert not outside & GUI, f"{path} imports {outside & GUI}"
        if "imgui" in outside:
            with_imgui.add(path.name)
    assert len(with_imgui) <= 1


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
    assert "torch" in loaded
    assert not {name for name in loaded if name.split(".")[0] in GUI or name.startswith("alpr_app.train")}


def test_loading_models_does_not_wait_for_torchs_compiler(detector_path, reader_path):
    code = f"from alpr_app import ALPR; ALPR({str(detector_path)!r}, {str(reader_path)!r}, backend='torch')"
    assert "torch._dynamo" not in loaded_by(code)


def test_help_does_not_wait_for_torch():
    code = """
import alpr_app, alpr_app.cli.main, contextlib, io
for command in ("read", "bench", "models", "export", "eval"):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        alpr_app.cli.main.main([command, "--help"])
"""
    loaded = loaded_by(code)
    assert "alpr_app.cli.read" in loaded
    assert not loaded & {"torch", "cv2", "numpy"}


def test_the_front_door_gives_the_pipeline_and_refuses_the_rest():
    import alpr_app
    from alpr_app.pipeline.alpr import ALPR

    assert alpr_app.ALPR is ALPR
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = alpr_app.nothing
