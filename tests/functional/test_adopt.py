"""`toolkit adopt --plan` on the embedded AWS: schedules and rules that somebody else made."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.policies import trust

from .conftest import Project

TRUST = trust("scheduler.amazonaws.com")
INPUT = {
    "containerOverrides": [
        {
            "name": "job",
            "command": ["bin/report", "--all"],
            "environment": [
                {"name": "MODE", "value": 'a "b"'},
                {"name": "DB_PASSWORD", "value": "horse"},
            ],
        }
    ]
}


@pytest.fixture(scope="module")
def foreign(project: Project) -> Iterator[dict[str, Any]]:
    """Two groups of schedules, and rules, all with ECS targets of another cluster; by title.

    The schedules go at the end, or they would fire every hour that a later test advances.
    """
    account = project.aws("sts").get_caller_identity()["Account"]
    region = project.aws("ecs").meta.region_name
    ecs = project.aws("ecs")
    cluster = ecs.create_cluster(clusterName="legacy")["cluster"]["clusterArn"]
    definition = ecs.register_task_definition(
        family="report", containerDefinitions=[{"name": "job", "image": "x", "memory": 128}]
    )["taskDefinition"]["taskDefinitionArn"]
    role = project.aws("iam").create_role(
        RoleName="legacy-scheduler", AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    project.aws("sqs").create_queue(QueueName="legacy-letters")
    letters = f"arn:aws:sqs:{region}:{account}:legacy-letters"
    scheduler, events = project.aws("scheduler"), project.aws("events")
    scheduler.create_schedule_group(Name="legacy")
    target: dict[str, Any] = {
        "Arn": cluster,
        "RoleArn": role,
        "EcsParameters": {"TaskDefinitionArn": definition, "LaunchType": "FARGATE"},
    }
    whole = {**target, "Input": json.dumps(INPUT), "DeadLetterConfig": {"Arn": letters}}

    def schedule(group: str, name: str, expression: str, target: dict[str, Any]) -> None:
        scheduler.create_schedule(
            Name=name,
            GroupName=group,
            ScheduleExpression=expression,
            ScheduleExpressionTimezone="Europe/Berlin",
            FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
            Target=target,
        )

    schedule("legacy", "Nightly_Report", "cron(0 2 * * ? *)", whole)
    schedule("default", "bare", "rate(1 hour)", target)
    gone = {**target, "DeadLetterConfig": {"Arn": letters.replace("letters", "gone")}}
    schedule("default", "gone-queue", "rate(1 hour)", {**gone, "RoleArn": f"{role}-gone"})
    request = {
        "Cluster": "legacy",
        "TaskDefinition": "report",
        "Overrides": {
            "ContainerOverrides": [{"Name": "job", "Environment": [{"Name": "A", "Value": "1"}]}]
        },
    }
    universal = {
        "Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask",
        "RoleArn": role,
        "Input": json.dumps(request),
    }
    schedule("default", "universal", "rate(2 hours)", universal)
    queue = {"Arn": letters, "RoleArn": role, "Input": "{}"}
    schedule("default", "no-task", "rate(1 hour)", queue)
    events.put_rule(Name="old-rule", ScheduleExpression="cron(15 3 * * ? *)", State="DISABLED")
    events.put_targets(
        Rule="old-rule",
        Targets=[
            {
                "Id": "1",
                "Arn": cluster,
                "RoleArn": role,
                "EcsParameters": {"TaskDefinitionArn": definition, "TaskCount": 2},
            }
        ],
    )
    events.put_rule(Name="pattern", EventPattern=json.dumps({"source": ["x"]}))
    before = snapshot(project)
    rows = project.toolkit("adopt", "--plan", "--local", "--json").json()
    assert snapshot(project) == before, "it is read-only"
    yield {
        f"{row['schedule']['kind']} {row['schedule']['group']}/"
        f"{row['schedule']['timing']['name']}": row
        for row in rows
    }
    for group in ("legacy", "default"):
        for row in scheduler.list_schedules(GroupName=group)["Schedules"]:
            scheduler.delete_schedule(Name=row["Name"], GroupName=group)


def snapshot(project: Project) -> Any:
    listed = project.aws("scheduler").list_schedules()["Schedules"]
    return [(row["GroupName"], row["Name"], row["LastModificationDate"]) for row in listed], [
        row["Name"] for row in project.aws("events").list_rules()["Rules"]
    ]


def check(row: Any, name: str) -> tuple[str, str]:
    [found] = [check for check in row["checks"] if check["name"] == name]
    return found["status"], found["detail"]


def test_every_schedule_and_rule_with_an_ecs_target_is_listed_but_the_apps_own(
    foreign: dict[str, Any],
) -> None:
    assert set(foreign) == {
        "schedule legacy/Nightly_Report",
        "schedule default/bare",
        "schedule default/gone-queue",
        "schedule default/universal",
        "rule default/old-rule",
    }


def test_a_schedule_becomes_a_file_that_fires_alike(foreign: dict[str, Any]) -> None:
    row = foreign["schedule legacy/Nightly_Report"]
    assert row["file"] == "schedules/nightly-report.toml"
    table = tomllib.loads(row["text"])
    assert table == {
        "workload": "nightly-report",
        "expression": "cron(0 2 * * ? *)",
        "timezone": "Europe/Berlin",
        "state": "DISABLED",
        "flexible_window_minutes": 5,
        "env": {"MODE": 'a "b"'},
    }
    assert "horse" not in row["text"]
    assert "DB_PASSWORD sounds like a secret" in row["text"]
    assert 'command = ["bin/report", "--all"]' in row["text"]
    assert len(row["next"]) == 3


def test_roles_and_queues_are_looked_at(foreign: dict[str, Any]) -> None:
    whole = foreign["schedule legacy/Nightly_Report"]
    assert check(whole, "dead letters") == ("OK", "legacy-letters is empty")
    assert check(whole, "role")[0] == "WARN"  # the embedded AWS simulates no permissions
    assert check(foreign["schedule default/bare"], "dead letters")[0] == "WARN"
    gone = foreign["schedule default/gone-queue"]
    assert check(gone, "dead letters") == ("FAIL", "the queue legacy-gone is gone")
    assert check(gone, "role") == ("FAIL", "legacy-scheduler-gone is gone, so no task can start")
    rule = foreign["rule default/old-rule"]
    assert check(rule, "role") == ("FAIL", "legacy-scheduler does not trust events.amazonaws.com")
    assert check(rule, "firings") == ("WARN", "it is DISABLED")
    assert check(rule, "by hand")[1].startswith("it runs 2 tasks a firing")


def test_a_universal_target_is_read_as_what_it_runs(foreign: dict[str, Any]) -> None:
    row = foreign["schedule default/universal"]
    assert row["schedule"]["task_definition"] == "report"
    assert tomllib.loads(row["text"])["env"] == {"A": "1"}


def test_the_plan_is_readable(project: Project, foreign: dict[str, Any]) -> None:
    shown = project.toolkit("adopt", "--plan", "--local").out
    assert "schedule legacy/Nightly_Report\n" in shown
    assert "runs report:1 on legacy\n" in shown
    assert "02:00 CE" in shown
    assert "schedules/nightly-report.toml:\n" in shown
    assert "Missing option '--plan'" in project.toolkit("adopt", "--local", code=2).err
