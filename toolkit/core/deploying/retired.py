"""Stacks of an app that its project does not have any more."""

from collections.abc import Collection

from attrs import frozen

from toolkit.core.deploying.plans import NOUN_TAG, SCHEDULE, WORKLOAD
from toolkit.core.names import AppNames
from toolkit.core.stack import Stack


@frozen
class Retired:
    """The stack of a schedule without a file, or of a workload that the catalog has no more."""

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
