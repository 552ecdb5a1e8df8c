"""Three views of the schedules, compared: the files, what was deployed, and what is live.

The files own the schedules. What was deployed is read from the stacks' parameters, all of them in
a few paged calls. What is live is listed in a few paged calls too, and only a schedule that may
have been touched after its stack was deployed is read whole.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from attrs import frozen

from toolkit.core.schedules.dates import as_deployed, has_fired
from toolkit.core.schedules.schedule import FIELDS, Schedule
from toolkit.core.schedules.schedule_file import LAUNCH
from toolkit.core.schedules.timing import Pause
from toolkit.runtime.contract import parse_time

_WORDS = {parameter: word for word, parameter in {**FIELDS, **LAUNCH}.items()}

# A stack's time is the beginning of its update, so its own change of the schedule comes later.
_UPDATE_TAKES = timedelta(minutes=1)
_READ_AT_MOST = 25


class DifferenceKind(StrEnum):
    """How a schedule's file and its deployment differ."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    UNOWNED = "unowned"  # live in the app's group, but neither in a file nor in a stack


@frozen
class Listed:
    """A schedule as ListSchedules gives it; times are ISO 8601 in UTC."""

    name: str
    state: str
    changed_at: str
    created_at: str = ""


@frozen
class FieldChange:
    """One field that differs: ``before`` is what is deployed."""

    field: str
    before: str
    after: str


DELETED = FieldChange("schedule", "deployed", "deleted")
UNOWNED = FieldChange("schedule", "in no stack of this app", "live")


@frozen
class Difference:
    """One schedule in all three views.

    ``drift`` is what somebody changed behind the stack; ``pause`` is the file's, if it is not over.
    """

    name: str
    kind: DifferenceKind
    changes: tuple[FieldChange, ...] = ()
    drift: tuple[FieldChange, ...] = ()
    pause: Pause | None = None

    @property
    def clean(self) -> bool:
        """Whether all three views agree."""
        return self.kind is DifferenceKind.UNCHANGED and not self.drift

    @property
    def deleted(self) -> bool:
        """Whether the live schedule is gone."""
        return DELETED in self.drift

    @property
    def to_deploy(self) -> bool:
        """Whether the file wants something else than what was deployed."""
        return self.kind in {DifferenceKind.ADDED, DifferenceKind.CHANGED}


def compare(
    wanted: Mapping[str, Schedule],
    deployed: Mapping[str, Schedule],
    listed: Mapping[str, Listed],
    live: Mapping[str, Schedule],
    now: datetime,
) -> list[Difference]:
    """All schedules by name: files (as planned) ↔ stacks ↔ live, each keyed by name."""
    return [
        _difference(
            name, wanted.get(name), deployed.get(name), listed.get(name), live.get(name), now
        )
        for name in sorted({*wanted, *deployed, *listed})
    ]


def suspects(deployed: Mapping[str, Schedule], listed: Mapping[str, Listed]) -> list[str]:
    """The schedules that may have drifted; only reading them whole tells.

    Sure ones come first: in another state than deployed, or changed later than an update takes. A
    change during the update may be the stack's own; unless the schedule was only created then, it
    is read to be sure, but of very many of these only the latest.
    """
    sure: list[str] = []
    doubtful: list[tuple[str, str]] = []
    for name, schedule in deployed.items():
        row = listed.get(name)
        if row is None:
            continue
        late = parse_time(row.changed_at) - parse_time(schedule.changed_at)
        if row.state != schedule.state or late > _UPDATE_TAKES:
            sure.append(name)
        elif late > timedelta() and row.changed_at != row.created_at:
            doubtful.append((row.changed_at, name))
    doubtful.sort(reverse=True)
    return sure + [name for _, name in doubtful[:_READ_AT_MOST]]


def drift_of(deployed: Schedule, live: Schedule) -> tuple[FieldChange, ...]:
    """What is live and not what its stack says, so far as both tell it."""
    before, after = deployed.parameters(), live.parameters()
    # Without a description, the template writes one of its own.
    before["Description"] = before["Description"] or f"{live.name} of {before.get('AppName', '')}"
    return _changes(before, {name: after[name] for name in after if name in before})


def changes_of(deployed: Schedule, wanted: Schedule, now: datetime) -> tuple[FieldChange, ...]:
    """What is planned and not what was deployed; a start that has passed is no change."""
    return _changes(deployed.parameters(), as_deployed(wanted, deployed, now).parameters())


def _difference(
    name: str,
    wanted: Schedule | None,
    deployed: Schedule | None,
    listed: Listed | None,
    live: Schedule | None,
    now: datetime,
) -> Difference:
    if deployed is None:
        unowned = (UNOWNED,) if listed else ()
        return Difference(
            name, DifferenceKind.UNOWNED if wanted is None else DifferenceKind.ADDED, (), unowned
        )
    if listed is None:
        drift: tuple[FieldChange, ...] = (DELETED,)
    else:
        drift = drift_of(deployed, live) if live is not None else ()
    if wanted is None:
        return Difference(name, DifferenceKind.REMOVED, (), drift)
    changes = () if _is_over(deployed, wanted, now) else changes_of(deployed, wanted, now)
    return Difference(
        name, DifferenceKind.CHANGED if changes else DifferenceKind.UNCHANGED, changes, drift
    )


def _is_over(deployed: Schedule, wanted: Schedule, now: datetime) -> bool:
    """Whether its one firing has passed: a deployment leaves it as it is."""
    same = (deployed.expression, deployed.timezone) == (wanted.expression, wanted.timezone)
    return same and has_fired(wanted, now)


def _changes(deployed: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[FieldChange, ...]:
    changes: list[FieldChange] = []
    for parameter, after in wanted.items():
        before = deployed.get(parameter, "")
        if parameter == FIELDS["input"]:
            changes += _input_changes(before, after)
        elif not _equal(parameter, before, after):
            changes.append(FieldChange(_WORDS.get(parameter, parameter), before, after))
    return tuple(changes)


def _equal(parameter: str, before: str, after: str) -> bool:
    if before == after:
        return True
    if parameter in {"StartDate", "EndDate"}:
        return bool(before and after) and parse_time(before) == parse_time(after)
    if parameter == "SubnetIds":
        return sorted(before.split(",")) == sorted(after.split(","))
    return False


def _input_changes(before: str, after: str) -> list[FieldChange]:
    """Two Inputs, variable by variable; as a whole where that does not tell all."""
    if before == after:
        return []
    try:
        old, new = json.loads(before), json.loads(after)
        was, will = _environment(old), _environment(new)
        rest = _without_environment(old) == _without_environment(new)
    except (ValueError, KeyError, TypeError, AttributeError):
        rest, was, will = False, {}, {}
    if not rest:
        return [FieldChange("input", before, after)]
    return [
        FieldChange(f"env {name}", was.get(name, ""), will.get(name, ""))
        for name in sorted({*was, *will})
        if was.get(name) != will.get(name)
    ]


def _environment(overrides: Mapping[str, Any]) -> dict[str, str]:
    """The environment that task overrides give."""
    containers = overrides["containerOverrides"]
    rows = [row for container in containers for row in container.get("environment", ())]
    return {row["name"]: row["value"] for row in rows}


def _without_environment(overrides: Mapping[str, Any]) -> Any:
    containers = [{**container, "environment": []} for container in overrides["containerOverrides"]]
    return {**overrides, "containerOverrides": containers}
