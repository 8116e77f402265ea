"""A real Chromium without a window, driven through chromedriver's WebDriver interface (https://www.w3.org/TR/webdriver2)."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from servers import free_port

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
MISSING = "" if CHROMIUM and DRIVER else "needs chromium and chromedriver (Debian: chromium, chromium-driver)"

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    # Nothing but this computer can be reached, whatever a page asks for.
    *("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--window-size=1200,900", "--lang=en"),
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One window. address: of its WebDriver session."""

    def __init__(self, address: str) -> None:
        self._address = address

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        return call(method, f"{self._address}{path}", content)

    def open(self, address: str) -> None:
        self._call("POST", "/url", {"url": address})

    def run(self, script: str, *arguments: object) -> Any:
        """What the body of a function returns that is run in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def type_into(self, selector: str, text: str) -> None:
        """Type into an element; the path of a file into a file input."""
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        self._call("POST", f"/element/{found[_ELEMENT]}/value", {"text": text})

    def click(self, selector: str) -> None:
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        self._call("POST", f"/element/{found[_ELEMENT]}/click", {})

    def until(self, script: str, *arguments: object) -> Any:
        """What a function returns as soon as it is true."""
        deadline = time.monotonic() + 30
        while not (value := self.run(script, *arguments)):
            assert time.monotonic() < deadline, (
                f"never true: {script}; the page: {self.run('return document.body.innerText')}"
            )
            time.sleep(0.05)
        return value

    def colour_scheme(self, name: str) -> None:
        """Ask pages for their light or dark colours."""
        features = {"features": [{"name": "prefers-color-scheme", "value": name}]}
        self._call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": features})

    def messages(self) -> list[str]:
        """What the page has written to the console since it was asked last: errors and warnings."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))


def call(method: str, address: str, content: dict[str, Any] | None = None) -> Any:
    """The value that a WebDriver command gives."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)["value"]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile in `profile`."""
    port = free_port()
    with subprocess.Popen(
        [str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as driver:
        try:
            _wait(f"http://127.0.0.1:{port}/status")
            options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={profile}"]}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            begun = call("POST", f"http://127.0.0.1:{port}/session", {"capabilities": {"alwaysMatch": wanted}})
            session = f"http://127.0.0.1:{port}/session/{begun['sessionId']}"
            try:
                yield Browser(session)
            finally:
                call("DELETE", session)
        finally:
            driver.terminate()


def _wait(address: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            call("GET", address)
            return
        except OSError:
            assert time.monotonic() < deadline, "chromedriver does not start"
            time.sleep(0.05)
