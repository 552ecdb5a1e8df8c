"""A schedule's three doors lead to one shape: what goes in by one comes out by another."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from toolkit.core.deploying import config as config_core
from toolkit.core.deploying.plans import deployed_schedules, schedule_plan
from toolkit.core.schedules.drift import changes_of, drift_of
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.target import ecs_target
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
    config = config_core.parse(document, "default", CATALOG)
    schedule = Schedule.from_file("weather", table, CATALOG)
    return schedule_plan(config, schedule, "", platform=PLATFORM, task_definition_arn=DEFINITION)


def answered(parameters: dict[str, str]) -> dict[str, object]:
    """GetSchedule's answer for a schedule that the template made of these parameters."""
    minutes = int(parameters.get("FlexibleWindowMinutes", "0"))
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes}
    dates = {
        key: datetime.fromisoformat(parameters[key])
        for key in ("StartDate", "EndDate")
        if parameters[key]
    }
    retry = {"MaximumEventAgeInSeconds": int(parameters.get("MaximumEventAgeInSeconds", "900"))}
    return {
        "Name": parameters["ScheduleName"],
        "GroupName": parameters["ScheduleGroupName"],
        "ScheduleExpression": parameters["ScheduleExpression"],
        "ScheduleExpressionTimezone": parameters["ScheduleExpressionTimezone"],
        "State": parameters["State"],
        "Description": parameters["Description"] or "weather of app",
        "FlexibleTimeWindow": window if minutes else {"Mode": "OFF"},
        "LastModificationDate": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "Target": {
            **ecs_target(parameters),
            "RoleArn": parameters["SchedulerRoleArn"],
            "DeadLetterConfig": {"Arn": parameters["DeadLetterQueueArn"]},
            "RetryPolicy": retry,
        },
        **dates,
    }


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
    assert changes_of(deployed, Schedule.from_parameters(parameters)) == ()


@given(tables, launches)
def test_what_is_live_as_its_stack_made_it_has_not_drifted(
    table: dict[str, object], launch: dict[str, object]
) -> None:
    parameters = dict(planned(table, launch).parameters)
    live = Schedule.from_live(answered(parameters))
    assert drift_of(Schedule.from_parameters(parameters), live) == ()
