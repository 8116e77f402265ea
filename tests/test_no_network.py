"""Nothing but streams ever opens a connection: every command, with every engine that is installed, in processes in
which no address can be reached and every attempt is noted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import write_data
from short_runs import DETECTOR, SHORT

from tests.places import ROOT

SAMPLES = ROOT / "assets" / "samples"

# Python finds it before anything else is loaded.
SITECUSTOMIZE = """
import os, socket

def refused(sock, address, *rest):
    if sock.family != getattr(socket, "AF_UNIX", None):
        with open(os.environ["ATTEMPTS"], "a") as file:
            file.write(f"python {address}\\n")
        raise OSError(101, "Network is unreachable")
    return connect(sock, address, *rest)

connect = socket.socket.connect
socket.socket.connect = socket.socket.connect_ex = refused
lookup = socket.getaddrinfo

def unknown(host, *rest, **more):
    with open(os.environ["ATTEMPTS"], "a") as file:
        file.write(f"python looks up {host}\\n")
    raise socket.gaierror(-2, "Name or service not known")

socket.getaddrinfo = unknown
"""

# Libraries that are not Python call the system by themselves.
PRELOADED = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void note(const char *what) {
    const char *path = getenv("ATTEMPTS");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (file) { fprintf(file, "%s\n", what); fclose(file); }
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    static int (*real)(int, const struct sockaddr *, socklen_t);
    if (address->sa_family == AF_INET || address->sa_family == AF_INET6) {
        note("connect");
        errno = ENETUNREACH;
        return -1;
    }
    if (!real) real = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
    return real(fd, address, length);
}

int getaddrinfo(const char *node, const char *service, const void *hints, void *result) {
    note("getaddrinfo");
    return -2;
}
"""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """Runs a command of this project without any network; what tried to reach some is told."""
    folder = tmp_path_factory.mktemp("sealed")
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    home = folder / "home"
    home.mkdir()
    attempts = folder / "attempts"
    environment = os.environ | {
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "ATTEMPTS": str(attempts),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "OMP_NUM_THREADS": "1",
    }
    # It is for the program to say so, not for whoever tests it.
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    if sys.platform.startswith("linux") and (compiler := shutil.which("cc")):
        (folder / "sealed.c").write_text(PRELOADED, encoding="utf-8")
        library = folder / "sealed.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "sealed.c", "-ldl"], check=True)
        environment["LD_PRELOAD"] = str(library)

    def run(*arguments: object, cwd: Path = folder) -> tuple[subprocess.CompletedProcess[str], str, list[str]]:
        attempts.unlink(missing_ok=True)
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=300)
        tried = attempts.read_text(encoding="utf-8") if attempts.exists() else ""
        left = [path.name for path in home.rglob("*") if path.is_file()]
        return done, tried, left

    return run


def test_an_attempt_would_be_noticed(sealed):
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    done, tried, _ = sealed("-c", code)
    assert done.returncode != 0 and "192.0.2.1" in tried


@pytest.mark.parametrize("backend", ["torch", "onnx", "onnx-int8"])
def test_reading_reaches_nobody_with_any_engine(sealed, backend):
    if backend != "torch":
        pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
        pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    done, tried, left = sealed("-m", "alpr_app", "read", SAMPLES / "two_cars.jpg", "--backend", backend)
    assert done.returncode == 0, done.stderr
    assert "粤B6E907" in done.stdout
    assert tried == ""
    # Some leave a file that says who one is.
    assert all(name.endswith((".onnx", ".json", ".sha256")) for name in left), left


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "alpr_app", "eval", SAMPLES, "--split", "all"],
        ["-m", "alpr_app", "models"],
        ["-m", "alpr_app", "bench", "--frames", "2", "--threads", "1"],
        ["-m", "alpr_app.train", "validate_dataset", "--dataset_path", SAMPLES],
        ["-m", "alpr_app.train", "draw", "plates", "--output", "drawn", "--count", "2", "--num_workers", "1"],
    ],
    ids=lambda arguments: " ".join(map(str, arguments[1:3])),
)
def test_commands_reach_nobody(sealed, arguments):
    done, tried, _ = sealed(*arguments)
    assert done.returncode == 0, done.stderr
    assert tried == ""


def test_the_service_reaches_nobody(sealed):
    pytest.importorskip("fastapi", reason="needs the extra 'serve'")
    ends_itself = (
        "import sys\nfrom alpr_app.cli.main import main\nfrom alpr_app.serving.server import Server\n"
        "begin = Server.startup\nasync def startup(self, sockets=None):\n"
        "    await begin(self, sockets)\n    self.stop()\n"
        "Server.startup = startup\nsys.exit(main(['serve', '--port', '0']))"
    )
    done, tried, _ = sealed("-c", ends_itself)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("listening on ")
    assert tried == ""


def test_training_reaches_nobody(sealed, tmp_path):
    data = write_data(tmp_path / "data")
    run = tmp_path / "run"
    arguments = ["--dataset_path", data, "--output", run, *DETECTOR, *SHORT]
    done, tried, _ = sealed("-m", "alpr_app.train", "detector", *arguments)
    assert done.returncode == 0, done.stderr
    assert (run / "newest.safetensors").is_file() and tried == ""


def test_the_window_reaches_nobody(sealed, tmp_path):
    window = tmp_path / "window.png"
    done, tried, _ = sealed(ROOT / "alpr_viewer.py", "--image_folder", SAMPLES, "--screenshot", window)
    if done.returncode == 2 and ("imgui" in done.stderr or "OpenGL" in done.stderr or "libEGL" in done.stderr):
        pytest.skip(f"the window cannot be drawn here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert window.is_file() and tried == ""
