"""`toolkit schedules`: all of them at once."""

from datetime import timedelta
from itertools import groupby
from typing import Any

import click

from toolkit.actions import schedules as action
from toolkit.actions.deploy import Result
from toolkit.cli.options import aws_options, clock_only, json_option, opened, yes_option
from toolkit.cli.render import print_json
from toolkit.core.drift import Difference, Kind
from workloads.contract import RunId, parse_time

_SIGNS = {Kind.ADDED: ("+", "green"), Kind.REMOVED: ("-", "red"), Kind.CHANGED: ("~", "yellow")}
_LONGEST = 60


@click.group("schedules", invoke_without_command=True)
@aws_options
@json_option
@click.pass_context
def schedules_command(ctx: click.Context, /, as_json: bool, **where: Any) -> None:
    """List the schedules: state, words, next firing, last outcome."""
    ctx.obj = where
    if ctx.invoked_subcommand is not None:
        return
    rows = action.rows(opened(**where))
    if as_json:
        print_json([_row(row) for row in rows])
        return
    for row in rows:
        schedule = row.schedule
        state = schedule.state if row.deployed else "NOT DEPLOYED"
        click.secho(f"{schedule.name:<14}", bold=True, nl=False)
        click.echo(f" {state:<12}  {row.words}, {schedule.timezone}")
        due = f"{row.next.local:%a %d %b %H:%M %Z}" if row.next else "never"
        click.echo(f"{'':<14} next {due}   last {row.last_outcome or 'none'}")


@schedules_command.command("diff")
@json_option
@click.pass_obj
def diff(where: dict[str, Any], as_json: bool) -> int:
    """Compare files, deployed stacks and live schedules; exit code 1 if they differ."""
    found = action.differences(opened(**where))
    if as_json:
        print_json([_difference(row) for row in found])
    else:
        _show(found)
    return 0 if all(row.clean for row in found) else 1


@schedules_command.command("apply")
@yes_option
@json_option
@click.pass_obj
def apply(where: dict[str, Any], yes: bool, as_json: bool) -> int:
    """Deploy every schedule whose file has changed."""
    rows = action.apply(opened(**where), yes=yes)
    if as_json:
        print_json([{"stack": row.stack, "result": row.result} for row in rows])
    else:
        for row in rows:
            click.echo(f"{row.stack}  {row.result}")
    return 1 if any(row.result is Result.DECLINED for row in rows) else 0


@schedules_command.command("prune")
@yes_option
@json_option
@click.pass_obj
def prune(where: dict[str, Any], yes: bool, as_json: bool) -> None:
    """Delete deployed schedules of this app that have no file."""
    names = action.prune(opened(**where), yes=yes)
    if as_json:
        print_json(names)
    else:
        click.echo(f"deleted {', '.join(names)}" if names else "nothing to delete")


@schedules_command.command("dump")
@click.option("--write", is_flag=True, help="Write the files instead of printing them.")
@click.pass_obj
def dump(where: dict[str, Any], write: bool) -> None:
    """Turn the live schedules into TOML files."""
    context = opened(**where)
    for name, text in action.dump(context).items():
        if write:
            context.project.write_schedule(name, text)
            click.echo(f"schedules/{name}.toml")
        else:
            click.echo(f"# schedules/{name}.toml\n{text}")


@schedules_command.command("next")
@click.option("--until", metavar="ISO", help="As far as this time (a day ahead).")
@json_option
@click.pass_obj
def upcoming(where: dict[str, Any], until: str | None, as_json: bool) -> None:
    """Print what fires next, in the order of time."""
    found = _calendar(where, until, timedelta(days=1))
    if as_json:
        print_json([{"run_id": f.run_id, "utc": f.utc.isoformat()} for f in found])
        return
    for firing in found:
        click.echo(f"{firing.utc:%Y-%m-%d %H:%M}Z  {firing.local:%a %H:%M %Z}  {firing.run_id}")


@schedules_command.command("calendar")
@click.option("--until", metavar="ISO", help="As far as this time (a week ahead).")
@json_option
@click.pass_obj
def calendar(where: dict[str, Any], until: str | None, as_json: bool) -> None:
    """Print what fires when, day by day, with runs that may overlap."""
    found = _calendar(where, until, timedelta(days=7))
    if as_json:
        print_json([_firing(firing) for firing in found])
        return
    for day, firings in groupby(found, key=lambda firing: firing.utc.date()):
        click.secho(f"{day:%a %d %b %Y} (UTC)", bold=True)
        for firing in firings:
            click.echo(f"  {firing.utc:%H:%M}  {RunId.parse(firing.run_id).schedule:<16}", nl=False)
            click.echo(f" {firing.local:%H:%M %Z}", nl=False)
            if firing.overlap:
                click.secho(f"  overlaps by up to {firing.overlap}", fg="yellow", nl=False)
            click.echo()


def _calendar(where: dict[str, Any], until: str | None, ahead: timedelta) -> list[action.Firing]:
    project, config, now = clock_only(**where)
    return action.calendar(project, config, now, parse_time(until) if until else now + ahead)


def _firing(firing: action.Firing) -> dict[str, Any]:
    overlap = firing.overlap.total_seconds() if firing.overlap else None
    return {"run_id": firing.run_id, "utc": firing.utc.isoformat(), "overlap_seconds": overlap}


def _show(found: list[Difference]) -> None:
    for row in found:
        if row.clean:
            continue
        sign, colour = _SIGNS.get(row.kind, (" ", "white"))
        click.secho(f"{sign} {row.name}", fg=colour)
        for change in row.changes:
            click.echo(f"    {change.field}: {_cut(change.before)} → {_cut(change.after)}")
        for change in row.drift:
            click.secho("  ! live ", fg="red", nl=False)
            click.echo(f"{change.field}: {_cut(change.before)} → {_cut(change.after)}")
    clean = sum(row.clean for row in found)
    click.echo(f"{clean} of {len(found)} schedules are as their files say", err=True)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _row(row: action.Row) -> dict[str, Any]:
    return {
        "name": row.schedule.name,
        "workload": row.schedule.workload,
        "expression": row.schedule.expression,
        "timezone": row.schedule.timezone,
        "state": row.schedule.state,
        "deployed": row.deployed,
        "words": row.words,
        "next": row.next.utc.isoformat() if row.next else None,
        "last_outcome": row.last_outcome,
    }


def _difference(row: Difference) -> dict[str, Any]:
    def changes(rows: Any) -> list[dict[str, str]]:
        return [{"field": c.field, "before": c.before, "after": c.after} for c in rows]

    return {
        "name": row.name,
        "kind": row.kind,
        "changes": changes(row.changes),
        "drift": changes(row.drift),
    }
