"""Both pages in a real Chromium: nothing loaded, nothing broken, readable, searchable."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from toolkit.core.pages.calendar import CalendarPage
from toolkit.core.pages.origin import Origin
from toolkit.core.pages.report import report
from toolkit.core.proof.content import Content
from toolkit.core.proof.ledger import Firing, State, Summary
from toolkit.core.proof.verdict import judge
from toolkit.runtime.contract import RunId

from ..chromium import Page, chromium  # noqa: TID252 - tests are no installed package
from ..unit.test_verdict import GOOD, KEY, LATER, MANIFEST, RUN_ID  # noqa: TID252

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KNOWN_SINCE = NOW - timedelta(days=18)
# Text against what lies behind it, at least 4.5:1: https://www.w3.org/TR/WCAG22/#contrast-minimum
CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => rgb.slice(0, 3)
    .map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const poor = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest(".spoken, script, [hidden]")) continue;
    const pair = [rgba(getComputedStyle(element).color), behind(element)].map(luminance);
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) poor.push(`${element.textContent.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()
"""
COUNT = "document.querySelectorAll('.log li:not([hidden])').length"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of a failed run with everything in it, and a calendar with every state."""
    folder = tmp_path_factory.mktemp("pages")
    evidence = evolve(
        GOOD,
        contents={KEY: Content(10, "ab", 3, ("x",), problem="row 1 has 1 cells")},
        manifests=(evolve(MANIFEST, metrics={"rmse": 2.68, "stations": {"a": [1, 2]}}),),
    )
    lines = [
        (1795496420000 + n, f'{{"seq": {n}, "event": "{event}", "value": {n}}}')
        for n, event in enumerate(["run.started", "signal.raised", "run.failed"] * 20, 1)
    ]
    images = {"a.png": (Path(__file__).parent / "dot.png").read_bytes()}
    verdict = judge(evidence, LATER)
    made = {"report": folder / RUN_ID / "report.html", "calendar": folder / "index.html"}
    made["report"].parent.mkdir()
    made["report"].write_text(report(evidence, verdict, lines, images))
    origin = Origin("123456789012", "eu-central-1")
    summary, calendar = Summary(), CalendarPage(NOW - timedelta(days=21), origin, KNOWN_SINCE)
    for row in summary.through(every_state()):
        calendar.add(row)
    links = {RUN_ID: f"{RUN_ID}/report.html"}
    made["calendar"].write_text(calendar.page("nightly", NOW, summary, links))
    return made


def every_state() -> Iterator[Firing]:
    yield Firing(RunId.parse(RUN_ID), State.OK)
    for number, state in enumerate(State):
        time = NOW - timedelta(hours=12 * number)
        detail = "the reason of it" if state.bad else ""
        yield Firing(RunId("stream-bnb", time), state, detail)
    for minute in range(0, 600, 10):
        yield Firing(RunId("weather", NOW - timedelta(days=3, minutes=minute)), State.OK)


@pytest.mark.parametrize("name", ["report", "calendar"])
@pytest.mark.parametrize(
    "look", [{}, {"dark": True}, {"width": 360}], ids=["light", "dark", "phone"]
)
def test_a_page_is_whole_and_readable(
    page: Page, paths: dict[str, Path], name: str, look: dict[str, Any]
) -> None:
    page.open(paths[name], **look)
    assert page.run(CONTRAST) == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.run(wide) == 0, "it scrolls sideways"
    broken = "[...document.images].filter((i) => !i.complete || !i.naturalWidth).length"
    assert page.run(broken) == 0
    loaded = [
        event["params"]["request"]["url"]
        for event in page.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in loaded if not url.startswith(("file:", "data:"))] == []
    noisy = ("Log.entryAdded", "Runtime.exceptionThrown")
    assert [event for event in page.events if event["method"] in noisy] == []


@pytest.mark.parametrize("name", ["report", "calendar"])
def test_a_page_has_names_for_those_who_hear_it(
    page: Page, paths: dict[str, Path], name: str
) -> None:
    page.open(paths[name])
    nodes = page.names()
    wanted = {"link", "image", "searchbox", "textbox", "region", "heading", "columnheader"}
    assert [role for role, words in nodes if role in wanted and not words] == []
    levels = page.run("[...document.querySelectorAll('h1,h2,h3')].map((h) => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.run("document.documentElement.lang") == "en"
    assert page.run("new Set([...document.querySelectorAll('[id]')].map((e) => e.id)).size") == (
        page.run("document.querySelectorAll('[id]').length")
    )


def test_the_verdict_is_told_in_words_and_not_by_colour_alone(
    page: Page, paths: dict[str, Path]
) -> None:
    page.open(paths["report"])
    text = page.run("document.querySelector('main').innerText")
    for words in ("An artifact is intact", "row 1 has 1 cells", "Running", "rmse", "a.csv"):
        assert words in text
    assert page.run("document.querySelector('.ruling').textContent") == "FAIL"
    spoken = page.run("[...document.querySelectorAll('.chip .spoken')].map((e) => e.textContent)")
    assert {"passed", "failed"} <= set(spoken)


def test_the_log_is_searched_by_keyboard_alone(page: Page, paths: dict[str, Path]) -> None:
    page.open(paths["report"])
    assert page.run(COUNT) == 60
    for _ in range(20):
        page.key("Tab")
        if page.run("document.activeElement.id") == "search":
            break
    assert page.run("document.activeElement.id") == "search"
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.type("SIGNAL value=5")
    assert page.run(COUNT) == 5  # 5, 50, 53, 56 and 59
    assert page.run("document.getElementById('found').textContent") == "5 of 60 lines"
    page.key("Tab")
    assert page.run("document.activeElement.className") == "log"


def test_the_calendar_leads_to_a_report_and_counts_a_busy_day(
    page: Page, paths: dict[str, Path]
) -> None:
    page.open(paths["calendar"])
    text = page.run("document.body.innerText")
    assert "60 ok" in text or re.search(r"\d\d ok weather", text)
    for state in State:
        assert str(state) in text
    assert page.run("document.querySelectorAll('.today').length") == 1
    page.run("document.querySelector('.calendar a').click()")
    page.arrive(paths["report"])
    assert page.run("document.querySelector('h1').textContent") == RUN_ID


@pytest.mark.parametrize("name", ["report", "calendar"])
def test_a_printed_page_keeps_every_line(page: Page, paths: dict[str, Path], name: str) -> None:
    page.open(paths[name])
    assert page.pdf().startswith(b"%PDF")
    page.open(paths[name], media="print")
    assert page.run(CONTRAST) == []
    if name == "report":
        clipped = "(() => { const l = document.querySelector('.log'); "
        assert page.run(clipped + "return l.scrollHeight - l.clientHeight; })()") <= 1
        assert page.run("getComputedStyle(document.querySelector('.search')).display") == "none"
