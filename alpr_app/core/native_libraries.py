"""Libraries written in C: what they print is silenced, and one that the system lacks is named with the remedy.

Decoders print what they think of a file to standard error, without its name. The program says it once, with the name.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The packages that hold what the wheels of OpenCV and ONNX Runtime load, by family of systems. ./setup has the same.
_PACKAGES = {
    "libxcb.so.1": {"debian": "libxcb1", "fedora": "libxcb", "suse": "libxcb1", "arch": "libxcb"},
    "libGL.so.1": {"debian": "libgl1", "fedora": "libglvnd-glx", "suse": "libglvnd", "arch": "libglvnd"},
    "libgthread-2.0.so.0": {
        "debian": "libglib2.0-0",
        "fedora": "glib2",
        "suse": "libgthread-2_0-0",
        "arch": "glib2",
    },
    "libglib-2.0.so.0": {"debian": "libglib2.0-0", "fedora": "glib2", "suse": "libglib-2_0-0", "arch": "glib2"},
    "libgomp.so.1": {"debian": "libgomp1", "fedora": "libgomp", "suse": "libgomp1", "arch": "gcc-libs"},
    "libstdc++.so.6": {"debian": "libstdc++6", "fedora": "libstdc++", "suse": "libstdc++6", "arch": "gcc-libs"},
}
# What OpenCV's wheel needs comes together: whoever lacks one of these usually lacks the others, too.
_OPENCV = ("libxcb.so.1", "libGL.so.1", "libgthread-2.0.so.0")
_INSTALL = {
    "debian": "apt-get install -y {}",
    "fedora": "dnf install -y {}",
    "suse": "zypper install {}",
    "arch": "pacman -S {}",
}
_FAMILIES = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora", "opensuse": "suse", "sles": "suse"}


def explain(error: ImportError) -> str | None:
    """One line that names the library and the command that installs it; None if `error` has another reason."""
    said = str(error)
    library = re.match(r"([\w.+-]+\.so[\w.]*): cannot open shared object file", said)
    if library is None:
        if platform.system() == "Windows" and "DLL load failed" in said:
            return f"{said}; install Microsoft's Visual C++ runtime and, on Windows N, its Media Feature Pack"
        return None
    name = library.group(1)
    wanted = _OPENCV if name in _OPENCV else (name,)
    family = _family()
    packages = [_PACKAGES[one][family] for one in wanted if family in _PACKAGES.get(one, {})]
    if not packages:
        return f"the system's library {name} is missing; install the package that holds it"
    return f"the system's library {name} is missing; as root: {_INSTALL[family].format(' '.join(packages))}"


def _family() -> str:
    """debian, fedora, suse or arch, or what else the system calls itself."""
    try:
        release = platform.freedesktop_os_release()
    except (OSError, AttributeError):
        return ""
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    families = [_FAMILIES.get(name.split("-")[0], name.split("-")[0]) for name in names]
    return next((family for family in families if family in _INSTALL), "")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """What libraries written in C print to standard error goes nowhere; what Python prints there is seen as before."""
    before = sys.stderr
    try:
        kept = os.dup(2)
    except OSError:
        # There is none.
        yield
        return
    try:
        is_ours = before is not None and before.fileno() == 2
    except (OSError, ValueError):
        # Somebody has put something else in its place, as tests do.
        is_ours = False
    if before is not None:
        before.flush()
    try:
        if is_ours:
            # A stream of its own: this one would go on writing to the descriptor that now leads nowhere.
            sys.stderr = os.fdopen(os.dup(2), "w", 1, encoding=before.encoding, errors="backslashreplace")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        if is_ours:
            sys.stderr.close()
            sys.stderr = before
