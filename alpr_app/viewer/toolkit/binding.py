"""Chooses the binding of Dear ImGui: pyimgui where it is installed, else imgui-bundle."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from alpr_app.core.errors import AlprError
from alpr_app.viewer.toolkit.theme import Theme
from alpr_app.viewer.toolkit.toolkit import Toolkit

VARIABLE = "ALPR_TOOLKIT"
GLFW_LIBRARY = "PYGLFW_LIBRARY"


@dataclass(frozen=True)
class _Binding:
    package: str
    requirement: str
    module: str
    toolkit: str


# By their names in ALPR_TOOLKIT, the preferred one first.
BINDINGS = {
    "pyimgui": _Binding("imgui", "imgui[glfw]>=2.0", "pyimgui", "PyimguiToolkit"),
    "bundle": _Binding("imgui_bundle", "imgui-bundle>=1.92.800", "imgui_bundle", "BundleToolkit"),
}
_WITHOUT_WINDOW = "`alpr read PATH` reads plates without a window"


def chosen_binding() -> str:
    """The name of the binding to use: the environment variable ALPR_TOOLKIT, else the first that is installed.

    Raises:
        AlprError: It is not installed, or the variable names no binding.
    """
    name = os.environ.get(VARIABLE, "")
    if name and name not in BINDINGS:
        raise AlprError(f"{VARIABLE} is '{name}'; it can be {' or '.join(BINDINGS)}")
    for candidate in [name] if name else BINDINGS:
        if find_spec(BINDINGS[candidate].package) is not None:
            return candidate
    if name:
        remedy = f"the window needs the package {_distribution(name)}, as {VARIABLE} asks; it is not installed"
    else:
        needed = " or ".join(map(_distribution, reversed(BINDINGS)))
        remedy = f"the window needs the package {needed}, and neither is installed"
    requirement = BINDINGS[name or "bundle"].requirement
    raise AlprError(f"{remedy}: {sys.executable} -m pip install '{requirement}'; {_WITHOUT_WINDOW}")


def _distribution(name: str) -> str:
    return BINDINGS[name].package.replace("_", "-")


def name_glfw_library() -> None:
    """Tell the package glfw which library to load: on Linux the one it brings along.

    Otherwise it starts another Python to compare the versions of all it finds, which takes a tenth of a second.
    imgui-bundle names its own library instead. A variable that the user has set stays.
    """
    found = find_spec("glfw") if sys.platform.startswith("linux") else None
    if found is None or found.origin is None or os.environ.get(GLFW_LIBRARY):
        return
    wanted = os.environ.get("PYGLFW_LIBRARY_VARIANT", "").lower() or os.environ.get("XDG_SESSION_TYPE")
    library = os.path.join(os.path.dirname(found.origin), "wayland" if wanted == "wayland" else "x11", "libglfw.so")
    if os.path.isfile(library):
        os.environ[GLFW_LIBRARY] = library


def load_toolkit() -> type[Toolkit]:
    """Import the chosen binding.

    Raises:
        AlprError: As `chosen_binding`.
        ImportError: Its libraries cannot be loaded.
    """
    binding = BINDINGS[chosen_binding()]
    toolkit: type[Toolkit] = getattr(import_module(f"{__package__}.{binding.module}"), binding.toolkit)
    return toolkit


def make_toolkit(theme: Theme, scale: float = 1.0, pixel_ratio: float = 1.0, letters: str = "") -> Toolkit:
    """Make the widgets of a window with the chosen binding; parameters as of `Toolkit`, errors as of `load_toolkit`."""
    return load_toolkit()(theme, scale, pixel_ratio, letters)
