"""Native libraries: silences what they print, and names a missing one with the remedy.

Decoders complain about a file on standard error without naming it. The program reports the fault once, with the name.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The system packages that provide what the wheels of OpenCV and ONNX Runtime load, by distribution family. ./setup has
# the same list.
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
# A system that lacks one of the libraries that OpenCV's wheel needs usually lacks all of them.
_OPENCV = ("libxcb.so.1", "libGL.so.1", "libgthread-2.0.so.0")
_INSTALL = {
    "debian": "apt-get install -y {}",
    "fedora": "dnf install -y {}",
    "suse": "zypper install {}",
    "arch": "pacman -S {}",
}
_FAMILIES = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora", "opensuse": "suse", "sles": "suse"}


def explain(error: ImportError) -> str | None:
    """Return one line that names the missing library and the command that installs it; None for any other error."""
    message = str(error)
    library = re.match(r"([\w.+-]+\.so[\w.]*): cannot open shared object file", message)
    if library is None:
        if platform.system() == "Windows" and "DLL load failed" in message:
            return f"{message}; install Microsoft's Visual C++ runtime and, on Windows N, its Media Feature Pack"
        return None
    name = library.group(1)
    wanted = _OPENCV if name in _OPENCV else (name,)
    family = _family()
    packages = [_PACKAGES[one][family] for one in wanted if family in _PACKAGES.get(one, {})]
    if not packages:
        return f"the system's library {name} is missing; install the package that holds it"
    return f"the system's library {name} is missing; as root: {_INSTALL[family].format(' '.join(packages))}"


def _family() -> str:
    """Return debian, fedora, suse or arch, or else the system's own name."""
    try:
        release = platform.freedesktop_os_release()
    except (OSError, AttributeError):
        return ""
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    families = [_FAMILIES.get(name.split("-")[0], name.split("-")[0]) for name in names]
    return next((family for family in families if family in _INSTALL), "")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Discard what native libraries print to standard error; Python's own output there is shown as before."""
    before = sys.stderr
    try:
        saved = os.dup(2)
    except OSError:
        # Standard error is closed.
        yield
        return
    try:
        is_ours = before is not None and before.fileno() == 2
    except (OSError, ValueError):
        # Replaced by something without a descriptor, as tests do.
        is_ours = False
    if before is not None:
        before.flush()
    try:
        if is_ours:
            # The present stream would go on writing to the descriptor that now leads to the null device.
            sys.stderr = os.fdopen(os.dup(2), "w", 1, encoding=before.encoding, errors="backslashreplace")
        null_device = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device, 2)
        os.close(null_device)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        if is_ours:
            sys.stderr.close()
            sys.stderr = before
