"""Many verdicts at once: the same as one by one, from far fewer calls."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic_runs import Made
from tests.fake_aws import FakeAws, platform_stack
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.validate import Validation, over_since, validate, validate_all
from toolkit.core.deploying.config import Config
from toolkit.core.errors import ToolkitError
from toolkit.core.names import AppNames, log_stream
from toolkit.core.proof.ledger import State
from toolkit.core.proof.verdict import Ruling
from toolkit.core.schedules.history import Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import Outcome, RunId, catalog_key, format_time

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
NOW = datetime(2027, 3, 1, tzinfo=UTC)
APP = "fargate-runs"
RECORDS = ("/aws/events/fargate-runs/lifecycle", "events")
PLATFORM = {
    "BucketName": "bucket",
    "ClusterName": "cluster",
    "DeadLetterQueueUrl": "queue",
    "LifecycleLogGroupName": RECORDS[0],
    "ScheduleGroupName": APP,
}
WEATHER = load().workload("weather")
PASS, FAIL, INCONCLUSIVE = Ruling


class Console:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    changes = event = confirm = say


def an_aws(**changes: Any) -> FakeAws:
    aws = FakeAws(**changes)
    aws.stacks.append(platform_stack(PLATFORM, APP, START))
    aws.streams[RECORDS] = []
    return aws


def an_app(aws: FakeAws, now: datetime = NOW) -> App:
    project, config = Project(Path(), load()), Config("local", AppNames(APP))
    return App(project, config, aws, Console(), lambda: now, local=True)  # type: ignore[arg-type]


def put(aws: FakeAws, made: Made) -> None:
    """What a run leaves behind, spoiled as `Made` spoils it."""
    for key, content in made.objects().items():
        aws.objects[key], aws.modified[key] = content, made.at(50)
    aws.definitions[made.definition_arn] = made.definition()
    aws.objects[catalog_key(made.workload.digest)] = made.workload.row()
    if made.spoiled != "everything":
        aws.streams["/fargate-runs/weather", log_stream(made.arn)] = made.log()
        aws.streams[RECORDS] += made.records()


def unsigned(aws: FakeAws, made: Made) -> None:
    aws.unsigned.add(made.run_id.artifact_key("weather.png"))


def two_manifests(aws: FakeAws, made: Made) -> None:
    other = evolve(made.manifest(), outcome=Outcome.FAILED)
    key = made.run_id.manifest_key(Outcome.FAILED)
    aws.objects[key], aws.modified[key] = other.to_json(), made.at(50)


def no_record(aws: FakeAws, made: Made) -> None:
    aws.streams[RECORDS] = [row for row in aws.streams[RECORDS] if made.arn not in row["message"]]


def only_ecs(aws: FakeAws, made: Made) -> None:
    no_record(aws, made)
    aws.tasks[made.arn] = json.loads(made.records()[-1]["message"])["detail"]


def no_stream(aws: FakeAws, made: Made) -> None:
    del aws.streams["/fargate-runs/weather", log_stream(made.arn)]


def cut_log(aws: FakeAws, made: Made) -> None:
    del aws.streams["/fargate-runs/weather", log_stream(made.arn)][-1]


def garbled_claim(aws: FakeAws, made: Made) -> None:
    aws.objects[made.run_id.claim_key] = b"{"


def garbled_manifest(aws: FakeAws, made: Made) -> None:
    aws.objects[made.run_id.manifest_key(Outcome.SUCCEEDED)] = b"[]"


def duplicate(aws: FakeAws, made: Made) -> None:
    for row in made.records():
        aws.streams[RECORDS].append({**row, "message": row["message"].replace(made.arn, "arn:2")})


def failed(aws: FakeAws, made: Made) -> None:
    del aws.objects[made.run_id.manifest_key(Outcome.SUCCEEDED)]
    lost = evolve(made.manifest(), outcome=Outcome.FAILED, artifacts=(), error={"message": "no"})
    key = made.run_id.manifest_key(Outcome.FAILED)
    aws.objects[key], aws.modified[key] = lost.to_json(), made.at(50)
    rows = aws.streams["/fargate-runs/weather", log_stream(made.arn)]
    rows[3] = {
        **rows[3],
        "message": json.dumps(
            {"seq": 4, "run_id": str(made.run_id), "event": "run.failed", "message": "no data"}
        ),
    }


def running(aws: FakeAws, made: Made) -> None:
    no_record(aws, made)
    del aws.objects[made.run_id.manifest_key(Outcome.SUCCEEDED)]
    aws.tasks[made.arn] = json.loads(made.records()[3]["message"])["detail"]


def dead_letter(aws: FakeAws, made: Made) -> None:
    for key in [key for key in aws.objects if str(made.run_id) in key]:
        del aws.objects[key]
    no_record(aws, made)
    attributes = {
        "ERROR_CODE": "AWS.SimpleQueueService.Denied",
        "SCHEDULE_ARN": f"arn:aws:scheduler:us-east-1:1:schedule/x/{made.run_id.schedule}",
        "SCHEDULED_TIME": f"{made.run_id.scheduled_time:%Y-%m-%dT%H:%M:%SZ}",
    }
    aws.letters.append(
        {
            "MessageId": str(made.run_id),
            "ReceiptHandle": "handle",
            "MessageAttributes": {
                name: {"StringValue": value} for name, value in attributes.items()
            },
        }
    )


def nothing(aws: FakeAws, made: Made) -> None:
    pass


Spoil = Callable[[FakeAws, Made], None]
WAYS: dict[str, tuple[Ruling, Spoil]] = {
    "": (PASS, nothing),
    "artifact": (FAIL, nothing),
    "altered": (FAIL, nothing),
    "log": (FAIL, nothing),
    "manifest": (FAIL, nothing),
    "everything": (INCONCLUSIVE, nothing),
    "unsigned": (FAIL, unsigned),
    "two manifests": (FAIL, two_manifests),
    "no record": (INCONCLUSIVE, no_record),
    "only ECS": (PASS, only_ecs),
    "no stream": (FAIL, no_stream),
    "cut log": (FAIL, cut_log),
    "garbled claim": (INCONCLUSIVE, garbled_claim),
    "garbled manifest": (FAIL, garbled_manifest),
    "duplicate": (PASS, duplicate),
    "failed": (FAIL, failed),
    "running": (INCONCLUSIVE, running),
    "dead letter": (FAIL, dead_letter),
}


def a_run(number: int, way: str, every: timedelta, schedule: str = "weather") -> Made:
    return Made(RunId(schedule, START + number * every), WEATHER, way)


def prepared(aws: FakeAws, runs: list[Made]) -> list[RunId]:
    for made in runs:
        put(aws, made)
    for made in runs:
        WAYS[made.spoiled][1](aws, made)
    return [made.run_id for made in runs]


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


def scheduled(aws: FakeAws, expression: str) -> None:
    """A deployment of the schedule, kept as `toolkit deploy` keeps it."""
    timing = Timing(
        "weather", expression, "UTC", "ENABLED", "", "", format_time(START - timedelta(hours=1))
    )
    taken = Snapshot(format_time(START - timedelta(hours=1)), (timing,))
    aws.objects[taken.key] = taken.to_json()


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
