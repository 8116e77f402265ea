import importlib.util
import json
import re

import pytest

from alpr_app.data.images import read_picture
from alpr_app.data.run_folder import About, read_about, write_about
from alpr_app.train.cli.main import main
from alpr_app.train.reports.report import plain, write_report

READER = ["--embed_dim", "32", "--num_heads", "2", "--num_encoder_layers", "1", "--num_decoder_layers", "1"]
DETECTOR = ["--crop_size", "96", "--long_side", "160"]
SHORT = ["--batch_size", "4", "--samples", "16", "--num_workers", "0", "--threads", "1", "--validate_samples", "8"]


@pytest.fixture
def begun(tmp_path):
    """A run in progress: figures, no checkpoint yet."""
    run = tmp_path / "begun"
    run.mkdir()
    (run / "command.txt").write_text("python -m alpr_app.train detector --output begun\n")
    (run / "train.csv").write_text(
        "step,learning_rate,loss,samples_per_s,waiting_share\n50,0.1,2,10,0.5\n100,0.1,1,30,0.1\n150,0.1"
    )
    (run / "val.csv").write_text("step,judgement,recall\n50,0.9,0.8\n100,0.7,0.85\n")
    return run


@pytest.mark.parametrize(("command", "options"), [("maskocr", READER), ("detector", DETECTOR)])
def test_a_training_ends_with_a_report_and_mistakes_come_on_demand(command, options, data_folder, tmp_path, capsys):
    run = tmp_path / "run"
    assert main([command, "--dataset_path", str(data_folder), "--output", str(run), *options, *SHORT]) == 0
    text = (run / "report.md").read_text(encoding="utf-8")
    kind = "reader" if command == "maskocr" else "detector"
    assert f"A {kind} of " in text and "4 of 4 steps done" in text
    assert "| batch_size | 4 |" in text and str(tmp_path) not in text
    assert "(curves.png)" in text and "mistakes.png" not in text
    assert read_picture(run / "curves.png").shape[1] > 1000
    about, _ = read_about(run)
    assert (about.kind, about.steps) == (kind, 4)
    assert about.arguments[0] == command and about.parameters > 1000
    capsys.readouterr()
    assert main(["report", str(run), "--dataset_path", str(data_folder), "--most", "5"]) == 0
    assert "mistakes on" in capsys.readouterr().out
    assert read_picture(run / "mistakes.png").size
    text = (run / "report.md").read_text(encoding="utf-8")
    assert "(mistakes.png)" in text and "| val | 2 | 2 | 1 |" in text and "| train | 6 | 6 | 1 |" in text


def test_a_run_that_still_goes_on_is_reported(begun, capsys):
    assert main(["report", str(begun)]) == 0
    assert capsys.readouterr().out.strip() == str(begun / "report.md")
    text = (begun / "report.md").read_text(encoding="utf-8")
    assert "100 steps done" in text
    # By the first figure, the first validation was the best.
    assert "best (judgement), step 50 | last, step 100" in text and "| recall | 0.8000 | 0.8500 |" in text
    # As many samples at 10 per second as at 30 are 15 per second in total; half of three quarters of the time waiting.
    assert "| samples per second | 15.0 | 30.0 |" in text
    assert "| waiting for samples | 40.0 % | 10.0 % |" in text
    assert read_picture(begun / "curves.png").size


def test_figures_that_some_rows_lack_are_reported_from_the_others(begun):
    (begun / "train.csv").write_text(
        "step,learning_rate,loss,samples_per_s,waiting_share,memory_gb\n50,0.1,2,10,0.5,\n100,0.1,1,30,,\n"
    )
    (begun / "val.csv").write_text("step,judgement,recall,corners\n50,,0.8,\n100,0.7,,0.3\n150,0.6,0.9,\n")
    text = write_report(begun).read_text(encoding="utf-8")
    assert "best (judgement), step 100 | last, step 150" in text and "nan" not in text
    assert "| recall | – | 0.9000 |" in text and "| corners | 0.3000 | – |" in text
    assert "| waiting for samples | 50.0 % | 50.0 % |" in text and "memory" not in text


def test_damaged_figures_are_said_and_the_rest_is_reported(begun):
    with (begun / "train.csv").open("a") as file:
        file.write("\n\x00\x01\n")
    text = write_report(begun).read_text(encoding="utf-8")
    assert "train.csv: 2 of 4 lines are damaged" in text and "100 steps done" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["NOWHERE"], "there is no run in this folder"),
        (["BEGUN", "--dataset_path", "DATA"], "holds no checkpoint yet"),
        (["BEGUN", "--dataset_path", "NOWHERE"], "no such folder"),
        (["BEGUN", "--dataset_path", "DATA", "--most", "0"], "--most must be 1 or more"),
    ],
)
def test_what_cannot_be_reported_is_one_line(arguments, said, begun, data_folder, tmp_path, capsys):
    places = {"NOWHERE": str(tmp_path / "nowhere"), "BEGUN": str(begun), "DATA": str(data_folder)}
    assert main(["report", *(places.get(word, word) for word in arguments)]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@pytest.fixture
def no_matplotlib(monkeypatch):
    find = importlib.util.find_spec
    without = lambda name: None if name == "matplotlib" else find(name)  # noqa: E731
    monkeypatch.setattr("alpr_app.train.reports.plots.find_spec", without)


def test_without_matplotlib_one_line_names_the_remedy(begun, no_matplotlib, capsys):
    assert main(["report", str(begun)]) == 1
    error = capsys.readouterr().err
    assert "pip install" in error and error.count("\n") == 1
    assert not (begun / "report.md").exists()


def test_a_training_is_done_without_matplotlib_too(data_folder, tmp_path, no_matplotlib, capsys):
    run = tmp_path / "run"
    assert main(["maskocr", "--dataset_path", str(data_folder), "--output", str(run), *READER, *SHORT]) == 0
    assert "no report: plots need matplotlib" in capsys.readouterr().err
    assert (run / "best.pt").is_file()


def test_the_encoder_alone_makes_no_mistakes(data_folder, tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ["maskocr", "--phase", "masked", "--dataset_path", str(data_folder), "--output", str(run)]
    assert main([*arguments, *READER, *SHORT]) == 0
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["kind"] == "masked"
    assert main(["report", str(run), "--dataset_path", str(data_folder)]) == 1
    assert "cannot read yet" in capsys.readouterr().err


EVIL = (
    "<img src=x onerror=alert(1)> | [x](javascript:x) ![y](http://h/y.png) `c` **b** \x1b[2J & _i_ https://h/ $\\frac{"
)


def test_what_a_runs_files_hold_is_no_markup(tmp_path, begun):
    run = begun.rename(tmp_path / "a*b<c>_d_ e\nf#")
    (run / "command.txt").write_text(f"python {EVIL}\n```\n# heading\n<script>\n````\n\x1b[2J")
    figures = {"step": "50", f"{EVIL.replace(',', '')}": "0.5"}
    for name in ("val.csv", "train.csv"):
        (run / name).write_text(f"{','.join(figures)}\n{','.join(figures.values())}\n1,2,3\n", encoding="utf-8")
    about = About(EVIL, 100, 4, EVIL, 7, {EVIL: EVIL, "list": [EVIL, {EVIL: EVIL}]}, {"a": EVIL}, {EVIL: "\n# x"})
    write_about(run, about)
    text = write_report(run).read_text(encoding="utf-8")
    assert "\x1b" not in text
    fenced = re.search(r"^(`{5,})sh\n(.*?)^\1$", text, re.DOTALL | re.MULTILINE)
    rest = text.replace(fenced[0], "")
    assert "<" not in rest and "](" not in re.sub(r"^!\[[^]]*\]\(curves.png\)$", "", rest, flags=re.MULTILINE)
    assert "://" not in rest and "**" not in rest.replace("\\*\\*", "")
    # All lines begin like those of the report itself.
    assert all(re.match(r"#{1,3} |\||!\[|- |A |Nothing|$|\d", line) for line in rest.splitlines())
    headings = [line for line in rest.splitlines() if line.startswith("#")]
    assert headings[1:] == [
        *("## Figures", "## Speed", "## Pictures", "## Data", "## Settings", "### Options", "### Network")
    ]
    for row in (line for line in rest.splitlines() if line.startswith("|")):
        assert len(re.findall(r"(?<!\\)\|", row)) in (3, 4), row


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("samples_per_s", "samples_per_s"),
        ("lr 1e-05, 48 x 192", "lr 1e-05, 48 x 192"),
        ("_a_ *b*", r"\_a\_ \*b\*"),
        ("a|b", r"a\|b"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("a\nb\x1b", r"a\\nb\\x1b"),
        ("皖A12345", "皖A12345"),
    ],
)
def test_a_text_looks_in_markdown_as_it_is(written, safe):
    assert plain(written) == safe
