"""Silent causes, rehearsed: the audit sends one message of each, and one when it is over.

A queue is subscribed to the app's topic, so that it hears what a person would get by mail. An hour
passes at a time: `weather` is due at its beginning, and at twenty past somebody audits by hand.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import define

from tests.audit_calls import CALLS
from tests.functional.conftest import WAITING, make_light, make_project, start_at
from toolkit.runtime.contract import RunId

from .stage import APP, KEPT, Stage

HOUR = timedelta(hours=1)


@define
class Watch:
    """A deployed app with an audit, and what its topic told."""

    stage: Stage
    inbox: str

    def mails(self, *, of_alarm: bool = False) -> list[str]:
        """The subject of each message that came since the last question, or its first line.

        Those about the audit itself, which stands still here, only if they are asked for.
        """
        sqs = self.stage.aws("sqs")
        found = []
        # The embedded AWS delivers a message before it answers the call that sent it.
        while rows := sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            for row in rows:
                sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=row["ReceiptHandle"])
                body = json.loads(row["Body"])
                mailed = str(body.get("Subject", "")).startswith(f"{APP}: ")
                line = str(body["Subject" if mailed else "Message"]).splitlines()[0].strip('"')
                if line.startswith(f"The audit of {APP} ") is of_alarm:
                    found.append(line)
        return found

    def advance(self, until: datetime) -> None:
        # One task at a time: an audit at noon shall find the run of the morning ended.
        list(self.stage.engine.advance(until=until.isoformat(), parallel=1))

    def next_hour(self) -> datetime:
        """Let the next firing pass, and twenty minutes more; returns when it was due."""
        due = self.stage.now().replace(minute=0, second=0) + HOUR
        self.advance(due + timedelta(minutes=20))
        return due

    def audit(self, *options: str) -> dict[str, Any]:
        """An audit by hand; it could look at everything."""
        answer = self.stage.project.toolkit("audit", "--local", "--json", *options, code=None)
        assert answer.code in (0, 1), answer.err
        found: dict[str, Any] = answer.json()
        assert answer.code == bool(found["troubles"])
        return found

    def hour(self) -> datetime:
        due = self.next_hour()
        self.audit()
        return due

    def change(self, name: str, **changes: Any) -> None:
        """Change a schedule by hand."""
        self.stage.change(name, **changes)


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """Everything is well, and the audit's own schedule stands still."""
    project = make_project(tmp_path_factory.mktemp("audit"), audit=True)
    make_light(project)
    config = project.root / "toolkit.toml"
    config.write_text(config.read_text().replace("rate(30 minutes)", "rate(1 hour)"))
    start_at(project, "16:05")
    file = project.root / "schedules" / "weather.toml"
    file.write_text(file.read_text().replace("cron(0 6 * * ? *)", "cron(0 * * * ? *)"))
    project.toolkit("deploy", "--local", "--yes", "--only", "weather", "--only", "audit")
    stage = Stage(project)
    made = Watch(stage, subscribed(stage))
    made.change("audit", State="DISABLED")
    made.hour()
    assert made.mails() == []
    yield made
    project.toolkit("local", "stop")


def subscribed(stage: Stage) -> str:
    """A queue that hears the topic; returns its URL."""
    sqs = stage.aws("sqs")
    url = str(sqs.create_queue(QueueName="inbox")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    topic = stage.platform["NotificationTopicArn"]
    stage.aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


@contextmanager
def disabled(watch: Watch) -> Iterator[str]:
    watch.change("weather", State="DISABLED")
    yield "the schedule is DISABLED, and was deployed ENABLED"
    watch.change("weather", State="ENABLED")


@contextmanager
def deleted(watch: Watch) -> Iterator[str]:
    scheduler = watch.stage.aws("scheduler")
    known = scheduler.get_schedule(Name="weather", GroupName=APP)
    scheduler.delete_schedule(Name="weather", GroupName=APP)
    yield "the schedule was deleted behind its stack"
    request = {key: known[key] for key in KEPT}
    scheduler.create_schedule(Name="weather", GroupName=APP, **request)


@contextmanager
def crowded(watch: Watch) -> Iterator[str]:
    watch.stage.engine.add_fault("capacity", schedule="weather")
    yield ""
    watch.stage.engine.clear_faults()


@contextmanager
def beyond_the_quota(watch: Watch) -> Iterator[str]:
    watch.stage.engine.add_fault("vcpu-quota", value=0.25)
    yield ""
    watch.stage.engine.clear_faults()


@contextmanager
def untrusted(watch: Watch) -> Iterator[str]:
    """The Scheduler may not take its role, so it cannot leave a dead letter either."""
    iam = watch.stage.aws("iam")
    role = watch.stage.platform["SchedulerRoleArn"].rsplit("/", 1)[-1]
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    other = json.loads(json.dumps(trust).replace("scheduler.amazonaws.com", "ec2.amazonaws.com"))
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(other))
    yield ""
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))


@contextmanager
def waiting(watch: Watch) -> Iterator[None]:
    """The runs of `weather` do not end by themselves."""
    target = watch.stage.aws("scheduler").get_schedule(Name="weather", GroupName=APP)["Target"]
    changed = json.loads(target["Input"])
    for row in changed["containerOverrides"][0]["environment"]:
        if row["name"] == "MAX_ORDER":
            row["value"] = WAITING
    watch.change("weather", Target={**target, "Input": json.dumps(changed)})
    yield
    watch.change("weather", Target=target)


Cause = Callable[[Watch], AbstractContextManager[str]]


@pytest.mark.parametrize("cause", [disabled, deleted, crowded, beyond_the_quota, untrusted])
def test_a_silent_cause_is_told_once_and_its_end_once(watch: Watch, cause: Cause) -> None:
    with cause(watch) as words:
        first = watch.next_hour()
        found = watch.audit()
        assert [row["cause"] for row in found["changes"]] == [words]
        assert watch.mails() == [f"{APP}: weather missed {first:%Y-%m-%d %H:%M} UTC"]
        watch.hour()
        assert watch.mails() == []
    again = watch.hour()
    assert watch.mails() == [f"{APP}: weather well again {again:%Y-%m-%d %H:%M} UTC"]
    assert watch.audit()["changes"] == []
    assert watch.mails() == []


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(watch: Watch) -> None:
    with crowded(watch):
        due = watch.next_hour()
        found = watch.audit("--dry-run")
        assert [row["id"] for row in found["changes"]] == [f"{RunId('weather', due)}.1-missed"]
        assert watch.mails() == []
        assert len(watch.audit()["changes"]) == 1
    watch.hour()
    assert len(watch.mails()) == 2


def test_an_audit_makes_no_call_that_its_policies_were_not_held_against(watch: Watch) -> None:
    with crowded(watch), unrecorded(watch):
        watch.next_hour()
        told = watch.stage.project.toolkit("audit", "--local", "--debug", code=1).err
    made = {tuple(line.split()[0].split(".")) for line in told.splitlines() if " retries" in line}
    listed = {(call.service, call.operation) for call in CALLS}
    assert ("sns", "Publish") in made
    assert made - listed == {("cloudformation", "DescribeStacks")}  # a task is told instead
    watch.hour()
    watch.mails()


def test_an_expired_schedule_is_told_once_and_its_end_once(watch: Watch) -> None:
    project = watch.stage.project
    end = watch.stage.now() + timedelta(minutes=5)
    project.toolkit("schedule", "weather", "--end", end.isoformat(), "--local", "--yes")
    watch.hour()
    (mail,) = watch.mails()
    assert mail.startswith(f"{APP}: weather ended {end:%Y-%m-%d %H:%M} UTC")
    watch.next_hour()
    assert watch.audit()["troubles"] == {}
    assert watch.mails() == []
    project.toolkit("schedule", "weather", "--unset", "end", "--local", "--yes")
    again = watch.hour()
    assert watch.mails() == [f"{APP}: weather well again {again:%Y-%m-%d %H:%M} UTC"]


def test_a_schedule_that_is_disabled_by_a_deployment_is_in_no_trouble(watch: Watch) -> None:
    project = watch.stage.project
    with crowded(watch):
        watch.next_hour()
        assert list(watch.audit()["troubles"]) == ["weather"]
    project.toolkit("schedule", "weather", "--disable", "--local", "--yes")
    assert watch.audit()["troubles"] == {}
    project.toolkit("schedule", "weather", "--enable", "--local", "--yes")
    assert list(watch.audit()["troubles"]) == ["weather"]
    watch.mails()
    again = watch.hour()
    assert watch.mails() == [f"{APP}: weather well again {again:%Y-%m-%d %H:%M} UTC"]


def test_a_cluster_that_is_gone_is_told_by_a_rule_and_its_end_by_the_audit(watch: Watch) -> None:
    ecs = watch.stage.aws("ecs")
    ecs.delete_cluster(cluster=APP)
    try:
        watch.hour()
        told = watch.mails()
        assert told
        assert all(f"A scheduled launch of {APP} failed" in mail for mail in told)
    finally:
        ecs.create_cluster(clusterName=APP)
    watch.stage.project.toolkit("dead-letters", "--empty", "--yes", "--local")
    again = watch.hour()
    assert watch.mails() == [f"{APP}: weather well again {again:%Y-%m-%d %H:%M} UTC"]


@contextmanager
def unrecorded(watch: Watch) -> Iterator[None]:
    """The rule that writes the state-change records is off."""
    events = watch.stage.aws("events")
    rules = events.list_rules()["Rules"]
    name = next(row["Name"] for row in rules if "LifecycleRule" in row["Name"])
    events.disable_rule(Name=name)
    yield
    events.enable_rule(Name=name)


def test_a_lost_record_is_no_trouble_where_the_audit_saw_the_task(watch: Watch) -> None:
    with unrecorded(watch):
        due = watch.next_hour()
    found = watch.audit()
    run_id = str(RunId("weather", due))
    assert found["witnesses"] == [run_id]
    assert watch.mails() == []
    watch.advance(watch.stage.now() + 3 * HOUR)  # ECS has forgotten the task by now
    ledger = watch.stage.project.toolkit("ledger", "--local", "--json", code=None).json()
    assert {row["run_id"]: row["state"] for row in ledger["firings"]}[run_id] == "ok"
    assert watch.audit()["changes"] == []


def test_a_lost_record_that_nobody_saw_is_told_once_and_a_late_one_ends_it(watch: Watch) -> None:
    project, logs = watch.stage.project, watch.stage.aws("logs")
    with unrecorded(watch):
        due = watch.next_hour()
        arn = watch.stage.claimed(RunId("weather", due)).task_arn
        task = watch.stage.aws("ecs").describe_tasks(cluster=APP, tasks=[arn])["tasks"][0]
    project.toolkit("schedule", "weather", "--disable", "--local", "--yes")
    watch.advance(watch.stage.now() + 3 * HOUR)  # ECS has forgotten the task by now
    watch.audit()
    assert watch.mails() == [f"{APP}: weather unwitnessed {due:%Y-%m-%d %H:%M} UTC"]
    record = {"detail-type": "ECS Task State Change", "source": "aws.ecs", "detail": task}
    group = watch.stage.platform["LifecycleLogGroupName"]
    logs.create_log_stream(logGroupName=group, logStreamName="late")
    event = {
        "timestamp": int(task["stoppedAt"].timestamp() * 1000),
        "message": json.dumps(record, default=lambda time: time.isoformat()),
    }
    logs.put_log_events(logGroupName=group, logStreamName="late", logEvents=[event])
    watch.audit()
    assert watch.mails() == [f"{APP}: weather well again {due:%Y-%m-%d %H:%M} UTC"]
    project.toolkit("schedule", "weather", "--enable", "--local", "--yes")


def test_the_audits_own_death_is_told_by_an_alarm_in_those_words(watch: Watch) -> None:
    watch.change("audit", State="ENABLED")
    watch.advance(watch.stage.now() + timedelta(minutes=75))
    watch.mails(of_alarm=True)  # it has stood still until now
    watch.change("audit", State="DISABLED")
    watch.advance(watch.stage.now() + 2 * HOUR)
    assert watch.mails(of_alarm=True) == []
    watch.advance(watch.stage.now() + 2 * HOUR)
    missing = "itself is missing: no audit has finished for more than two hours"
    assert watch.mails(of_alarm=True) == [f"The audit of {APP} {missing}"]
    watch.change("audit", State="ENABLED")
    watch.advance(watch.stage.now() + 2 * HOUR)
    back = "is back: it tells now what happened meanwhile"
    assert watch.mails(of_alarm=True) == [f"The audit of {APP} {back}"]


def test_a_week_of_scheduled_audits_tells_each_change_once(watch: Watch) -> None:
    """A run at six and an audit at noon, as tasks, with a trouble here and there."""
    local = ("--timezone", "UTC", "--local", "--yes")
    watch.stage.project.toolkit("schedule", "weather", "cron(0 6 * * ? *)", *local)
    noon = {"ScheduleExpression": "cron(0 12 * * ? *)", "ScheduleExpressionTimezone": "UTC"}
    watch.change("audit", State="ENABLED", **noon)
    monday = (watch.stage.now() + timedelta(days=1)).replace(hour=6, minute=0, second=0)
    watch.advance(monday - timedelta(hours=4))
    watch.mails()
    heard: list[list[str]] = []

    def day(number: int) -> None:
        watch.advance(monday + timedelta(days=number, hours=8))
        heard.append(watch.mails())

    day(0)
    with crowded(watch):
        day(1)
        day(2)
    day(3)
    with disabled(watch):
        day(4)
    day(5)
    watch.stage.engine.add_fault("killed", schedule="weather", times=1)
    with waiting(watch):
        day(6)
    day(7)
    dates = [f"{monday + timedelta(days=number):%Y-%m-%d %H:%M} UTC" for number in range(8)]
    assert heard == [
        [],
        [f"{APP}: weather missed {dates[1]}"],
        [],
        [f"{APP}: weather well again {dates[3]}"],
        [f"{APP}: weather missed {dates[4]}"],
        [f"{APP}: weather well again {dates[5]}"],
        [f"A run of {APP} did not succeed: weather"],
        [f"{APP}: weather well again {dates[7]}"],
    ]
    rows = watch.stage.project.toolkit(
        "ledger", "--local", "--schedule", "audit", "--since", "8d", "--json", code=None
    ).json()["firings"]
    assert [row["state"] for row in rows if row["state"] != "not-yet-due"][-8:] == ["ok"] * 8
    told = watch.stage.project.toolkit("ledger", "--local", "--since", "8d", code=None).out
    assert "good firings of the audit are left out (--all)" in told
    assert "Z  audit" not in told
    assert "Z  weather" in told


def test_the_status_says_that_a_schedule_was_disabled_by_hand(watch: Watch) -> None:
    project = watch.stage.project
    with disabled(watch):
        row = next(
            line
            for line in project.toolkit("status", "--local").out.splitlines()
            if line.startswith("weather")
        )
    assert "next never: disabled by hand" in row
