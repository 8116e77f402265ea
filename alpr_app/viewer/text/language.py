"""Translates the words of the window into the chosen language.

The language belongs to the process, as with gettext: panels, messages and threads all speak the same one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

SYSTEM, ENGLISH, CHINESE = "system", "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)
LANGUAGE_CHOICES = (SYSTEM, *LANGUAGES)
CHINESE_TABLE = Path(__file__).with_name("chinese.toml")

# Primary language of Windows' language identifiers, and its value for Chinese.
_PRIMARY_LANGUAGE, _WINDOWS_CHINESE = 0x3FF, 0x04


class _Language:
    """The chosen language: its code, its translations by English text, and the characters that these need."""

    def __init__(self, code: str, table: Mapping[str, str]) -> None:
        self.code, self.table = code, table
        self.letters = "".join(sorted({letter for text in table.values() for letter in text}))


_loaded = {ENGLISH: _Language(ENGLISH, {})}
_chosen = _loaded[ENGLISH]
_choice = ENGLISH


def tr(text: str, /, **values: object) -> str:
    """Translate an English text of the window and fill in its placeholders, which are those of `str.format`."""
    translated = _chosen.table.get(text, text)
    return translated.format(**values) if values else translated


def mark(text: str) -> str:
    """Return `text`, which is translated where it is drawn; the mark tells that it belongs into the tables."""
    return text


def choose_language(choice: str) -> None:
    """Use one of LANGUAGE_CHOICES from now on."""
    global _chosen, _choice
    if choice == _choice:
        return
    code = system_language() if choice == SYSTEM else choice
    if code not in _loaded:
        _loaded[code] = _Language(code, read_table(CHINESE_TABLE))
    _chosen, _choice = _loaded[code], choice


def language() -> str:
    """The language in use, one of LANGUAGES."""
    return _chosen.code


def letters() -> str:
    """The characters that the translations need; empty for English."""
    return _chosen.letters


def read_table(path: Path) -> dict[str, str]:
    """Read a table of translations: English text and its translation."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def system_language() -> str:
    """The language of the system if the window has it, else English."""
    return CHINESE if _system_locale().lower().startswith("zh") else ENGLISH


def _system_locale() -> str:
    """The name of the system's language, such as zh_CN.UTF-8; empty if it is unknown."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        locale = os.environ.get(name, "").split(":")[0]
        if locale:
            return locale
    if sys.platform == "win32":
        import ctypes

        code = ctypes.windll.kernel32.GetUserDefaultUILanguage() & _PRIMARY_LANGUAGE
        return CHINESE if code == _WINDOWS_CHINESE else ""
    if sys.platform == "darwin":
        # Programs that are started from the desktop have no variables of the language there.
        return _mac_language()
    return ""


def _mac_language() -> str:
    command = ["defaults", "read", "-g", "AppleLanguages"]
    try:
        preferred = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    found = re.search(r"[A-Za-z-]+", preferred)
    return found[0] if found else ""
