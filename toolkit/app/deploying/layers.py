"""Bring layers of independent stacks to their plans: prepare, show, confirm, execute."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from threading import Event
from types import TracebackType
from typing import Self

from attrs import evolve, frozen

from toolkit.adapters.aws.cloudformation import CloudFormation
from toolkit.adapters.bucket.lock import DeployLock
from toolkit.adapters.side_by_side import AT_ONCE
from toolkit.app.app import App
from toolkit.app.schedules import history
from toolkit.core.deploying.plans import DIGEST_TAG, NOUN_TAG, SCHEDULE
from toolkit.core.deploying.reasons import firings_in_words, noun_of, reasons
from toolkit.core.errors import StackError, ToolkitError
from toolkit.core.schedules.dates import as_deployed, has_fired, sendable
from toolkit.core.schedules.rescheduling import rescheduling
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import GOOD, ChangeSet, ResourceChange, Stack, StackPlan


class StackOutcome(StrEnum):
    """What a deployment did to a stack."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    EXPIRED = "expired"
    PLANNED = "planned"
    DECLINED = "declined"


@frozen
class StackResult:
    """One stack after a deployment; ``changes`` are those that were, or would be, executed."""

    stack: str
    result: StackOutcome
    outputs: Mapping[str, str] = {}
    changes: tuple[ResourceChange, ...] = ()


@frozen
class DeployOptions:
    """How to deploy: without asking, without executing, only some names, or an earlier release.

    With ``overwrite`` also over schedules that somebody changed behind their stacks.
    """

    yes: bool = False
    dry_run: bool = False
    only: tuple[str, ...] = ()
    release: str | None = None
    overwrite: bool = False


class Layers:
    """Deploys layers; remembers what was deployed, and holds the app's lock once it has work.

    As a context manager it keeps the lock from the first change to the end; without, for a layer.
    """

    def __init__(self, app: App, options: DeployOptions) -> None:
        self._app = app
        self._console = app.console
        self.options = options
        self._stopped = Event()
        self._formation = CloudFormation(app.aws, sleep=self._pause)
        self._lock: DeployLock | None = None
        self._kept_open = False
        self._looked = False  # at all stacks, just now

    def __enter__(self) -> Self:
        self._kept_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unlock()

    def outputs(self, stack: str) -> Mapping[str, str]:
        """The outputs of a stack as it is deployed by now; empty when it is not."""
        known = self.stacks.get(stack)
        return known.outputs if known else {}

    def names(self, noun: str) -> set[str]:
        """The stacks of a kind that are deployed by now."""
        return {stack.name for stack in self.stacks.values() if stack.tags.get(NOUN_TAG) == noun}

    @property
    def stacks(self) -> Mapping[str, Stack]:
        """The app's stacks as they are deployed by now, by name."""
        return self._app.stacks.all

    def changing(self, layer: Iterable[StackPlan]) -> list[StackPlan]:
        """The plans of a layer that are not what is deployed."""
        return [plan for plan in layer if not self._stands(plan)]

    def deploy(
        self,
        layer: list[StackPlan],
        *,
        check: Callable[[], None] = lambda: None,
        agreed: Callable[[], None] = lambda: None,
    ) -> list[StackResult]:
        """Plan, show, confirm and execute one layer; ``agreed`` is called in between.

        ``check`` is called once the change sets stand, and may raise: CloudFormation drops them
        when anybody else changes their stacks, so what it finds holds until they are executed.
        """
        if not self.changing(layer):
            check()
            return [self._as_it_is(plan) for plan in layer]
        self._acquire()
        try:
            return self._changed(layer, check, agreed)
        finally:
            if not self._kept_open:
                self._unlock()

    def _changed(
        self, layer: list[StackPlan], check: Callable[[], None], agreed: Callable[[], None]
    ) -> list[StackResult]:
        with ThreadPoolExecutor(AT_ONCE) as pool, self._interruptible():
            prepared = list(pool.map(self._prepare, layer))
            self._looked = False
            wanted = [change_set for change_set in prepared if change_set is not None]
            try:
                check()
            except ToolkitError:
                list(pool.map(self._formation.discard, wanted))
                raise
            if wanted:
                self._show(layer, prepared)
            if wanted and not self._agreed(len(wanted)):
                list(pool.map(self._formation.discard, wanted))
                return [self._skipped(*row) for row in zip(layer, prepared, strict=True)]
            agreed()
            rows = list(pool.map(self._execute, layer, prepared))
        if any(isinstance(row, StackError) for row in rows):
            self._app.forget_stacks()
        # Also when one of them failed: the ledger asks what the others were from now on.
        if wanted and any(plan.tags.get(NOUN_TAG) == SCHEDULE for plan in layer):
            history.record(self._app, _executed(layer, rows))
        return self._all(rows)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let Ctrl-C end the watching; what CloudFormation has begun, it will finish."""
        try:
            yield
        except KeyboardInterrupt:
            self._stopped.set()
            self._console.say("CloudFormation goes on with what it has begun; deploy again later")
            raise

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise StackError("interrupted")

    def _prepare(self, plan: StackPlan) -> ChangeSet | None:
        if self._stands(plan):
            return None
        plan = self._dated(plan)
        seen = self.stacks.get(plan.name) if self._looked else ...
        change_set = self._formation.prepare(plan, say=self._console.say, seen=seen)
        if change_set.unchanged:
            return None
        noun, name = noun_of(plan)
        why = reasons(plan, self.stacks.get(plan.name))
        return evolve(change_set, noun=noun, name=name, reasons=why)

    def _show(self, layer: list[StackPlan], prepared: list[ChangeSet | None]) -> None:
        """What is about to change, and for schedules what that does to their firings."""
        self._console.changes([change_set for change_set in prepared if change_set is not None])
        now = self._app.now()
        effects = [
            rescheduling(self._parameters(plan), plan.parameters, now)
            for plan, change_set in zip(layer, prepared, strict=True)
            if change_set is not None and plan.tags.get(NOUN_TAG) == SCHEDULE
        ]
        for line in firings_in_words(effects) if effects else ():
            self._console.say(line)

    def _parameters(self, plan: StackPlan) -> Mapping[str, str] | None:
        """The parameters of the stack as it is deployed; None where there is none."""
        known = self.stacks.get(plan.name)
        return known.parameters if known and known.parameters else None

    def _agreed(self, count: int) -> bool:
        if self.options.dry_run:
            return False
        if self.options.yes:
            return True
        sets = "this change set" if count == 1 else f"these {count} change sets"
        return self._console.confirm(f"Execute {sets} {self._app.place}?")

    def _execute(self, plan: StackPlan, change_set: ChangeSet | None) -> StackResult | StackError:
        if change_set is None:
            return self._as_it_is(plan)
        try:
            stack = self._formation.execute(change_set, self._console.event)
        except StackError as error:
            return error
        self._app.note_stack(stack)
        result = StackOutcome.CREATED if change_set.kind == "CREATE" else StackOutcome.UPDATED
        return StackResult(plan.name, result, stack.outputs, change_set.changes)

    def _all(self, rows: list[StackResult | StackError]) -> list[StackResult]:
        """All rows, unless a stack failed: then the first failure, once every other has ended."""
        failures = [row for row in rows if isinstance(row, StackError)]
        for failure in failures[1:]:
            self._console.say(f"also failed: {failure.message}")
        if failures:
            raise failures[0]
        return [row for row in rows if isinstance(row, StackResult)]

    def _dated(self, plan: StackPlan) -> StackPlan:
        """The plan with a start that AWS takes."""
        if plan.tags.get(NOUN_TAG) != SCHEDULE:
            return plan
        schedule = Schedule.from_parameters(plan.parameters)
        start = sendable(schedule, self._app.now()).start
        if start != schedule.start:
            instead = f"{start} keeps its beat" if start else "it is left out"
            passed = f"the start {schedule.start} has passed"
            self._console.say(f"schedule {schedule.name}: {passed}: {instead}")
        return evolve(plan, parameters={**plan.parameters, "StartDate": start})

    def _as_it_is(self, plan: StackPlan) -> StackResult:
        """A stack that is left alone, because it stands or because its one firing has passed."""
        if not self._has_fired(plan):
            return self._unchanged(plan)
        schedule = Schedule.from_parameters(plan.parameters)
        self._console.say(f"schedule {schedule.name}: {schedule.expression} has passed")
        return StackResult(plan.name, StackOutcome.EXPIRED, self.outputs(plan.name))

    def _has_fired(self, plan: StackPlan) -> bool:
        if plan.tags.get(NOUN_TAG) != SCHEDULE:
            return False
        return has_fired(Schedule.from_parameters(plan.parameters), self._app.now())

    def _unchanged(self, plan: StackPlan) -> StackResult:
        # A change set may have been refused as empty for a stack that was made in the meantime.
        known = self.stacks.get(plan.name) or self._formation.find(plan.name)
        return StackResult(plan.name, StackOutcome.UNCHANGED, known.outputs if known else {})

    def _skipped(self, plan: StackPlan, change_set: ChangeSet | None) -> StackResult:
        if change_set is None:
            return self._as_it_is(plan)
        result = StackOutcome.PLANNED if self.options.dry_run else StackOutcome.DECLINED
        return StackResult(plan.name, result, self.outputs(plan.name), change_set.changes)

    def _stands(self, plan: StackPlan) -> bool:
        """Whether the stack stands as planned, and nobody changed its parameters since.

        A one-time schedule that has fired is left as it is: AWS may refuse to write it again.
        """
        if self._has_fired(plan):
            return True
        stack = self.stacks.get(plan.name)
        if stack is None or stack.status not in GOOD:
            return False
        if stack.tags.get(DIGEST_TAG) != plan.tags[DIGEST_TAG]:
            return False
        wanted = dict(plan.parameters)
        if plan.tags.get(NOUN_TAG) == SCHEDULE:
            deployed = Schedule.from_parameters(stack.parameters)
            schedule = Schedule.from_parameters(plan.parameters)
            wanted["StartDate"] = as_deployed(schedule, deployed, self._app.now()).start
        return all(stack.parameters.get(key) == value for key, value in wanted.items())

    def _acquire(self) -> None:
        """Take or renew the lock; the first deployment of an app has no bucket to keep it in.

        Then CloudFormation alone keeps two of them apart, which is enough for one stack.
        """
        if self.options.dry_run:
            return
        if not self.outputs(self._app.names.platform_stack):
            return
        if self._lock is None:
            self._lock = DeployLock(self._app.aws, self._app.platform.bucket_name)
        waited = not self._lock.held
        self._lock.acquire(self._console.say)
        if waited:
            self._app.forget_stacks()  # somebody may have deployed since
            self._looked = True

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()


def _executed(layer: list[StackPlan], rows: Sequence[StackResult | StackError]) -> set[str]:
    """The schedules of a layer that were made or changed just now."""
    return {
        plan.parameters["ScheduleName"]
        for plan, row in zip(layer, rows, strict=True)
        if plan.tags.get(NOUN_TAG) == SCHEDULE
        and isinstance(row, StackResult)
        and row.result in {StackOutcome.CREATED, StackOutcome.UPDATED}
    }
