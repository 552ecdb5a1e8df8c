"""The embedded AWS of a project: start and stop it, see it, and move its time."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from toolkit.adapters.embedded import engine, stored
from toolkit.adapters.embedded.engine import EngineClient, EngineInfo, Event
from toolkit.adapters.project.project import Project
from toolkit.core.deploying.config import LOCAL
from toolkit.core.errors import ConfigError, RunError

Progress = Callable[[str], None]


def root_of(directory: Path) -> Path:
    """The root of the project that a directory lies in."""
    return Project.find(directory).root


def region_of(root: Path) -> str:
    """The region that the embedded AWS names first: that of `--local` in `toolkit.toml`."""
    try:
        return Project(root).config(LOCAL).region or engine.REGION
    except ConfigError:  # whatever reads the file next says what is wrong with it
        return engine.REGION


def start(
    root: Path, progress: Progress, *, region: str | None = None, while_pid: int | None = None
) -> EngineInfo:
    """Make sure that the project's engine runs; with ``while_pid``, until that process ends."""
    info = engine.ensure_running(root, progress, region=region or region_of(root))
    if while_pid is not None:
        EngineClient(info).belong_to(while_pid)
    return info


def stop(root: Path) -> bool:
    """End the project's engine and all that belongs to it; False when none ran."""
    info = engine.running(root)
    if info is None:
        return False
    EngineClient(info).stop(root)
    return True


def status(root: Path) -> Event:
    """What runs, and when what fires next; ``{"running": False}`` without an engine."""
    info = engine.running(root)
    if info is None:
        return {"running": False}
    return {"running": True, **EngineClient(info).status()}


def variables(root: Path) -> dict[str, str]:
    """The environment in which any AWS client uses the project's embedded AWS."""
    return _info(root).variables()


def describe_variables(found: Mapping[str, str]) -> Iterator[str]:
    """The environment as lines for a shell's `eval`."""
    yield "unset AWS_PROFILE AWS_SESSION_TOKEN"
    for name, value in found.items():
        yield f"export {name}={shlex.quote(value)}"
    # Behind a proxy, what is on this machine is still asked directly.
    yield 'export NO_PROXY="127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}"'


def now(root: Path) -> datetime:
    """What time it is there."""
    return _client(root).now()


def fire(root: Path, name: str, *, twice: bool, scheduled_time: datetime | None) -> list[Event]:
    """Deliver a firing of one schedule now."""
    moment = f"{scheduled_time:%Y-%m-%dT%H:%M:%SZ}" if scheduled_time else None
    return _client(root).fire(name, twice=twice, scheduled_time=moment)


def advance(
    root: Path, until: datetime, *, speed: float | None = None, parallel: int | None = None
) -> Iterator[Event]:
    """Move the clock until a moment.

    With ``speed`` the clock runs, so many times as fast as real time; without it, it jumps. Up to
    ``parallel`` tasks run at once, twice as many as there are cores if it is left out.
    """
    return _client(root).advance(until=until.isoformat(), speed=speed, parallel=parallel)


def read_speed(text: str) -> float:
    """A speed such as 60x or 60; raises ConfigError.

    >>> read_speed("60x")
    60.0
    """
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 1 <= speed < float("inf"):
        raise ConfigError(f"{text!r} is not a speed", hint="write 60x; 1x is real time")
    return speed


def faults(root: Path) -> Event:
    """The faults that may still strike, and the kinds that there are."""
    return _client(root).faults()


def add_fault(
    root: Path,
    kind: str,
    *,
    schedule: str | None,
    service: str | None,
    times: int | None,
    value: float | None,
) -> None:
    """Let something go wrong."""
    _client(root).add_fault(kind, schedule=schedule, service=service, times=times, value=value)


def clear_faults(root: Path) -> None:
    """Let all go well again."""
    _client(root).clear_faults()


def describe_faults(found: Event) -> Iterator[str]:
    """The faults, as lines for a person."""
    if not found["faults"]:
        yield "no faults"
    for row in found["faults"]:
        limits = [f"{name} {row[name]}" for name in ("schedule", "service") if row[name]]
        left = "always" if row["times"] is None else f"{row['times'] - row['struck']} more"
        value = [] if row["value"] is None else [f"{row['value']:g}"]
        yield "  ".join([row["kind"], *value, *limits, left, f"struck {row['struck']}"])


def describe_fault_kinds(found: Event) -> Iterator[str]:
    """What can go wrong, as lines for a person."""
    for kind, (_where, value, meaning) in found["kinds"].items():
        default = "" if value is None else f" (default {value:g})"
        yield f"{kind:18} {meaning}{default}"


def reset(root: Path) -> None:
    """Wipe everything that the engine holds, or what it left if it does not run."""
    info = engine.running(root)
    if info is None:
        stored.wipe(root)
    else:
        EngineClient(info).reset()


def _client(root: Path) -> EngineClient:
    return EngineClient(_info(root))


def _info(root: Path) -> EngineInfo:
    info = engine.running(root)
    if info is None:
        raise RunError("the embedded AWS is not running", hint="start it: toolkit local start")
    return info


def describe_status(found: Event) -> Iterator[str]:
    """The status, as lines for a person."""
    if not found["running"]:
        yield "not running (toolkit local start)"
        return
    ahead = timedelta(seconds=round(found["offset_seconds"]))
    yield f"endpoint   {found['endpoint_url']} ({found['region']}, {found['emulator']})"
    yield f"time       {found['now'][:19]}Z" + (f", {ahead} ahead" if ahead else "")
    if not found["landlock"]:
        yield "sandbox    none: this kernel keeps no process from writing beside its volumes"
    columns = ("name", "expression", "timezone")
    widths = [max((len(row[name]) for row in found["schedules"]), default=0) for name in columns]
    for row in found["schedules"]:
        cells = [f"{row[name]:{width}}" for name, width in zip(columns, widths, strict=True)]
        following = f"{row['next'][:10]} {row['next'][11:16]}Z" if row["next"] else None
        yield "  ".join(["schedule ", *cells, following or row["state"].lower()])
    for row in found["tasks"]:
        what = row["executor"] or "starting"
        yield f"task       {row['task'].rsplit('/', 1)[-1]}  {what:8}  {row['group']}"


def describe_event(event: Event) -> str:
    """One event of a firing or a task, as one line."""
    line = _LINES.get(event["event"])
    return line(event) if line else str(event["event"])


def _fired(event: Event) -> str:
    if event["failures"]:
        return f"{_firing(event)}  refused: {'; '.join(event['failures'])}"
    tasks = ", ".join(arn.rsplit("/", 1)[-1][:12] for arn in event["tasks"])
    return f"{_firing(event)}  fired: task {tasks}"


def _stopped(event: Event) -> str:
    task = event["task"].rsplit("/", 1)[-1][:12]
    codes = event.get("exit_codes", {})
    ending = ", ".join(f"{name} exit {code}" for name, code in codes.items() if code is not None)
    whose = event.get("group") or "task"
    return f"{'':20}  {whose}  stopped: {event.get('reason') or ending} (task {task})"


def _refused(event: Event) -> str:
    what = "dead-lettered" if event["event"] == "dead-lettered" else "failed, retried later"
    return f"{_firing(event)}  {what}: {event['code']}: {event['message']}"


def _firing(event: Event) -> str:
    return f"{event['scheduled_time']}  {event['schedule']}"


_LINES: dict[str, Callable[[dict[str, Any]], str]] = {
    "fired": _fired,
    "stopped": _stopped,
    "dead-lettered": _refused,
    "retrying": _refused,
    "dead-letter-lost": lambda event: f"{event['schedule']}  dead letter lost: {event['message']}",
    "unreadable": lambda event: f"{event['schedule']}  cannot fire: {event['message']}",
    "advanced": lambda event: f"it is now {event['now'][:19]}Z",
}
