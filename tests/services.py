"""Services that run while a test talks to them, in a thread of the test or in a process of their own; and talking."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from alpr_app.core.result import Result, Timings
from alpr_app.data.frame import Frame
from alpr_app.data.result_writers import FileResult
from tests.places import ROOT

# Whoever imports this is skipped without them.
for package in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
    pytest.importorskip(package, reason="needs the extra 'serve'")

READ, PLATE_READER = "/v1/read", "/v1/plate-reader/"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return self.json["error"]


def ask(
    address: str, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str | None = None
) -> Answer:
    """Send one request in a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def form(*parts: tuple[str, str | None, bytes], boundary: str = "border") -> tuple[bytes, dict[str, str]]:
    """A multipart form of (name, file name, content), and its headers."""
    lines = []
    for name, file, content in parts:
        named = "" if file is None else f'; filename="{file}"'
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode())
        lines.append(content + b"\r\n")
    return b"".join([*lines, f"--{boundary}--\r\n".encode()]), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }


def encoded(image: np.ndarray, suffix: str = ".png") -> bytes:
    """The file of a picture, RGB."""
    return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def expected(alpr: Any, image: np.ndarray) -> dict[str, Any]:
    """What the service answers for a picture that the library is given, but for the times."""
    result = alpr.analyse(image)
    answer = FileResult(Frame("", ""), (image.shape[1], image.shape[0]), result).to_dict()
    return {name: value for name, value in answer.items() if name != "ms"}


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ms"}


class Waiting:
    """Stands in for the models: holds every picture until it is told to go on."""

    backend, device = "stand-in", "cpu"

    def __init__(self) -> None:
        self.go_on, self.begun = threading.Event(), threading.Semaphore(0)
        self.reader_config = type("Config", (), {"alphabet": "A"})()

    def analyse_batch(self, images: list[np.ndarray]) -> list[Result]:
        for _ in images:
            self.begun.release()
        self.go_on.wait(60)
        return [Result([], Timings()) for _ in images]


@contextmanager
def running(service: Any) -> Iterator[str]:
    """The address of a `Service` in this process, without a slash behind it."""
    from alpr_app.serving.application import make_application
    from alpr_app.serving.server import Server, address_of, listen

    ready = threading.Event()
    with listen("127.0.0.1", 0) as listening:
        address = address_of(listening, False).rstrip("/")
        server = Server(make_application(service), service.limits.seconds, announce=ready.set)
        thread = threading.Thread(target=server.serve_on, args=(listening,), daemon=True)
        thread.start()
        try:
            assert ready.wait(30)
            yield address
        finally:
            server.stop()
            thread.join(60)
            service.batcher.close()
            assert not thread.is_alive()


@dataclass(frozen=True)
class Started:
    """A service in a process of its own. address: without a slash behind it."""

    address: str
    process: subprocess.Popen[str]

    def end(self) -> tuple[int, str]:
        """End it as a service manager does: its exit status, and what it wrote to standard error."""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@contextmanager
def started(*arguments: object, environment: dict[str, str] | None = None) -> Iterator[Started]:
    """`alpr serve` at a free port."""
    command = [sys.executable, "-m", "alpr_app", "serve", "--port", "0", *map(str, arguments)]
    variables = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"} | (environment or {})
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | variables
    )
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            raise AssertionError(f"alpr serve did not start: {line}{process.communicate(timeout=60)[1]}")
        yield Started(line.split()[2].rstrip("/"), process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
