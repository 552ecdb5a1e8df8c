"""Stacks of an app that its project does not have any more."""

from collections.abc import Collection
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.core.deploying.plans import LOG, NOUN_TAG, SCHEDULE, WORKLOAD
from toolkit.core.names import AppNames
from toolkit.core.stack import Stack
from toolkit.runtime.contract import parse_time


@frozen
class Retired:
    """The stack of a schedule without a file, or of a workload that the catalog has no more.

    With the noun ``log`` it holds the log of a workload that was pruned, and no line any more.
    """

    noun: str
    name: str
    stack: str


def retired(
    names: AppNames,
    stacks: Collection[Stack],
    schedules: Collection[str],
    workloads: Collection[str],
) -> list[Retired]:
    """The retired stacks, schedules first, by name.

    Args:
        names: of the app.
        stacks: all that carry its tag.
        schedules: the names of the schedules that have a file, and the audit's if it is on.
        workloads: the names of the workloads in the catalog, likewise.
    """
    found = []
    for noun, stack_of, known in (
        (SCHEDULE, names.schedule_stack, schedules),
        (WORKLOAD, names.workload_stack, workloads),
    ):
        kept = {stack_of(name) for name in known}
        own = sorted(stack.name for stack in stacks if stack.tags.get(NOUN_TAG) == noun)
        prefix = stack_of("")
        found += [
            Retired(noun, name.removeprefix(prefix), name) for name in own if name not in kept
        ]
    return found


def outdated_logs(names: AppNames, stacks: Collection[Stack], now: datetime) -> list[Retired]:
    """The logs of retired workloads whose last line has passed its retention, by name."""
    logs = sorted(
        (stack for stack in stacks if stack.tags.get(NOUN_TAG) == LOG), key=lambda row: row.name
    )
    prefix = names.workload_stack("")
    over = [row.name for row in logs if _over(row, now)]
    return [Retired(LOG, name.removeprefix(prefix), name) for name in over]


def _over(log: Stack, now: datetime) -> bool:
    """Nothing is written since the stack was made the log's; before it, runs may have been."""
    days = log.parameters.get("LogRetentionDays", "")
    if not (days.isdecimal() and log.changed_at):
        return False
    return now - parse_time(log.changed_at) > timedelta(days=int(days))
