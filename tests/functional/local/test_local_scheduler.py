"""The Scheduler agent: what fires when, as which task, and what becomes of a launch that fails."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.policies import trust
from toolkit.core.errors import ConfigError

from .rehearsal import APP, Platform, eventually

PRINT_CONTEXT = (
    "import os, time\n"
    "names = ('SCHEDULED_TIME', 'EXECUTION_ID', 'ATTEMPT')\n"
    "print('CONTEXT', *(os.environ[name] for name in names), time.time())"
)


def now(platform: Platform) -> datetime:
    return datetime.fromisoformat(platform.rehearsal.engine.status()["now"])


def advance(platform: Platform, days: float) -> list[dict[str, Any]]:
    return list(platform.rehearsal.engine.advance(seconds=days * 86_400))


def fired(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == "fired" and event["schedule"] == name]


def remove(platform: Platform, name: str) -> None:
    """Delete the schedule, so that it does not fire in other tests."""
    platform.rehearsal.aws("cloudformation").delete_stack(StackName=f"app-schedule-{name}")
    names = {"Name": name, "GroupName": APP}
    scheduler = platform.rehearsal.aws("scheduler")

    def gone() -> bool:
        try:
            scheduler.get_schedule(**names)
        except scheduler.exceptions.ResourceNotFoundException:
            return True
        return False

    eventually(gone)


def dead_letters(platform: Platform) -> list[dict[str, Any]]:
    """Take all letters out of the queue."""
    sqs = platform.rehearsal.aws("sqs")
    letters = []
    url = platform.platform["DeadLetterQueueUrl"]
    while found := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        for letter in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
            rows = letter["MessageAttributes"].items()
            attributes = {name: row["StringValue"] for name, row in rows}
            letters.append({"body": json.loads(letter["Body"]), **attributes})
    return letters


def test_a_week_fires_every_day_and_each_run_lives_at_its_time(platform: Platform) -> None:
    name = platform.schedule("demo-daily", "cron(30 4 * * ? *)", PRINT_CONTEXT)
    start = now(platform)
    events = advance(platform, 7)
    remove(platform, name)
    mine = fired(events, name)
    times = [datetime.fromisoformat(event["scheduled_time"]) for event in mine]
    first = start.replace(hour=4, minute=30, second=0, microsecond=0)
    first += timedelta(days=1) if first <= start else timedelta()
    assert times == [first + timedelta(days=day) for day in range(7)]
    assert events[-1]["event"] == "advanced"
    lines = platform.rehearsal.log_lines(f"/{APP}/demo")
    contexts = [line.split()[1:] for line in lines if line.startswith("CONTEXT")]
    for scheduled, execution, attempt, seen in contexts[-7:]:
        late = float(seen) - datetime.fromisoformat(scheduled).timestamp()
        assert 0 <= late < 600, "the run does not live at its scheduled time"
        assert len(execution) == 16
        assert attempt == "1"
    assert len({row[1] for row in contexts[-7:]}) == 7


CLOCKS = """
import datetime, subprocess, sys, time
import pandas
now = datetime.datetime.now
print(time.time())
print(now(datetime.UTC).timestamp(), now().timestamp(), pandas.Timestamp.now().timestamp())
print(datetime.datetime.today().timestamp(), time.mktime(time.localtime()))
ask = "import datetime; print(datetime.datetime.now().timestamp())"
print(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True).stdout)
"""


def said_a_day_later(platform: Platform, script: str) -> list[tuple[float, float]]:
    """Advance a day and run a script: each number that it prints, and the event's timestamp."""
    advance(platform, 1)
    arn = platform.run(script)
    platform.rehearsal.await_status(arn, "STOPPED")
    answer = platform.rehearsal.aws("logs").get_log_events(
        logGroupName=f"/{APP}/demo", logStreamName=f"run/workload/{arn.rsplit('/', 1)[-1]}"
    )
    return [
        (float(word), event["timestamp"] / 1000)
        for event in answer["events"]
        for word in event["message"].split()
    ]


def test_every_clock_of_a_task_agrees_with_its_log(platform: Platform) -> None:
    told = said_a_day_later(platform, CLOCKS)
    assert len(told) == 7
    assert all(abs(said - logged) < 60 for said, logged in told)


def test_durations_are_real_at_any_time(platform: Platform) -> None:
    script = "import time; print(time.monotonic(), time.perf_counter())"
    told = said_a_day_later(platform, script)
    assert all(abs(said - time.monotonic()) < 3600 for said, _ in told)


def test_a_task_that_scheduler_starts_says_so(platform: Platform) -> None:
    name = platform.schedule("demo-origin", "cron(0 3 * * ? *)")
    mine = fired(advance(platform, 1), name)
    remove(platform, name)
    group = platform.platform["LifecycleLogGroupName"]
    details = [json.loads(line)["detail"] for line in platform.rehearsal.log_lines(group)]
    task = next(row for row in details if row["taskArn"] == mine[0]["tasks"][0])
    assert task["startedBy"] == "chronos-schedule/demo-origin"
    assert task["group"] == name
    assert task["capacityProviderName"] == "FARGATE"
    created = datetime.fromisoformat(task["createdAt"])
    late = created - datetime.fromisoformat(mine[0]["scheduled_time"])
    assert timedelta() <= late < timedelta(minutes=1)


def test_a_disabled_schedule_does_not_fire(platform: Platform) -> None:
    name = platform.schedule("demo-off", "rate(1 hour)", State="DISABLED")
    events = advance(platform, 0.2)
    remove(platform, name)
    assert fired(events, name) == []


def test_start_and_end_dates_bound_the_firings(platform: Platform) -> None:
    start = now(platform).replace(minute=0, second=0, microsecond=0) + timedelta(hours=5)
    end = start + timedelta(hours=2)
    name = platform.schedule(
        "demo-bounds",
        "cron(0 * * * ? *)",
        StartDate=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        EndDate=end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    events = advance(platform, 0.5)
    remove(platform, name)
    times = [datetime.fromisoformat(event["scheduled_time"]) for event in fired(events, name)]
    assert times == [start, start + timedelta(hours=1), end]


def test_a_changed_schedule_fires_at_its_new_time_only(platform: Platform) -> None:
    name = platform.schedule("demo-moved", "cron(0 1 * * ? *)")
    scheduler = platform.rehearsal.aws("scheduler")
    found = scheduler.get_schedule(Name=name, GroupName=APP)
    kept = ("Name", "GroupName", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(
        ScheduleExpression="cron(15 2 * * ? *)", **{key: found[key] for key in kept}
    )
    events = advance(platform, 1)
    remove(platform, name)
    times = [datetime.fromisoformat(event["scheduled_time"]) for event in fired(events, name)]
    assert [(time.hour, time.minute) for time in times] == [(2, 15)]


def test_a_one_time_schedule_fires_by_itself_and_is_deleted(platform: Platform) -> None:
    source = platform.schedule("demo-source", "cron(0 1 1 1 ? 2199)")
    scheduler = platform.rehearsal.aws("scheduler")
    target = scheduler.get_schedule(Name=source, GroupName=APP)["Target"]
    moment = now(platform) + timedelta(seconds=2)
    scheduler.create_schedule(
        Name="demo-once",
        GroupName=APP,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=target,
    )
    ecs = platform.rehearsal.aws("ecs")
    started = {"cluster": APP, "startedBy": "chronos-schedule/demo-once"}
    arns = eventually(
        lambda: (
            ecs.list_tasks(**started)["taskArns"]
            + ecs.list_tasks(desiredStatus="STOPPED", **started)["taskArns"]
        )
    )
    assert len(arns) == 1
    names = {"Name": "demo-once", "GroupName": APP}

    def gone() -> bool:
        found = scheduler.list_schedules(GroupName=APP, NamePrefix="demo-once")
        return not found["Schedules"]

    eventually(gone)
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(**names)
    remove(platform, source)


def test_one_firing_can_be_delivered_twice(platform: Platform) -> None:
    name = platform.schedule("demo-twice", "cron(0 1 * * ? *)", PRINT_CONTEXT)
    events = fired(platform.rehearsal.engine.fire(name, twice=True), name)
    tasks = [task for event in events for task in event["tasks"]]
    assert len(set(tasks)) == 2
    for arn in tasks:
        platform.rehearsal.await_status(arn, "STOPPED")
    remove(platform, name)
    assert len({event["scheduled_time"] for event in events}) == 1


def test_an_unknown_schedule_cannot_be_fired(platform: Platform) -> None:
    with pytest.raises(ConfigError, match="no schedule 'nobody' is deployed"):
        platform.rehearsal.engine.fire("nobody")


def role(platform: Platform, name: str, service: str, statements: list[dict[str, Any]]) -> str:
    iam = platform.rehearsal.aws("iam")
    answer = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(service)))
    iam.put_role_policy(
        RoleName=name,
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    return answer["Role"]["Arn"]


def letter_of(platform: Platform, name: str, **parameters: object) -> dict[str, Any]:
    """Fire a schedule that must fail; returns its dead letter."""
    dead_letters(platform)
    platform.schedule(name, "cron(0 1 * * ? *)", **parameters)
    events = platform.rehearsal.engine.fire(name)
    remove(platform, name)
    assert [event["event"] for event in events] == ["dead-lettered"], events
    letters = dead_letters(platform)
    assert len(letters) == 1
    return letters[0]


SEND = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
RUN = {"Effect": "Allow", "Action": "ecs:RunTask", "Resource": "*"}
TAG = {"Effect": "Allow", "Action": "ecs:TagResource", "Resource": "*"}


def test_a_role_that_may_not_run_tasks_leaves_a_dead_letter_in_awss_words(
    platform: Platform,
) -> None:
    arn = role(platform, "no-run", "scheduler.amazonaws.com", [SEND])
    letter = letter_of(platform, "demo-norun", SchedulerRoleArn=arn)
    assert letter["ERROR_CODE"] == "AccessDeniedException"
    assert (
        "is not authorized to perform: ecs:RunTask on resource: arn:aws:ecs:"
        in (letter["ERROR_MESSAGE"])
    )
    assert letter["SCHEDULE_ARN"].endswith(":schedule/app/demo-norun")
    assert letter["TARGET_ARN"] == platform.platform["ClusterArn"]
    assert letter["RETRY_ATTEMPTS"] == "0"
    assert letter["body"]["cluster"] == platform.platform["ClusterArn"]
    datetime.fromisoformat(letter["SCHEDULED_TIME"]).astimezone(UTC)


def test_a_role_that_may_not_pass_roles_leaves_a_dead_letter(platform: Platform) -> None:
    arn = role(platform, "no-pass", "scheduler.amazonaws.com", [SEND, RUN, TAG])
    letter = letter_of(platform, "demo-nopass", SchedulerRoleArn=arn)
    assert letter["ERROR_CODE"] == "AccessDeniedException"
    assert "is not authorized to perform: iam:PassRole on resource:" in letter["ERROR_MESSAGE"]
    assert (
        "because no identity-based policy allows the iam:PassRole action"
        in (letter["ERROR_MESSAGE"])
    )


def test_a_role_that_does_not_trust_scheduler_loses_even_its_dead_letter(
    platform: Platform,
) -> None:
    arn = role(platform, "no-trust", "ec2.amazonaws.com", [SEND, RUN, TAG])
    dead_letters(platform)
    name = platform.schedule("demo-notrust", "cron(0 1 * * ? *)", SchedulerRoleArn=arn)
    events = platform.rehearsal.engine.fire(name)
    remove(platform, name)
    assert [event["event"] for event in events] == ["dead-lettered", "dead-letter-lost"]
    assert dead_letters(platform) == []


def test_a_task_definition_that_is_gone_leaves_a_dead_letter(platform: Platform) -> None:
    gone = platform.workload["TaskDefinitionArn"].rsplit(":", 1)[0] + ":999"
    letter = letter_of(platform, "demo-gone", TaskDefinitionArn=gone)
    assert (letter["ERROR_CODE"], letter["ERROR_MESSAGE"]) == (
        "ClientException",
        "TaskDefinition not found.",
    )


def test_a_failed_launch_is_repeated_as_often_as_the_policy_says(platform: Platform) -> None:
    gone = platform.workload["TaskDefinitionArn"].rsplit(":", 1)[0] + ":999"
    dead_letters(platform)
    name = platform.schedule(
        "demo-retry", "cron(0 1 * * ? *)", TaskDefinitionArn=gone, MaximumRetryAttempts=2
    )
    events = [row for row in advance(platform, 1) if row.get("schedule") == name]
    remove(platform, name)
    assert [(row["event"], row["attempt"]) for row in events] == [
        ("retrying", 1),
        ("retrying", 2),
        ("dead-lettered", 3),
    ]
    (letter,) = dead_letters(platform)
    assert letter["RETRY_ATTEMPTS"] == "2"
    assert letter["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


def test_a_launch_that_is_too_old_is_given_up(platform: Platform) -> None:
    gone = platform.workload["TaskDefinitionArn"].rsplit(":", 1)[0] + ":999"
    dead_letters(platform)
    name = platform.schedule(
        "demo-old",
        "cron(0 1 * * ? *)",
        TaskDefinitionArn=gone,
        MaximumRetryAttempts=9,
        MaximumEventAgeInSeconds=200,
    )
    advance(platform, 1)
    remove(platform, name)
    (letter,) = dead_letters(platform)
    assert letter["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"


def test_a_flexible_window_delays_the_launch_but_not_the_scheduled_time(
    platform: Platform,
) -> None:
    name = platform.schedule(
        "demo-window", "cron(0 * * * ? *)", PRINT_CONTEXT, FlexibleWindowMinutes=30
    )
    events = fired(advance(platform, 0.5), name)
    remove(platform, name)
    record = platform.rehearsal.log_lines(platform.platform["LifecycleLogGroupName"])
    created = {}
    for line in record:
        detail = json.loads(line)["detail"]
        created[detail["taskArn"]] = datetime.fromisoformat(detail["createdAt"])
    late = [
        created[event["tasks"][0]] - datetime.fromisoformat(event["scheduled_time"])
        for event in events
    ]
    assert len(late) in (11, 12)  # the last one's window may reach beyond the advance
    assert all(timedelta() <= delay <= timedelta(minutes=31) for delay in late)
    assert len({delay // timedelta(minutes=1) for delay in late}) > 1


def test_stopped_tasks_are_forgotten_after_an_hour(platform: Platform) -> None:
    arn = platform.run("")
    platform.rehearsal.await_status(arn, "STOPPED")
    advance(platform, 2 / 24)
    answer = platform.rehearsal.aws("ecs").describe_tasks(cluster=APP, tasks=[arn])
    assert answer["tasks"] == []
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]


def test_the_clock_can_run_instead_of_jump(platform: Platform) -> None:
    name = platform.schedule("demo-fast", "cron(* * * * ? *)", PRINT_CONTEXT)
    at = now(platform)
    events = list(platform.rehearsal.engine.advance(seconds=180, speed=120))
    remove(platform, name)
    assert len(fired(events, name)) == 3
    assert now(platform) - at >= timedelta(seconds=180)


def test_a_bad_expression_is_refused_in_schedulers_words(platform: Platform) -> None:
    scheduler = platform.rehearsal.aws("scheduler")
    request = {
        "Name": "demo-bad",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": "arn:aws:ecs:x", "RoleArn": platform.platform["SchedulerRoleArn"]},
    }
    for expression in ("cron(0 1 * * * *)", "rate(5 minute)", "at(2026-11-24)"):
        with pytest.raises(scheduler.exceptions.ValidationException) as caught:
            scheduler.create_schedule(ScheduleExpression=expression, **request)
        assert f"Invalid Schedule Expression {expression}." in str(caught.value)
    with pytest.raises(scheduler.exceptions.ValidationException, match="Mars/Olympus"):
        scheduler.create_schedule(
            ScheduleExpression="rate(1 day)", ScheduleExpressionTimezone="Mars/Olympus", **request
        )
