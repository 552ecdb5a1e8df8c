"""What the site draws: a day's worst, charts of any values, and witnesses that say anything."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from attrs import astuple
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core.pages.site.charts import charts
from toolkit.core.pages.site.record import ScheduleRecord, SiteRow, Span
from toolkit.core.pages.site.year import LEGEND, calendar, kind_of, months
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.proof.measures import Measures, measured
from toolkit.core.proof.seal_witness import sealed_task
from toolkit.runtime.contract import RunId

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SPAN = Span(NOW - 365 * DAY, NOW, NOW + 14 * DAY, date(2026, 1, 15))
TODAY = NOW.date()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TASK = st.fixed_dictionaries(
    {},
    optional={
        "task_arn": JSON | st.just("arn:aws:ecs:us-east-1:1:task/a/b"),
        "exit_code": JSON | st.just(0),
        "stop_code": JSON,
        "times": JSON
        | st.dictionaries(
            st.sampled_from(["startedAt", "stoppedAt", "pullStartedAt", "executionStoppedAt"]),
            st.sampled_from(["2026-11-24T05:00:20Z", "0001-01-01T00:00:00+14:00", "9999-12-31"])
            | st.text(),
        ),
    },
)


@pytest.mark.parametrize("state", State)
def test_a_day_with_a_firing_that_needs_a_look_says_so_whatever_else_happened(
    state: State,
) -> None:
    counts = Counter({state: 1, State.OK: 20, State.SKIPPED: 1, State.RUNNING: 1})
    assert kind_of({state: 1}, TODAY, SPAN) in LEGEND
    assert (kind_of({state: 1}, TODAY, SPAN) == "ng") is state.bad
    assert (kind_of(counts, TODAY, SPAN) == "ng") is state.bad


@pytest.mark.parametrize(
    ("counts", "day", "kind"),
    [
        ({State.OK: 2, State.PAUSED: 1}, TODAY, "part"),
        ({State.PAUSED: 3}, TODAY, "quiet"),
        ({State.OK: 1, State.NOT_YET_DUE: 3}, TODAY, "ok"),
        ({State.NOT_YET_DUE: 3}, TODAY + DAY, "coming"),
        ({}, TODAY, "none"),
        ({}, date(2026, 1, 14), "unrecorded"),
        ({}, TODAY + 20 * DAY, "later"),
    ],
)
def test_a_day_shows_what_it_was(counts: dict[State, int], day: date, kind: str) -> None:
    assert kind_of(counts, day, SPAN) == kind


def test_a_year_has_each_of_its_days_once() -> None:
    record = ScheduleRecord("weather", SPAN)
    drawn = calendar(record, "", large=True)
    first = months(SPAN)[0]
    following = (months(SPAN)[-1] + 31 * DAY).replace(day=1)
    assert drawn.count("cell ") == (following - first).days
    assert drawn.count("today") == 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 364 * 24 * 60),
            st.sampled_from(list(State)),
            st.none() | st.floats(-1e9, 1e9),
            st.none() | st.floats(0, 1e9),
            st.none() | st.floats(0, 1e6),
        ),
        max_size=40,
    )
)
def test_charts_of_whatever_was_measured_stay_within_their_frame(
    rows: list[tuple[int, State, float | None, float | None, float | None]],
) -> None:
    record = ScheduleRecord("weather", SPAN)
    for minutes, state, *amounts in sorted(rows, key=lambda row: row[0]):
        time = datetime(2026, 1, 15, tzinfo=UTC) + timedelta(minutes=minutes)
        record.add(SiteRow(Firing(RunId("weather", time), state), Measures(*amounts)))
    drawn = charts(record)
    past = sum(time <= 315 * 24 * 60 + 720 for time, *_ in rows)
    assert record.total.counts.total() == past
    heights = [float(y) for y in re.findall(r"M\d+ (-?[\d.]+)[Vh]", drawn)]
    assert all(0 <= y <= 100 for y in heights)
    assert "nan" not in drawn


@given(JSON | st.fixed_dictionaries({"tasks": st.lists(JSON | TASK, max_size=3)}))
def test_whatever_a_seal_says_of_a_task_is_read_or_left_out(facts: Any) -> None:
    task = sealed_task(facts if isinstance(facts, dict) else {"tasks": facts})
    firing = Firing(RunId("weather", NOW), State.OK, task=task)
    for value in astuple(measured(firing, None)):
        assert value is None or isinstance(value, float)
