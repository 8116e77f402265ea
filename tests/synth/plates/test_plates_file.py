"""Plates files: what is in them, and every mistake as one line that names file and key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.synth.plates import plates_file
from alpr_app.synth.plates.plate_design import PlatesError
from alpr_app.synth.plates.plates_file import read_plates_file, shipped_plates
from alpr_app.train.cli.main import main
from tests.places import ROOT

HEAD = 'name = "Toy"\nalphabet = "ABCDEF0123456789"\nmax_length = 6\n'
DESIGN = '[[design]]\npattern = "LL-DDD"\nwidth = 400\nheight = 100\n'


def write(folder: Path, content: str) -> Path:
    path = folder / "toy.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_is_read_with_defaults_for_what_it_leaves_out(tmp_path):
    plates = read_plates_file(write(tmp_path, HEAD + DESIGN + 'colour = "red"\nbackground = "#ff0000"\n' + DESIGN))
    assert (plates.name, plates.colours) == ("Toy", ("red", "white"))
    assert plates.designs[0].background == ((255, 0, 0),)
    assert ReaderConfig(**plates.reader_fields()).alphabet == "ABCDEF0123456789"


def test_texts_follow_the_patterns_and_leave_marks_and_gaps_out(tmp_path):
    classes = '[classes]\nN = "123"\nC = ["AB", "F"]\n'
    design = DESIGN.replace("LL-DDD", "C*L ND-0")
    plates = read_plates_file(write(tmp_path, HEAD + classes + design))
    rng = np.random.default_rng(1)
    letterings = {plates.choose(rng)[1] for _ in range(300)}
    assert len(letterings) > 100
    for lettering in letterings:
        text = plates.text_of(lettering)
        place = 1 if text[0] == "F" else 2
        assert lettering == f"{text[:place]}*{text[place]} {text[place + 1 : place + 3]}-0"
        assert text[place] in "ABCDEF" and text[place + 1] in "123" and text[place + 2].isdigit()
        assert plates.issues(text) and plates.issues(lettering)
    assert not plates.issues("ABA") and not plates.issues("FA950") and not plates.issues("")


def test_designs_are_drawn_by_their_weights_and_rows(tmp_path):
    double = DESIGN.replace("LL-DDD", "LL/DDD").replace("height = 100", "height = 200") + "weight = 3\n"
    plates = read_plates_file(write(tmp_path, HEAD + DESIGN + double))
    rng = np.random.default_rng(2)
    rows = [plates.choose(rng)[0].rows for _ in range(400)]
    assert 0.68 < rows.count(2) / 400 < 0.82
    assert {plates.choose(rng, rows=1)[0].rows for _ in range(40)} == {1}
    only = read_plates_file(write(tmp_path, HEAD + double))
    assert only.choose(rng, rows=1)[0].rows == 2


def test_designs_belong_to_an_end_of_the_car_or_to_both(tmp_path):
    ends = (f'colour = "{end or "both"}"\n' + (f'end = "{end}"\n' if end else "") for end in ("front", "rear", ""))
    plates = read_plates_file(write(tmp_path, HEAD + "".join(DESIGN + end for end in ends)))
    rng = np.random.default_rng(3)
    for end, colours in (("front", {"front", "both"}), ("rear", {"rear", "both"}), (None, {"front", "rear", "both"})):
        assert {plates.choose(rng, end=end)[0].colour for _ in range(60)} == colours
    only = read_plates_file(write(tmp_path, HEAD + DESIGN + 'end = "rear"\n'))
    assert only.choose(rng, end="front")[0].end == "rear"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + DESIGN + "wdith = 3", "design 1: 'wdith' is unknown; the known keys are pattern, width"),
        ("colour = 3\n" + HEAD + DESIGN, "'colour' is unknown"),
        (HEAD, "'design' is missing"),
        (DESIGN, "'name' is missing"),
        (HEAD + DESIGN.replace("width = 400\n", ""), "design 1: 'width' is missing"),
        (HEAD.replace("EF0", "EE0") + DESIGN, "'alphabet' holds 'E', twice"),
        (HEAD.replace("EF0", "E F0") + DESIGN, "'alphabet' holds ' '"),
        (HEAD + DESIGN.replace("LL", "LZ"), "'Z' in the pattern 'LZ-DDD' is not a class and not in the alphabet"),
        (HEAD + '[classes]\nC = ["AX"]\n' + DESIGN, "classes: 'C' holds 'X', which is not in the alphabet"),
        (HEAD + '[classes]\nCC = "A"\n' + DESIGN, "'CC' is not the name of a class"),
        (HEAD.replace("ABCDEF", "") + DESIGN, "'L' in the pattern 'LL-DDD': the alphabet has no such character"),
        (HEAD + DESIGN.replace("DDD", "DDDDD"), "'LL-DDDDD' has up to 7 characters, 'max_length' is 6"),
        (HEAD + DESIGN.replace("400", "200"), "'LL-DDD' needs 267 mm, but only 184 mm are between the margins"),
        (HEAD + DESIGN.replace("LL-DDD", "LL/DDD"), "but 'height' is 100"),
        (HEAD + DESIGN.replace('"LL-DDD"', '["LL", "LL/DDD"]'), "has another number of rows than 'LL'"),
        (HEAD + DESIGN.replace("400", '"400"'), "'width' must be a whole number from 100 to 1000, not '400'"),
        (HEAD + DESIGN.replace("400", "true"), "'width' must be a whole number"),
        (HEAD + DESIGN.replace("LL-DDD", "LL/"), "the pattern 'LL/' has an empty row"),
        (HEAD + DESIGN + 'end = "left"', "design 1: 'end' must be "),
        (HEAD + DESIGN + "stroke = 20", "'stroke' is 20, but must be at most a third of a character's 44 mm"),
        (HEAD + DESIGN + 'ink = "black"', "'ink' must be a colour such as '#ffcc00', not 'black'"),
        (HEAD + DESIGN + "band = { stars = 1 }", "design 1, band: 'stars' must be true or false, not 1"),
        (HEAD + DESIGN + 'font = "nowhere.ttf"', "nowhere.ttf cannot be opened: No such file"),
        (HEAD + DESIGN + 'caption = { text = "X" }', "design 1, caption: 'top' is missing"),
        (HEAD + DESIGN + 'caption = { text = "X", top = 95 }', "a caption ends below the lower edge"),
        (HEAD + DESIGN + 'font = "toy.toml"', "toy.toml is not a TrueType or OpenType font"),
        ("name = ", "not a TOML file"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_in_one_line(content, said, tmp_path, capsys):
    path = write(tmp_path, content)
    assert main(["maskocr", "--plates", str(path), "--output", str(tmp_path / "run")]) == 1
    message = capsys.readouterr().err
    assert said in message and str(path) in message and message.count("\n") == 1


def test_a_name_that_is_no_file_says_which_names_there_are():
    with pytest.raises(PlatesError, match="martian: no such plates file; the shipped ones are american, british"):
        read_plates_file("martian")


@pytest.mark.parametrize("name", shipped_plates())
def test_what_is_shipped_makes_texts_that_its_own_reader_can_spell(name):
    plates = read_plates_file(name)
    config, rng = ReaderConfig(**plates.reader_fields()), np.random.default_rng(3)
    texts = {plates.text_of(plates.choose(rng)[1]) for _ in range(500)}
    assert len(texts) > 480
    for text in texts:
        assert 0 < len(text) <= config.max_length and set(text) <= set(config.alphabet)
        assert plates.issues(text)


def examples() -> list[str]:
    """The example in docs/plates.md, and that in the docstring of the module."""
    documented = (ROOT / "docs" / "plates.md").read_text(encoding="utf-8")
    in_docs = documented.partition("```toml\n")[2].partition("```")[0]
    docstring = plates_file.__doc__ or ""
    lines = docstring[docstring.index("    name =") :].splitlines()
    in_module = [line.removeprefix("    ") for line in lines if line.startswith("    ") or not line]
    return [in_docs.strip(), "\n".join(in_module).strip()]


def test_the_example_in_the_documentation_loads_and_is_that_of_the_module(tmp_path):
    in_docs, in_module = examples()
    assert in_docs == in_module
    plates = read_plates_file(write(tmp_path, in_docs))
    assert (plates.name, plates.max_length) == ("Example", 8)
    assert {len(plates.text_of(plates.choose(np.random.default_rng(seed))[1])) for seed in range(50)} <= set(
        range(5, 9)
    )
