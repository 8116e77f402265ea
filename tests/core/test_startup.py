"""What a shell can do to a program before it has begun: interrupt it, or close its streams."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from servers import hearing_ctrl_c

from alpr_app.core.errors import printable
from tests.places import ROOT

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
PICTURE = ROOT / "assets" / "samples" / "two_cars.jpg"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these signals nor such shells")


def python(*arguments: str, more: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = ENVIRONMENT | (more or {})
    return subprocess.run(
        hearing_ctrl_c(*arguments),
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


@pytest.fixture
def interrupting(tmp_path):
    """The Python path on which the package `name` sends Ctrl-C as soon as it is imported, and goes on slowly."""

    def make(name: str) -> dict[str, str]:
        (tmp_path / f"{name}.py").write_text(
            "import os, signal, time\n"
            "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(20)\n"
            "except BaseException as error:\n    raise ImportError('the interruption was swallowed') from error\n"
        )
        return {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    return make


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("alpr", ["-m", "alpr_app", "read", str(PICTURE)]),
        ("alpr", ["-m", "alpr_app", "eval", str(PICTURE.parent)]),
        ("alpr_app.train", ["-m", "alpr_app.train", "detector", "--help"]),
        ("alpr_viewer", [str(ROOT / "alpr_viewer.py"), "--image_folder", str(PICTURE.parent), "--screenshot", "x.png"]),
    ],
)
def test_ctrl_c_during_an_import_is_one_line(interrupting, program, arguments):
    done = python(*arguments, more=interrupting("cv2"))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{program}: interrupted\n")


def test_ctrl_c_is_an_exception_where_nothing_is_imported():
    code = (
        "import os, signal\nfrom alpr_app.core.startup import enter\nenter('alpr')\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()\n"
        "except KeyboardInterrupt:\n    print('caught')"
    )
    assert python("-c", code).stdout == "caught\n"


def test_a_background_job_goes_on_ignoring_ctrl_c():
    code = (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nfrom alpr_app.core.startup import enter\n"
        "enter('alpr')\nprint(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    assert python("-c", code).stdout == "True\n"


def shell(closed: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `alpr` by a shell that closes streams."""
    command = f'exec "{sys.executable}" -m alpr_app "$@" {closed}'
    return subprocess.run(
        ["sh", "-c", command, "sh", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )


def test_with_all_streams_closed_results_are_written_to_a_file(tmp_path, detector_path, reader_path):
    out = tmp_path / "out.jsonl"
    models = ("--detector_model", detector_path, "--ocr_model", reader_path, "--backend", "torch")
    done = shell("<&- >&- 2>&-", "read", PICTURE, tmp_path / "none.jpg", "--out", out, *models)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert out.read_text(encoding="utf-8").count("\n") == 2


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models"]])
def test_a_closed_output_is_one_line(arguments):
    done = shell(">&-", *arguments)
    assert (done.returncode, done.stderr) == (2, "alpr: standard output: Bad file descriptor\n")


def test_errors_do_not_go_to_the_output_where_theirs_is_closed(tmp_path):
    done = shell("2>&-", "eval", tmp_path / "none")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_closed_input_is_one_line():
    done = shell("<&-", "read", "-")
    assert (done.returncode, done.stderr) == (2, "alpr: standard input: Bad file descriptor\n")


def test_what_decoders_print_is_not_seen_and_the_file_is_named(tmp_path, detector_path, reader_path):
    lacking, damaged = tmp_path / "lacking.jpg", tmp_path / "damaged.png"
    lacking.write_bytes(PICTURE.read_bytes()[:-2])
    import cv2
    import numpy as np

    png = bytearray(cv2.imencode(".png", np.arange(30_000, dtype=np.uint8).reshape(100, 100, 3))[1].tobytes())
    png[60:90] = bytes(30)
    damaged.write_bytes(png)
    models = ("--detector_model", detector_path, "--ocr_model", reader_path, "--backend", "torch")
    done = shell("", "read", lacking, damaged, "--out", tmp_path / "out.jsonl", *models)
    assert done.stderr.splitlines() == [f"alpr: {damaged}: a damaged picture"]


def test_file_names_cannot_move_the_cursor(tmp_path, detector_path, reader_path):
    odd = tmp_path / "a\x1b[2J\rb\nc\u202e.jpg"
    odd.write_bytes(PICTURE.read_bytes())
    models = ("--detector_model", detector_path, "--ocr_model", reader_path, "--backend", "torch")
    done = shell("", "read", odd, tmp_path / "none\x1b\n.jpg", *models)
    # A line for each plate, and the head and the legend.
    assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())
    rows = done.stdout.splitlines()[1:-1]
    assert rows and all(row.endswith(r"a\x1b[2J\rb\nc\u202e.jpg") for row in rows)
    assert done.stderr == f"alpr: {tmp_path}/none\\x1b\\n.jpg: no such file\n"


def test_what_is_seen_as_it_is_stays():
    for text in ("皖A·12345 (photo).jpg", "C:\\pictures\\a.jpg", "e\u0301.png", "😀"):
        assert printable(text) == text
    assert printable("a\tb\x7f\ud800\u2028\u200f") == r"a\tb\x7f\ud800\u2028\u200f"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the wheels bring what they need")
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "alpr_app", "read", "picture.jpg"],
        ["-m", "alpr_app", "eval", "folder"],
        ["-m", "alpr_app", "bench"],
        ["-m", "alpr_app.train", "--help"],
        ["-m", "alpr_app.train", "detector", "--dataset_path", "data"],
        [str(ROOT / "alpr_viewer.py"), "--image_folder", "folder"],
        [str(ROOT / "alpr_viewer.py"), "--screenshot", "window.png"],
    ],
    ids=" ".join,
)
def test_a_library_that_the_system_lacks_is_one_line_with_the_remedy(command, tmp_path):
    """As on a bare system: OpenCV finds no libGL."""
    (tmp_path / "cv2.py").write_text(
        'raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")', encoding="utf-8"
    )
    (tmp_path / "folder").mkdir()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr.count("\n") == 1
    assert "the system's library libGL.so.1 is missing" in done.stderr
    assert "alpr read" not in done.stderr  # which would end the same way
