"""The commands of the desktop: showing a file in the file manager, and copying a picture to the clipboard."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote

from alpr_app.core.errors import AlprError
from alpr_app.viewer.text.language import tr

Command = list[str]
# Programs that keep running while they own the clipboard close their output at once.
_SECONDS = 10


def reveal_commands(path: str, platform: str = sys.platform) -> list[Command]:
    """Commands that show the file at `path`, selected where possible, in the file manager; the best one first."""
    if platform == "win32":
        # One argument: explorer takes everything behind the comma as the path.
        return [["explorer", f"/select,{path}"]]
    if platform == "darwin":
        return [["open", "-R", path]]
    address = "file://" + quote(os.fsencode(path))
    service, show = "org.freedesktop.FileManager1", "org.freedesktop.FileManager1.ShowItems"
    select = ["dbus-send", "--session", "--print-reply", f"--dest={service}", "/org/freedesktop/FileManager1", show]
    # dbus-send separates the items of an array by commas.
    return [[*select, f"array:string:{address.replace(',', '%2C')}", "string:"], ["xdg-open", os.path.dirname(path)]]


def copy_picture_commands(
    path: str, platform: str = sys.platform, environment: Mapping[str, str] = os.environ
) -> list[Command]:
    """Commands that copy the PNG file at `path` to the clipboard as a picture; the best one first."""
    if platform == "win32":
        quoted = path.replace("'", "''")
        script = (
            "Add-Type -AssemblyName System.Windows.Forms, System.Drawing; "
            f"[System.Windows.Forms.Clipboard]::SetImage([System.Drawing.Image]::FromFile('{quoted}'))"
        )
        return [["powershell", "-NoProfile", "-STA", "-Command", script]]
    if platform == "darwin":
        quoted = path.replace("\\", "\\\\").replace('"', '\\"')
        return [["osascript", "-e", f'set the clipboard to (read (POSIX file "{quoted}") as «class PNGf»)']]
    wayland = ["sh", "-c", 'exec wl-copy --type image/png < "$1"', "sh", path]
    x11 = ["xclip", "-selection", "clipboard", "-t", "image/png", "-i", path]
    return [wayland, x11] if environment.get("WAYLAND_DISPLAY") else [x11]


def usable(commands: Sequence[Command], which: Callable[[str], str | None] = shutil.which) -> list[Command]:
    """The commands whose programs are installed."""
    return [command for command in commands if which(_program(command)) is not None]


@cache
def can_copy_pictures() -> bool:
    """Whether this computer has a program that copies a picture to the clipboard."""
    return bool(usable(copy_picture_commands("")))


def _program(command: Command) -> str:
    return "wl-copy" if command[0] == "sh" else command[0]


def show_in_file_manager(path: str) -> None:
    """Show the file at `path` in the file manager. Waits for its program.

    Raises:
        AlprError: There is none, or it failed.
    """
    if not os.path.lexists(path):
        raise AlprError(tr("{path}: there is no such file or folder", path=path))
    _run_first(reveal_commands(path), tr("no file manager can be started"))


def copy_picture(path: Path) -> None:
    """Copy the PNG file at `path` to the clipboard as a picture. Waits for the program that does.

    Raises:
        AlprError: There is none, or it failed.
    """
    _run_first(copy_picture_commands(str(path)), tr("the picture cannot be copied to the clipboard"))


def _run_first(commands: Sequence[Command], failure: str) -> None:
    """Run the commands until one succeeds."""
    for command in usable(commands):
        try:
            # Some stay in the background and would keep a pipe open.
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        # The explorer of Windows returns 1 after success too.
        if done.returncode == 0 or command[0] == "explorer":
            return
    programs = ", ".join(dict.fromkeys(map(_program, commands)))
    raise AlprError(tr("{failure} ({programs})", failure=failure, programs=programs))
