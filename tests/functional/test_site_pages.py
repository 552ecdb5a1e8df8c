"""The pages of a site in a real Chromium: only files of the site are loaded, all can be read."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from toolkit.app.proof import site
from toolkit.app.proof.site import SiteRequest
from toolkit.core.schedules.history import Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.contract import format_time

from ..chromium import Page, chromium  # noqa: TID252 - tests are no installed package
from ..unit.spoiled_runs import (  # noqa: TID252
    START,
    a_run,
    an_app,
    an_aws,
    prepared,
    scheduled,
)
from ..unit.test_site import on_demand  # noqa: TID252
from .test_pages import CONTRAST

DAY = timedelta(days=1)
WAYS = ["", "failed", "everything", "no record", "dead letter", "garbled manifest", ""]
PAGES = {
    "index": "index.html",
    "schedule": "schedules/weather/index.html",
    "month": "schedules/weather/2026-11.html",
    "report": "firings/weather/20261101T060000Z.html",
    "failed": "firings/weather/20261102T060000Z.html",
    "missed": "firings/weather/20261103T060000Z.html",
    "dead letter": "firings/weather/20261105T060000Z.html",
    "on demand": "schedules/weather/on-demand.html",
    "run on demand": "firings/weather/20261101T080000Z-abc001.html",
}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of five months with every kind of day, and of another schedule with none yet."""
    aws = an_aws()
    scheduled(aws, "cron(0 6 * * ? *)")
    begun = format_time(START + 2 * DAY)
    rows = [
        Timing("weather", "cron(0 6 * * ? *)", "UTC", "ENABLED", "", "", format_time(START - DAY)),
        Timing("other", "cron(0 6 1 1 ? 2199)", "UTC", "ENABLED", "", "", begun),
    ]
    snapshot = Snapshot(begun, tuple(rows))
    aws.objects[snapshot.key] = snapshot.to_json()
    prepared(aws, [a_run(number, way, DAY) for number, way in enumerate(WAYS)])
    prepared(aws, on_demand())
    made = tmp_path_factory.mktemp("site") / "site"
    site.write(an_app(aws, START + 130 * DAY), SiteRequest(made, START - 30 * DAY))
    return made


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "look",
    [{}, {"dark": True}, {"width": 360}, {"media": "print"}],
    ids=["light", "dark", "phone", "print"],
)
def test_a_page_of_the_site_is_whole_and_readable(
    page: Page, folder: Path, name: str, look: dict[str, Any]
) -> None:
    page.open(folder / PAGES[name], **look)
    assert page.run(CONTRAST) == []
    assert page.run(SIDEWAYS) == 0, "it scrolls sideways"
    loaded = [
        event["params"]["request"]["url"]
        for event in page.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    others = [url for url in loaded if not url.startswith((folder.as_uri(), "data:"))]
    assert others == []
    assert (folder / "site.css").as_uri() in loaded
    assert page.run("getComputedStyle(document.querySelector('header')).borderRadius") != ""
    noisy = ("Log.entryAdded", "Runtime.exceptionThrown")
    assert [event for event in page.events if event["method"] in noisy] == []
    assert page.run("document.styleSheets.length") == 1


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_site_has_names_for_those_who_hear_it(
    page: Page, folder: Path, name: str
) -> None:
    page.open(folder / PAGES[name])
    wanted = {"link", "image", "region", "heading", "columnheader", "group"}
    assert [role for role, words in page.names() if role in wanted and not words] == []
    levels = page.run("[...document.querySelectorAll('h1,h2,h3')].map((h) => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = "[...document.querySelectorAll('[id]')].map((e) => e.id)"
    assert page.run(f"new Set({ids}).size") == page.run(f"{ids}.length")


def test_a_day_leads_to_its_firings_and_a_firing_to_its_page(page: Page, folder: Path) -> None:
    page.open(folder / PAGES["index"])
    page.run("document.querySelector('.schedule h3 a').click()")
    page.arrive(folder / "schedules/other/index.html")
    page.open(folder / PAGES["schedule"])
    day = page.run("document.querySelector('.months a.cell.ng').href")
    assert day == f"{(folder / PAGES['month']).as_uri()}#d2026-11-02"
    page.open(folder / PAGES["month"])
    page.run("document.querySelector('#d2026-11-02 th a').click()")
    page.arrive(folder / PAGES["failed"])
    assert "no data" in page.run("document.body.innerText")


def test_the_charts_say_in_words_what_they_show(page: Page, folder: Path) -> None:
    page.open(folder / PAGES["schedule"])
    said = [words for role, words in page.names() if role == "image"]
    assert [words.split(" over time")[0] for words in said] == [
        "Outcomes", "Duration", "Delay", "Cost",
    ]  # fmt: skip
    assert all("median" in words or "failed" in words or "$" in words for words in said)
