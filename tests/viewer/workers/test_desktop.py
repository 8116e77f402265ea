"""The commands of the desktop on each system."""

from __future__ import annotations

import sys

import pytest

from alpr_app.core.errors import AlprError
from alpr_app.viewer.workers import desktop
from alpr_app.viewer.workers.desktop import copy_picture, copy_picture_commands, reveal_commands, usable


def test_linux_selects_the_file_or_opens_its_folder():
    select, folder = reveal_commands("/pictures/皖 A,1.jpg", "linux")
    assert select[0] == "dbus-send" and select[-3] == "org.freedesktop.FileManager1.ShowItems"
    assert select[-2:] == ["array:string:file:///pictures/%E7%9A%96%20A%2C1.jpg", "string:"]
    assert folder == ["xdg-open", "/pictures"]


def test_windows_and_macos_select_the_file():
    assert reveal_commands("C:\\Bilder\\a b.jpg", "win32") == [["explorer", "/select,C:\\Bilder\\a b.jpg"]]
    assert reveal_commands("/Bilder/a b.jpg", "darwin") == [["open", "-R", "/Bilder/a b.jpg"]]


def test_the_picture_goes_to_the_clipboard_of_each_system():
    x11 = ["xclip", "-selection", "clipboard", "-t", "image/png", "-i", "/tmp/a b.png"]
    assert copy_picture_commands("/tmp/a b.png", "linux", {}) == [x11]
    wayland, other = copy_picture_commands("/tmp/a b.png", "linux", {"WAYLAND_DISPLAY": "wayland-0"})
    assert other == x11
    assert wayland[0] == "sh" and wayland[-1] == "/tmp/a b.png" and "/tmp" not in wayland[2], "no quoting is needed"
    ((powershell, *_, script),) = copy_picture_commands("C:\\it's.png", "win32")
    assert powershell == "powershell" and "FromFile('C:\\it''s.png')" in script
    ((*_, script),) = copy_picture_commands('/a"b.png', "darwin")
    assert script == 'set the clipboard to (read (POSIX file "/a\\"b.png") as «class PNGf»)'


def test_only_programs_that_are_installed_are_used():
    commands = copy_picture_commands("/p.png", "linux", {"WAYLAND_DISPLAY": "wayland-0"})
    assert usable(commands, lambda program: program if program == "wl-copy" else None) == commands[:1]
    assert usable(commands, lambda program: None) == []


def test_the_first_command_that_succeeds_ends_the_search_and_a_failure_is_one_line(monkeypatch, tmp_path):
    marker = tmp_path / "done"
    fails = [sys.executable, "-c", "raise SystemExit(3)"]
    succeeds = [sys.executable, "-c", f"open({str(marker)!r}, 'w')"]
    monkeypatch.setattr(desktop, "copy_picture_commands", lambda path: [["program-that-is-not-there"], fails, succeeds])
    copy_picture(tmp_path / "p.png")
    assert marker.exists()
    monkeypatch.setattr(desktop, "copy_picture_commands", lambda path: [["program-that-is-not-there"], fails])
    with pytest.raises(AlprError, match=r"cannot be copied to the clipboard .*program-that-is-not-there"):
        copy_picture(tmp_path / "p.png")


def test_a_picture_that_has_gone_is_not_shown_in_the_file_manager(tmp_path):
    with pytest.raises(AlprError, match="there is no such file or folder"):
        desktop.show_in_file_manager(str(tmp_path / "gone.jpg"))
