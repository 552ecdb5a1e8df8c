"""Deploy an app in its layers: platform, image, workloads, schedules.

A deployment makes a release of the project's files, or takes an earlier one, and brings the stacks
to it. Within a layer the stacks are independent and go side by side. Each is planned as a change
set, shown, confirmed once a layer, and executed with its events live. A stack whose template and
parameters are those that were deployed last needs no change set at all.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from attrs import asdict, frozen

from toolkit.adapters.aws.roles import has_ecs_role, make_ecs_role
from toolkit.adapters.aws.session import Aws
from toolkit.app.app import App
from toolkit.app.deploying import audit, ownership
from toolkit.app.deploying.delete import kept_buckets
from toolkit.app.deploying.image import find_image, resolve_image
from toolkit.app.deploying.layers import DeployOptions, Layers, StackOutcome, StackResult
from toolkit.app.deploying.release import build, check_project, load
from toolkit.core.deploying import plans
from toolkit.core.deploying.plans import PLATFORM, SCHEDULE, WORKLOAD, Spec
from toolkit.core.deploying.release import INDEX, Release, release_id
from toolkit.core.deploying.retired import retired
from toolkit.core.errors import ConfigError, ToolkitError
from toolkit.core.schedules.drift import Difference
from toolkit.core.stack import StackPlan

# https://github.com/aws-solutions-library-samples/guidance-for-claude-code-with-amazon-bedrock/issues/251
_ROLE_SECONDS = 15.0


@frozen
class Deployment:
    """What a deployment did; ``release`` is empty when it ended before there was one."""

    release: str
    rows: tuple[StackResult, ...]

    @property
    def declined(self) -> bool:
        """Whether somebody said no."""
        return any(row.result is StackOutcome.DECLINED for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The deployment as a JSON object."""
        return {"release": self.release, "stacks": [asdict(row) for row in self.rows]}


def deploy(app: App, options: DeployOptions) -> Deployment:
    """Deploy everything that the project, or an earlier release, declares.

    Raises:
        ConfigError: a name or a file is not usable; nothing was deployed.
        StackError: a stack failed and was rolled back; those of earlier layers are deployed.
    """
    identity, release = "", None
    if options.release:
        identity, release = load(app, options.release)
        app.console.say(f"release {identity}")
    else:
        check_project(app)
    _check_names(app, release, options.only)
    with Layers(app, options) as layers:
        deployed = bool(layers.outputs(app.names.platform_stack))
        for bucket in () if deployed else kept_buckets(app, None):
            app.console.say(f"s3://{bucket} of an earlier deployment is kept; this one starts anew")
        # The embedded AWS needs no such role.
        first = not deployed and not app.local
        ready = partial(make_ready, app.aws, app.console.say) if first else lambda: None
        rows = layers.deploy([_platform(app, release)], agreed=ready)
        outputs = layers.outputs(app.names.platform_stack)
        if not outputs:
            app.console.say("The next layers can be planned once the platform is deployed.")
        if not outputs or options.only == (PLATFORM,) or _said_no(rows):
            return Deployment(identity, tuple(rows))
        if release is None:
            release = _release(app, dry_run=options.dry_run)
            if release is None:
                return Deployment("", tuple(rows))
            identity = _keep(app, release, dry_run=options.dry_run)
        _say_retired(app, release, earlier=bool(options.release))
        rows += _upper_layers(app, layers, release, options.only)
        return Deployment(identity, tuple(rows))


def make_ready(
    aws: Aws, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Make the role that ECS acts with, before the first cluster of an account.

    CreateCluster would make it and assume it at once, which may fail; even one that was just made
    cannot be assumed for some seconds. Without the permission, CreateCluster still tries.
    """
    try:
        if has_ecs_role(aws):
            return
        say("making AWSServiceRoleForECS, the role that ECS acts with in this account")
        make_ecs_role(aws)
    except ToolkitError as error:
        say(f"AWSServiceRoleForECS was not made: {error.message}")
        return
    say(f"waiting {_ROLE_SECONDS:.0f} s until it is known everywhere")
    sleep(_ROLE_SECONDS)


def _platform(app: App, release: Release | None) -> StackPlan:
    if release is None:
        template = app.project.template(PLATFORM)
        return plans.platform_spec(app.config).plan(template, {})
    return release.of(PLATFORM)[0].plan(release.templates[PLATFORM], {})


def _release(app: App, *, dry_run: bool) -> Release | None:
    """The release of the project; a dry run makes no image, and ends where it would need one."""
    image = find_image(app) if dry_run else resolve_image(app)
    if image is None:
        app.console.say("The next layers can be planned once the image is in the registry.")
        return None
    return build(app, image, {app.names.platform_stack: app.platform.values})


def _keep(app: App, release: Release, *, dry_run: bool) -> str:
    if dry_run:
        return release_id(release.files()[INDEX])
    identity, new = app.releases.write(release)
    app.console.say(f"release {identity}" + ("" if new else " (in the bucket already)"))
    return identity


def _upper_layers(
    app: App, layers: Layers, release: Release, only: tuple[str, ...]
) -> list[StackResult]:
    """Workloads, then the schedules that run them."""
    schedules = [spec for spec in release.of(SCHEDULE) if _is_chosen(spec, release, only)]
    needed = {_workload_stack(spec) for spec in schedules}
    workloads = [
        spec
        for spec in release.of(WORKLOAD)
        if not only or spec.name in needed or _short(spec) in only
    ]
    outputs = {app.names.platform_stack: layers.outputs(app.names.platform_stack)}
    planned = [spec.plan(release.template_of(spec), outputs) for spec in workloads]
    changing = layers.changing(planned)
    audit.announce(app, changing)
    rows = layers.deploy(planned, agreed=partial(audit.first_beat, app, changing))
    if any(not row.outputs for row in rows):
        app.console.say("Schedules can be planned once their workloads are deployed.")
        return rows
    if _said_no(rows):
        return rows
    outputs |= {row.stack: row.outputs for row in rows}
    template = release.templates[SCHEDULE]
    rows += _schedules(app, layers, [spec.plan(template, outputs) for spec in schedules])
    return rows


def _say_retired(app: App, release: Release, *, earlier: bool) -> None:
    """Name what is deployed and not part of the release: a deployment deletes nothing."""
    names = [{_short(spec) for spec in release.of(noun)} for noun in (SCHEDULE, WORKLOAD)]
    others = ", ".join(row.stack for row in retired(app.names, app.stacks.all.values(), *names))
    if others:
        # Of an earlier release, today's project may have them.
        hint = "" if earlier else f" ({app.command('prune')} deletes them)"
        app.console.say(f"not part of this release, and still deployed: {others}{hint}")


def _schedules(app: App, layers: Layers, plans: list[StackPlan]) -> list[StackResult]:
    """The schedules' layer; what somebody changed behind a stack is refused before it goes."""

    def look() -> list[Difference]:
        changing = [plan.parameters["ScheduleName"] for plan in layers.changing(plans)]
        return ownership.compared(app, plans, layers.stacks, changing) if plans else []

    if not layers.options.overwrite:
        return layers.deploy(plans, check=lambda: ownership.check(look()))
    if not layers.options.dry_run and not ownership.make_way(
        app, look(), plans, layers.stacks, yes=layers.options.yes
    ):
        return [StackResult(plan.name, StackOutcome.DECLINED) for plan in plans]
    return layers.deploy(plans)


def _check_names(app: App, release: Release | None, only: tuple[str, ...]) -> None:
    """Refuse unknown names before anything is deployed."""
    if release is None:
        known = {PLATFORM, *app.project.schedule_names(), *app.project.catalog.workloads}
    else:
        known = {PLATFORM, *(_short(spec) for spec in release.specs)}
    for name in only:
        if name not in known:
            hint = f"there are {', '.join(sorted(known))}"
            raise ConfigError(f"--only {name}: no such workload or schedule", hint=hint)


def _is_chosen(spec: Spec, release: Release, only: tuple[str, ...]) -> bool:
    """Whether a schedule is named, or the workload that it runs."""
    stack = _workload_stack(spec)
    names = {_short(spec), *(_short(w) for w in release.of(WORKLOAD) if w.name == stack)}
    return not only or not names.isdisjoint(only)


def _workload_stack(spec: Spec) -> str:
    return spec.wires.get("TaskDefinitionArn", "")


def _short(spec: Spec) -> str:
    """What `--only` calls a stack: the name of its workload or schedule."""
    parameters = spec.parameters
    return parameters.get("ScheduleName") or parameters.get("WorkloadName") or spec.noun


def _said_no(rows: Iterable[StackResult]) -> bool:
    return any(row.result is StackOutcome.DECLINED for row in rows)
