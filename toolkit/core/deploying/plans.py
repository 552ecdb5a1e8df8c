"""From config, catalog and schedules to the stacks that shall exist. Values are parameters only.

A spec is what a release keeps of a stack: everything that is known before anything is deployed. A
plan is a spec whose wires, the outputs of other stacks, have been filled in.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, frozen

from toolkit.core.deploying import parameters
from toolkit.core.deploying.config import Config
from toolkit.core.deploying.sizes import PARAMETERS
from toolkit.core.errors import ConfigError, StackError
from toolkit.core.names import AUDIT
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import APP_TAG, EMPTY, Stack, StackPlan
from toolkit.runtime.catalog import Workload

NOUN_TAG, DIGEST_TAG = "toolkit:noun", "toolkit:digest"
PLATFORM, WORKLOAD, SCHEDULE = "platform", "workload", "schedule"
# What stays of a workload that was taken out of its project.
LOG = "log"
_LOG_PARAMETERS = ("AppName", "WorkloadName", "LogRetentionDays", "KmsKeyArn")
_WORKLOAD_WIRES = ("BucketName", "ExecutionRoleArn")
# What the audit watches and what it tells.
_AUDIT_WIRES = (
    "ClusterArn",
    "ClusterName",
    "DeadLetterQueueArn",
    "DeadLetterQueueUrl",
    "LifecycleLogGroupName",
    "NotificationTopicArn",
    "ScheduleGroupName",
)
_SCHEDULE_WIRES = (
    "ClusterArn",
    "SchedulerRoleArn",
    "DeadLetterQueueArn",
    "ScheduleGroupName",
    "SubnetIds",
    "SecurityGroupId",
    "AssignPublicIp",
)

# In bytes, of one that is sent as it is; the first deployment has no bucket to put it into.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LARGEST_TEMPLATE = 51_200

_PARAMETERS = re.compile(r"^Parameters:[ \t]*\n((?:[ \t#].*\n|\s*\n)+)", re.MULTILINE)
_PARAMETER = re.compile(r"^  (\w+):", re.MULTILINE)


@frozen
class Spec:
    """A stack to be; ``wires`` maps a parameter to the stack whose output of that name fills it.

    ``own_tags`` are those that the environment gives its stacks.
    """

    app: str
    name: str
    noun: str
    parameters: Mapping[str, str]
    wires: Mapping[str, str] = {}
    own_tags: Mapping[str, str] = {}

    def plan(self, template: str, outputs: Mapping[str, Mapping[str, str]]) -> StackPlan:
        """The plan of the stack on the outputs of others, by stack and name."""
        self.check(template)
        for name, stack in self.wires.items():
            if name not in outputs.get(stack, {}):
                raise StackError(
                    f"{self.name} needs {name}, which is not an output of stack {stack}",
                    hint=f"bring {stack} up to date first: toolkit deploy",
                )
        filled = {name: outputs[stack][name] for name, stack in self.wires.items()}
        return StackPlan(self.name, template, {**self.parameters, **filled}, self.tags(template))

    def check(self, template: str) -> None:
        """Refuse a template that is too large, or a parameter that it does not have."""
        size = len(template.encode())
        if size > LARGEST_TEMPLATE:
            raise ConfigError(
                f"the template of {self.name} has {size:,} bytes, and CloudFormation takes at most "
                f"{LARGEST_TEMPLATE:,}",
                hint=f"shorten templates/{self.noun}.yaml; comments and blanks count, too",
            )
        known = _template_parameters(template)
        for name in (*self.parameters, *self.wires):
            if known and name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                own = f"it is set in toolkit.toml, [ENVIRONMENT.{self.noun}]"
                raise ConfigError(
                    f"templates/{self.noun}.yaml has no parameter {name!r}",
                    hint=f"did you mean {near[0]!r}? {own}" if near else own,
                )

    def tags(self, template: str) -> dict[str, str]:
        """The tags by which the stack is known as the app's, and as this template's.

        The digest lets a later deploy see without asking for a change set that nothing changed. It
        covers the names of the parameters and not their values, which a stack shows by itself: so
        it is known when a release is packaged. It covers the environment's tags, so that one that
        is taken out is missed.
        """
        digest = template_digest(template, {*self.parameters, *self.wires}, self.own_tags)
        return {**self.own_tags, APP_TAG: self.app, NOUN_TAG: self.noun, DIGEST_TAG: digest}


def template_digest(template: str, names: Iterable[str], tags: Mapping[str, str]) -> str:
    """The digest of a template, the names of its given parameters and an environment's tags."""
    content: list[Any] = [template, sorted(names)]
    if tags:
        content.append(sorted(tags.items()))
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of a stack's tags that its environment gives it."""
    return {key: tags[key] for key in tags if key not in (APP_TAG, NOUN_TAG, DIGEST_TAG)}


def _template_parameters(template: str) -> set[str]:
    """The names of a template's parameters; none for a template that is not written in blocks."""
    block = _PARAMETERS.search(template)
    return set(_PARAMETER.findall(block[1])) if block else set()


def platform_spec(config: Config) -> Spec:
    """The platform: network, cluster, bucket, roles, queue."""
    parameters = {"AppName": config.app.name, **config.platform}
    stack = config.app.platform_stack
    return Spec(config.app.name, stack, PLATFORM, parameters, own_tags=config.tags)


def workload_spec(config: Config, workload: Workload, image_uri: str) -> Spec:
    """One workload's task definition, task role and log group."""
    workload = config.sized(workload)
    parameters = {
        "AppName": config.app.name,
        "WorkloadName": workload.name,
        "ImageUri": image_uri,
        **{parameter: str(getattr(workload, key)) for key, parameter in PARAMETERS.items()},
        "CatalogDigest": workload.digest,
        **config.workload_parameters(workload.name),
    }
    named: tuple[str, ...] = _WORKLOAD_WIRES
    if workload.name == AUDIT:
        parameters |= {"CommandFlags": config.flags, **config.audit_parameters}
        named += _AUDIT_WIRES
    name = config.app.workload_stack(workload.name)
    wires = dict.fromkeys(named, config.app.platform_stack)
    wires = _without(wires, parameters)
    return Spec(config.app.name, name, WORKLOAD, parameters, wires, config.tags)


def log_plan(config: Config, workload: Stack, template: str) -> StackPlan:
    """A workload's stack without anything but its log group; ``template`` is log.yaml."""
    known = workload.parameters
    parameters = {name: known[name] for name in _LOG_PARAMETERS if name in known}
    spec = Spec(config.app.name, workload.name, LOG, parameters, own_tags=config.tags)
    return spec.plan(template, {})


def schedule_spec(config: Config, schedule: Schedule) -> Spec:
    """One schedule with its ECS target."""
    environment = config.environment_of(schedule.workload, schedule.env)
    launch = {"AppName": config.app.name, **config.schedule, **schedule.launch}
    values = evolve(schedule, env=environment, launch=launch).parameters()
    name = config.app.schedule_stack(schedule.name)
    wires = {
        "TaskDefinitionArn": config.app.workload_stack(schedule.workload),
        **dict.fromkeys(_SCHEDULE_WIRES, config.app.platform_stack),
    }
    return Spec(config.app.name, name, SCHEDULE, values, _without(wires, values), config.tags)


def schedule_plan(
    config: Config,
    schedule: Schedule,
    template: str,
    *,
    platform: Mapping[str, str],
    task_definition_arn: str,
) -> StackPlan:
    """The plan of one schedule on a platform and a workload that are deployed."""
    parameters.check(config.environment, SCHEDULE, config.schedule, template)
    workload = config.app.workload_stack(schedule.workload)
    outputs = {
        config.app.platform_stack: platform,
        workload: {"TaskDefinitionArn": task_definition_arn},
    }
    return schedule_spec(config, schedule).plan(template, outputs)


def deployed_schedules(stacks: Iterable[Stack]) -> dict[str, Schedule]:
    """The schedules that stacks have deployed, by name; each was changed when its stack was."""
    schedules = [
        Schedule.from_parameters(stack.parameters, changed_at=stack.changed_at)
        for stack in stacks
        if stack.tags.get(NOUN_TAG) == SCHEDULE and stack.status not in EMPTY
    ]
    return {schedule.name: schedule for schedule in schedules}


def _without(wires: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The wires but for those whose parameter `toolkit.toml` gives."""
    return {name: stack for name, stack in wires.items() if name not in given}
