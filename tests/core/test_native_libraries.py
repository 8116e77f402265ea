from __future__ import annotations

import platform

import pytest

from alpr_app.core.native_libraries import explain

MISSING = "cannot open shared object file: No such file or directory"


@pytest.fixture
def on(monkeypatch):
    """Makes this a system of that name."""

    def pretend(release: dict[str, str] | None) -> None:
        def tell() -> dict[str, str]:
            if release is None:
                raise OSError("no such file")
            return release

        monkeypatch.setattr(platform, "freedesktop_os_release", tell)
        monkeypatch.setattr(platform, "system", lambda: "Linux")

    return pretend


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "debian"}, "as root: apt-get install -y libxcb1 libgl1 libglib2.0-0"),
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "as root: apt-get install -y libxcb1 libgl1 libglib2.0-0"),
        ({"ID": "fedora"}, "as root: dnf install -y libxcb libglvnd-glx glib2"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "as root: dnf install -y libxcb libglvnd-glx glib2"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse"}, "as root: zypper install libxcb1 libglvnd libgthread-2_0-0"),
        ({"ID": "arch"}, "as root: pacman -S libxcb libglvnd glib2"),
        ({"ID": "plan9"}, "install the package that holds it"),
        (None, "install the package that holds it"),
    ],
)
@pytest.mark.parametrize("library", ["libxcb.so.1", "libGL.so.1"])
def test_a_missing_library_is_named_with_the_command_of_this_system(on, release, command, library):
    on(release)
    said = explain(ImportError(f"{library}: {MISSING}"))
    assert said == f"the system's library {library} is missing; {command}"


def test_an_unknown_library_is_named_all_the_same(on):
    on({"ID": "debian"})
    said = explain(ImportError(f"libodd.so.3: {MISSING}"))
    assert said == "the system's library libodd.so.3 is missing; install the package that holds it"


def test_windows_names_its_runtime(on, monkeypatch):
    on(None)
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    said = explain(ImportError("DLL load failed while importing cv2: The specified module could not be found."))
    assert "Visual C++ runtime" in said and said.startswith("DLL load failed while importing cv2")


def test_other_reasons_are_not_explained(on):
    on({"ID": "debian"})
    assert explain(ModuleNotFoundError("No module named 'cv2'")) is None
    assert explain(ImportError("cannot import name 'x' from 'y'")) is None
