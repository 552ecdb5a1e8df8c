"""Deploy an app in its layers: platform, image, workloads, schedules.

Within a layer the stacks are independent and go side by side. Each is planned as a change set,
shown, confirmed once a layer, and executed with its events live. A stack whose template and
parameters are those that were deployed last needs no change set at all.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

from attrs import frozen

from toolkit.actions.context import Context
from toolkit.actions.image import resolve_image
from toolkit.adapters.cloudformation import CloudFormation
from toolkit.core import plans
from toolkit.core.errors import ConfigError, StackError, ToolkitError
from toolkit.core.schedule import Schedule
from toolkit.core.stack import GOOD, ChangeSet, Stack, StackPlan
from toolkit.core.target import scheduler_input

_SIDE_BY_SIDE = 8


class Result(StrEnum):
    """What a deployment did to a stack."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    DECLINED = "declined"


@frozen
class Deployed:
    """One stack after a deployment."""

    stack: str
    result: Result
    outputs: Mapping[str, str] = {}


@frozen
class Options:
    """How to deploy: without asking, without executing, or only some names."""

    yes: bool = False
    dry_run: bool = False
    only: tuple[str, ...] = ()


def deploy(context: Context, options: Options) -> list[Deployed]:
    """Deploy everything that the project declares; returns one row a stack."""
    schedules = context.project.schedules()
    _check(context, schedules, options)
    layers = Layers(context, options)
    done = layers.deploy(
        [plans.platform_plan(context.config, context.project.template("platform"))]
    )
    platform = done[0].outputs
    if not platform:
        context.console.say("The next layers can be planned once the platform is deployed.")
        return done
    names = _chosen(context.project.catalog.workloads, options.only)
    chosen = [schedule for schedule in schedules.values() if _is_chosen(schedule, options.only)]
    names |= {schedule.workload for schedule in chosen}
    image_uri = resolve_image(context, platform)
    template = context.project.template("workload")
    workloads = layers.deploy(
        [
            plans.workload_plan(
                context.config,
                context.project.catalog.workload(name),
                template,
                platform=platform,
                image_uri=image_uri,
            )
            for name in sorted(names)
        ]
    )
    done += workloads
    if any(not row.outputs for row in workloads):
        context.console.say("Schedules can be planned once their workloads are deployed.")
        return done
    return done + layers.deploy(schedule_plans(context, chosen, platform, workloads))


def schedule_plans(
    context: Context,
    schedules: Iterable[Schedule],
    platform: Mapping[str, str],
    workloads: Iterable[Deployed],
) -> list[StackPlan]:
    """The plans of schedules on what their workloads' stacks put out."""
    template = context.project.template("schedule")
    outputs = {row.stack: row.outputs for row in workloads}
    return [
        plans.schedule_plan(
            context.config,
            schedule,
            template,
            platform=platform,
            task_definition_arn=outputs[context.config.app.workload_stack(schedule.workload)][
                "TaskDefinitionArn"
            ],
        )
        for schedule in schedules
    ]


class Layers:
    """Deploys layers of independent stacks; remembers what was deployed when it began."""

    def __init__(self, context: Context, options: Options) -> None:
        self._console = context.console
        self._options = options
        self._formation = CloudFormation(context.aws)
        self._deployed = {stack.name: stack for stack in self._formation.owned(context.app)}

    def deploy(
        self, layer: list[StackPlan], *, check: Callable[[], None] = lambda: None
    ) -> list[Deployed]:
        """Plan, show, confirm and execute one layer.

        ``check`` is called once the change sets stand, and may raise: CloudFormation drops them
        when anybody else changes their stacks, so what it finds holds until they are executed.
        """
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            prepared = list(pool.map(self._prepare, layer))
            wanted = [change_set for change_set in prepared if change_set is not None]
            try:
                check()
            except ToolkitError:
                list(pool.map(self._formation.discard, wanted))
                raise
            if wanted:
                self._console.changes(wanted)
            if wanted and not self._agreed(len(wanted)):
                list(pool.map(self._formation.discard, wanted))
                return [
                    self._skipped(plan, found) for plan, found in zip(layer, prepared, strict=True)
                ]
            return self._all(list(pool.map(self._execute, layer, prepared)))

    def _prepare(self, plan: StackPlan) -> ChangeSet | None:
        known = self._deployed.get(plan.name)
        if known is not None and _same(plan, known):
            return None
        change_set = self._formation.prepare(plan, say=self._console.say)
        return None if change_set.unchanged else change_set

    def _agreed(self, count: int) -> bool:
        if self._options.dry_run:
            return False
        question = f"Execute {'this change set' if count == 1 else f'these {count} change sets'}?"
        return self._options.yes or self._console.confirm(question)

    def _execute(self, plan: StackPlan, change_set: ChangeSet | None) -> Deployed | StackError:
        if change_set is None:
            return self._kept(plan)
        try:
            stack = self._formation.execute(change_set, self._console.event)
        except StackError as error:
            return error
        result = Result.CREATED if change_set.kind == "CREATE" else Result.UPDATED
        return Deployed(plan.name, result, stack.outputs)

    def _all(self, rows: list[Deployed | StackError]) -> list[Deployed]:
        """All rows, unless a stack failed: then the first failure, once every other has ended."""
        failures = [row for row in rows if isinstance(row, StackError)]
        for failure in failures[1:]:
            self._console.say(f"also failed: {failure.message}")
        if failures:
            raise failures[0]
        return [row for row in rows if isinstance(row, Deployed)]

    def _kept(self, plan: StackPlan) -> Deployed:
        # A change set may have been refused as empty for a stack that was made in the meantime.
        known = self._deployed.get(plan.name) or self._formation.find(plan.name)
        return Deployed(plan.name, Result.UNCHANGED, known.outputs if known else {})

    def _skipped(self, plan: StackPlan, change_set: ChangeSet | None) -> Deployed:
        if change_set is None:
            return self._kept(plan)
        known = self._deployed.get(plan.name)
        result = Result.PLANNED if self._options.dry_run else Result.DECLINED
        return Deployed(plan.name, result, known.outputs if known else {})


def _same(plan: StackPlan, stack: Stack) -> bool:
    """Whether the stack stands as planned, and nobody changed its parameters since."""
    if stack.status not in GOOD:
        return False
    if stack.tags.get(plans.DIGEST_TAG) != plan.tags[plans.DIGEST_TAG]:
        return False
    return all(stack.parameters.get(key) == value for key, value in plan.parameters.items())


def _check(context: Context, schedules: Mapping[str, Schedule], options: Options) -> None:
    """Refuse what could not be deployed before anything is."""
    known = {*schedules, *context.project.catalog.workloads}
    for name in options.only:
        if name not in known:
            raise ConfigError(
                f"--only {name}: no such workload or schedule", hint=", ".join(sorted(known))
            )
    for schedule in schedules.values():
        env = context.config.environment_of(schedule.workload, schedule.env)
        scheduler_input(schedule.name, env)


def _chosen(names: Iterable[str], only: tuple[str, ...]) -> set[str]:
    return {name for name in names if not only or name in only}


def _is_chosen(schedule: Schedule, only: tuple[str, ...]) -> bool:
    return not only or schedule.name in only or schedule.workload in only
