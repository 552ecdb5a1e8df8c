"""A real Chromium, headless, driven over its DevTools protocol with what the project has already.

https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket

PATH = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)


class Page:
    """One tab."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=300)
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Network", "Log", "Runtime", "Accessibility"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._socket.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(
        self, path: Path, *, width: int = 1100, dark: bool = False, media: str = "screen"
    ) -> None:
        """Show a file; Chromium reports everything that it loads or complains about."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        self.arrive(path)

    def arrive(self, path: Path) -> None:
        """Wait until a file is there whole."""
        there = f"document.readyState == 'complete' && location.href == '{path.as_uri()}'"
        deadline = time.monotonic() + 300
        while not self.run(there):
            assert time.monotonic() < deadline, self.run("location.href")
            time.sleep(0.02)

    def visit(self, url: str) -> None:
        """Go to an address; returns when something has been loaded, an error page if need be."""
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + 300
        while not self.run("document.readyState == 'complete' && location.href != 'about:blank'"):
            assert time.monotonic() < deadline, url
            time.sleep(0.02)

    def run(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, what it is fulfilled with."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def key(self, key: str) -> None:
        """Press a key that has a name."""
        code = {"Tab": 9, "Enter": 13}[key]
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def pdf(self) -> bytes:
        """What would be printed."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])

    def names(self) -> list[tuple[str, str]]:
        """Role and accessible name of everything that a screen reader would tell."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node.get("ignored")
        ]


@contextmanager
def chromium(*flags: str) -> Iterator[Page]:
    """A browser with one tab; skips the test where there is none, fails in CI."""
    if PATH is None:
        message = "chromium is not installed: the pages are not looked at"
        assert os.environ.get("CI") != "true", message
        pytest.skip(message)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        with (Path(profile) / "log").open("wb") as log:
            process = subprocess.Popen(
                [PATH, *_FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"],
                stdout=log,
                stderr=log,
            )
        try:
            page = Page(_tab(Path(profile) / "DevToolsActivePort", process))
            try:
                yield page
            finally:
                page.close()
        finally:
            process.terminate()
            process.wait(20)


def _tab(file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 300
    while not file.exists() or not file.read_text().strip():
        assert process.poll() is None, "chromium ended"
        assert time.monotonic() < deadline, "chromium does not start"
        time.sleep(0.05)
    port = file.read_text().split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        tabs = json.load(answer)
    return next(str(tab["webSocketDebuggerUrl"]) for tab in tabs if tab["type"] == "page")
