"""Deployments: what they ask for, what they show, how they fail, and two at once."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

from tests.functional.conftest import ROOT, Project
from toolkit.app.deploying.deploy import deploy
from toolkit.app.deploying.layers import DeployOptions, StackOutcome
from toolkit.app.opening import open_app

from .conftest import (
    APP,
    DEPLOY,
    LOCK,
    expression_of,
    is_locked,
    put_lock,
    stacks,
    start,
)

NOBODY = 'workload.ExecutionRoleArn = "arn:aws:iam::000000000000:role/nobody"\n'


class Quiet:
    """A console that says yes and keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def changes(self, change_sets: object) -> None:
        pass

    def event(self, stack: str, event: object) -> None:
        pass

    def confirm(self, question: str) -> bool:
        return True


def test_deploying_what_stands_asks_for_little_and_executes_nothing(shipped: Project) -> None:
    app = open_app(shipped.root, Quiet(), environment=None, local=True)
    calls: Counter[str] = Counter()
    session = app.aws._open()
    session.events.register("before-call", lambda model, **_: calls.update([model.name]))
    done = deploy(app, DeployOptions(yes=True, only=("weather",)))
    assert {row.result for row in done.rows} == {StackOutcome.UNCHANGED}
    expected = {"DescribeStacks", "HeadObject", "GetAuthorizationToken", "ListSchedules"}
    assert calls == dict.fromkeys(expected, 1)


def test_a_dry_run_leaves_no_trace(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("schedules/weather.toml", expression_of(shipped), "rate(1 hour)")
    (shipped.root / "schedules" / "weather-new.toml").write_text('expression = "rate(1 day)"\n')
    before = stacks(shipped)
    releases = shipped.toolkit("package", "--local", "--list").out
    answer = shipped.toolkit("deploy", "--local", "--dry-run", "--only", "weather", "--json")
    (shipped.root / "schedules" / "weather-new.toml").unlink()
    rows = {row["stack"]: row for row in answer.json()["stacks"]}
    for name, act in (("weather", "Modify"), ("weather-new", "Add")):
        row = rows[f"{APP}-schedule-{name}"]
        assert row["result"] == "planned"
        assert [(c["action"], c["logical_id"]) for c in row["changes"]] == [(act, "Schedule")]
    assert stacks(shipped) == before
    assert shipped.toolkit("package", "--local", "--list").out == releases
    summaries = shipped.aws("cloudformation").list_change_sets(StackName=f"{APP}-schedule-weather")
    assert all(row["ExecutionStatus"] != "AVAILABLE" for row in summaries["Summaries"])
    assert not is_locked(shipped, bucket)


def test_without_a_person_nobody_agrees(
    shipped: Project, edited: Callable[[str, str, str], None]
) -> None:
    before = expression_of(shipped)
    edited("schedules/weather.toml", expression_of(shipped), "rate(1 hour)")
    answer = shipped.toolkit("deploy", "--local", "--only", "weather", code=1)
    assert "declined" in answer.out
    assert expression_of(shipped) == before


def test_a_deployment_waits_for_another_one(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("schedules/weather.toml", "[env]", 'description = "waited"\n[env]')
    put_lock(shipped, bucket)
    with start(shipped, *DEPLOY) as impatient:
        assert impatient.stderr is not None
        assert any("waiting" in line for line in impatient.stderr)
        impatient.send_signal(signal.SIGINT)
        impatient.communicate(timeout=300)
    assert impatient.returncode == 130
    assert is_locked(shipped, bucket)
    with start(shipped, *DEPLOY) as waiting:
        assert waiting.stderr is not None
        line = next(line for line in waiting.stderr if "waiting" in line)
        assert line.startswith("ann on elsewhere (process 7) deploys")
        shipped.aws("s3").delete_object(Bucket=bucket, Key=LOCK)
        waiting.communicate(timeout=300)
    assert waiting.returncode == 0
    assert not is_locked(shipped, bucket)


def test_a_lock_that_nobody_renewed_is_taken_over(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("schedules/weather.toml", "[env]", 'description = "taken over"\n[env]')
    put_lock(shipped, bucket)
    shipped.toolkit("local", "advance", "16m")
    shipped.toolkit(*DEPLOY)
    assert not is_locked(shipped, bucket)
    live = shipped.aws("scheduler").get_schedule(Name="weather", GroupName=APP)
    assert live["Description"] == "taken over"


def test_two_deployments_at_once_both_succeed(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("schedules/weather.toml", "[env]", 'description = "both"\n[env]')
    both = [start(shipped, *DEPLOY, "--json") for _ in range(2)]
    answers = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    results = [
        row["result"]
        for out, _err in answers
        for row in json.loads(out)["stacks"]
        if row["stack"] == f"{APP}-schedule-weather"
    ]
    assert results.count("updated") == 1
    assert results.count("unchanged") == 1
    assert not is_locked(shipped, bucket)


def test_a_change_set_that_is_refused_tells_each_cause_and_leaves_nothing(
    shipped: Project, edited: Callable[[str, str, str], None]
) -> None:
    edited(
        "templates/schedule.yaml",
        "      FlexibleTimeWindow:",
        "      Nope: 1\n      FlexibleTimeWindow:",
    )
    edited("schedules/weather.toml", "[env]", 'description = "refused"\n[env]')
    failed = shipped.toolkit(*DEPLOY, code=3)
    error = failed.err[failed.err.index("error: ") :]
    assert f"CloudFormation refused the change set of {APP}-schedule-weather: " in error
    assert "[AWS::EarlyValidation::PropertyValidation]" in error
    reason = "#: extraneous key [Nope] is not permitted"
    place = "Schedule (AWS::Scheduler::Schedule) at /Resources/Schedule/Properties/Nope"
    assert error.count(f"{place}: {reason}") == 1
    assert "hint: correct the template or the parameter; nothing was deployed" in error
    formation = shipped.aws("cloudformation")
    sets = formation.list_change_sets(StackName=f"{APP}-schedule-weather")["Summaries"]
    assert [row for row in sets if row["Status"] == "FAILED"] == []


def test_a_failed_stack_tells_its_cause_and_deploying_again_mends_it(
    shipped: Project, edited: Callable[[str, str, str], None]
) -> None:
    other = (*DEPLOY, "--config-env", "failing")
    edited("toolkit.toml", 'app = "failing"\n', f'app = "failing"\n{NOBODY}')
    failed = shipped.toolkit(*other, code=3)
    error = failed.err[failed.err.index("error: ") :]
    assert "failing-workload-weather ended as ROLLBACK_COMPLETE: TaskDefinition (AWS::ECS" in error
    assert "Service: Ecs" in error
    assert "hint: " in error
    assert "failing-schedule-weather" not in stacks(shipped)
    edited("toolkit.toml", NOBODY, "")
    mended = shipped.toolkit(*other, "--json")
    assert "deleting what its first deployment left behind" in mended.err
    results = {row["stack"]: row["result"] for row in mended.json()["stacks"]}
    assert results == {
        "failing-platform": "unchanged",
        "failing-workload-weather": "created",
        "failing-schedule-weather": "created",
    }


def test_an_interrupted_deployment_can_be_run_again(shipped: Project) -> None:
    other = (*DEPLOY, "--config-env", "killed")
    with start(shipped, *other) as killed:
        assert killed.stderr is not None
        assert any("killed-platform (create)" in line for line in killed.stderr)
        killed.kill()
    shipped.toolkit(*other)
    results = {row["result"] for row in shipped.toolkit(*other, "--json").json()["stacks"]}
    assert results == {"unchanged"}


def test_a_stack_of_somebody_else_is_not_updated(shipped: Project) -> None:
    foreign = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    cloudformation = shipped.aws("cloudformation")
    cloudformation.create_stack(StackName="foreign-platform", TemplateBody=json.dumps(foreign))
    before = stacks(shipped)["foreign-platform"]
    answer = shipped.toolkit(*DEPLOY, "--config-env", "foreign", code=3)
    assert "stack foreign-platform exists and is not this app's" in answer.err
    assert stacks(shipped)["foreign-platform"] == before
    cloudformation.delete_stack(StackName="foreign-platform")


def test_guided_asks_once_and_keeps_the_comments(shipped: Project) -> None:
    path = shipped.root / "toolkit.toml"
    before = path.read_text()
    answers = ["staging", "nightly", "us-east-1", "", "private", "ARM64", "ops@example.org"]
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", "deploy", "--guided", "--dry-run", "--local"],
        cwd=shipped.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="\n".join(answers) + "\n",
        capture_output=True,
        text=True,
        timeout=300,
    )
    text = path.read_text()
    path.write_text(before)
    assert done.returncode == 0, done.stderr
    assert "toolkit deploy --config-env staging" in done.stderr
    assert "nightly-platform" in done.stdout
    assert text.startswith(before.rstrip("\n")[:200])
    added = text.removeprefix(before)
    assert 'app = "nightly"' in added
    assert 'NetworkMode = "private"' in added
    assert 'CpuArchitecture = "ARM64"' in added
    assert "VpcId" not in added
    assert "nightly-platform" not in stacks(shipped)
