"""A schedule: when a workload runs and with which environment. One shape, three doors."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from attrs import evolve, field, frozen

from toolkit.core.errors import ConfigError
from toolkit.core.expressions.expression import ExpressionError
from toolkit.core.schedules import schedule_file
from toolkit.core.schedules.firings import Timetable
from toolkit.core.schedules.target import launch_parameters, overlap_of, scheduler_input
from toolkit.core.schedules.timing import Pause, Timing
from toolkit.runtime.catalog import Catalog
from toolkit.runtime.contract import format_time, parse_time

_TICK = timedelta(microseconds=1)

# The parameters of templates/schedule.yaml that are a schedule's own, by the words of its file.
FIELDS = {
    "name": "ScheduleName",
    "expression": "ScheduleExpression",
    "timezone": "ScheduleExpressionTimezone",
    "state": "State",
    "start": "StartDate",
    "end": "EndDate",
    "description": "Description",
    "input": "Input",
}


@frozen
class Schedule:
    """A schedule as its file, its stack or EventBridge Scheduler has it.

    ``start`` and ``end`` are UTC as ISO 8601, or empty. ``changed_at`` is when it was last changed,
    empty in a file. A file has ``env``; the others have it inside ``input``, the target's Input.
    ``launch`` holds the template's other parameters, so far as they are known: of a file, those
    that it or its environment sets. ``pause`` is known of a file alone; ``start`` is then the end
    of the pause, unless the schedule starts later.
    """

    name: str
    workload: str
    expression: str
    timezone: str = "UTC"
    state: str = "ENABLED"
    start: str = ""
    end: str = ""
    description: str = ""
    env: Mapping[str, str] = {}
    overlap: str = "allow"
    input: str | None = None
    launch: Mapping[str, str] = {}
    changed_at: str = ""
    pause: Pause | None = None
    zone_given: bool = field(default=True, eq=False)

    @classmethod
    def from_file(
        cls, name: str, table: Mapping[str, Any], catalog: Catalog, where: str | None = None
    ) -> Self:
        """Read the table of `schedules/<name>.toml`; raises ConfigError naming file and key.

        ``where`` is what messages call the table, if it is not the file alone.
        """
        schedule = cls(**schedule_file.read(name, table, catalog, where))
        where = where or schedule.file
        try:
            timetable = schedule.timetable()
        except ExpressionError as error:
            raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
        if timetable.start and timetable.end and timetable.start >= timetable.end:
            raise ConfigError(f"{where}: it ends at {schedule.end}, before it starts")
        if schedule.pause and not timetable.expression.bounded:
            raise ConfigError(
                f"{where}: a one-time schedule cannot be paused", hint="--disable keeps it off"
            )
        return schedule

    @classmethod
    def from_parameters(
        cls, parameters: Mapping[str, str], *, workload: str = "", changed_at: str = ""
    ) -> Self:
        """Read the parameters of a schedule's stack."""
        own: dict[str, Any] = {word: parameters.get(name, "") for word, name in FIELDS.items()}
        own["timezone"] = own["timezone"] or "UTC"
        own["state"] = own["state"] or "ENABLED"
        launch = {name: text for name, text in parameters.items() if name not in FIELDS.values()}
        overlap = overlap_of(own["input"])
        return cls(workload=workload, launch=launch, changed_at=changed_at, overlap=overlap, **own)

    @classmethod
    def from_live(cls, answer: Mapping[str, Any]) -> Self:
        """Read GetSchedule's answer."""
        window = answer["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0)
        return cls(
            name=answer["Name"],
            workload="",
            expression=answer["ScheduleExpression"],
            timezone=answer.get("ScheduleExpressionTimezone", "UTC"),
            state=answer["State"],
            start=format_time(answer["StartDate"]) if "StartDate" in answer else "",
            end=format_time(answer["EndDate"]) if "EndDate" in answer else "",
            description=answer.get("Description", ""),
            overlap=overlap_of(answer["Target"].get("Input")),
            input=answer["Target"].get("Input", ""),
            launch={"FlexibleWindowMinutes": str(window), **launch_parameters(answer["Target"])},
            changed_at=format_time(answer["LastModificationDate"]),
        )

    @property
    def file(self) -> str:
        """The file that owns this schedule, relative to the project."""
        return f"schedules/{self.name}.toml"

    @property
    def enabled(self) -> bool:
        """Whether it fires at all."""
        return self.state == "ENABLED"

    @property
    def timing(self) -> Timing:
        """All that decides when it fires."""
        return Timing(
            self.name,
            self.expression,
            self.timezone,
            self.state,
            self.start,
            self.end,
            self.changed_at,
            _number(self.launch.get("FlexibleWindowMinutes"), 0),
            _number(self.launch.get("MaximumEventAgeInSeconds"), 900),
        )

    @property
    def launch_words(self) -> dict[str, str]:
        """How a firing becomes a task, by the file's words; what nobody sets, as the template."""
        defaults = schedule_file.LAUNCH_DEFAULTS
        return {
            word: self.launch.get(parameter, defaults[word])
            for word, parameter in schedule_file.LAUNCH.items()
        }

    @property
    def flexible_window(self) -> timedelta:
        """How long after its time a firing may come."""
        return timedelta(minutes=self.timing.flexible_window_minutes)

    def parameters(self) -> dict[str, str]:
        """The parameters of the template that make it; ConfigError if the environment is too large.

        What ``launch`` sets goes before the schedule's own words.
        """
        own = {parameter: getattr(self, word) for word, parameter in FIELDS.items()}
        if self.input is None:
            own["Input"] = scheduler_input(self.name, self.env, self.overlap)
        return {**own, **self.launch}

    def paused(self, now: datetime) -> Pause | None:
        """Its pause, unless that is over."""
        return self.pause if self.pause and self.pause.active(now) else None

    def paused_timetable(self) -> Timetable | None:
        """When it would fire before the end of its pause; None where it has none."""
        if self.pause is None:
            return None
        own = evolve(self, start=self.pause.start, pause=None).timetable()
        last = parse_time(self.pause.until) - _TICK
        return evolve(own, end=min(own.end or last, last))

    def timetable(self) -> Timetable:
        """When it fires; raises ExpressionError for an expression or zone that AWS refuses."""
        timetable = self.timing.timetable()
        timetable.expression.check(self.timezone)
        return timetable if self.zone_given else evolve(timetable, timezone=None)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default
