import json
from dataclasses import asdict
from pathlib import Path

import pytest

from alpr_app.data.run_folder import (
    About,
    NewestModel,
    is_run,
    next_command,
    read_about,
    read_curves,
    read_newest,
    write_about,
)

HEAD = "step,loss,samples_per_s\n"
ABOUT = About(
    "detector", 100, 16, "judgement", 5, {"samples": 1600}, {"long_side": 64}, {}, ["detector", "--x y"], "/h"
)


@pytest.fixture
def curves(tmp_path):
    def read(content: str | bytes):
        path = tmp_path / "train.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_curves(path)

    return read


def test_a_file_that_is_not_there_yet_holds_nothing_and_is_no_trouble(tmp_path):
    found = read_curves(tmp_path / "train.csv")
    assert not found and found.trouble == ""


@pytest.mark.parametrize("end", ["150", "150,0.", "150,0.5,3", "150,0.5,30.25"])
def test_a_line_that_is_being_written_is_left_out_without_a_word(curves, end):
    found = curves(HEAD + "50,2,10\n100,1,20\n" + end)
    assert found.columns["step"].tolist() == [50, 100]
    assert (found.last("loss"), found.trouble) == (1, "")


def test_a_head_that_is_being_written_is_no_table_yet(curves):
    assert not curves("step,lo") and curves("step,lo").trouble == ""


def test_damaged_lines_are_left_out_and_counted_in_one_line(curves):
    found = curves(HEAD + "50,2,10\n100,what,20\n150,1\n200,1,30\n")
    assert found.columns["step"].tolist() == [50, 200]
    assert "2 of 4 lines are damaged" in found.trouble and "\n" not in found.trouble


def test_an_empty_cell_is_no_figure_and_a_line_without_a_step_is_damaged(curves):
    found = curves(HEAD + "50,,10\n100,1,\n,3,4\n")
    assert found.columns["step"].tolist() == [50, 100] and "1 of 3 lines" in found.trouble
    assert str(found.columns["loss"].tolist()) == "[nan, 1.0]" and str(found.last("samples_per_s")) == "nan"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"file,split\n1.jpg,val\n"])
def test_what_is_no_table_of_a_run_is_said(curves, content):
    found = curves(content)
    assert not found and "not a table of a run" in found.trouble


def test_of_steps_that_a_resumed_run_went_through_twice_the_later_ones_count(curves):
    found = curves(HEAD + "50,4,1\n100,3,1\n150,2,1\n100,9,1\n150,8,1\n200,7,1\n")
    assert found.columns["step"].tolist() == [50, 100, 150, 200]
    assert found.columns["loss"].tolist() == [4, 9, 8, 7]


def test_what_a_run_is_comes_back_as_it_was_written(tmp_path):
    assert read_about(tmp_path) == (None, "")
    assert not is_run(tmp_path)
    write_about(tmp_path, ABOUT)
    assert is_run(tmp_path)
    assert read_about(tmp_path) == (ABOUT, "")


@pytest.mark.parametrize(
    "content", ["{", "[]", "3", json.dumps({**asdict(ABOUT), "steps": "many"}), json.dumps({"kind": "detector"})]
)
def test_a_damaged_description_is_one_line_and_nothing_is_known(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    about, trouble = read_about(tmp_path)
    assert about is None
    assert "run.json" in trouble and "\n" not in trouble


def test_the_newest_model_is_known_by_its_description(tmp_path):
    assert read_newest(tmp_path) == (None, "")
    content = {"kind": "reader", "sha256": "abc", "scores": {"training": {"samples_seen": 640}}}
    described = tmp_path / "newest.json"
    described.write_text(json.dumps(content))
    assert read_newest(tmp_path) == (None, f"{tmp_path / 'newest.safetensors'}: no such model")
    (tmp_path / "newest.safetensors").write_bytes(b"weights")
    newest, trouble = read_newest(tmp_path)
    assert (newest.kind, newest.sha256, newest.samples, trouble) == ("reader", "abc", 640, "")
    assert isinstance(newest, NewestModel) and newest.written > 0
    for broken in ("{", json.dumps({**content, "kind": "cat"}), json.dumps({"kind": "reader"})):
        described.write_text(broken)
        newest, trouble = read_newest(tmp_path)
        assert newest is None and "newest.json" in trouble


def test_the_command_goes_on_with_a_run_or_begins_one_like_it(tmp_path):
    assert next_command(tmp_path, ABOUT, done=False) == "python -m alpr_app.train detector '--x y' --resume"
    assert next_command(tmp_path, ABOUT, done=True) == "python -m alpr_app.train detector '--x y'"
    assert next_command(tmp_path, None, done=False) == ""
    command = "python -m alpr_app.train detector --dataset_path data --output run --resume"
    Path(tmp_path / "command.txt").write_text(command + "\n")
    assert next_command(tmp_path, None, done=False) == (
        f"python -m alpr_app.train detector --dataset_path data --output {tmp_path} --resume"
    )


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "NaN", " " * 5_000_000], ids=range(5)
)
@pytest.mark.parametrize(("name", "read"), [("run.json", read_about), ("newest.json", read_newest)])
def test_a_hostile_json_is_one_line_of_trouble(tmp_path, name, read, content):
    (tmp_path / name).write_text(content)
    found, trouble = read(tmp_path)
    assert found is None
    assert trouble.startswith(f"{tmp_path / name}: damaged, ") and "\n" not in trouble and len(trouble) < 400


@pytest.mark.parametrize(
    "wrong",
    [{"steps": -1}, {"parameters": 10**400}, {"batch_size": True}, {"arguments": [1]}, {"options": []}],
    ids=str,
)
def test_a_field_that_cannot_be_used_is_trouble(tmp_path, wrong):
    (tmp_path / "run.json").write_text(json.dumps(asdict(ABOUT) | wrong))
    about, trouble = read_about(tmp_path)
    assert about is None and f"'{next(iter(wrong))}' is missing or damaged" in trouble
