"""ECS schedules that somebody else made: how they stand, and the files that would replace them."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import tomlkit
from attrs import frozen

from toolkit.core.checks import Check, Status
from toolkit.core.deploying.facts import Queue, Role, Unknown
from toolkit.core.errors import ConfigError
from toolkit.core.expressions.expression import ExpressionError
from toolkit.core.names import LONGEST, check_name
from toolkit.core.schedules.firings import LocalFiring, localize
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.contract import CONTRACT_VARIABLES

_FIRINGS = 3
# What sounds like a secret does not go into a file.
_SECRET = re.compile(r"pass|secret|token|credential|private|api_?key", re.IGNORECASE)


@frozen
class Overrides:
    """What a schedule changes of its task definition's containers."""

    environment: Mapping[str, str] = {}
    command: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@frozen
class ForeignSchedule:
    """A schedule of EventBridge Scheduler, or a rule of EventBridge with an ECS target.

    Attributes:
        kind: ``schedule`` or ``rule``.
        group: of a schedule; of a rule, its event bus.
        timing: when it fires; rules know UTC only.
        cluster: ARN or name.
        task_definition: ARN, or family.
        task_count: tasks a firing.
        input: the overrides as JSON; empty where there are none.
        role_arn: with which it runs tasks; empty where it has none.
        dead_letter_arn: where failed launches go; empty where they go nowhere.
    """

    kind: str
    group: str
    timing: Timing
    cluster: str
    task_definition: str
    task_count: int = 1
    input: str = ""
    role_arn: str = ""
    dead_letter_arn: str = ""

    @property
    def title(self) -> str:
        """Its kind, group and name."""
        return f"{self.kind} {self.group}/{self.timing.name}"


@frozen
class Adoption:
    """How a foreign schedule stands, and the file that would replace it."""

    schedule: ForeignSchedule
    next: tuple[LocalFiring, ...]
    checks: tuple[Check, ...]
    file: str
    text: str


def adoption(
    schedule: ForeignSchedule,
    role: Role | Unknown | None,
    queue: Queue | Unknown | None,
    now: datetime,
) -> Adoption:
    """Judge one schedule; ``role`` and ``queue`` are None where it names none."""
    overrides, problem = read_overrides(schedule.input)
    checks = [_timing(schedule.timing, now), _role(schedule, role), _queue(schedule, queue)]
    if problem or overrides.others or len(overrides.containers) > 1 or schedule.task_count != 1:
        checks.append(_beyond(schedule, overrides, problem))
    name = file_name(schedule.timing.name)
    text = file_text(schedule, name, overrides)
    firings = tuple(_next(schedule.timing, now))
    return Adoption(schedule, firings, tuple(checks), f"schedules/{name}.toml", text)


def read_overrides(text: str) -> tuple[Overrides, str]:
    """The overrides in a target's Input, and what is wrong with it; Scheduler writes both cases."""
    if not text:
        return Overrides(), ""
    try:
        document = _lower(json.loads(text))
    except (ValueError, RecursionError):
        return Overrides(), "its Input is not JSON"
    if not isinstance(document, dict):
        return Overrides(), "its Input is no JSON object"
    rows = document.get("containerOverrides", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return Overrides(), "its containerOverrides are no list of objects"
    environment = {
        str(pair.get("name")): str(pair.get("value", ""))
        for row in rows
        for pair in _list(row.get("environment"))
        if isinstance(pair, dict)
    }
    others = {*document} - {"containerOverrides"}
    others |= {key for row in rows for key in row} - {"name", "environment", "command"}
    return (
        Overrides(
            environment,
            tuple(str(word) for row in rows for word in _list(row.get("command"))),
            tuple(str(row.get("name")) for row in rows),
            tuple(sorted(others)),
        ),
        "",
    )


def file_name(name: str) -> str:
    """A schedule's name that this toolkit takes, as near to the given one as can be.

    >>> file_name("Nightly_Report (EU)")
    'nightly-report-eu'
    """
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    short = re.sub(r"^[^a-z]+", "", words)[: LONGEST["schedule"]].rstrip("-")
    try:
        return check_name("schedule", short)
    except ConfigError:
        return f"adopted-{short}"[: LONGEST["schedule"]].rstrip("-")


def file_text(schedule: ForeignSchedule, name: str, overrides: Overrides) -> str:
    """The schedule file that would fire alike; disabled, until the other one is."""
    timing = schedule.timing
    document = tomlkit.document()
    document.add(
        tomlkit.comment(
            _plain(f"As the {schedule.title} fires, which runs {_last(schedule.task_definition)}.")
        )
    )
    document.add(tomlkit.comment("Enable it when that one is disabled: else both run."))
    document["workload"] = name
    document["expression"] = timing.expression
    document["timezone"] = timing.timezone
    document["state"] = "DISABLED"
    for key in ("start", "end"):
        if getattr(timing, key):
            document[key] = getattr(timing, key)
    if timing.flexible_window_minutes:
        document["flexible_window_minutes"] = timing.flexible_window_minutes
    if overrides.command:
        shown = _plain(json.dumps(list(overrides.command)))
        document.add(
            tomlkit.comment(f"It overrides the command: command = {shown} in catalog.toml.")
        )
    _add_environment(document, name, overrides.environment)
    return tomlkit.dumps(document)


def _add_environment(document: Any, name: str, environment: Mapping[str, str]) -> None:
    own = {key: value for key, value in environment.items() if key not in CONTRACT_VARIABLES}
    secret = sorted(key for key in own if _SECRET.search(key))
    for key in secret:
        place = f"[workloads.{name}.secrets]"
        document.add(tomlkit.comment(_plain(f"{key} sounds like a secret: it belongs to {place}.")))
    if own.keys() - set(secret):
        table = tomlkit.table()
        for key in sorted(own.keys() - set(secret)):
            table[key] = own[key]
        document["env"] = table


def _timing(timing: Timing, now: datetime) -> Check:
    try:
        timetable = timing.timetable()
        timetable.expression.check(timing.timezone)
    except ExpressionError as error:
        return Check("firings", Status.FAIL, error.message, hint=error.hint or "")
    if timing.state != "ENABLED":
        return Check("firings", Status.WARN, f"it is {timing.state}")
    spent = timetable.spent(now)
    if spent:
        return Check("firings", Status.WARN, f"it fires no more: {spent}")
    return Check("firings", Status.OK, f"{timing.expression} {timing.timezone}")


def _next(timing: Timing, now: datetime) -> Iterator[LocalFiring]:
    try:
        timetable = timing.timetable()
        yield from localize(islice(timetable.firings(now), _FIRINGS), timing.timezone)
    except ExpressionError:
        return


def _role(schedule: ForeignSchedule, role: Role | Unknown | None) -> Check:
    if role is None:
        return Check("role", Status.FAIL, "it has none, so it can run no task")
    name = _last(schedule.role_arn)
    if isinstance(role, Unknown):
        if role.gone:
            return Check("role", Status.FAIL, f"{name} is gone, so no task can start")
        return Check("role", Status.WARN, f"not known: {role.reason}")
    if not role.trusted:
        return Check("role", Status.FAIL, f"{name} does not trust {role.service}")
    if isinstance(role.decisions, Unknown):
        return Check("role", Status.WARN, f"{name}: permissions not known: {role.decisions.reason}")
    denied = [what for what, word in role.decisions.items() if word != "allowed"]
    if denied:
        return Check("role", Status.FAIL, f"{name} may not {' or '.join(denied)}")
    return Check("role", Status.OK, f"{name} may run the task and pass its roles")


def _queue(schedule: ForeignSchedule, queue: Queue | Unknown | None) -> Check:
    if queue is None:
        detail = "no queue: a launch that fails leaves no trace"
        return Check("dead letters", Status.WARN, detail)
    name = _last(schedule.dead_letter_arn.replace(":", "/"))
    if isinstance(queue, Unknown):
        if queue.gone:
            return Check("dead letters", Status.FAIL, f"the queue {name} is gone")
        return Check("dead letters", Status.WARN, f"not known: {queue.reason}")
    if queue.denies_scheduler:
        return Check("dead letters", Status.FAIL, f"{name} refuses everybody")
    if queue.letters:
        return Check("dead letters", Status.WARN, f"{queue.letters} launches failed lately")
    return Check("dead letters", Status.OK, f"{name} is empty")


def _beyond(schedule: ForeignSchedule, overrides: Overrides, problem: str) -> Check:
    """What a schedule file does not say."""
    found = [problem] if problem else []
    if schedule.task_count != 1:
        found.append(f"it runs {schedule.task_count} tasks a firing; a schedule file runs one")
    if len(overrides.containers) > 1:
        found.append(f"it overrides {len(overrides.containers)} containers")
    if overrides.others:
        found.append(f"it overrides {', '.join(overrides.others)}")
    return Check("by hand", Status.WARN, "; ".join(found))


def _lower(value: Any) -> Any:
    """Keys as RunTask has them; the universal target writes them with a capital."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower(item) for key, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _plain(text: str) -> str:
    """One line of printable text: a comment ends with its line."""
    return "".join(character if character.isprintable() else "?" for character in text)
