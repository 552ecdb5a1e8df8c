"""Every page says where its runs come from."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from toolkit.core.pages.calendar import CalendarPage
from toolkit.core.pages.origin import Origin
from toolkit.core.pages.report import report
from toolkit.core.proof.ledger import Firing, State, Summary
from toolkit.core.proof.verdict import judge
from toolkit.runtime.contract import RunId

from .test_verdict import GOOD, LATER, MANIFEST

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
REAL, EMBEDDED = "123456789012", "000000000000"


def head_of(account: str, feed: str) -> str:
    arn = f"arn:aws:ecs:eu-central-1:{account}:task/app/0a"
    tasks = tuple(evolve(task, task_arn=arn) for task in GOOD.tasks)
    manifest = evolve(MANIFEST, settings={"feed": feed} if feed else {})
    evidence = evolve(GOOD, tasks=tasks, manifests=(manifest,))
    page = report(evidence, judge(evidence, LATER), [], {})
    return page[page.index("<header") : page.index("</header>")]


@pytest.mark.parametrize("feed", ["", "binance", "synthetic", "recorded"])
@pytest.mark.parametrize("account", [REAL, EMBEDDED])
def test_a_reports_head_names_the_account_or_the_rehearsal(account: str, feed: str) -> None:
    head = head_of(account, feed)
    assert ("embedded AWS" in head) == (account == EMBEDDED)
    assert ("clock is virtual" in head) == (account == EMBEDDED)
    assert (f"AWS account {REAL}, region eu-central-1" in head) == (account == REAL)
    assert (f"Market feed: {feed}." in head) == bool(feed)
    rehearsed = account == EMBEDDED or feed in ("synthetic", "recorded")
    assert ('class="origin rehearsed"' in head) == rehearsed


def test_a_reports_head_names_the_image_that_ecs_recorded_and_not_what_the_run_says() -> None:
    recorded, told = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
    tasks = tuple(evolve(task, image=f"app@{recorded}") for task in GOOD.tasks)
    manifests = (evolve(MANIFEST, image=f"app@{told}", image_digest=told),)
    for evidence, shown in (
        (evolve(GOOD, tasks=tasks, manifests=manifests), recorded),
        (evolve(GOOD, tasks=(), manifests=manifests), told),
    ):
        page = report(evidence, judge(evidence, LATER), [], {})
        head = page[page.index("<header") : page.index("</header>")]
        assert f"Image {shown}" in head
        assert ("own word" in head) == (shown == told)


@pytest.mark.parametrize("arn", ["", "local:4711", "arn:aws:ecs", "garbage:" * 9])
def test_what_no_witness_names_is_no_account(arn: str) -> None:
    origin = Origin.of_task(arn)
    assert not origin.account
    assert "No witness" in origin.words()


def calendar_page(known_since: datetime | None, since: datetime) -> str:
    summary, calendar = Summary(), CalendarPage(since, Origin(EMBEDDED, "us-east-1"), known_since)
    for row in summary.through(iter([Firing(RunId("weather", NOW), State.OK)])):
        calendar.add(row)
    return calendar.page("nightly", NOW, summary, {})


@pytest.mark.parametrize("since_days", range(1, 16))
@pytest.mark.parametrize("known_days", [*range(1, 16), None])
def test_every_day_before_the_first_record_is_unknown(
    since_days: int, known_days: int | None
) -> None:
    since = NOW - timedelta(days=since_days)
    known = None if known_days is None else NOW - timedelta(days=known_days)
    page = calendar_page(known, since)
    begin = since.date() - timedelta(days=since.weekday())
    sunday = NOW.date() + timedelta(days=6 - NOW.weekday())
    days = [begin + timedelta(days=number) for number in range((sunday - begin).days + 1)]
    empty = [day for day in days if day != NOW.date()]
    unknown = [day for day in empty if known is None or day < known.date()]
    outside = [day for day in empty if day not in unknown and day < since.date()]
    assert page.count('class="day unrecorded"') == len(unknown)
    assert page.count('class="day none outside"') == len(outside)
    assert page.count('class="day none"') == len(empty) - len(unknown) - len(outside)
    assert ('class="legend"' in page) == bool(unknown)
