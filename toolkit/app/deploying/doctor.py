"""Gather what a preflight wants to know, several questions at a time; `core.doctor` judges it."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from attrs import frozen

from toolkit.adapters import account
from toolkit.adapters.account import asked
from toolkit.adapters.cloudformation import CloudFormation
from toolkit.adapters.docker import Docker
from toolkit.adapters.ecr import Ecr
from toolkit.adapters.network import network
from toolkit.adapters.roles import PermissionQuestion, role
from toolkit.adapters.scheduler import Scheduler
from toolkit.app.context import Context
from toolkit.app.deploying.image import PLATFORMS
from toolkit.core.deploying.doctor import Finding, examine
from toolkit.core.deploying.executor import Executor
from toolkit.core.deploying.facts import Facts, Network, Queue, Quota, RegistryImage, Role, Unknown
from toolkit.core.deploying.image import ImageName
from toolkit.core.deploying.plans import NOUN_TAG, SCHEDULE, WORKLOAD
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import Stack
from toolkit.runtime.catalog import Workload

_T = TypeVar("_T")
_SIDE_BY_SIDE = 8
_UNITS = 1024  # CPU units to a vCPU
_TASKS, _SCHEDULER = "ecs-tasks.amazonaws.com", "scheduler.amazonaws.com"
_NO_SIMULATION = Unknown("the embedded AWS simulates no role with a path")
_NOT_LISTED = Unknown("the stacks could not be listed")


@frozen
class PresentStacks:
    """What is deployed of the app, by short name."""

    platform: Mapping[str, str]
    workloads: Mapping[str, Stack]
    schedules: Mapping[str, Stack]


def doctor(context: Context) -> tuple[Finding, ...]:
    """Look at everything that a scheduled run needs; what AWS refuses to tell is no error."""
    return examine(gather(context))


def gather(context: Context) -> Facts:
    """All facts; one that nobody could tell is Unknown."""
    aws = context.aws
    who = asked(lambda: account.identity(aws))
    if isinstance(who, Unknown):
        return _nothing_but(context, who)
    stacks = asked(lambda: CloudFormation(aws).owned(context.app))
    deployed = _deployed(context, [] if isinstance(stacks, Unknown) else stacks)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        # The embedded AWS goes by a virtual clock, and so does this context.
        skew = pool.submit(asked, lambda: account.clock_skew(aws, context.now))
        quotas = pool.submit(_quotas, context, deployed)
        engine = pool.submit(_engine, context)
        net = pool.submit(_network, context, deployed)
        queue = pool.submit(_queue, context, deployed)
        images = pool.submit(_each, deployed.workloads, lambda s: _image(context, deployed, s))
        groups = pool.submit(
            _each,
            deployed.workloads,
            lambda s: account.has_log_group(aws, s.outputs["LogGroupName"]),
        )
        return Facts(
            identity=who,
            clock_skew=skew.result(),
            quotas=quotas.result(),
            engine=engine.result(),
            stacks=stacks if isinstance(stacks, Unknown) else {s.name: s.status for s in stacks},
            platform_stack=context.config.app.platform_stack,
            images=images.result(),
            network=net.result(),
            roles=_roles(context, deployed),
            queue=queue.result(),
            log_groups=groups.result(),
            schedules=_schedules(context, deployed),
        )


def _nothing_but(context: Context, problem: Unknown) -> Facts:
    """The facts of somebody whom AWS does not know: everything else is beyond reach."""
    return Facts(
        identity=problem,
        clock_skew=Unknown("without credentials AWS tells no time"),
        quotas=None,
        engine=_engine(context),
        stacks=_NOT_LISTED,
        platform_stack=context.config.app.platform_stack,
        images={},
        network=None,
        roles={},
        queue=None,
        log_groups={},
        schedules={},
    )


def _deployed(context: Context, stacks: list[Stack]) -> PresentStacks:
    platform = [s.outputs for s in stacks if s.name == context.config.app.platform_stack]

    def of(noun: str, parameter: str) -> dict[str, Stack]:
        # A stack that never came to life has no outputs; `stacks` tells of it.
        live = (s for s in stacks if s.tags.get(NOUN_TAG) == noun and s.outputs)
        return {stack.parameters[parameter]: stack for stack in live}

    return PresentStacks(
        platform[0] if platform else {},
        of(WORKLOAD, "WorkloadName"),
        of(SCHEDULE, "ScheduleName"),
    )


def _quotas(context: Context, deployed: PresentStacks) -> tuple[Quota, ...] | Unknown | None:
    if context.local:
        return None  # the embedded AWS has none
    workloads = context.project.catalog.workloads.values()
    sizes = {workload.name: _vcpus(workload) for workload in workloads}
    schedules = context.project.schedules().values()
    return asked(
        lambda: account.quotas(
            context.aws,
            largest_vcpus=max(sizes.values()),
            all_vcpus=sum(sizes[schedule.workload] for schedule in schedules),
            new_network=not deployed.platform and "VpcId" not in context.config.platform,
            new_platform=not deployed.platform,
        )
    )


def _vcpus(workload: Workload) -> float:
    return workload.cpu / _UNITS


def _engine(context: Context) -> str | Unknown | None:
    if context.local and context.config.executor is not Executor.DOCKER:
        return None  # it may run the workloads' source as processes

    def find() -> str:
        engine = Docker().engine()
        return f"Docker {engine.version}, {engine.platform}" + (", buildx" if engine.buildx else "")

    return asked(find)


def _network(context: Context, deployed: PresentStacks) -> Network | Unknown | None:
    outputs = deployed.platform
    if not outputs:
        return None
    return asked(
        lambda: network(
            context.aws,
            outputs["SubnetIds"].split(","),
            outputs["SecurityGroupId"],
            public_address=outputs["AssignPublicIp"] == "ENABLED",
        )
    )


def _queue(context: Context, deployed: PresentStacks) -> Queue | Unknown | None:
    if not deployed.platform:
        return None
    return asked(lambda: account.queue(context.aws, deployed.platform["DeadLetterQueueUrl"]))


def _image(context: Context, deployed: PresentStacks, stack: Stack) -> RegistryImage:
    uri = stack.parameters["ImageUri"]
    name = ImageName.parse(uri)
    wanted = PLATFORMS[stack.parameters.get("CpuArchitecture") or "X86_64"]
    if name.repository != deployed.platform["RepositoryUri"] or name.digest is None:
        return RegistryImage(
            uri, wanted, present=True, platforms=()
        )  # a registry of somebody else's
    registry, repository = Ecr(context.aws), deployed.platform["RepositoryName"]
    if not registry.holds(repository, name.digest):
        return RegistryImage(uri, wanted, present=False, platforms=())
    return RegistryImage(
        uri, wanted, present=True, platforms=registry.platforms(repository, name.digest)
    )


def _roles(context: Context, deployed: PresentStacks) -> dict[str, Role | Unknown]:
    if not deployed.platform:
        return {}
    found = {
        "scheduler role": _role(
            context,
            deployed.platform["SchedulerRoleArn"],
            _SCHEDULER,
            _launching(deployed),
        ),
        "execution role": _role(
            context, deployed.platform["ExecutionRoleArn"], _TASKS, _starting(context, deployed)
        ),
    }
    for name, stack in deployed.workloads.items():
        bucket = f"arn:{_partition(deployed)}:s3:::{deployed.platform['BucketName']}"
        questions = [
            PermissionQuestion("s3:PutObject", f"{bucket}/runs/{name}/x/claim.json"),
            PermissionQuestion("s3:GetObject", f"{bucket}/runs/{name}/x/claim.json"),
        ]
        arn = stack.outputs["TaskRoleArn"]
        found[f"task role of {name}"] = _role(context, arn, _TASKS, questions)
    return found


def _role(
    context: Context, arn: str, service: str, questions: list[PermissionQuestion]
) -> Role | Unknown:
    given = _NO_SIMULATION if context.local else questions
    return asked(lambda: role(context.aws, arn, service, given))


def _launching(deployed: PresentStacks) -> list[PermissionQuestion]:
    """What EventBridge Scheduler does at a firing."""
    platform = deployed.platform
    cluster = platform["ClusterArn"]
    questions = [
        PermissionQuestion("sqs:SendMessage", platform["DeadLetterQueueArn"]),
        PermissionQuestion(
            "ecs:TagResource",
            cluster.replace(":cluster/", ":task/") + "/x",
            {"ecs:CreateAction": "RunTask"},
        ),
        _passing(platform["ExecutionRoleArn"]),
    ]
    for stack in deployed.workloads.values():
        arn = stack.outputs["TaskDefinitionArn"]
        questions.append(PermissionQuestion("ecs:RunTask", arn, {"ecs:cluster": cluster}))
        questions.append(_passing(stack.outputs["TaskRoleArn"]))
    return questions


def _passing(arn: str) -> PermissionQuestion:
    return PermissionQuestion("iam:PassRole", arn, {"iam:PassedToService": _TASKS})


def _partition(deployed: PresentStacks) -> str:
    """The first part of every ARN: aws, or another in China and for governments."""
    return deployed.platform["ClusterArn"].split(":")[1]


def _starting(context: Context, deployed: PresentStacks) -> list[PermissionQuestion]:
    """What ECS does before the container runs."""
    _, _, _, region, owner, _ = deployed.platform["ClusterArn"].split(":", 5)
    partition, name = _partition(deployed), deployed.platform["RepositoryName"]
    repository = f"arn:{partition}:ecr:{region}:{owner}:repository/{name}"
    group = f"arn:{partition}:logs:{region}:{owner}:log-group:/{context.app}/x:log-stream:x"
    return [
        PermissionQuestion("ecr:GetAuthorizationToken", "*"),
        PermissionQuestion("ecr:BatchGetImage", repository),
        PermissionQuestion("ecr:GetDownloadUrlForLayer", repository),
        PermissionQuestion("logs:CreateLogStream", group),
        PermissionQuestion("logs:PutLogEvents", group),
    ]


def _schedules(context: Context, deployed: PresentStacks) -> dict[str, str | Unknown]:
    """What is wrong with the target of each deployed schedule; empty where nothing is."""
    if not deployed.schedules:
        return {}
    scheduler = Scheduler(context.aws, deployed.platform["ScheduleGroupName"])
    live = asked(lambda: scheduler.find_all(deployed.schedules))
    if isinstance(live, Unknown):
        return dict.fromkeys(deployed.schedules, live)
    return {
        name: _problem(live[name], stack, deployed) if name in live else "it was deleted"
        for name, stack in deployed.schedules.items()
    }


def _problem(live: Schedule, stack: Stack, deployed: PresentStacks) -> str:
    platform, launch = deployed.platform, live.launch
    wanted = {
        "role": (launch["SchedulerRoleArn"], platform["SchedulerRoleArn"]),
        "cluster": (launch["ClusterArn"], platform["ClusterArn"]),
        "dead-letter queue": (launch["DeadLetterQueueArn"], platform["DeadLetterQueueArn"]),
        "task definition": (launch["TaskDefinitionArn"], stack.parameters["TaskDefinitionArn"]),
    }
    return "; ".join(
        f"its {what} is {found or 'missing'}, not {due}"
        for what, (found, due) in wanted.items()
        if found != due
    )


def _each(stacks: Mapping[str, Stack], question: Callable[[Stack], _T]) -> dict[str, _T | Unknown]:
    return {name: asked(lambda s=stack: question(s)) for name, stack in stacks.items()}  # type: ignore[misc]
