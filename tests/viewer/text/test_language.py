"""The words of the window: whether both languages have all of them, and which language is used."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from alpr_app.core.plate import COLOURS, PROVINCES
from alpr_app.core.result import STAGES
from alpr_app.data.assets import FONT
from alpr_app.evaluation.outcomes import OUTCOMES
from alpr_app.viewer.app.arguments import chosen_settings, parse
from alpr_app.viewer.app.settings import Settings, from_dict
from alpr_app.viewer.app.state import State
from alpr_app.viewer.text import language
from alpr_app.viewer.text.language import CHINESE, CHINESE_TABLE, ENGLISH, read_table, tr
from alpr_app.viewer.toolkit.inputs import KEYS
from tests.places import ROOT

VIEWER = ROOT / "alpr_app" / "viewer"
TABLE = read_table(CHINESE_TABLE)
# Columns of train.csv and val.csv, kinds of models: texts that come from files.
FROM_FILES = {"masked", "loss", "score", "box", "corner", "query", "column", "colour", "error", "exact", "false boxes"}
FROM_FILES |= {"scenes recall 50", "scenes recall 70", "scenes corner error", "scenes exact", "scenes without province"}
FROM_FILES |= {"crops exact", "crops without province"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(VIEWER.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
            yield node


def translated_texts() -> set[str]:
    """The texts in calls of `tr` and `mark`."""
    found = set()
    for _, tree in sources():
        for call in calls(tree, "tr", "mark"):
            if isinstance(call.args[0], ast.Constant):
                found.add(call.args[0].value)
    return found


def placeholders(text: str) -> list[str]:
    fields = [(name, form) for _, name, form, _ in string.Formatter().parse(text) if name is not None]
    return sorted(f"{name}:{form}" for name, form in fields)


def test_every_text_of_the_window_has_a_translation_and_no_translation_is_left_over():
    from_code = {*OUTCOMES, *COLOURS, *STAGES, "brightness", "contrast"}
    wanted = translated_texts() | (from_code - {"closer"}) | FROM_FILES
    assert wanted - TABLE.keys() == set()
    assert TABLE.keys() - wanted == set()


def test_translations_have_the_placeholders_of_their_texts():
    for text, translation in TABLE.items():
        assert placeholders(translation) == placeholders(text), text
        assert re.findall(r"%\S*f", translation) == re.findall(r"%\S*f", text)
        assert translation and "#" not in translation.replace("#{", ""), "## and what follows is no text in Dear ImGui"


def test_texts_are_constants_with_a_value_for_each_placeholder():
    for path, tree in sources():
        for call in calls(tree, "tr"):
            text = call.args[0]
            assert not isinstance(text, ast.JoinedStr | ast.BinOp), f"{path.name}:{text.lineno}"
            if isinstance(text, ast.Constant):
                named = {name for _, name, _, _ in string.Formatter().parse(text.value) if name}
                assert named == {keyword.arg for keyword in call.keywords}, text.value


# Functions of the toolkit and of the panels that show the texts they are given, and those that only take names.
SHOWING = ("text", "button", "checkbox", "tooltip", "tab", "progress", "heading", "draw_pair", "add_message", "elide")
NAMING = ("hit", "area", "child", "tabs", "drag_cursor", "get", "mark", "tr", "font", "getattr", "removeprefix")
# Texts that are the same in every language.
SAME = {"CSV", "CSV##cars", "1:1", "English", "中文", "Ctrl I, Ctrl K", "Ctrl E"}
SAME |= {"python -m alpr_app.train report ", " --dataset_path DATA"}
# Names of keys, icons, settings and areas.
NAMES = set(KEYS) | {"Row", "Choice", "run folder", "refresh cameras", "picker up", "show_truth"}


def literals(node: ast.AST) -> Iterator[ast.Constant]:
    """The strings of an expression that are neither translated nor names of areas, settings and keys."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in NAMING:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from literals(child)


def docstrings(tree: ast.Module) -> set[int]:
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def test_no_panel_draws_a_text_that_is_not_translated():
    bare = []
    for path, tree in sources():
        if path.parent.name != "panels" and path.name != "layout.py":
            continue
        left_out = docstrings(tree)
        for node in literals(tree):
            # Sentences and titles; names of areas, icons and settings are in lower case.
            words = re.search(r"[A-Z][a-z]|[a-z]{2,} [a-z]{2,}", node.value)
            if words and id(node) not in left_out and node.value not in SAME | NAMES:
                bare.append(f"{path.name}:{node.lineno}: {node.value}")
        for call in calls(tree, *SHOWING):
            for argument in (*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "tip")):
                for node in literals(argument):
                    shown = node.value.split("##")[0]
                    if re.search(r"[A-Za-z]{2}", shown) and node.value not in SAME:
                        bare.append(f"{path.name}:{node.lineno}: {node.value}")
    assert "\n".join(bare) == ""


def test_messages_of_the_program_are_translated():
    for path, tree in sources():
        for call in calls(tree, "add_message"):
            bare = [node.value for node in literals(call.args[0]) if re.search("[A-Za-z]{2}", node.value)]
            assert bare == [], path.name


def test_the_font_has_every_character_of_both_languages():
    fonts = pytest.importorskip("fontTools.ttLib")
    glyphs = fonts.TTFont(FONT).getBestCmap()
    used = {letter for text in (*TABLE, *TABLE.values(), PROVINCES) for letter in text}
    assert {letter for letter in used if ord(letter) not in glyphs} == set()


@pytest.fixture
def system(monkeypatch):
    """Sets the language of the system."""
    monkeypatch.undo()
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return lambda name, value: monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LANG", "zh_CN.UTF-8", CHINESE),
        ("LANG", "zh_TW", CHINESE),
        ("LC_ALL", "zh_CN", CHINESE),
        ("LANGUAGE", "zh:en", CHINESE),
        ("LANGUAGE", "en:zh", ENGLISH),
        ("LANG", "de_DE.UTF-8", ENGLISH),
        ("LANG", "C.UTF-8", ENGLISH),
    ],
)
def test_the_language_of_the_system_is_the_default(system, name, value, expected):
    system(name, value)
    assert language.system_language() == expected


def test_the_settings_choose_the_language_and_remember_it():
    state = State(settings=Settings(language=ENGLISH))
    assert tr("Open") == "Open" and language.letters() == ""
    state.change(language=CHINESE)
    assert (tr("Open"), tr("{count:,} read", count=1234)) == ("打开", "已识别 1,234 张")
    assert language.language() == CHINESE and "打" in language.letters()
    assert from_dict({"language": "zh"}).language == CHINESE
    assert from_dict({"language": "tlh"}).language == Settings().language == "system"
    state.change(language=ENGLISH)
    assert tr("Open") == "Open"


def test_the_command_line_chooses_the_language(capsys):
    assert chosen_settings(parse(["--language", "zh"]))["language"] == CHINESE
    assert "language" not in chosen_settings(parse([]))
    with pytest.raises(SystemExit):
        parse(["--language", "tlh"])
    assert capsys.readouterr().err.count("\n") == 1
