"""Firings within a pause: in the ledger, in the calendar, and where a rate counts anew."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_ledger import Seen
from toolkit.adapters.project.project import Project
from toolkit.app.schedules.schedules import calendar
from toolkit.core.proof.ledger import Committed, State, firings
from toolkit.core.schedules.history import History, Snapshot, with_pauses
from toolkit.core.schedules.timing import Pause, Timing
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import Outcome, RunId, format_time, parse_time

HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=31)
EXPRESSIONS = ("cron(30 2 * * ? *)", "cron(0 */3 * * ? *)", "rate(5 hours)")


def taken(time: datetime, timing: Timing, pause: Pause | None = None) -> list[Snapshot]:
    """The record of a deployment, and what is live after it, which tells of no pause."""
    start = pause.until if pause else ""
    row = evolve(timing, start=start, changed_at=format_time(time))
    deployed = Snapshot(format_time(time), (row,))
    # Scheduler writes its dates in another way than the stack.
    live = evolve(row, start=format_time(parse_time(start)) if start else "")
    record = with_pauses(deployed, {row.name: pause} if pause else {})
    return [record, Snapshot(format_time(time), (live,))]


@given(
    st.sampled_from(EXPRESSIONS),
    st.lists(st.tuples(st.integers(1, 100), st.integers(1, 100), st.integers(1, 100)), max_size=4),
    st.sets(st.integers(0, 300)),
)
def test_in_a_month_no_firing_is_blank_and_none_missed_that_was_paused(
    expression: str, spans: list[tuple[int, int, int]], faults: set[int]
) -> None:
    timing = Timing("weather", expression, "Europe/Berlin", "ENABLED", "", "", "")
    snapshots, periods, hours = taken(BEGIN, timing), [], 0
    for number, (wait, length, resumed) in enumerate(spans):
        # No deployment falls on a firing; the end of a pause may.
        begin = BEGIN + (hours + wait) * HOUR + timedelta(minutes=7 + number)
        end = BEGIN + (hours + wait + length) * HOUR
        snapshots += taken(begin, timing, Pause(f"{end:%Y-%m-%dT%H:%M:%SZ}", "ada", "why"))
        if resumed < length:
            end = BEGIN + (hours + wait + resumed) * HOUR + timedelta(minutes=37 + number)
            snapshots += taken(end, timing)
        periods.append((begin, end))
        hours += wait + length
    history = History([Snapshot.from_json(shot.to_json()) for shot in snapshots])
    due = list(history.firings("weather", BEGIN, END))
    assert due == sorted(set(due))

    def paused(moment: datetime) -> bool:
        return any(begin < moment < end for begin, end in periods)

    if expression.startswith("cron"):
        assert due == list(History(snapshots[:1]).firings("weather", BEGIN, END))
    ran = [
        Committed(RunId("weather", moment), Outcome.SUCCEEDED)
        for number, moment in enumerate(due)
        if number not in faults and not paused(moment)
    ]
    rows = list(firings("weather", due, ran, Seen(), END, history.paused))
    assert [row.run_id.scheduled_time for row in rows] == due
    good = {row.run_id for row in ran}
    for row in rows:
        moment = row.run_id.scheduled_time
        if row.run_id in good:
            assert row.state is State.OK
        elif END - moment > HOUR:
            assert row.state is (State.PAUSED if paused(moment) else State.MISSED)
            assert history.expects(row.run_id) == ("paused" if paused(moment) else "due")


def test_a_paused_firing_that_ran_shows_what_became_of_it() -> None:
    timing = Timing("weather", "cron(0 6 * * ? *)", "UTC", "ENABLED", "", "", "")
    history = History(taken(BEGIN, timing, Pause(format_time(END), "ada", "why")))
    due = list(history.firings("weather", BEGIN, BEGIN + timedelta(days=3)))
    ran = [Committed(RunId("weather", due[1]), Outcome.FAILED)]
    rows = list(firings("weather", due, ran, Seen(), END, history.paused))
    assert [row.state for row in rows] == [State.PAUSED, State.FAILED, State.PAUSED]
    assert not State.PAUSED.bad


@given(
    st.sampled_from([*EXPRESSIONS[:2], "cron(0 6 ? * MON#1 *)"]),
    st.integers(0, 400),
    st.one_of(st.none(), st.integers(0, 500)),
    st.integers(1, 400),
)
def test_a_calendar_shows_firings_within_a_pause_as_paused(
    expression: str, length: int, start: int | None, ahead: int
) -> None:
    until, end = BEGIN + length * HOUR, BEGIN + ahead * HOUR
    pause = f'pause = {{ until = "{format_time(until)}", who = "ada", why = "why" }}\n'
    own = f'start = "{format_time(BEGIN + start * HOUR)}"\n' if start is not None else ""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), load())
        (project.root / "toolkit.toml").write_text('[default]\napp = "nightly"\n')
        (project.root / "schedules").mkdir()
        file = project.root / "schedules" / "weather.toml"
        rows = {}
        for name, lines in (("paused", f"{pause}{own}"), ("not", own)):
            file.write_text(f'expression = "{expression}"\n{lines}')
            rows[name] = list(calendar(project, project.config("default"), BEGIN, end))
    assert [row.utc for row in rows["paused"]] == [row.utc for row in rows["not"]]
    for row in rows["paused"]:
        assert bool(row.pause) == (row.utc < until)
        assert row.overlap is None or not row.pause


def test_the_pause_of_now_is_told_until_it_is_over() -> None:
    timing = Timing("weather", "cron(0 6 * * ? *)", "UTC", "ENABLED", "", "", "")
    pause = Pause(format_time(END), "arn:aws:iam::1:user/ada", "why")
    history = History(taken(BEGIN, timing, pause))
    assert history.pause_at("weather", BEGIN) == pause
    assert history.pause_at("weather", END - timedelta(seconds=1)) == pause
    assert history.pause_at("weather", END) is None
    assert history.pause_at("science", BEGIN) is None
    assert pause.words() == "paused until 2026-04-01 00:00Z by user/ada: why"
    resumed = History([*taken(BEGIN, timing, pause), *taken(BEGIN + HOUR, timing)])
    assert resumed.pause_at("weather", BEGIN + 2 * HOUR) is None


def test_a_rate_keeps_its_beat_within_pauses_and_counts_anew_from_their_end() -> None:
    timing = Timing("weather", "rate(2 hours)", "UTC", "ENABLED", "", "", "")
    first = Pause(format_time(BEGIN + 5 * HOUR), "ada", "why")
    second = Pause(format_time(BEGIN + 9 * HOUR), "ada", "why")
    snapshots = [
        *taken(BEGIN, timing),
        *taken(BEGIN + HOUR, timing, first),
        *taken(BEGIN + 3 * HOUR, timing, second),
    ]
    history = History(snapshots)
    hours = {
        number: history.expects(RunId("weather", BEGIN + number * HOUR)) for number in range(2, 14)
    }
    due = {number: word for number, word in hours.items() if word != "not-a-firing"}
    assert due == {2: "paused", 4: "paused", 6: "paused", 8: "paused"} | {
        9: "due",
        11: "due",
        13: "due",
    }


def test_a_pause_is_recorded_only_where_its_end_is_deployed() -> None:
    timing = Timing("weather", "cron(0 6 * * ? *)", "UTC", "ENABLED", "", "", "")
    shot = Snapshot(format_time(BEGIN), (timing,))
    pause = {"weather": Pause(format_time(END), "ada", "why")}
    assert with_pauses(shot, pause) == shot
    started = Snapshot(format_time(BEGIN), (evolve(timing, start=format_time(END)),))
    assert with_pauses(started, {}) == started
    assert with_pauses(started, pause).schedules[0].pause == pause["weather"]
    assert json.loads(shot.to_json())["schedules"][0]["pause"] is None
