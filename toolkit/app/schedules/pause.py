"""Pause schedules until a time, and let them fire again before it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from toolkit.adapters.project.project import Project
from toolkit.app.schedules.schedule import ScheduleChange, change
from toolkit.core.deploying.config import DEFAULT, Config
from toolkit.core.errors import ConfigError
from toolkit.core.expressions.zones import find_zone
from toolkit.core.proof.make_good import check_text
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.time_words import read_time
from toolkit.runtime.contract import parse_time


@frozen
class PauseRequest:
    """Until when to pause, in the words of the command, who wants it, and why."""

    until: str
    who: str
    why: str


def pauses(
    project: Project, config: Config, names: Sequence[str], asked: PauseRequest, now: datetime
) -> list[ScheduleChange]:
    """The changes that pause schedules; all of them are checked before any is made.

    ``names`` are all schedules with a file where it is empty. Those that would not fire until then
    anyway are left out, and one-time schedules.
    """
    check_text("--why", asked.why)
    found = _schedules(project, config, names)
    if not names:
        found = [each for each in found if not _idle(each, asked, now)]
    return [
        change(project, config, each.name, {"pause": _pause(each, asked, now)}, now)
        for each in found
    ]


def resumptions(
    project: Project, config: Config, names: Sequence[str], now: datetime
) -> list[ScheduleChange]:
    """The changes that end pauses; raises ConfigError for a named schedule that has none."""
    found = _schedules(project, config, names)
    for each in found if names else ():
        if each.pause is None:
            raise _not_paused(project, config, each.name)
    paused = [each for each in found if each.pause]
    return [change(project, config, each.name, {"pause": None}, now) for each in paused]


def renewed(
    project: Project, config: Config, found: ScheduleChange, now: datetime
) -> ScheduleChange:
    """A change as the files are now: one before it may have edited the same `toolkit.toml`."""
    return change(project, config, found.preview.after.name, found.keys, now)


def _not_paused(project: Project, config: Config, name: str) -> ConfigError:
    """What to say of a schedule that is not paused here, but may be elsewhere."""
    here = "" if config.environment == DEFAULT else f" in {config.environment}"
    others = [each for each in project.environments() if _is_paused(project, each, name)]
    elsewhere = f"; it is in {', '.join(others)}" if others else ""
    return ConfigError(f"schedule {name} is not paused{here}{elsewhere}")


def _is_paused(project: Project, environment: str, name: str) -> bool:
    try:
        schedule = project.schedule(name, project.config(environment))
    except ConfigError:
        return False
    return schedule is not None and schedule.pause is not None


def _schedules(project: Project, config: Config, names: Sequence[str]) -> list[Schedule]:
    known = {name: project.schedule(name, config) for name in names or project.schedule_names()}
    for name, schedule in known.items():
        if schedule is None:
            there = ", ".join(project.schedule_names()) or "none"
            raise ConfigError(f"there is no schedule {name!r}; there are {there}")
    return [schedule for schedule in known.values() if schedule]


def _until(schedule: Schedule, asked: PauseRequest, now: datetime) -> datetime:
    """When the pause ends; its words are of the schedule's zone."""
    until = read_time(asked.until, now, find_zone(schedule.timezone), ahead=True)
    if until <= now:
        raise ConfigError(f"--until {asked.until} has passed")
    return until


def _own_start(schedule: Schedule) -> str:
    return schedule.pause.start if schedule.pause else schedule.start


def _idle(schedule: Schedule, asked: PauseRequest, now: datetime) -> bool:
    """Whether a pause would take no firing: it fires once, has ended, or starts later anyway."""
    start, end = _own_start(schedule), schedule.end
    return (
        not schedule.timetable().expression.bounded
        or bool(start and parse_time(start) >= _until(schedule, asked, now))
        or bool(end and parse_time(end) <= now)
    )


def _pause(schedule: Schedule, asked: PauseRequest, now: datetime) -> dict[str, Any]:
    until = _until(schedule, asked, now)
    own, end = _own_start(schedule), schedule.end
    if own and parse_time(own) >= until:
        raise ConfigError(f"schedule {schedule.name} does not start before {own} anyway")
    if end and parse_time(end) <= until:
        raise ConfigError(
            f"schedule {schedule.name} ends at {end}: after a pause until "
            f"{until:%Y-%m-%dT%H:%M:%SZ} "
            "it would never fire",
            hint="choose an earlier --until, or disable it: "
            f"toolkit schedule {schedule.name} --disable",
        )
    return {"until": f"{until:%Y-%m-%dT%H:%M:%SZ}", "who": asked.who, "why": asked.why}
