"""Many verdicts at once: the same as one by one, from far fewer calls."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.validate import Validation, over_since, validate, validate_all
from toolkit.core.errors import ToolkitError
from toolkit.core.proof.ledger import State
from toolkit.core.proof.verdict import Ruling
from toolkit.runtime.contract import RunId

from .spoiled_runs import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    RECORDS,
    START,
    WAYS,
    a_run,
    an_app,
    an_aws,
    prepared,
    put,
    running,
    scheduled,
)


def rulings(found: list[Validation]) -> list[Ruling]:
    return [each.verdict.ruling for each in found]


@given(
    ways=st.lists(st.sampled_from(list(WAYS)), min_size=1, max_size=25),
    every=st.sampled_from([1, 60, 24 * 60, 3 * 24 * 60]),
    page=st.sampled_from([3, 50, 1000]),
    order=st.randoms(use_true_random=False),
)
def test_the_verdicts_are_those_of_one_by_one(
    ways: list[str], every: int, page: int, order: Any
) -> None:
    names = ("weather", "weather-north")
    runs = [
        a_run(number, way, timedelta(minutes=every), names[number % 2])
        for number, way in enumerate(ways)
    ]
    aws = an_aws(page=page)
    run_ids = prepared(aws, runs)
    order.shuffle(run_ids)
    at_once = list(validate_all(an_app(aws), run_ids))
    alone = [validate(an_app(aws), run_id) for run_id in run_ids]
    assert [each.verdict for each in at_once] == [each.verdict for each in alone]
    assert [each.evidence for each in at_once] == [each.evidence for each in alone]
    expected = {made.run_id: WAYS[made.spoiled][0] for made in runs}
    assert rulings(at_once) == [expected[run_id] for run_id in run_ids]


def test_two_hundred_runs_take_pages_and_what_only_an_object_tells() -> None:
    aws = an_aws()
    run_ids = prepared(aws, [a_run(number, "", timedelta(minutes=5)) for number in range(200)])
    assert set(rulings(list(validate_all(an_app(aws), run_ids)))) == {PASS}
    records, logs = 200 * 6 // 1000 + 1, 2 * (100 * 26 // 1000 + 1)
    assert aws.calls == {
        "DescribeStacks": 1,
        "GetObject": 200 * 2 + 1,  # claim and manifest, and the one catalog row
        "DescribeTaskDefinition": 1,
        "HeadObject": 200 * 4,  # one for each artifact: no listing tells a SHA-256
        "ListObjectsV2": 2,  # manifests, and whether their days are sealed
        "FilterLogEvents": records + logs,
    }


def test_a_single_run_costs_thirteen_calls() -> None:
    aws = an_aws()
    run_ids = prepared(aws, [a_run(0, "", timedelta(minutes=5))])
    validate(an_app(aws), run_ids[0])
    assert aws.calls == {
        "DescribeStacks": 1,
        "GetObject": 3,  # claim, manifest and catalog row
        "DescribeTaskDefinition": 1,
        "HeadObject": 4,
        "ListObjectsV2": 2,  # manifests, and whether its day is sealed
        "FilterLogEvents": 2,  # records, and the log
    }


def test_a_log_with_a_gap_in_the_search_is_read_again_on_its_own() -> None:
    aws = an_aws()
    run_ids = prepared(
        aws, [a_run(n, "log" if n == 5 else "", timedelta(minutes=5)) for n in range(20)]
    )
    assert rulings(list(validate_all(an_app(aws), run_ids))).count(FAIL) == 1
    assert aws.calls["GetLogEvents"] == 2


def test_records_that_may_not_be_read_make_every_run_inconclusive() -> None:
    aws = an_aws(denied={"FilterLogEvents"})
    run_ids = prepared(aws, [a_run(number, "", timedelta(minutes=5)) for number in range(3)])
    found = list(validate_all(an_app(aws), run_ids))
    assert set(rulings(found)) == {INCONCLUSIVE}
    assert all("no FilterLogEvents" in each.evidence.problems[0] for each in found)


def test_objects_that_may_not_be_read_are_an_error_and_no_absence() -> None:
    aws = an_aws(denied={"HeadObject"})
    run_ids = prepared(aws, [a_run(number, "", timedelta(minutes=5)) for number in range(3)])
    with pytest.raises(ToolkitError, match="no HeadObject"):
        list(validate_all(an_app(aws), run_ids))


def test_a_manifest_among_many_other_keys_is_found() -> None:
    aws = an_aws(page=3)
    (run_id,) = prepared(aws, [a_run(0, "", timedelta(minutes=5))])
    for number in range(20):
        aws.objects[f"ledger/weather/{run_id}.a{number}.json"] = b"{}"
    assert validate(an_app(aws), run_id).verdict.ruling is PASS


def test_a_dead_letter_is_told_of_when_the_queue_has_forgotten_it() -> None:
    aws = an_aws()
    (run_id,) = prepared(aws, [a_run(0, "dead letter", timedelta(minutes=5))])
    soon = an_app(aws, START + timedelta(days=1))
    first = validate(soon, run_id).verdict
    aws.letters.clear()
    assert validate(an_app(aws), run_id).verdict == first
    assert first.ruling is FAIL
    assert first.diagnosis is not None


def test_a_dead_letter_is_kept_once_and_a_reader_who_may_not_keep_it_is_told() -> None:
    aws = an_aws()
    (run_id,) = prepared(aws, [a_run(0, "dead letter", timedelta(minutes=5))])
    aws.denied.add("PutObject")
    reader = an_app(aws)
    assert validate(reader, run_id).verdict.ruling is FAIL
    assert "gone after 14 days" in reader.console.said[0]  # type: ignore[attr-defined]
    aws.denied.clear()
    for _ in range(3):
        validate(an_app(aws), run_id)
    assert len([key for key in aws.objects if key.startswith("dead-letters/")]) == 1


MUCH_LATER = START + timedelta(days=400)


def test_a_good_run_is_no_failure_when_its_log_and_its_task_are_forgotten() -> None:
    aws = an_aws()
    scheduled(aws, "cron(0 6 * * ? *)")
    runs = [a_run(number, "", timedelta(days=1)) for number in range(3)]
    run_ids = prepared(aws, runs)
    aws.streams = {key: [] for key in aws.streams}
    # Artifacts and claims may be kept for less time than manifests.
    del aws.objects[run_ids[2].claim_key]
    found = list(validate_all(an_app(aws, MUCH_LATER), run_ids))
    assert rulings(found) == [INCONCLUSIVE] * 3
    names = {each.verdict.diagnosis.name for each in found if each.verdict.diagnosis}
    assert names == {"task-forgotten"}


def test_a_log_that_its_group_no_longer_keeps_is_unknown_and_not_lost() -> None:
    aws = an_aws()
    runs = [a_run(number, "", timedelta(days=1)) for number in range(12)]
    run_ids = prepared(aws, runs)
    for key in aws.streams:
        if key != RECORDS:
            aws.streams[key] = []
    app = an_app(aws, START + timedelta(days=40))
    assert rulings(list(validate_all(app, run_ids))) == [FAIL] * 12
    aws.retention["/fargate-runs/weather"] = 7
    found = list(validate_all(app, run_ids))
    assert rulings(found) == [INCONCLUSIVE] * 12
    assert {each.verdict.diagnosis.name for each in found if each.verdict.diagnosis} == {
        "log-expired"
    }
    assert validate(app, run_ids[0]).verdict == found[0].verdict


def states(app: App) -> dict[RunId, State]:
    period = ledger.Period(START - timedelta(minutes=1), START + timedelta(days=4, hours=1))
    return {row.run_id: row.state for row in ledger.read(app, period).firings}


def test_a_ledger_of_last_month_still_says_dead_lettered() -> None:
    aws = an_aws()
    scheduled(aws, "cron(0 6 * * ? *)")
    runs = [a_run(n, way, timedelta(days=1)) for n, way in enumerate(("", "dead letter", ""))]
    run_ids = prepared(aws, runs)
    first = states(an_app(aws, START + timedelta(days=3)))
    assert [first[run_id] for run_id in run_ids] == [State.OK, State.DEAD_LETTERED, State.OK]
    aws.letters.clear()
    again = states(an_app(aws, START + timedelta(days=60)))
    assert [again[run_id] for run_id in run_ids] == [State.OK, State.DEAD_LETTERED, State.OK]


def test_a_period_is_judged_whole_but_for_what_is_not_over() -> None:
    aws = an_aws()
    scheduled(aws, "cron(0 6 * * ? *)")
    ways = ("", "failed", "dead letter", "everything", "running")
    prepared(aws, [a_run(number, way, timedelta(days=1)) for number, way in enumerate(ways)])
    app = an_app(aws, START + timedelta(days=4, minutes=1))
    over = over_since(app, START - timedelta(minutes=1))
    assert dict(over.left_out) == {State.RUNNING: 1}
    found = list(validate_all(app, over.run_ids))
    assert rulings(found) == [PASS, FAIL, FAIL, FAIL]
    why = [each.verdict.diagnosis.name for each in found if each.verdict.diagnosis]
    assert why[-1] == "missed", "a firing that left nothing at all"


@pytest.mark.parametrize(
    ("local", "ends", "longest", "looks"), [(False, 7200, 30, 300), (True, 120, 2, 140)]
)
def test_a_stream_of_hours_is_not_asked_for_thousands_of_times(
    local: bool, ends: float, longest: float, looks: int
) -> None:
    """It is looked at often at first, and seldom later; its end is seen soon, and calls are few."""
    aws, made = an_aws(), a_run(0, "", timedelta(hours=1))
    put(aws, made)
    ended = aws.streams[RECORDS][:], dict(aws.objects)
    running(aws, made)
    seconds, pauses = 0.0, []

    def sleep(pause: float) -> None:
        nonlocal seconds
        seconds += pause
        pauses.append(pause)
        if seconds >= ends:
            aws.streams[RECORDS][:], aws.tasks = ended[0], {}
            aws.objects.update(ended[1])

    app = an_app(aws)
    app.local = local
    (found,) = validate_all(app, [made.run_id], wait=8000, sleep=sleep, clock=lambda: seconds)
    assert found.verdict.ruling is PASS
    assert pauses == sorted(pauses)
    assert max(pauses) == longest
    assert len(pauses) < looks
    assert seconds - ends < longest
    assert pauses[0] == (0.3 if local else 5)
