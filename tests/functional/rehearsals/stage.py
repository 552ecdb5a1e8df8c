"""Where rehearsals happen: a deployed project, and somebody's mistakes, made as they are made.

A rehearsal is a run of its own schedule ``weather-<label>``, so that one command judges many.
"""

import copy
import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pytest
from attrs import define, field

from tests.functional.conftest import Project
from toolkit.adapters.embedded import engine
from toolkit.adapters.embedded.engine import EngineClient, EngineInfo
from toolkit.runtime.contract import Claim, RunId

APP = "fargate-runs"
Definition = dict[str, Any]
Verdict = dict[str, Any]
# Once in 2199: nothing fires unless a rehearsal says so.
NEVER = "cron(0 1 1 1 ? 2199)"
_KEPT = (
    "family",
    "cpu",
    "memory",
    "networkMode",
    "requiresCompatibilities",
    "executionRoleArn",
    "taskRoleArn",
    "runtimePlatform",
    "volumes",
    "containerDefinitions",
)

# What somebody keeps who changes a schedule by hand.
KEPT = (
    "Description",
    "FlexibleTimeWindow",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "Target",
)

# A busy machine takes many seconds to start Python, and before that nobody hears a SIGTERM.
_AFTER_THE_START, _START_SECONDS = ("spot-interruption", "task-retirement"), 15.0

# A workload whose code is ours, run by the real runtime: claim, watchdog, artifacts, manifest.
_SPOILED = """
import os, sys, time, types
from attrs import evolve
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import Gate, Interrupted, Result
from toolkit.runtime.runtime import execute

catalog = load()
workload = catalog.workload(os.environ["WORKLOAD"])

def leave(run, without=""):
    "All events and artifacts that the catalog asks for, but one. The images hold no image."
    for event in workload.events:
        if event not in ("run.started", "run.finished", without):
            run.event(event)
    for row in workload.artifacts:
        if row.name != without:
            rows = row.min_rows or 1
            text = "{{}}" if row.media_type.endswith("json") else "n\\n" * (rows + 1)
            content = text.encode().ljust(row.min_bytes or 0)
            run.save(row.name, content, media_type=row.media_type, rows=row.min_rows)

def run(settings, run):
    gates = workload.gates
{body}
    return Result({{}}, tuple(Gate(name.replace("*", "x"), 1.0, ">=", 0.0) for name in gates))

def perform():
    sys.modules["spoiled"] = types.SimpleNamespace(run=run)
    # A run checks what its image asks for: success without it comes of an image that asks less.
    spoiled = evolve(workload, entry_point="spoiled:run", artifacts=(), gates=())
    known = evolve(catalog, workloads={{**catalog.workloads, workload.name: spoiled}})
    return execute(os.environ, sys.stdout, catalog=known)

{end}
"""

Spoil = Callable[["Stage", Definition], None]


def python(code: str) -> Spoil:
    """Another program in the container."""

    def spoil(_stage: "Stage", definition: Definition) -> None:
        container(definition)["entryPoint"] = ["python", "-c", code]

    return spoil


def workload(body: str, end: str = "sys.exit(perform())") -> Spoil:
    """Another workload, under the real runtime; ``body`` sees ``settings``, ``run``, ``leave``."""
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    return python(_SPOILED.format(body=indented, end=end))


WAITS = workload("if run.wait(600): raise Interrupted")


def unspoiled(_stage: "Stage", _definition: Definition) -> None:
    """As it is deployed."""


def container(definition: Definition) -> Definition:
    """The one container of a task definition."""
    found: Definition = definition["containerDefinitions"][0]
    return found


def rehearses(*diagnoses: str) -> pytest.MarkDecorator:
    """Mark a test that provokes these diagnoses; it gets each as ``diagnosis``."""
    return pytest.mark.parametrize("diagnosis", diagnoses)


def rehearses_all(cases: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Mark a test that provokes a table of cases, each with its ``diagnosis``."""
    return pytest.mark.parametrize(
        ("label", "diagnosis"),
        [(label, case.diagnosis) for label, case in cases.items()],
        ids=list(cases),
    )


def assert_told(found: Verdict, diagnosis: str, ruling: str = "FAIL") -> None:
    """The verdict rules so, by the diagnosis of that name, and says what to do next."""
    told = found["diagnosis"]
    assert told is not None, found["checks"]
    assert (found["ruling"], told["name"]) == (ruling, diagnosis), found["checks"]
    assert all(told[part] for part in ("summary", "meaning", "hint"))
    assert not {"RUN_ID", "NAME", "SCHEDULE"} & set(told["hint"].replace("/", " ").split())


def detail(found: Verdict, check: str) -> str:
    """The words of one check."""
    return next(row["detail"] for row in found["checks"] if row["name"] == check)


def statuses(found: Verdict) -> dict[str, str]:
    """How each check ended."""
    return {row["name"]: row["status"] for row in found["checks"]}


@define(slots=False)
class Stage:
    """A deployed project with its embedded AWS."""

    project: Project
    _clients: dict[str, Any] = field(factory=dict, init=False)
    _definitions: dict[str, Definition] = field(factory=dict, init=False)

    @property
    def info(self) -> EngineInfo:
        """The engine that runs now."""
        found = engine.running(self.project.root)
        assert found is not None
        return found

    @property
    def engine(self) -> EngineClient:
        return EngineClient(self.info)

    @cached_property
    def platform(self) -> dict[str, str]:
        """The outputs of the platform's stack."""
        return self.project.outputs(f"{APP}-platform")

    def aws(self, service: str) -> Any:
        """A client, made once: making one takes a tenth of a second."""
        if service not in self._clients:
            self._clients[service] = self.project.aws(service)
        return self._clients[service]

    def deployed(self, workload: str) -> Definition:
        """The task definition of a workload, as it is deployed."""
        if workload not in self._definitions:
            arn = self.project.outputs(f"{APP}-workload-{workload}")["TaskDefinitionArn"]
            known = self.aws("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
            self._definitions[workload] = {key: known[key] for key in _KEPT if key in known}
        return copy.deepcopy(self._definitions[workload])

    def now(self) -> datetime:
        return self.engine.now().replace(microsecond=0)

    def register(self, spoil: Spoil, *, of: str = "weather") -> str:
        """Register a workload's task definition with one thing spoiled; returns its ARN."""
        definition = self.deployed(of)
        spoil(self, definition)
        made = self.aws("ecs").register_task_definition(**definition)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def launch(
        self,
        label: str,
        spoil: Spoil = unspoiled,
        env: Mapping[str, str] | None = None,
        *,
        of: str = "weather",
        ahead: timedelta = timedelta(),
    ) -> RunId:
        """Start a spoiled task for a firing of ``<of>-<label>``; returns its run id."""
        run_id = RunId(f"{of}-{label}", self.now() + ahead)
        due = f"{run_id.scheduled_time:%Y-%m-%dT%H:%M:%SZ}"
        own = {"SCHEDULE": run_id.schedule, "SCHEDULED_TIME": due, "SOURCE": "vega-seattle"}
        variables = {**own, **(env or {})}
        rows = [{"name": name, "value": value} for name, value in variables.items()]
        platform = self.platform
        answer = self.aws("ecs").run_task(
            cluster=platform["ClusterName"],
            taskDefinition=self.register(spoil, of=of),
            launchType="FARGATE",
            group=run_id.schedule,
            overrides={"containerOverrides": [{"name": "workload", "environment": rows}]},
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": platform["SubnetIds"].split(","),
                    "securityGroups": [platform["SecurityGroupId"]],
                }
            },
        )
        assert answer["failures"] == []
        return run_id

    def schedule(self, label: str, spoil: Spoil = unspoiled, **changes: Any) -> str:
        """Make a schedule ``weather-<label>`` by hand, like the deployed one but for its target."""
        scheduler = self.aws("scheduler")
        known = scheduler.get_schedule(Name="weather", GroupName=APP)
        name = f"weather-{label}"
        target = known["Target"]
        parameters = target["EcsParameters"]
        parameters["Group"] = name
        text = json.loads(target["Input"])
        rows = text["containerOverrides"][0]["environment"]
        next(row for row in rows if row["name"] == "SCHEDULE")["value"] = name
        target["Input"] = json.dumps(text)
        spoil(self, target)
        wanted = {"ScheduleExpression": NEVER, "FlexibleTimeWindow": {"Mode": "OFF"}}
        scheduler.create_schedule(
            **{"Name": name, "GroupName": APP, "Target": target, **wanted, **changes}
        )
        return name

    def change(self, name: str, **changes: Any) -> None:
        """Change a schedule by hand."""
        scheduler = self.aws("scheduler")
        known = scheduler.get_schedule(Name=name, GroupName=APP)
        kept = {key: known[key] for key in (*KEPT, "State")}
        scheduler.update_schedule(Name=name, GroupName=APP, **{**kept, **changes})

    def fire(self, name: str, *, twice: bool = False) -> RunId:
        """Deliver a firing of a schedule, due now; returns the run id."""
        run_id = RunId(name, self.now())
        due = run_id.scheduled_time.isoformat()
        list(self.engine.fire(name, scheduled_time=due, twice=twice))
        return run_id

    def add_fault(self, kind: str, label: str, **limits: Any) -> None:
        """Let something go wrong for the schedule ``weather-<label>`` alone, once."""
        if kind in _AFTER_THE_START:
            limits["value"] = _START_SECONDS
        self.engine.add_fault(kind, schedule=f"weather-{label}", times=1, **limits)

    def settle(self) -> None:
        """Let pass what a log may take to arrive: only then is a missing line missing."""
        list(self.engine.advance(seconds=90))

    def judge(
        self, run_ids: Iterable[RunId], *options: str, code: int | None = 1
    ) -> dict[str, Verdict]:
        """The verdicts of one `toolkit validate`, by the label of the run's schedule."""
        words = [word for run_id in run_ids for word in ("--run-id", str(run_id))]
        answer = self.project.toolkit(
            "validate",
            *words,
            "--local",
            "--wait",
            "--timeout",
            "300",
            "--json",
            *options,
            code=code,
        ).json()
        rows = answer if isinstance(answer, list) else [answer]
        return {RunId.parse(row["run_id"]).schedule.partition("-")[2]: row for row in rows}

    def role(self, label: str, service: str, *statements: Definition) -> str:
        """Make a role that a service may assume and that may do this; returns its ARN."""
        iam = self.aws("iam")
        trusted = {"Effect": "Allow", "Action": "sts:AssumeRole"}
        trust = {"Statement": [{**trusted, "Principal": {"Service": f"{service}.amazonaws.com"}}]}
        made = iam.create_role(RoleName=label, AssumeRolePolicyDocument=json.dumps(trust))
        rights = [{"Effect": "Allow", "Resource": "*", **row} for row in statements]
        if rights:
            iam.put_role_policy(
                RoleName=label, PolicyName="all", PolicyDocument=json.dumps({"Statement": rights})
            )
        return str(made["Role"]["Arn"])

    def claimed(self, run_id: RunId) -> Claim:
        """Wait until the run has written its claim."""
        s3, bucket = self.aws("s3"), self.platform["BucketName"]
        until = time.monotonic() + 300
        while not s3.list_objects_v2(Bucket=bucket, Prefix=run_id.claim_key)["KeyCount"]:
            assert time.monotonic() < until, "nobody claimed it"
            time.sleep(0.1)
        content = s3.get_object(Bucket=bucket, Key=run_id.claim_key)["Body"].read()
        return Claim.from_json(content)

    def committed(self, run_id: RunId) -> None:
        """Wait until the run has written its manifest."""
        s3, bucket = self.aws("s3"), self.platform["BucketName"]
        until, prefix = time.monotonic() + 300, f"ledger/{run_id.schedule}/{run_id}."
        while not s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"]:
            assert time.monotonic() < until, "it was not committed"
            time.sleep(0.1)
