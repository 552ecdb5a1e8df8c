"""`toolkit site`: where it writes, what it prints, and that it shows the page when asked to."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.functional.conftest import ROOT

from .conftest import Project


def test_the_site_is_written_into_the_project_and_written_again(shipped: Project) -> None:
    first = shipped.toolkit("site", "--local", "--schedule", "weather")
    index = Path(first.out.splitlines()[-1])
    assert index == shipped.root / ".toolkit" / "site" / "local" / "index.html"
    assert "embedded AWS" in index.read_text()
    assert shipped.toolkit("site", "--local", "--json").json()["index"] == str(index)


def test_the_calendar_has_all_coming_firings_of_the_months_that_it_shows(
    shipped: Project, tmp_path: Path
) -> None:
    shipped.toolkit("site", "--local", "--schedule", "weather", "--output", str(tmp_path / "a"))
    page = (tmp_path / "a" / "schedules" / "weather" / "index.html").read_text()
    cells = re.findall(r'class="cell (\w+)', page.partition("months large")[2])
    coming = cells[cells.index("coming") :]
    assert set(coming) == {"coming"}
    assert len(coming) >= 14


def test_a_folder_of_something_else_is_refused_with_one_line(
    shipped: Project, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    answer = shipped.toolkit("site", "--local", "--output", str(tmp_path), code=2)
    assert "other files than a site" in answer.err
    assert "--output" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_open_shows_the_first_page_in_the_browser(shipped: Project, tmp_path: Path) -> None:
    shown, browser = tmp_path / "shown", tmp_path / "bin" / "xdg-open"
    browser.parent.mkdir()
    browser.write_text(f'#!/bin/sh\necho "$1" > {shown}.new && mv {shown}.new {shown}\n')
    browser.chmod(0o755)
    path = f"{browser.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", "site", "--local", "--open", "--output", "built/site"],
        cwd=shipped.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    deadline = time.monotonic() + 300  # the browser is on its own
    while not shown.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert shown.read_text().strip() == str(shipped.root / "built/site/index.html")


def test_a_run_on_demand_has_its_page_and_stands_in_a_list(
    shipped: Project, tmp_path: Path
) -> None:
    run_id = shipped.toolkit("run", "weather", "--local", "--json").json()["run_id"]
    folder = tmp_path / "site"
    shipped.toolkit("validate", run_id, "--local", "--wait", "--timeout", "120")
    shipped.toolkit("site", "--local", "--schedule", "weather", "--output", str(folder))
    name = run_id.removeprefix("weather-")
    page = (folder / "firings" / "weather" / f"{name}.html").read_text()
    assert run_id in page
    assert ">Requested<" in page
    assert ">PASS<" in page, "the latest is judged"
    assert f"{name}.html" in (folder / "schedules" / "weather" / "on-demand.html").read_text()
