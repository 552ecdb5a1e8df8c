"""`toolkit schedule`."""

from datetime import UTC, datetime
from typing import Any

import click

from toolkit.actions import schedule as action
from toolkit.actions.context import open_offline
from toolkit.actions.deploy import Result
from toolkit.cli.options import Assignment, aws_options, json_option, opened, yes_option
from toolkit.cli.render import print_json


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
        project, config = open_offline(
            where["project"], environment=where["config_env"], local=where["local"]
        )
        found = action.preview(project, config, name, changes, datetime.now(UTC))
        _show(found, as_json=options["as_json"])
        return 0
    context = opened(**where)
    found = action.preview(context.project, context.config, name, changes, context.now())
    if not options["as_json"]:
        _show(found, as_json=False)
    row = action.apply(context, found, yes=options["yes"])
    if options["as_json"]:
        _show(found, as_json=True)
    else:
        click.echo(f"{found.after.file} {'written' if found.changed else 'kept'}, {row.result}")
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


def _show(found: action.Preview, *, as_json: bool) -> None:
    after = found.after
    if as_json:
        print_json(
            {
                "name": after.name,
                "workload": after.workload,
                "expression": after.expression,
                "timezone": after.timezone,
                "state": after.state,
                "words": found.words,
                "warnings": found.warnings,
                "changed": found.changed,
                "firings": [
                    {"run_id": f.run_id, "utc": f.utc.isoformat(), "local": f.local.isoformat()}
                    for f in found.firings
                ],
            }
        )
        return
    click.secho(f"{after.name}", bold=True, nl=False)
    click.echo(f"  {after.expression}  {after.timezone}  {after.state}")
    click.echo(f"  {found.words}")
    for warning in found.warnings:
        click.secho("  warning: ", fg="yellow", nl=False)
        click.echo(warning)
    for firing in found.firings:
        local = firing.local.strftime("%a %d %b %Y %H:%M %Z")
        click.echo(f"  next  {local:<26}  {firing.utc:%Y-%m-%d %H:%M}Z  {firing.run_id}")
    if not found.firings:
        click.echo("  it will not fire" if after.state == "ENABLED" else "  disabled: no firings")
