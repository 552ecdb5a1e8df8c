"""How a schedule, and a change of it, look on a terminal and as JSON."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from toolkit.cli.render import pause_row
from toolkit.cli.schedules.firings import firing_line, hours
from toolkit.cli.text import wrapped
from toolkit.core.expressions.zones import find_zone
from toolkit.core.schedules.firings import FiringDiff
from toolkit.core.schedules.preview import Preview
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.schedule_file import LAUNCH_DEFAULTS
from toolkit.core.time_words import time_in_words
from toolkit.runtime.contract import parse_time

_SHOWN = 3  # firings of each kind in a firing diff


def show(found: Preview) -> None:
    """A schedule in words, its next firings, and what a change of it does."""
    after = found.after
    click.secho(after.name, bold=True, nl=False)
    click.echo(f"  {after.expression}  {after.timezone}  {after.state}")
    click.echo(f"  {found.words}{_dates(after)}")
    env = " ".join(f"{name}={value}" for name, value in after.env.items())
    click.echo(f"  runs {after.workload} for up to {found.longest}{env and f' with {env}'}")
    for line in filter(None, (launch(after), after.description)):
        click.echo(f"  {wrapped(line, indent=2)}")
    if found.pause:
        click.echo(f"  {wrapped(found.pause.words(_until(after)), indent=2)}")
    for firing in found.firings:
        click.echo(f"  next  {firing_line(firing)}")
    if not found.firings:
        click.echo("  it will not fire" if after.enabled else "  disabled: no firings")
    for edit in found.edits:
        click.echo(f"  {edit.field}: {edit.before or '(none)'} → {edit.after or '(none)'}")
    if found.changed:
        old = found.before.timezone if found.before else after.timezone
        show_diff(found.diff, found.until, old, after.timezone)
    for warning in found.warnings:
        click.secho("  warning: ", fg="yellow", nl=False)
        click.echo(wrapped(warning, indent=11, hang="    "))


def _until(schedule: Schedule) -> str:
    """The end of its pause in its own zone; empty where that is UTC."""
    zone = find_zone(schedule.timezone or "UTC")
    time = parse_time(schedule.pause.until) if schedule.pause else None
    return time_in_words(time, zone) if time and zone.tzname(time) != "UTC" else ""


def launch(schedule: Schedule) -> str:
    """How its firings become tasks, where that is not the default: ``up to 15 min late``."""
    words = schedule.launch_words
    window, retries = words["flexible_window_minutes"], words["retry_attempts"]
    age, provider = words["event_age_seconds"], words["capacity_provider"]
    said = [
        f"up to {window} min late" if window != "0" else "",
        f"a failed launch is tried {retries} times again" if retries != "0" else "",
        f"given up after {age} s" if age != LAUNCH_DEFAULTS["event_age_seconds"] else "",
        "skipped while another run goes on" if schedule.overlap == "skip" else "",
        f"on {provider}" if provider != LAUNCH_DEFAULTS["capacity_provider"] else "",
    ]
    return ", ".join(filter(None, said))


def show_diff(diff: FiringDiff, until: datetime, old: str, new: str) -> None:
    """The firings that a change removes, adds and shifts; each in the zone that it is of."""
    end = until.astimezone(ZoneInfo(new))
    click.echo(f"  until {end:%a %d %b %Y %H:%M %Z}: {diff}")
    removed = [f"- {_wall(time, old)}" for time in diff.removed]
    added = [f"+ {_wall(time, new)}" for time in diff.added]
    shifted = [
        f"~ {_wall(shift.before, old)} → {_wall(shift.after, new)}  {hours(shift.by)}"
        for shift in diff.shifted
    ]
    for lines, colour in ((removed, "red"), (added, "green"), (shifted, "yellow")):
        _few(lines, colour)


def _few(lines: Sequence[str], colour: str) -> None:
    for line in lines[:_SHOWN]:
        click.secho(f"    {line}", fg=colour)
    if len(lines) > _SHOWN:
        click.echo(f"      … {len(lines) - _SHOWN} more")


def _wall(time: datetime, timezone: str) -> str:
    return time.astimezone(ZoneInfo(timezone)).strftime("%a %d %b %H:%M %Z")


def _dates(schedule: Schedule) -> str:
    begin = schedule.pause.start if schedule.pause else schedule.start
    start = f", from {_short(begin)}" if begin else ""
    end = f", until {_short(schedule.end)}" if schedule.end else ""
    return start + end


def _short(text: str) -> str:
    return text.replace(":00Z", "Z").replace("T", " ")


def document(found: Preview) -> dict[str, Any]:
    """The same as JSON can hold it."""
    after = found.after
    return {
        "name": after.name,
        "workload": after.workload,
        "expression": after.expression,
        "timezone": after.timezone,
        "state": after.state,
        "start": after.start,
        "end": after.end,
        "description": after.description,
        "pause": pause_row(found.pause),
        **launch_document(after),
        "overlap": after.overlap,
        "env": dict(after.env),
        "words": found.words,
        "longest_seconds": found.longest / timedelta(seconds=1),
        "warnings": found.warnings,
        "changed": found.changed,
        "changes": [{"field": c.field, "before": c.before, "after": c.after} for c in found.edits],
        "firings": [
            {
                "run_id": found.run_id(firing),
                "utc": firing.utc.isoformat(),
                "local": firing.local.isoformat(),
                "clock_change_hours": firing.clock_change / timedelta(hours=1),
            }
            for firing in found.firings
        ],
        "diff": diff_document(found.diff, found.until),
    }


def launch_document(schedule: Schedule) -> dict[str, str | int]:
    """How its firings become tasks, as JSON can hold it."""
    words = schedule.launch_words
    return {key: int(text) if text.isdecimal() else text for key, text in words.items()}


def diff_document(diff: FiringDiff, until: datetime) -> dict[str, Any]:
    """A firing diff as JSON can hold it."""
    return {
        "until": until.isoformat(),
        "kept": len(diff.kept),
        "added": [time.isoformat() for time in diff.added],
        "removed": [time.isoformat() for time in diff.removed],
        "shifted": [[s.before.isoformat(), s.after.isoformat()] for s in diff.shifted],
    }
