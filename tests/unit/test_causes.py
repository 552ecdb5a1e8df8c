"""Why firings were missed, by CloudTrail's event history."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_aws import FakeAws
from toolkit.adapters.aws.event_history import EventHistory
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.proof import causes
from toolkit.app.proof.ledger import Ledger
from toolkit.cli.proof.why import MissedFirings
from toolkit.core.causes.api_event import ApiEvent
from toolkit.core.causes.missed import Cause, Missed, Place, cause_of, disabled_by
from toolkit.core.deploying.config import Config
from toolkit.core.names import AppNames
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.schedules.history import History, Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import RunId
from toolkit.runtime.layout import cause_key

from .spoiled_runs import APP, Console, an_aws

DUE = datetime(2026, 11, 24, 6, tzinfo=UTC)
RUN = RunId("weather", DUE)
NOW = DUE + timedelta(hours=2)
WINDOW = timedelta(minutes=16)
PLACE = Place(APP, "cluster")
ANN = "arn:aws:iam::123456789012:user/ann"


def changed(name: str, minutes: float = -60, **changes: Any) -> dict[str, Any]:
    """A call of Scheduler so many minutes after the firing."""
    return {
        "eventName": name,
        "eventSource": "scheduler.amazonaws.com",
        "eventTime": f"{DUE + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}",
        "eventID": f"{name} {minutes}",
        "userIdentity": {"type": "IAMUser", "arn": ANN},
        "requestParameters": {"name": "weather", "groupName": APP},
    } | changes


def launched(minutes: float = 1, **changes: Any) -> dict[str, Any]:
    """A call of RunTask as Scheduler makes it."""
    return {
        **changed("RunTask", minutes),
        "eventSource": "ecs.amazonaws.com",
        "requestParameters": {"group": "weather", "cluster": "arn:aws:ecs:r:1:cluster/cluster"},
    } | changes


def given_state(state: str) -> dict[str, Any]:
    return {"requestParameters": {"name": "weather", "groupName": APP, "state": state}}


GROUP = {"requestParameters": {"name": APP}}
ELSEWHERE = {"requestParameters": {"name": "weather", "groupName": "another"}}
ANOTHER = {"requestParameters": {"name": "weather-2", "groupName": APP}}
FAILURES = {"responseElements": {"failures": [{"reason": "RESOURCE:MEMORY"}], "tasks": []}}
TASKS = {"responseElements": {"failures": [], "tasks": [{"taskArn": "arn:task"}]}}
REFUSED = {"errorCode": "AccessDenied", "errorMessage": "no PassRole"}
CLOUDFORMATION = {"userIdentity": {"arn": ANN, "invokedBy": "cloudformation.amazonaws.com"}}
NOTHING = "no change of the schedule"


@pytest.mark.parametrize(
    ("events", "words", "found"),
    [
        ([], NOTHING, False),
        ([changed("DeleteSchedule")], f"deleted at 2026-11-24 05:00:00Z by {ANN}", True),
        ([changed("DeleteSchedule", **CLOUDFORMATION)], "through cloudformation.amaz", True),
        ([changed("DeleteScheduleGroup", **GROUP)], "the schedule group was deleted", True),
        ([changed("UpdateSchedule", **given_state("DISABLED"))], "was disabled", True),
        ([changed("UpdateSchedule", **given_state("ENABLED"))], "was changed", False),
        ([changed("UpdateSchedule")], "no RunTask was recorded; before it, the sch", False),
        ([changed("DeleteSchedule"), changed("CreateSchedule", -30)], "was created", False),
        ([changed("CreateSchedule", -90), changed("DeleteSchedule")], "was deleted", True),
        # Deleted when it was due, made again before its window was over.
        ([changed("DeleteSchedule"), changed("CreateSchedule", 5)], "was deleted", True),
        ([changed("DeleteSchedule", 5)], "was deleted", True),
        ([changed("DeleteSchedule", 17)], NOTHING, False),
        ([changed("DeleteSchedule", **ELSEWHERE)], NOTHING, False),
        ([changed("DeleteSchedule", **ANOTHER)], NOTHING, False),
        ([changed("DeleteSchedule", **REFUSED)], NOTHING, False),
        # Another service has calls of the same names.
        ([changed("DeleteSchedule", eventSource="databrew.amazonaws.com")], NOTHING, False),
        ([launched(**REFUSED)], "was refused: AccessDenied: no PassRole", True),
        ([launched(**FAILURES)], "launched nothing: RESOURCE:MEMORY", True),
        ([launched(**TASKS)], "launched arn:task, for this firing or one near it", True),
        ([launched()], "answered without a task", True),
        ([launched(-1)], NOTHING, False),
        ([launched(17)], NOTHING, False),
        ([launched(requestParameters={"group": "weather", "cluster": "b"})], NOTHING, False),
        ([launched(requestParameters={"group": "b", "cluster": "cluster"})], NOTHING, False),
        ([changed("UpdateSchedule"), launched(**FAILURES)], "launched nothing", True),
    ],
)
def test_a_cause_is_told_by_the_calls_before_and_around_the_firing(
    events: list[dict[str, Any]], words: str, found: bool
) -> None:
    parsed = [ApiEvent.parse(json.dumps(event)) for event in events]
    cause = cause_of(Missed(RUN, WINDOW), [row for row in parsed if row], PLACE, NOW)
    assert words in cause.summary
    assert cause.found is found
    assert Cause.from_json(cause.to_json()) == cause


def test_what_aws_does_not_document_is_marked() -> None:
    def proved(event: dict[str, Any]) -> bool:
        parsed = ApiEvent.parse(json.dumps(event))
        assert parsed is not None
        return cause_of(Missed(RUN, WINDOW), [parsed], PLACE, NOW).proved

    assert not proved(launched(**FAILURES))
    assert proved(launched(**REFUSED))
    assert proved(changed("DeleteSchedule"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(key=st.sampled_from(sorted({*launched(**TASKS)})), value=JSON)
def test_no_event_of_another_shape_breaks_the_reading(key: str, value: Any) -> None:
    event = ApiEvent.parse(json.dumps({**launched(**TASKS), key: value}))
    if event is not None:
        cause = cause_of(Missed(RUN, WINDOW), [event], PLACE, NOW)
        assert Cause.from_json(cause.to_json()) == cause


@pytest.mark.parametrize("content", ["", "[]", "{}", "7", '{"eventTime": "soon"}'])
def test_what_is_no_event_is_left_out(content: str) -> None:
    assert ApiEvent.parse(content) is None


def test_who_disabled_a_schedule_is_the_last_who_did() -> None:
    rows = [
        changed("UpdateSchedule", -9, **given_state("DISABLED"), userIdentity={"arn": "arn:bob"}),
        changed("UpdateSchedule", -5, **given_state("DISABLED")),
        changed("UpdateSchedule", -4, **given_state("DISABLED"), **REFUSED),
        changed("UpdateSchedule", -3, **given_state("ENABLED")),
        changed("UpdateSchedule", -2, **ANOTHER),
    ]
    events = [event for row in rows if (event := ApiEvent.parse(json.dumps(row)))]
    assert disabled_by("weather", events, PLACE) == ANN
    assert disabled_by("weather", events[:1], PLACE) == "arn:bob"
    assert disabled_by("weather-2", events, PLACE) == ""
    assert disabled_by("weather", [], PLACE) == ""


# --- asking ---------------------------------------------------------------------------------------

NEVER = History([])


def an_app(aws: FakeAws, now: datetime = NOW, bucket: str = "") -> App:
    project, config = Project(Path(), load()), Config("prod", AppNames(APP))
    return App(
        project,
        config,
        aws,  # type: ignore[arg-type]
        Console(),  # type: ignore[arg-type]
        lambda: now,
        local=False,
        kept_bucket=bucket,
    )


def asked(aws: FakeAws, *run_ids: RunId, **where: Any) -> causes.Causes:
    history = EventHistory(aws, sleep=lambda _: None)  # type: ignore[arg-type]
    return causes.read(an_app(aws, **where), run_ids or (RUN,), NEVER, history)


@pytest.mark.parametrize("history", [[changed("DeleteSchedule")], []], ids=["found", "nothing"])
def test_an_answer_is_kept_and_not_asked_again(history: list[dict[str, Any]]) -> None:
    aws = an_aws(history=history)
    first = asked(aws)
    assert first.found[RUN].found is bool(history)
    assert aws.objects[cause_key(RUN)] == first.found[RUN].to_json()
    calls = aws.calls["LookupEvents"]
    assert asked(aws, now=NOW + timedelta(days=300)) == first
    assert aws.calls["LookupEvents"] == calls


def test_many_firings_share_their_calls() -> None:
    runs = [RunId("weather", DUE + timedelta(minutes=5 * number)) for number in range(100)]
    aws = an_aws(history=[changed("DeleteSchedule")])
    found = asked(aws, *runs, now=DUE + timedelta(days=1))
    assert found.found.keys() == set(runs)
    assert all("was deleted" in cause.summary for cause in found.found.values())
    assert aws.calls["LookupEvents"] == 5


def test_the_calls_are_bounded_and_a_later_command_goes_on() -> None:
    runs = [RunId("weather", DUE + timedelta(hours=number)) for number in range(80)]
    aws = an_aws()
    now = runs[-1].scheduled_time + timedelta(hours=1)
    first = asked(aws, *runs, now=now)
    assert aws.calls["LookupEvents"] == causes.CALLS
    assert first.found.keys() == set(runs[-len(first.found) :])
    assert any("older ones were not asked for" in note for note in first.notes)
    second = asked(aws, *runs, now=now)
    assert second.found.keys() == set(runs)
    assert second.notes == []


def test_nothing_found_in_a_part_of_the_events_is_not_kept() -> None:
    aws = an_aws(page=1, history=[changed("UpdateSchedule", -n, **ANOTHER) for n in range(1, 40)])
    found = asked(aws)
    assert not found.found[RUN].found
    assert cause_key(RUN) not in aws.objects
    assert any("more events than were read" in note for note in found.notes)


def test_a_cause_in_a_part_of_the_events_is_kept() -> None:
    events = [launched(**REFUSED), *(changed("UpdateSchedule", -n) for n in range(1, 40))]
    aws = an_aws(page=1, history=events)
    assert asked(aws).found[RUN].found
    assert cause_key(RUN) in aws.objects


@pytest.mark.parametrize(
    ("run_id", "note"),
    [
        (RunId("weather", NOW - timedelta(minutes=30)), "missed so lately"),
        (RunId("weather", NOW - timedelta(days=91)), "has forgotten"),
    ],
)
def test_a_firing_is_asked_for_while_there_can_be_an_answer(run_id: RunId, note: str) -> None:
    aws = an_aws()
    found = asked(aws, run_id)
    assert found.found == {}
    assert note in found.notes[0]
    assert aws.calls["LookupEvents"] == 0


def test_without_the_right_to_ask_it_says_so() -> None:
    aws = an_aws(denied={"LookupEvents"})
    found = asked(aws)
    assert found.found == {}
    assert "causes are not known: CloudTrail's event history: no LookupEvents" in found.notes[0]
    assert "docs/security.md" in found.notes[0]


def test_without_the_right_to_keep_it_says_so_and_answers() -> None:
    found = asked(an_aws(denied={"PutObject"}, history=[changed("DeleteSchedule")]))
    assert found.found[RUN].found
    assert "causes were not kept" in found.notes[0]


def test_of_a_deleted_app_kept_answers_are_read() -> None:
    aws = an_aws(history=[changed("DeleteSchedule")])
    assert "of a deleted app" in asked(aws, bucket="kept").notes[0]
    assert aws.calls["LookupEvents"] == 0
    found = asked(aws)
    assert asked(aws, bucket="kept") == found


def test_a_schedule_that_somebody_disabled_is_named_with_its_caller_where_asked() -> None:
    row = Timing("weather", "rate(1 hour)", "UTC", "ENABLED", "", "", "2026-11-20T00:00:00Z")
    off = evolve(row, state="DISABLED", changed_at="2026-11-24T05:00:00.250Z")
    known = History(
        [Snapshot("2026-11-20T00:00:01Z", (row,)), Snapshot("2026-11-24T08:00:00Z", (off,))]
    )
    aws = an_aws(history=[changed("UpdateSchedule", **given_state("DISABLED"))])

    def told(*names: str, why: bool) -> list[str]:
        history = EventHistory(aws, sleep=lambda _: None)  # type: ignore[arg-type]
        return causes.disabled(an_app(aws), known, names, why=why, history=history)

    at = "weather was disabled at 2026-11-24 05:00:00Z"
    after = "after it was deployed ENABLED, and owes nothing since: toolkit schedules diff"
    assert told("weather", why=False) == [f"{at} {after}"]
    assert aws.calls["LookupEvents"] == 0
    assert told("weather", why=True) == [f"{at}, by {ANN}, {after}"]
    assert told("stream", why=True) == []
    aws.history.clear()
    assert told("weather", why=True) == [f"{at}, by whom CloudTrail does not show, {after}"]
    aws.denied.add("LookupEvents")
    assert (
        f"{at}, by whom is not known (CloudTrail's event history: " in told("weather", why=True)[0]
    )


def test_an_answer_that_cannot_be_read_is_told_and_asked_again() -> None:
    aws = an_aws(history=[changed("DeleteSchedule")])
    for content in (b"spoiled", Cause("weather-20200101T000000Z", "", "", found=True).to_json()):
        aws.objects[cause_key(RUN)] = content
        found = asked(aws)
        assert cause_key(RUN) in found.notes[0]
        assert found.found[RUN].found
        assert aws.objects[cause_key(RUN)] == content


def test_of_very_many_missed_firings_the_latest_are_asked_for() -> None:
    runs = [RunId("weather", DUE + timedelta(minutes=number)) for number in range(700)]
    aws = an_aws()
    for run_id in runs:
        cause = Cause(str(run_id), "2026-11-25T00:00:00Z", "kept", found=True)
        aws.objects[cause_key(run_id)] = cause.to_json()
    missed = MissedFirings()
    rows = [Firing(run_id, State.MISSED) for run_id in runs]
    rows.insert(5, Firing(RunId("weather", DUE - timedelta(days=1)), State.OK))
    assert list(missed.through(rows)) == rows
    answer = missed.causes(an_app(aws), Ledger(("weather",), iter(()), NEVER))
    assert list(answer.found) == runs[-500:]
    assert answer.notes == ["200 older ones were not asked for: use --since and --until"]
