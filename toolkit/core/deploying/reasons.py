"""Why a stack changes, in words: what is planned and not what is deployed."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from toolkit.core.deploying.plans import DIGEST_TAG, NOUN_TAG, SCHEDULE, own_tags, template_digest
from toolkit.core.schedules.rescheduling import Rescheduling
from toolkit.core.schedules.schedule import FIELDS
from toolkit.core.schedules.schedule_file import LAUNCH
from toolkit.core.stack import Stack, StackPlan

# Of so many stacks a person does not read one by one.
MANY = 20
_WORDS = {
    "ImageUri": "image",
    "Cpu": "size",
    "Memory": "size",
    "EphemeralStorageGiB": "size",
    "MaxRuntimeSeconds": "maximum runtime",
    "CatalogDigest": "catalog",
    "LogRetentionDays": "log retention",
    "TaskDefinitionArn": "task definition",
    **dict.fromkeys(("SubnetIds", "SecurityGroupId", "AssignPublicIp"), "network"),
    **{parameter: word.replace("_", " ") for word, parameter in (*FIELDS.items(), *LAUNCH.items())},
    "Input": "settings",
}
NEW, TEMPLATE, TAGS = "new", "template", "tags"


def reasons(plan: StackPlan, stack: Stack | None) -> tuple[str, ...]:
    """Why a stack changes, each reason once; ``new`` where there is none."""
    if stack is None or not stack.parameters:
        return (NEW,)
    found = [
        _WORDS.get(name, name)
        for name, value in plan.parameters.items()
        if stack.parameters.get(name, "") != value
    ]
    before, after = own_tags(stack.tags), own_tags(plan.tags)
    if before != after:
        found.append(TAGS)
    if stack.tags.get(DIGEST_TAG) != template_digest(plan.template, plan.parameters, before):
        found.append(TEMPLATE)
    return tuple(sorted(dict.fromkeys(found), key=lambda word: (word == "catalog", word)))


@frozen
class Grouped:
    """Names that have something in common; ``rest`` says that they are all others of a layer."""

    what: str
    names: tuple[str, ...]
    rest: bool = False


def grouped(named: Mapping[str, str]) -> list[Grouped]:
    """Names by what is said of each: the fewest first, so that the last is "all others"."""
    groups: dict[str, list[str]] = {}
    for name, what in sorted(named.items()):
        groups.setdefault(what, []).append(name)
    rows = sorted(groups.items(), key=lambda row: (len(row[1]), row[0]))
    return [
        Grouped(what, tuple(names), rest=position == len(rows) - 1)
        for position, (what, names) in enumerate(rows)
    ]


def firings_in_words(effects: Iterable[Rescheduling]) -> list[str]:
    """What a layer of schedules does to the firings; of many, those that stay are only counted."""
    rows = list(effects)
    if len(rows) <= MANY:
        return [str(row) for row in rows]
    changed = {row.name: row for row in rows if not row.diff.unchanged}
    stay = len(rows) - len(changed)
    if not changed:
        return ["no firing changes"]
    others = "1 schedule" if stay == 1 else f"{stay} schedules"
    told = [f"the firings of {others} stay as they are"] if stay else []
    if len(changed) <= MANY // 4:
        return [*map(str, changed.values()), *told]
    groups = grouped({name: f"{row.diff} until {row.until:%d %b}" for name, row in changed.items()})
    return [*(f"{row.what}: {_names(row.names)}" for row in groups), *told]


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= MANY else f"{len(names)} schedules"


def noun_of(plan: StackPlan) -> tuple[str, str]:
    """What a plan is of, and its name: ("schedule", "weather"); the platform has no other name."""
    noun = plan.tags.get(NOUN_TAG, "stack")
    key = "ScheduleName" if noun == SCHEDULE else "WorkloadName"
    return noun, plan.parameters.get(key, plan.name)
