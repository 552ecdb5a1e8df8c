"""Gather what a preflight wants to know, several questions at a time; `core.doctor` judges it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from toolkit.adapters.aws import account
from toolkit.adapters.aws.account import asked
from toolkit.adapters.aws.network import network, zones
from toolkit.adapters.aws.roles import (
    NO_SIMULATION,
    PermissionQuestion,
    TaskRoles,
    has_ecs_role,
    role,
    task_roles,
)
from toolkit.adapters.aws.stored_secrets import stored_parameter, stored_secret
from toolkit.adapters.images.docker import Docker
from toolkit.adapters.side_by_side import AT_ONCE
from toolkit.app.app import App
from toolkit.app.deploying.image import PLATFORMS
from toolkit.core.checks import Check
from toolkit.core.deploying.doctor import examine
from toolkit.core.deploying.executor import Executor
from toolkit.core.deploying.facts import (
    Facts,
    Network,
    Queue,
    Quota,
    RegistryImage,
    Role,
    SecretUse,
    Unknown,
    Zone,
)
from toolkit.core.deploying.image import ImageName
from toolkit.core.deploying.stacks import AppStacks
from toolkit.core.deploying.workload_template import source_of
from toolkit.core.platform import Platform
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import Stack
from toolkit.runtime.catalog import Secret, Workload
from toolkit.runtime.layout import runs_of

_T = TypeVar("_T")
_UNITS = 1024  # CPU units to a vCPU
_TASKS, _SCHEDULER = "ecs-tasks.amazonaws.com", "scheduler.amazonaws.com"
_INTERFACES = ("ecr.api", "ecr.dkr", "logs")
_NOT_LISTED = Unknown("the stacks could not be listed")
_NONE = AppStacks({}, None, {}, {})


def doctor(app: App) -> tuple[Check, ...]:
    """Look at everything that a scheduled run needs; what AWS refuses to tell is no error."""
    return examine(gather(app))


def gather(app: App) -> Facts:
    """All facts; one that nobody could tell is Unknown."""
    aws = app.aws
    who = asked(lambda: account.identity(aws))
    if isinstance(who, Unknown):
        return _nothing_but(app, who)
    stacks = asked(lambda: app.stacks)
    deployed = _NONE if isinstance(stacks, Unknown) else stacks
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # The embedded AWS goes by a virtual clock, and so does this app.
        skew = pool.submit(asked, lambda: account.clock_skew(aws, app.now))
        quotas = pool.submit(_quotas, app, deployed)
        engine = pool.submit(_engine, app)
        net = pool.submit(_network, app, deployed)
        queue = pool.submit(_queue, app, deployed)
        # A cluster that stands has shown that the role is there; the embedded AWS needs none.
        needed = deployed.platform is None and not app.local
        ecs_role = pool.submit(asked, lambda: has_ecs_role(aws) if needed else True)
        zones = pool.submit(_zones, app, deployed)
        images = pool.submit(
            _each, deployed.workloads, lambda name: _image(app, deployed.workloads[name])
        )
        groups = pool.submit(
            _each,
            deployed.workloads,
            lambda name: account.has_log_group(aws, deployed.workload(name).log_group_name),
        )
        secrets = pool.submit(_secrets, app)
        live = _live(app, deployed)
        return Facts(
            identity=who,
            clock_skew=skew.result(),
            quotas=quotas.result(),
            engine=engine.result(),
            stacks=stacks
            if isinstance(stacks, Unknown)
            else {name: stack.status for name, stack in stacks.all.items()},
            platform_stack=app.names.platform_stack,
            images=images.result(),
            network=net.result(),
            roles=_roles(app, deployed),
            queue=queue.result(),
            log_groups=groups.result(),
            schedules=_schedules(app, live, deployed),
            expired=_expired(live, app.now()),
            ecs_role=ecs_role.result(),
            zones=zones.result(),
            secrets=secrets.result(),
            local=app.local,
        )


def _nothing_but(app: App, problem: Unknown) -> Facts:
    """The facts of somebody whom AWS does not know: everything else is beyond reach."""
    return Facts(
        identity=problem,
        clock_skew=Unknown("without credentials AWS tells no time"),
        quotas=None,
        engine=_engine(app),
        stacks=_NOT_LISTED,
        platform_stack=app.names.platform_stack,
        images={},
        network=None,
        roles={},
        queue=None,
        log_groups={},
        schedules={},
    )


def _quotas(app: App, deployed: AppStacks) -> tuple[Quota, ...] | Unknown | None:
    if app.local:
        return None  # the embedded AWS has none
    workloads = map(app.config.sized, app.project.catalog.workloads.values())
    sizes = {workload.name: _vcpus(workload) for workload in workloads}
    schedules = app.project.schedules(app.config).values()
    return asked(
        lambda: account.quotas(
            app.aws,
            largest_vcpus=max(sizes.values()),
            all_vcpus=sum(sizes[schedule.workload] for schedule in schedules),
            new_network=not deployed.platform and "VpcId" not in app.config.platform,
            new_platform=not deployed.platform,
        )
    )


def _vcpus(workload: Workload) -> float:
    return workload.cpu / _UNITS


def _engine(app: App) -> str | Unknown | None:
    if app.local and app.config.executor is not Executor.DOCKER:
        return None  # it may run the workloads' source as processes

    def find() -> str:
        engine = Docker().engine()
        return f"Docker {engine.version}, {engine.platform}" + (", buildx" if engine.buildx else "")

    return asked(find)


def _network(app: App, deployed: AppStacks) -> Network | Unknown | None:
    platform = deployed.platform
    if platform is None:
        return None
    return asked(
        lambda: network(
            app.aws,
            platform.subnet_ids,
            platform.security_group_id,
            public_address=platform.has_public_address,
        )
    )


def _zones(app: App, deployed: AppStacks) -> tuple[Zone, ...] | Unknown | None:
    """The zones of a network of our own that is still to be made."""
    given = app.config.platform
    if deployed.platform is not None or given.get("VpcId") or app.local:
        return None
    names = (given.get("ZoneA", ""), given.get("ZoneB", ""))
    services = _INTERFACES if given.get("NetworkMode") == "private" else ()
    return asked(lambda: zones(app.aws, names, services))


def _queue(app: App, deployed: AppStacks) -> Queue | Unknown | None:
    platform = deployed.platform
    if platform is None:
        return None
    return asked(lambda: account.queue(app.aws, platform.dead_letter_queue_url))


def _image(app: App, stack: Stack) -> RegistryImage:
    uri = stack.parameters["ImageUri"]
    name = ImageName.parse(uri)
    wanted = PLATFORMS[stack.parameters.get("CpuArchitecture") or "X86_64"]
    if name.repository != app.platform.repository_uri or name.digest is None:
        return RegistryImage(
            uri, wanted, present=True, platforms=()
        )  # a registry of somebody else's
    repository = app.platform.repository_name
    if not app.ecr.holds(repository, name.digest):
        return RegistryImage(uri, wanted, present=False, platforms=())
    return RegistryImage(
        uri, wanted, present=True, platforms=app.ecr.platforms(repository, name.digest)
    )


def _roles(app: App, deployed: AppStacks) -> dict[str, Role | Unknown]:
    platform = deployed.platform
    if platform is None:
        return {}
    of_tasks = _each(
        deployed.workloads,
        lambda name: task_roles(app.aws, deployed.workload(name).task_definition_arn),
    )
    known = [each for each in of_tasks.values() if isinstance(each, TaskRoles)]
    launching = _launching(platform, deployed, {each.execution for each in known})
    starting = _starting(app, platform)
    roles = {
        "scheduler role": _role(app, platform.scheduler_role_arn, _SCHEDULER, launching),
        "execution role": _role(app, platform.execution_role_arn, _TASKS, starting),
    }
    for name in deployed.workloads:
        own = f"execution role of {name}"
        found = of_tasks[name]
        if isinstance(found, Unknown):
            roles[own] = found
        elif found.execution != platform.execution_role_arn:
            secrets = map(PermissionQuestion.of_secret, found.secrets)
            roles[own] = _role(app, found.execution, _TASKS, [*starting, *secrets])
        bucket = f"arn:{_partition(platform)}:s3:::{platform.bucket_name}"
        claim = f"{bucket}/{runs_of(name)}x/claim.json"
        questions = [PermissionQuestion(f"s3:{verb}Object", claim) for verb in ("Put", "Get")]
        arn = deployed.workload(name).task_role_arn
        roles[f"task role of {name}"] = _role(app, arn, _TASKS, questions)
    return roles


def _role(app: App, arn: str, service: str, questions: list[PermissionQuestion]) -> Role | Unknown:
    given = NO_SIMULATION if app.local else questions
    return asked(lambda: role(app.aws, arn, service, given))


def _launching(
    platform: Platform, deployed: AppStacks, execution_roles: Iterable[str]
) -> list[PermissionQuestion]:
    """What EventBridge Scheduler does at a firing; ``execution_roles`` are those of workloads."""
    cluster = platform.cluster_arn
    questions = [
        PermissionQuestion("sqs:SendMessage", platform.dead_letter_queue_arn),
        PermissionQuestion(
            "ecs:TagResource",
            cluster.replace(":cluster/", ":task/") + "/x",
            {"ecs:CreateAction": "RunTask"},
        ),
        *map(
            PermissionQuestion.of_passing, sorted({platform.execution_role_arn, *execution_roles})
        ),
    ]
    for name in deployed.workloads:
        outputs = deployed.workload(name)
        arn = outputs.task_definition_arn
        questions.append(PermissionQuestion("ecs:RunTask", arn, {"ecs:cluster": cluster}))
        questions.append(PermissionQuestion.of_passing(outputs.task_role_arn))
    return questions


def _partition(platform: Platform) -> str:
    """The first part of every ARN: aws, or another in China and for governments."""
    return platform.cluster_arn.split(":")[1]


def _starting(app: App, platform: Platform) -> list[PermissionQuestion]:
    """What ECS does before the container runs."""
    _, partition, _, region, owner, _ = platform.cluster_arn.split(":", 5)
    name = platform.repository_name
    repository = f"arn:{partition}:ecr:{region}:{owner}:repository/{name}"
    group = f"arn:{partition}:logs:{region}:{owner}:log-group:/{app.name}/x:log-stream:x"
    return [
        PermissionQuestion("ecr:GetAuthorizationToken", "*"),
        PermissionQuestion("ecr:BatchGetImage", repository),
        PermissionQuestion("ecr:GetDownloadUrlForLayer", repository),
        PermissionQuestion("logs:CreateLogStream", group),
        PermissionQuestion("logs:PutLogEvents", group),
    ]


def _secrets(app: App) -> dict[str, SecretUse | Unknown]:
    """Each secret of the project's workloads, deployed or not."""
    rows = app.project.catalog.workloads.values()
    uses = {f"{row.name} {secret.name}": (row, secret) for row in rows for secret in row.secrets}
    return _each(uses, lambda name: _secret(app, *uses[name]))


def _secret(app: App, workload: Workload, secret: Secret) -> SecretUse:
    match = source_of(workload.name, secret)
    allowed = {**app.config.platform, **app.config.workload}.get("KmsKeyArn", "")
    if match["parameter"]:
        return SecretUse(secret.source, stored_parameter(app.aws, match["parameter"]), allowed)
    stored = stored_secret(app.aws, match["secret"], match["key"])
    return SecretUse(secret.source, stored, allowed)


def _live(app: App, deployed: AppStacks) -> dict[str, Schedule] | Unknown:
    """The deployed schedules as they are live."""
    if not deployed.schedules:
        return {}
    return asked(lambda: app.scheduler.find_all(deployed.schedules))


def _expired(live: dict[str, Schedule] | Unknown, now: datetime) -> dict[str, str]:
    """The enabled schedules that fire no more, and why."""
    if isinstance(live, Unknown):
        return {}
    reasons = {name: schedule.timetable().spent(now) for name, schedule in live.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _schedules(
    app: App, live: dict[str, Schedule] | Unknown, deployed: AppStacks
) -> dict[str, str | Unknown]:
    """What is wrong with the target of each deployed schedule; empty where nothing is."""
    if isinstance(live, Unknown):
        return dict.fromkeys(deployed.schedules, live)
    return {
        name: _problem(app.platform, live[name], stack) if name in live else "it was deleted"
        for name, stack in deployed.schedules.items()
    }


def _problem(platform: Platform, live: Schedule, deployed: Schedule) -> str:
    launch = live.launch
    wanted = {
        "role": (launch["SchedulerRoleArn"], platform.scheduler_role_arn),
        "cluster": (launch["ClusterArn"], platform.cluster_arn),
        "dead-letter queue": (launch["DeadLetterQueueArn"], platform.dead_letter_queue_arn),
        "task definition": (launch["TaskDefinitionArn"], deployed.launch["TaskDefinitionArn"]),
    }
    return "; ".join(
        f"its {part} is {actual or 'missing'}, not {due}"
        for part, (actual, due) in wanted.items()
        if actual != due
    )


def _each(names: Iterable[str], question: Callable[[str], _T]) -> dict[str, _T | Unknown]:
    return {name: asked(partial(question, name)) for name in names}
