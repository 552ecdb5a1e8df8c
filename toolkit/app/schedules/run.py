"""Run now what a schedule would run: its deployed target, translated as the Scheduler does."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from toolkit.app.app import App
from toolkit.core.deploying.plans import SCHEDULE, schedule_plan
from toolkit.core.names import workload_of
from toolkit.core.schedules.invocation import Invocation, run_task_request
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.schedule_file import check_environment, check_settings
from toolkit.core.schedules.target import (
    ecs_target,
    overlap_of,
    overlap_variables,
    own_environment,
    run_overrides,
)
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId


@frozen
class Started:
    """A run that RunTask has accepted."""

    run_id: RunId
    task: Task


def start(app: App, name: str, env: Mapping[str, str]) -> Started:
    """Start the schedule, or else the workload, of that name; ``env`` goes over its own."""
    catalog = app.project.catalog
    workload = catalog.workload(workload_of(name, catalog.workloads) or name)
    check_environment("--env", workload, env)
    target = _target(app, name)
    run_id = RunId(name, app.now().replace(microsecond=0), secrets.token_hex(3))
    whole = {**own_environment(target.get("Input")), **env}
    check_settings("--env" if env else f"schedule {name}", workload, whole)
    return launch(app, target, run_id, whole, token=run_id.token or "")


def launch(
    app: App,
    target: Mapping[str, Any],
    run_id: RunId,
    env: Mapping[str, str],
    *,
    token: str,
    more: Mapping[str, str] | None = None,
) -> Started:
    """Start a schedule's target for a run; ``token`` tells this request from every other one.

    ``more`` are variables of the contract.
    """
    execution_id = f"toolkit-run-{token}"
    more = {**overlap_variables(overlap_of(target.get("Input"))), **(more or {})}
    overrides = run_overrides(run_id, env, execution_id=execution_id, more=more)
    invocation = Invocation(
        f"toolkit/{run_id.schedule}", run_id.scheduled_time, execution_id, attempt=1
    )
    request = run_task_request({**target, "Input": json.dumps(overrides)}, invocation)
    # startedBy tells a run that a person started from a firing; the client token, of at most 64
    # characters, makes a repeated call one task.
    unique = str(run_id) if run_id.token else f"{run_id}-{token}"
    request |= {"startedBy": f"toolkit/{run_id}", "clientToken": unique}
    return Started(run_id, app.ecs.run(request, run_id))


def _target(app: App, name: str) -> Mapping[str, Any]:
    """The live schedule's target; for the bare name of a workload without one, the template's."""
    target = app.scheduler.target(name)
    if target is not None:
        return target
    workload = app.project.catalog.workload(name).name
    plan = schedule_plan(
        app.config,
        Schedule(workload, workload, expression=""),
        app.project.template(SCHEDULE),
        platform=app.platform.values,
        task_definition_arn=app.workload(workload).task_definition_arn,
    )
    return ecs_target(plan.parameters)
