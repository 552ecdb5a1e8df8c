"""Why firings were missed: `toolkit ledger --why` by the event history of the embedded AWS.

Before they are due, somebody with a user of her own, ann, spoils one schedule after another.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen

from tests.functional.conftest import make_light, make_project, start_at
from toolkit.adapters.aws.session import Aws
from toolkit.app.app import App, Quiet
from toolkit.app.opening import open_app
from toolkit.app.proof import causes
from toolkit.core.schedules.history import History
from toolkit.runtime.contract import RunId, parse_time
from toolkit.runtime.layout import cause_key

from .stage import APP, Stage

HOUR = timedelta(hours=1)
SCHEDULE = 'workload = "weather"\nexpression = "cron(0 {hour} * * ? *)"\ntimezone = "UTC"\n'
ANN = "arn:aws:iam::000000000000:user/ann"
ROOT = "arn:aws:iam::000000000000:root"
STACK = "cloudformation.amazonaws.com"
UNPROVED = "It is not proved that AWS records a role that Scheduler may not assume"
KEPT = ("FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone", "Target")


@frozen
class Case:
    """The words of a cause, whether it is one and is proved, and how the caller's ARN begins."""

    words: tuple[str, ...]
    caller: str
    invoked_by: str = ""
    found: bool = True
    proved: bool = True


CASES = {
    "disabled": Case(("the schedule was disabled at ", f" by {ANN}"), ANN),
    "deleted": Case(("the schedule was deleted at ", f" by {ANN}"), ANN),
    "unstacked": Case(("the schedule was deleted at ", f" by {ANN} through {STACK}"), ANN, STACK),
    "moved": Case(
        ("no RunTask was recorded; before it, the schedule was changed at ", f" by {ANN}. "),
        ANN,
        found=False,
    ),
    "powerless": Case(
        ("no RunTask was recorded; before it, the schedule was changed at ", UNPROVED),
        ANN,
        found=False,
    ),
    "crowded": Case(
        ("launched nothing: Capacity is unavailable", "(AWS does not document that CloudTrail"),
        f"arn:aws:sts::000000000000:assumed-role/{APP}-platform-SchedulerRole-",
        "scheduler.amazonaws.com",
        proved=False,
    ),
    "barred": Case(
        ("no RunTask was recorded; before it, the schedule was created at ", UNPROVED),
        ROOT,
        STACK,
        found=False,
    ),
}


class Morning:
    """What was done, between which times, and what `toolkit ledger --why` then said."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ann = user(stage, "ann", "scheduler:*", "cloudformation:*", "iam:PassRole")
        self.due = stage.now().replace(hour=6, minute=0, second=0) + timedelta(days=1)
        self.advance(self.due - HOUR)
        self.began = stage.now()
        self._spoil()
        self.ended = stage.now()
        self.advance(self.due + HOUR)
        self._repair()
        self.advance(self.due + 3 * HOUR)

    def advance(self, until: datetime) -> None:
        list(self.stage.engine.advance(until=until.isoformat()))

    def client(self, service: str) -> Any:
        return self.ann.client(service)

    def change(self, name: str, **changes: Any) -> None:
        scheduler = self.client("scheduler")
        known = scheduler.get_schedule(Name=name, GroupName=APP)
        request = {key: known[key] for key in KEPT}
        scheduler.update_schedule(Name=name, GroupName=APP, **{**request, **changes})

    def _spoil(self) -> None:
        self.change("weather-disabled", State="DISABLED")
        self.change("weather-off", State="DISABLED")  # and nobody enables it
        self.change("weather-moved", ScheduleExpression="cron(0 20 * * ? *)")
        known = self.client("scheduler").get_schedule(Name="weather-powerless", GroupName=APP)
        other = self.stage.role("not-for-scheduler", "lambda", {"Action": "*"})
        self.change("weather-powerless", Target={**known["Target"], "RoleArn": other})
        self.client("scheduler").delete_schedule(Name="weather-deleted", GroupName=APP)
        self.client("cloudformation").delete_stack(StackName=f"{APP}-schedule-weather-unstacked")
        self.client("cloudformation").get_waiter("stack_delete_complete").wait(
            StackName=f"{APP}-schedule-weather-unstacked",
            WaiterConfig={"Delay": 1, "MaxAttempts": 60},
        )
        self.stage.engine.add_fault("capacity", schedule="weather-crowded", times=1)

    def _repair(self) -> None:
        """Make well again what fires tomorrow; one schedule is due at eight, with a role barred."""
        self.change("weather-disabled", State="ENABLED")
        self.change("weather-moved", ScheduleExpression="cron(0 6 * * ? *)")
        iam = self.stage.aws("iam")
        role = self.stage.platform["SchedulerRoleArn"].rsplit("/", 1)[-1]
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        barred = json.dumps(trust).replace("scheduler.amazonaws.com", "ec2.amazonaws.com")
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=barred)
        self.advance(self.due + 2.5 * HOUR)
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))

    def run_id(self, label: str) -> RunId:
        return RunId(
            f"weather-{label}", self.due + (2 * HOUR if label == "barred" else timedelta())
        )

    def why(self, *options: str) -> Any:
        since = (self.due - HOUR).isoformat()
        until = (self.due + 2.5 * HOUR).isoformat()
        period = ("--since", since, "--until", until)
        return self.stage.project.toolkit("ledger", "--local", "--why", *period, *options, code=1)


def user(stage: Stage, name: str, *actions: str) -> Aws:
    """A user of the account who may do this; returns her way to it."""
    iam = stage.aws("iam")
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    endpoint = as_root(stage).aws.endpoint
    keys = {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}
    return Aws(evolve(endpoint, **keys))


def as_root(stage: Stage) -> App:
    return open_app(stage.project.root, Quiet(lambda _: None), environment=None, local=True)


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    project = make_project(tmp_path_factory.mktemp("causes"))
    make_light(project)
    (project.root / "schedules" / "weather.toml").unlink()
    for label in (*CASES, "off"):
        text = SCHEDULE.format(hour=8 if label == "barred" else 6)
        (project.root / "schedules" / f"weather-{label}.toml").write_text(text)
    start_at(project, "16:05")
    project.toolkit("deploy", "--local", "--yes", "--only", "weather")
    yield Morning(Stage(project))
    project.toolkit("local", "stop")


@pytest.fixture(scope="module")
def answered(morning: Morning) -> dict[str, Any]:
    answer = morning.why("--json")
    assert answer.err.count("\n") == 1  # about the schedule that is still disabled
    return {
        RunId.parse(row["run_id"]).schedule.partition("-")[2]: row
        for row in answer.json()["causes"]
    }


def test_every_missed_firing_has_an_answer(morning: Morning, answered: dict[str, Any]) -> None:
    found = {RunId.parse(row["run_id"]) for row in answered.values()}
    assert found == {morning.run_id(label) for label in CASES}


@pytest.mark.parametrize("label", CASES)
def test_a_cause_tells_who_did_what_and_when(
    morning: Morning, answered: dict[str, Any], label: str
) -> None:
    case, cause = CASES[label], answered[label]
    assert all(words in cause["summary"] for words in case.words), cause["summary"]
    assert (cause["found"], cause["proved"]) == (case.found, case.proved)
    (event,) = cause["events"]
    assert event["caller"].startswith(case.caller)
    assert event["invoked_by"] == case.invoked_by
    if case.caller == ANN:
        assert morning.began <= parse_time(event["time"]) <= morning.ended
    assert (UNPROVED in cause["summary"]) is (not case.found)


def test_an_answer_is_kept_and_nobody_is_asked_again(
    morning: Morning, answered: dict[str, Any]
) -> None:
    s3, bucket = morning.stage.aws("s3"), morning.stage.platform["BucketName"]
    for label, row in answered.items():
        key = cause_key(morning.run_id(label))
        content = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
        assert content["summary"] == row["summary"]
    again = morning.why("--json", "--debug")
    assert {row["asked_at"] for row in again.json()["causes"]} == {
        row["asked_at"] for row in answered.values()
    }
    assert again.err.count("LookupEvents") == 1  # about the schedule that is still disabled


def test_a_person_reads_one_paragraph_a_firing(morning: Morning, answered: dict[str, Any]) -> None:
    words = morning.why().out
    for label in CASES:
        assert str(morning.run_id(label)) in words
    assert f"by {ANN}" in " ".join(words.split())


def test_who_disabled_a_schedule_is_told_while_it_owes_nothing(morning: Morning) -> None:
    period = ("--since", (morning.due - HOUR).isoformat(), "--schedule", "weather-off")
    ledger = ("ledger", "--local", *period)
    words = morning.stage.project.toolkit(*ledger).err
    assert words.startswith("weather-off was disabled at ")
    assert ANN not in words
    assert (
        f", by {ANN}, after it was deployed ENABLED"
        in morning.stage.project.toolkit(*ledger, "--why").err
    )
    others = morning.why("--schedule", "weather-deleted")
    assert "weather-off" not in others.err


def test_without_the_right_it_says_so_and_keeps_nothing(morning: Morning) -> None:
    stage, root = morning.stage, as_root(morning.stage)
    reads = user(stage, "reader", "s3:*", "cloudformation:Describe*")
    app = App(root.project, root.config, reads, root.console, stage.now, local=True)
    run_id = RunId(
        "weather-deleted", morning.due - timedelta(minutes=1)
    )  # nobody asked for it before
    found = causes.read(app, [run_id], History([]))
    assert found.found == {}
    (note,) = found.notes
    assert note.startswith("causes are not known: CloudTrail's event history: ")
    assert "user/reader is not authorized to perform: cloudtrail:LookupEvents" in note
    assert "docs/security.md" in note
