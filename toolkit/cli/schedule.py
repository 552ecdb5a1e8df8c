"""`toolkit schedule`."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from toolkit.actions import schedule as action
from toolkit.actions.deploy import Result
from toolkit.cli.options import (
    Assignment,
    aws_options,
    clock_only,
    json_option,
    opened,
    yes_option,
)
from toolkit.cli.render import print_json
from toolkit.core.preview import Preview


@click.command("schedule")
@click.argument("name")
@click.argument("expression", required=False)
@aws_options
@yes_option
@json_option
@click.option("--timezone", help="The IANA zone of the expression, e.g. Europe/Berlin.")
@click.option("--at", "at_time", metavar="TIME", help="Fire once, at this wall time.")
@click.option("--start", metavar="ISO", help="No firing before this time.")
@click.option("--end", metavar="ISO", help="No firing after this time.")
@click.option("--env", "-e", type=Assignment(), multiple=True, help="A setting of its runs.")
@click.option("--workload", help="The workload, if its name does not tell.")
@click.option("--enable/--disable", default=None, help="Let it fire, or not.")
@click.option("--remove", is_flag=True, help="Delete the schedule and its file.")
@click.option("--overwrite", is_flag=True, help="Also over what somebody else deployed.")
@click.option("--dry-run", is_flag=True, help="Only show what it would do.")
def schedule_command(**options: Any) -> int:
    """Show, set or remove a schedule.

    NAME is its workload's name, or that name with a suffix: weather, weather-berlin. EXPRESSION is
    "cron(...)", "rate(...)" or "at(...)". The file schedules/NAME.toml owns it.
    """
    where = {key: options[key] for key in ("project", "config_env", "local")}
    name: str = options["name"]
    if options["remove"]:
        return _remove(where, name, yes=options["yes"])
    changes = _changes(options)
    if not changes or options["dry_run"]:
        project, config, now = clock_only(**where)
        found = action.change(project, config, name, changes, now)
        _show(found.preview, as_json=options["as_json"])
        return 0
    context = opened(**where)
    found = action.change(context.project, context.config, name, changes, context.now())
    if not options["as_json"]:
        _show(found.preview, as_json=False)
    row = action.apply(context, found, yes=options["yes"], overwrite=options["overwrite"])
    if options["as_json"]:
        _show(found.preview, as_json=True)
    else:
        verb = "kept" if not found.preview.changed or row.result is Result.DECLINED else "written"
        click.echo(f"{found.preview.after.file} {verb}, stack {row.result}")
    return 1 if row.result is Result.DECLINED else 0


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    expression, at_time = options["expression"], options["at_time"]
    if expression and at_time:
        raise click.UsageError("give an expression or --at, not both")
    if at_time:
        expression = f"at({at_time.removesuffix('Z')})"
    changes = {
        "workload": options["workload"],
        "expression": expression,
        "timezone": options["timezone"],
        "start": options["start"],
        "end": options["end"],
        "env": dict(options["env"]) or None,
    }
    if options["enable"] is not None:
        changes["state"] = "ENABLED" if options["enable"] else "DISABLED"
    return {key: value for key, value in changes.items() if value is not None}


def _remove(where: dict[str, Any], name: str, *, yes: bool) -> int:
    context = opened(**where)
    if not yes and not context.console.confirm(f"Delete schedule {name}, its stack and its file?"):
        return 1
    action.remove(context, name)
    click.echo(f"{name} removed")
    return 0


def _show(found: Preview, *, as_json: bool) -> None:
    after = found.after
    if as_json:
        print_json(_document(found))
        return
    click.secho(f"{after.name}", bold=True, nl=False)
    click.echo(f"  {after.expression}  {after.timezone}  {after.state}")
    click.echo(f"  {found.words}")
    for firing in found.firings:
        local = firing.local.strftime("%a %d %b %Y %H:%M %Z")
        note = f"  clock {_signed(firing.clock_change)}" if firing.clock_change else ""
        click.echo(f"  next  {local:<26} {firing.utc:%Y-%m-%d %H:%M}Z{note}")
    if not found.firings:
        click.echo("  it will not fire" if after.enabled else "  disabled: no firings")
    if found.changed:
        end = found.until.astimezone(ZoneInfo(after.timezone))
        click.echo(f"  until {end:%d %b %Y %H:%M}: {found.diff}")
    for warning in found.warnings:
        click.secho("  warning: ", fg="yellow", nl=False)
        click.echo(warning)


def _signed(change: timedelta) -> str:
    return f"{change.total_seconds() / 3600:+g} h"


def _document(found: Preview) -> dict[str, Any]:
    after, diff = found.after, found.diff
    return {
        "name": after.name,
        "workload": after.workload,
        "expression": after.expression,
        "timezone": after.timezone,
        "state": after.state,
        "start": after.start,
        "end": after.end,
        "env": dict(after.env),
        "words": found.words,
        "warnings": found.warnings,
        "changed": found.changed,
        "firings": [
            {
                "run_id": found.run_id(firing),
                "utc": firing.utc.isoformat(),
                "local": firing.local.isoformat(),
                "clock_change_hours": firing.clock_change.total_seconds() / 3600,
            }
            for firing in found.firings
        ],
        "diff": {
            "until": found.until.isoformat(),
            "kept": len(diff.kept),
            "added": [time.isoformat() for time in diff.added],
            "removed": [time.isoformat() for time in diff.removed],
            "shifted": [[s.before.isoformat(), s.after.isoformat()] for s in diff.shifted],
        },
    }
