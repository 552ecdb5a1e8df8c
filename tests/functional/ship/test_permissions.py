"""What a command asks of AWS is within the policy that docs/security.md has for its kind."""

import re

import pytest

from tests.functional.conftest import Project
from tests.unit.test_adapter_calls import actions, documented

READS = {
    "ReadStacks",
    "ListBucket",
    "ReadBucket",
    "KeepDeadLetters",
    "ReadTasks",
    "ReadTaskDefinitions",
    "ReadLogs",
    "ReadLogGroups",
    "ListSchedules",
    "ReadSchedules",
    "ReadDeadLetters",
}


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("schedules",),
        ("schedules", "diff", "--thorough"),
        ("ledger", "--since", "2d"),
        ("runs",),
        ("cost",),
        ("validate", "--since", "2d"),
        ("dead-letters",),
    ],
    ids=" ".join,
)
def test_who_validates_needs_no_more_than_the_policy_says(
    shipped: Project, command: tuple[str, ...]
) -> None:
    told = shipped.toolkit(*command, "--local", "--debug", code=None).err
    calls = set(re.findall(r"\b([a-z0-9-]+)\.([A-Z][A-Za-z]+)\b", told))
    assert calls, told
    needed = set().union(*(actions(service, operation) for service, operation in calls))
    policies = documented()
    assert needed <= set().union(*(policies[sid] for sid in READS))
