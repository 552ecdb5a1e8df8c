"""A schedule's three doors lead to one shape: what goes in by one comes out by another."""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from tests.cloudformation import properties
from toolkit.core.deploying.config import parse
from toolkit.core.deploying.plans import deployed_schedules, schedule_plan
from toolkit.core.schedules.drift import changes_of, drift_of
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.target import schedule_request
from toolkit.core.stack import Stack, StackPlan
from toolkit.runtime.catalog import load

CATALOG = load()
PLATFORM = {
    "ClusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/app",
    "SchedulerRoleArn": "arn:aws:iam::123456789012:role/app-scheduler",
    "DeadLetterQueueArn": "arn:aws:sqs:eu-central-1:123456789012:app-dead-letters",
    "ScheduleGroupName": "app",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "SecurityGroupId": "sg-0123456789abcdef0",
    "AssignPublicIp": "ENABLED",
}
DEFINITION = "arn:aws:ecs:eu-central-1:123456789012:task-definition/app-weather:7"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_DATES = ("StartDate", "EndDate")
times = st.sampled_from(["", "2026-12-01T00:00:00Z", "2026-12-24T18:30:00Z"])
tables = st.fixed_dictionaries(
    {
        "expression": st.sampled_from(["cron(0 6 * * ? *)", "rate(2 hours)"]),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "state": st.sampled_from(["ENABLED", "DISABLED"]),
        "start": times,
        "description": st.sampled_from(["", "for people"]),
        "env": st.dictionaries(st.just("MAX_ORDER"), st.integers(1, 9).map(str)),
    }
)
launches = st.fixed_dictionaries(
    {},
    optional={
        "CapacityProvider": st.sampled_from(["FARGATE", "FARGATE_SPOT"]),
        "MaximumEventAgeInSeconds": st.integers(60, 86400),
        "FlexibleWindowMinutes": st.integers(0, 1440),
    },
)


def planned(table: dict[str, object], launch: dict[str, object]) -> StackPlan:
    document = {"default": {"app": "app", "schedule": launch}}
    config = parse(document, "default", CATALOG)
    schedule = Schedule.from_file("weather", table, CATALOG)
    return schedule_plan(config, schedule, "", platform=PLATFORM, task_definition_arn=DEFINITION)


def answered(parameters: dict[str, str]) -> dict[str, Any]:
    """GetSchedule's answer for a schedule that was made by this request."""
    request = schedule_request(parameters)
    dates = {key: datetime.fromisoformat(request[key]) for key in _DATES if key in request}
    return {**request, **dates, "LastModificationDate": datetime(2026, 11, 23, 12, tzinfo=UTC)}


@given(tables, launches)
def test_a_stack_tells_the_schedule_that_it_was_made_of(
    table: dict[str, object], launch: dict[str, object]
) -> None:
    parameters = dict(planned(table, launch).parameters)
    stack = Stack(
        "app-schedule-weather",
        "CREATE_COMPLETE",
        parameters=parameters,
        tags={"toolkit:noun": "schedule"},
        changed_at="2026-11-23T12:00:00Z",
    )
    (deployed,) = deployed_schedules([stack]).values()
    assert deployed.parameters() == parameters
    assert deployed.changed_at == stack.changed_at
    file = Schedule.from_file("weather", table, CATALOG)
    assert deployed.timetable().timezone == file.timezone
    assert changes_of(deployed, Schedule.from_parameters(parameters), NOW) == ()


@given(tables, launches)
def test_what_is_live_as_its_stack_made_it_has_not_drifted(
    table: dict[str, object], launch: dict[str, object]
) -> None:
    parameters = dict(planned(table, launch).parameters)
    live = Schedule.from_live(answered(parameters))
    assert drift_of(Schedule.from_parameters(parameters), live) == ()


@given(tables, launches)
def test_what_the_toolkit_would_send_is_what_the_template_makes(
    table: dict[str, object], launch: dict[str, object]
) -> None:
    parameters = dict(planned(table, launch).parameters)
    # The renderer knows only text as the value of a Ref, and takes a number in a condition.
    minutes = int(parameters.get("FlexibleWindowMinutes", "0"))
    made = properties("schedule", "Schedule", **parameters | {"FlexibleWindowMinutes": minutes})
    network = made["Target"]["EcsParameters"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    network["Subnets"] = network["Subnets"].split(",")
    assert _text(_spelled(schedule_request(parameters))) == _text(made)


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _text(part) for key, part in value.items()}
    return [_text(part) for part in value] if isinstance(value, list) else str(value)


def _spelled(value: Any) -> Any:
    """Names as CloudFormation spells them: the API has some of ECS's own, in lower case."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _spelled(part) for key, part in value.items()}
    return [_spelled(part) for part in value] if isinstance(value, list) else value


def test_what_the_toolkit_would_send_is_valid_for_aws() -> None:
    client = boto3.client("scheduler", region_name="eu-central-1")
    request = schedule_request(dict(planned({"expression": "rate(2 hours)"}, {}).parameters))
    for operation in ("CreateSchedule", "UpdateSchedule"):
        shape = client.meta.service_model.operation_model(operation).input_shape
        assert ParamValidator().validate(request, shape).generate_report() == ""
