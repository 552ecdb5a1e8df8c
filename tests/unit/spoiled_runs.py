"""An account in memory with runs of `weather`, each spoiled in one way or in none."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import evolve

from benchmarks.synthetic_runs import Made
from tests.fake_aws import FakeAws, platform_stack
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.core.deploying.config import Config
from toolkit.core.names import AppNames, log_stream
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


def scheduled(aws: FakeAws, expression: str) -> None:
    """A deployment of the schedule, kept as `toolkit deploy` keeps it."""
    timing = Timing(
        "weather", expression, "UTC", "ENABLED", "", "", format_time(START - timedelta(hours=1))
    )
    taken = Snapshot(format_time(START - timedelta(hours=1)), (timing,))
    aws.objects[taken.key] = taken.to_json()
