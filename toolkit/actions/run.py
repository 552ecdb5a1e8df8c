"""Run now what a schedule would run: the same task definition, network and overrides."""

import secrets
from collections.abc import Mapping

from attrs import frozen

from toolkit.actions.context import Context
from toolkit.adapters.ecs import Ecs, Network
from toolkit.core.lifecycle import Lifecycle
from toolkit.core.names import workload_of
from toolkit.core.schedule import Schedule, check_environment
from toolkit.core.target import run_overrides
from workloads.contract import RunId

# What templates/schedule.yaml sets unless toolkit.toml says otherwise.
_PLATFORM_VERSION = "1.4.0"


@frozen
class Started:
    """A run that RunTask has accepted."""

    run_id: RunId
    task: Lifecycle


def start(context: Context, name: str, env: Mapping[str, str]) -> Started:
    """Start the schedule, or else the workload, of that name; ``env`` goes over its own."""
    schedule = _schedule(context, name)
    workload = context.project.catalog.workload(schedule.workload)
    check_environment("--env", workload, env)
    platform = context.platform()
    stack = context.outputs(context.config.app.workload_stack(workload.name))
    time = context.now().replace(microsecond=0)
    run_id = RunId(schedule.name, time, secrets.token_hex(3))
    settings = context.config.environment_of(workload.name, {**schedule.env, **env})
    network = Network(
        subnets=platform["SubnetIds"].split(","),
        security_groups=[platform["SecurityGroupId"]],
        assign_public_ip=platform["AssignPublicIp"],
    )
    task = Ecs(context.aws, platform["ClusterName"]).run(
        stack["TaskDefinitionArn"],
        run_overrides(run_id, settings, execution_id=f"toolkit-run-{run_id.token}"),
        network,
        platform_version=context.config.schedule.get("PlatformVersion", _PLATFORM_VERSION),
        started_by=f"toolkit/{run_id}",
        client_token=str(run_id),
        tags={"app": context.app, "schedule": schedule.name},
    )
    return Started(run_id, task)


def _schedule(context: Context, name: str) -> Schedule:
    """The schedule of that name, or a run of the bare workload under its own name."""
    schedule = context.project.schedule(name)
    if schedule is not None:
        return schedule
    catalog = context.project.catalog
    workload = catalog.workload(workload_of(name, catalog.workloads) or name)
    return Schedule(name=workload.name, workload=workload.name, expression="")
