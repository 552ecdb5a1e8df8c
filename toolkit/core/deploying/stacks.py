"""The stacks of one app, told apart by what they hold."""

from collections.abc import Iterable, Mapping
from typing import Self

from attrs import frozen

from toolkit.core.deploying.plans import NOUN_TAG, WORKLOAD, deployed_schedules
from toolkit.core.platform import Platform, WorkloadOutputs
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import EMPTY, Stack


@frozen
class AppStacks:
    """Everything of an app that is deployed; ``workloads`` and ``schedules`` are by short name.

    A stack without anything in it (its first deployment failed, or waits) is in ``all`` only, and
    such a platform is None.
    """

    all: Mapping[str, Stack]
    platform: Platform | None
    workloads: Mapping[str, Stack]
    schedules: Mapping[str, Schedule]

    @classmethod
    def of(cls, stacks: Iterable[Stack], platform: str) -> Self:
        """Sort the stacks of an app whose platform stack has this name."""
        rows = {stack.name: stack for stack in stacks}
        outputs = rows[platform].outputs if platform in rows else {}
        return cls(
            rows,
            Platform(platform, outputs) if outputs else None,
            _workloads(rows.values()),
            deployed_schedules(rows.values()),
        )

    def workload(self, name: str) -> WorkloadOutputs:
        """The outputs of a deployed workload's stack."""
        stack = self.workloads[name]
        return WorkloadOutputs(stack.name, stack.outputs)


def _workloads(stacks: Iterable[Stack]) -> dict[str, Stack]:
    own = (stack for stack in stacks if stack.tags.get(NOUN_TAG) == WORKLOAD)
    return {s.parameters.get("WorkloadName", ""): s for s in own if s.status not in EMPTY}
