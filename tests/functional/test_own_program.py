"""docs/guides/own-program.md, performed: its blocks are the files, its lines are typed.

The URL of the page is that of a file which this machine serves.
"""

import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .conftest import ROOT, Answer, Project, make_project

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "guides" / "own-program.md").read_text()
PRICES = "product,price\na,1.0\nb,2.0\na,3.0\n"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a file of prices is."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "prices.csv").write_text(PRICES)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/prices.csv"
        server.shutdown()


def block(kind: str) -> str:
    [text] = re.findall(rf"^ *```{kind}\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    return "\n".join(
        line.removeprefix("   ") if kind == "toml" else line for line in text.split("\n")
    )


def lines(url: str) -> list[list[str]]:
    found = re.findall(r"^ *\$ toolkit (.*)$", PAGE, re.MULTILINE)
    return [shlex.split(line.replace("https://example.org/prices.csv", url)) for line in found]


@pytest.fixture(scope="module")
def typed(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Answer]]:
    """The answers to the page's commands, by their first words; the project as they left it."""
    project = make_project(tmp_path_factory.mktemp("own"))
    (project.root / "workloads" / "prices.py").write_text(block("python"))
    answers = {}
    for words in lines(url):
        answers[" ".join(words[:2])] = project.toolkit(*words)
        if words[0] == "add":
            with (project.root / "workloads" / "catalog.toml").open("a") as catalog:
                catalog.write("\n" + block("toml"))
    answers["test"] = _test(project)
    yield answers
    project.toolkit("local", "stop")


def _test(project: Project) -> Answer:
    test = Path("tests") / "test_prices.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": f"{project.root}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_a_script_that_knows_nothing_of_this_is_proved(typed: dict[str, Answer]) -> None:
    run = typed["run prices"]
    assert run.out.startswith("PASS")
    assert "means.csv" in run.out
    assert "3 prices of 2 products" in run.err


def test_its_own_test_runs_it(typed: dict[str, Answer]) -> None:
    assert "1 passed" in typed["test"].out, typed["test"].out


def test_it_fires_and_stands_in_ledger_and_calendar(typed: dict[str, Answer]) -> None:
    assert re.search(r"prices  ok$", typed["ledger --local"].out, re.MULTILINE)
    assert "07:15 CE" in typed["schedules calendar"].out
