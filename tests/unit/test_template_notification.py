"""The lifecycle record, and who is told of a run that did not succeed."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import click
import pytest

from tests.cloudformation import ACCOUNT, REGION, properties, resources
from tests.policies import matches
from toolkit.cli import cli
from toolkit.cli.options import RunIdType
from toolkit.core.schedules.invocation import Invocation, substitute
from toolkit.core.schedules.target import scheduler_input
from toolkit.runtime.contract import RunId

PAYLOAD: dict[str, Any] = {
    "source": "aws.ecs",
    "detail-type": "ECS Task State Change",
    "detail": {
        "clusterArn": "Cluster.Arn",
        "taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/demo/0123456789abcdef",
        "group": "weather",
        "startedBy": "chronos-schedule/weather",
        "lastStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "workload", "exitCode": 0}],
    },
}


def event(**detail: Any) -> dict[str, Any]:
    return PAYLOAD | {"detail": PAYLOAD["detail"] | detail}


def ended(**container: Any) -> dict[str, Any]:
    return event(containers=[{"name": "workload"} | container])


@pytest.mark.parametrize(
    ("state", "noticed"),
    [
        pytest.param(event(), False, id="succeeded"),
        pytest.param(event(lastStatus="RUNNING"), False, id="running"),
        pytest.param(
            event(lastStatus="DEPROVISIONING", stopCode="UserInitiated"), False, id="ending"
        ),
        pytest.param(ended(exitCode=1), True, id="failed"),
        pytest.param(ended(exitCode=64), True, id="configuration"),
        pytest.param(ended(exitCode=124), True, id="timed-out"),
        pytest.param(ended(exitCode=137), True, id="killed"),
        pytest.param(
            ended(exitCode=0, reason="OutOfMemoryError: Container killed due to memory usage"),
            True,
            id="out-of-memory-with-exit-0",
        ),
        pytest.param(
            event(stopCode="TaskFailedToStart", containers=[{"name": "workload"}]),
            True,
            id="never-started",
        ),
        pytest.param(
            event(stopCode="SpotInterruption", containers=[{"name": "workload", "exitCode": 143}]),
            True,
            id="spot",
        ),
        pytest.param(event(stopCode="UserInitiated"), True, id="stopped"),
        pytest.param(
            event(
                containers=[{"name": "guard", "exitCode": 137}, {"name": "workload", "exitCode": 0}]
            ),
            False,
            id="a-sidecar-of-aws-was-killed-after-success",
        ),
        pytest.param(
            event(clusterArn="Other.Arn", stopCode="TaskFailedToStart"), False, id="not-ours"
        ),
    ],
)
def test_a_run_that_did_not_succeed_is_noticed(state: dict[str, Any], noticed: bool) -> None:
    assert matches(properties("platform", "FailedRunRule")["EventPattern"], state) is noticed


def test_every_state_of_our_tasks_is_recorded_and_nobody_elses() -> None:
    pattern = properties("platform", "LifecycleRule")["EventPattern"]
    for status in ("PROVISIONING", "RUNNING", "STOPPED"):
        assert matches(pattern, event(lastStatus=status))
    assert not matches(pattern, event(clusterArn="Other.Arn"))
    (record,) = properties("platform", "LifecycleRule")["Targets"]
    # A target of this kind takes no role, and no ":*" behind the name.
    assert record["Arn"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:LifecycleLogGroup"
    assert "RoleArn" not in record


@pytest.mark.parametrize("rule", ["FailedRunRule", "DeadLetterRule"])
def test_a_notification_is_made_of_quoted_lines_and_fills_in_all_it_names(rule: str) -> None:
    (topic,) = properties("platform", rule)["Targets"]
    transformer = topic["InputTransformer"]
    lines = [json.loads(line) for line in transformer["InputTemplate"].splitlines()]
    assert all(lines)
    assert topic["Arn"] == "NotificationTopic"
    assert set(re.findall(r"<(\w+)>", "\n".join(lines))) == set(transformer["InputPathsMap"])


@pytest.mark.parametrize("rule", ["FailedRunRule", "DeadLetterRule"])
def test_a_notification_says_whose_it_is_and_what_to_do_next(rule: str) -> None:
    (topic,) = properties("platform", rule)["Targets"]
    text = topic["InputTransformer"]["InputTemplate"]
    assert "demo" in text.splitlines()[0]
    assert "toolkit ledger" in text


def test_a_failed_runs_notification_reads_fields_that_the_event_has() -> None:
    (topic,) = properties("platform", "FailedRunRule")["Targets"]
    documented = set(PAYLOAD["detail"]) | {"createdAt", "overrides"}
    for path in topic["InputTransformer"]["InputPathsMap"].values():
        field = re.match(r"\$\.(?:time|detail\.(\w+))", path)
        assert field, path
        assert field[1] is None or field[1] in documented, path


def filled(rule: str, state: dict[str, Any]) -> str:
    """The text of a notification, as the input transformer makes it of an event."""
    (topic,) = properties("platform", rule)["Targets"]
    transformer = topic["InputTransformer"]
    text: str = transformer["InputTemplate"]
    for name, path in transformer["InputPathsMap"].items():
        text = text.replace(f"<{name}>", _at(state, path))
    return text


def _at(state: Any, path: str) -> str:
    for field, index in re.findall(r"\.(\w+)(?:\[(\d+)\])?", path.removeprefix("$")):
        state = state.get(field, {}) if isinstance(state, dict) else {}
        if index:
            state = state[int(index)] if len(state) > int(index) else {}
    return "" if state == {} else str(state)


RUN = RunId("weather", datetime(2026, 11, 24, 5, tzinfo=UTC))


def of_schedule() -> dict[str, Any]:
    """The state change of a failed firing, with the overrides that the toolkit makes."""
    invocation = Invocation("arn:schedule/weather", RUN.scheduled_time, "execution", 1)
    given = substitute(scheduler_input("weather", {"AAA": "1", "ZZZ": "2"}), invocation)
    guard = {"name": "aws-guardduty-agent-x", "exitCode": 0}
    containers = [guard, {"name": "workload", "exitCode": 64, "reason": "why"}]
    return event(overrides=json.loads(given), containers=containers)


def test_a_notification_tells_each_container_by_its_name() -> None:
    text = filled("FailedRunRule", of_schedule())
    assert "aws-guardduty-agent-x 0" in text
    assert "workload 64 why" in text


def test_a_notification_names_the_run_and_commands_that_exist() -> None:
    text = filled("FailedRunRule", of_schedule())
    (told,) = re.findall(r"toolkit logs (\S+)", text)
    assert RunIdType().convert(told, None, None) == RUN
    assert f"toolkit validate --task {PAYLOAD['detail']['taskArn']}" in text
    letters = filled("DeadLetterRule", {"time": "2026-11-24T05:00:00Z"})
    lines = re.findall(r"toolkit ([a-z-]+)((?: --[a-z-]+)*)", f"{text}\n{letters}")
    assert {name for name, _ in lines} == {"validate", "logs", "ledger", "doctor", "dead-letters"}
    for name, options in lines:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, name
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(options.split()) <= known, name


def test_a_dead_letter_that_comes_while_the_alarm_rings_raises_another() -> None:
    alarm = properties("platform", "DeadLetterArrivalAlarm")
    assert (alarm["MetricName"], alarm["Statistic"]) == ("NumberOfMessagesSent", "Sum")
    pattern = properties("platform", "DeadLetterRule")["EventPattern"]
    change: dict[str, Any] = {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "resources": ["DeadLetterArrivalAlarm.Arn"],
        "detail": {"state": {"value": "ALARM"}},
    }
    assert matches(pattern, change)


def test_a_dead_letter_raises_the_alarm_and_the_alarm_a_notification() -> None:
    alarm = properties("platform", "DeadLetterAlarm")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "DeadLetterQueue.QueueName"}]
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["Threshold"] == 0
    assert alarm["TreatMissingData"] == "notBreaching"
    pattern = properties("platform", "DeadLetterRule")["EventPattern"]
    change: dict[str, Any] = {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "resources": ["DeadLetterAlarm.Arn"],
        "detail": {"state": {"value": "ALARM"}},
    }
    assert matches(pattern, change)
    assert not matches(pattern, change | {"detail": {"state": {"value": "OK"}}})
    assert not matches(pattern, change | {"resources": ["Other.Arn"]})


def test_nobody_is_subscribed_who_was_not_named() -> None:
    assert "NotificationSubscription" not in resources("platform")
    subscribed = properties("platform", "NotificationSubscription", NotificationEmail="a@b.example")
    assert subscribed["Endpoint"] == "a@b.example"
