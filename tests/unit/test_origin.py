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


def test_days_before_the_first_record_are_unknown() -> None:
    since = NOW - timedelta(days=9)
    page = calendar_page(NOW - timedelta(days=2), since)
    assert page.count('class="day unrecorded"') == 7
    assert "embedded AWS" in page[page.index("<header") : page.index("</header>")]
    assert 'class="day unrecorded"' not in calendar_page(since, since)
    # Without any record nothing before the first firing is known, nor is that day's silence.
    assert calendar_page(None, since).count("unrecorded") > 7
