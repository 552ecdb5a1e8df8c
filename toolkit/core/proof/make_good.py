"""Make a firing good: who may run later what did not happen, and how it is told.

It is no retry. A firing is made good only where no task has claimed it, and the claim lets one task
win if its delivery should come after all.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.core.errors import ConfigError
from toolkit.core.proof.case import LAUNCH_WINDOW_SECONDS
from toolkit.core.task import Task
from toolkit.runtime.contract import MADE_GOOD_BY, MADE_GOOD_WHY, RunId, parse_time

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html
LONGEST_REASON = 200
_NOT_DUE = {
    "schedule-disabled": "the schedule was disabled then",
    "outside-window": "that is outside the schedule's start and end",
    "not-a-firing": "the schedule does not fire at that time",
    "not-deployed": "no such schedule was deployed then",
    "paused": "the schedule was paused then",
}


@frozen
class Known:
    """What is known of a firing.

    ``expected`` is "due" or why it was not; ``near`` are the firings around it. ``launch_window``
    is in seconds, None where nobody recorded it. ``owner`` is the ARN of the task in its claim.
    """

    run_id: RunId
    expected: str
    near: tuple[datetime, ...] = ()
    launch_window: float | None = None
    owner: str | None = None
    manifests: tuple[str, ...] = ()
    tasks: Sequence[Task] = ()
    given_up: bool = False


def check(known: Known, now: datetime) -> None:
    """Raise ConfigError unless the firing may be made good."""
    run_id = known.run_id
    if run_id.scheduled_time > now:
        raise ConfigError(f"{run_id} is not due yet")
    if known.expected != "due":
        near = ", ".join(f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in known.near)
        why = _NOT_DUE.get(known.expected, known.expected)
        hint = f"firings near it: {near}" if near and known.expected == "not-a-firing" else None
        raise ConfigError(f"{run_id} was not due: {why}", hint=hint)
    if known.manifests:
        raise ConfigError(f"{run_id} has run: {', '.join(known.manifests)}")
    if known.owner is not None:
        raise ConfigError(f"{run_id} is claimed by task {known.owner}")
    live = [task for task in known.tasks if not task.stopped]
    if live:
        raise ConfigError(f"{run_id}: task {live[0].task_arn} is {live[0].last_status}")
    window = LAUNCH_WINDOW_SECONDS if known.launch_window is None else known.launch_window
    last = run_id.scheduled_time + timedelta(seconds=window)
    if now <= last and not (known.given_up or known.tasks):
        raise ConfigError(
            f"{run_id} may still be launched by its schedule, until {last:%Y-%m-%dT%H:%M:%SZ}"
        )


def check_alone(run_id: RunId, running: Iterable[RunId]) -> None:
    """Refuse a run that its schedule's lease would skip, for a run is never run again.

    Args:
        run_id: the firing, of a schedule with `overlap = "skip"`.
        running: the runs of all schedules that are not over.
    """
    others = [row for row in running if row.schedule == run_id.schedule]
    if others:
        raise ConfigError(
            f"{run_id} would be skipped, and could not be made good any more: {others[0]} runs, "
            "and its schedule has overlap = skip",
            hint=f"wait for its end: toolkit validate {others[0]} --wait",
        )


def check_text(option: str, text: str) -> None:
    """Refuse a text that is empty, has several lines or is longer than ``LONGEST_REASON``."""
    if not text.strip() or not text.isprintable() or len(text) > LONGEST_REASON:
        raise ConfigError(
            f"{option} takes one line of at most {LONGEST_REASON} printable characters"
        )


def variables(by: str, why: str) -> dict[str, str]:
    """The variables of a run that makes a firing good."""
    return {MADE_GOOD_BY: by, **({MADE_GOOD_WHY: why} if why else {})}


def made_good_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The same variables, from the environment of a launch."""
    return {
        name: environment[name] for name in (MADE_GOOD_BY, MADE_GOOD_WHY) if name in environment
    }


def told(task: Task) -> str:
    """Who made a firing good, and why, by the launch of its task."""
    who, why = task.environment.get(MADE_GOOD_BY, ""), task.environment.get(MADE_GOOD_WHY)
    began = task.times.get("createdAt")
    when = f"{parse_time(began):%Y-%m-%d %H:%M}Z " if began else ""
    return f"{when}by {who}" + (f": {why}" if why else "")
