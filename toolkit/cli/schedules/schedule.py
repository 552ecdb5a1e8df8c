"""`toolkit schedule`."""

from datetime import datetime
from typing import Any

import click

from toolkit.app.deploying.layers import StackOutcome
from toolkit.app.schedules.schedule import apply, change, removal, remove
from toolkit.cli.completing import schedules, workloads
from toolkit.cli.options import Assignment, json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import Root, aws_options, pass_root
from toolkit.cli.schedules.preview import diff_document, document, show, show_diff
from toolkit.core.schedules.firings import FiringDiff
from toolkit.core.schedules.schedule import Schedule

_SETTINGS = ("expression", "at", "timezone", "start", "end", "workload", "enable", "env", "unset")
_UNSET = ("start", "end", "timezone", "description")


@click.command("schedule")
@click.argument("name", shell_complete=schedules)
@click.argument("expression", required=False)
@aws_options
@yes_option
@json_option
@click.option("--timezone", help="The IANA zone of the expression, e.g. Europe/Berlin.")
@click.option("--at", metavar="TIME", help="Fire once: a time of the schedule's zone.")
@click.option("--start", metavar="TIME", help="No firing before this time of the schedule's zone.")
@click.option("--end", metavar="TIME", help="No firing after this time of the schedule's zone.")
@click.option("--env", "-e", type=Assignment(), multiple=True, help="A setting of its runs.")
@click.option("--unset", metavar="KEY", multiple=True, help="Take a setting out, or start, end …")
@click.option(
    "--workload", shell_complete=workloads, help="The workload, if its name does not tell."
)
@click.option("--enable/--disable", default=None, help="Let it fire, or not.")
@click.option("--remove", is_flag=True, help="Delete the schedule and its file.")
@click.option("--overwrite", is_flag=True, help="Also over what somebody else deployed.")
@click.option("--dry-run", is_flag=True, help="Only show what it would do.")
@pass_root
def schedule_command(root: Root, /, **options: Any) -> int:
    """Show, set or remove a schedule.

    NAME is its workload's name, or that name with a suffix: weather, weather-berlin. EXPRESSION is
    "cron(...)", "rate(...)" or "at(...)". The file schedules/NAME.toml owns it.
    """
    name: str = options["name"]
    if options["remove"]:
        if given := [key for key in _SETTINGS if options[key] not in (None, ())]:
            raise click.UsageError(f"--remove goes without {', '.join(given)}")
        return _remove(root, options)
    changes = _changes(options)
    if not (changes or options["overwrite"]) or options["dry_run"]:
        here = root.offline()
        found = change(here.project, here.config, name, changes, here.now)
        print_json(document(found.preview)) if options["as_json"] else show(found.preview)
        return 0
    return _set(root, name, changes, options)


def _set(root: Root, name: str, changes: dict[str, Any], options: dict[str, Any]) -> int:
    app = root.app
    found = change(app.project, app.config, name, changes, app.now())
    if not options["as_json"]:
        show(found.preview)
    row = apply(app, found, yes=options["yes"], overwrite=options["overwrite"])
    if options["as_json"]:
        print_json({**document(found.preview), "result": row.result})
    else:
        verb = (
            "kept"
            if not found.preview.changed or row.result is StackOutcome.DECLINED
            else "written"
        )
        click.echo(f"{found.preview.after.file} {verb}, stack {row.result}")
    return 1 if row.result is StackOutcome.DECLINED else 0


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """What the options ask of the file; None takes a key out. A start or end of "" does so too."""
    if options["expression"] is not None and options["at"] is not None:
        raise click.UsageError("give an expression or --at, not both")
    changes = {key: options[key] for key in ("expression", "at", "timezone", "workload")}
    changes = {key: value for key, value in changes.items() if value is not None}
    if options["enable"] is not None:
        changes["state"] = "ENABLED" if options["enable"] else "DISABLED"
    changes |= {k: options[k] or None for k in ("start", "end") if options[k] is not None}
    env: dict[str, str | None] = dict(options["env"])
    for key in options["unset"]:
        if key in changes or key in env:
            raise click.UsageError(f"{key} is set and unset at once")
        (changes if key in _UNSET else env)[key] = None
    return {**changes, "env": env} if env else changes


def _remove(root: Root, options: dict[str, Any]) -> int:
    name, as_json = options["name"], options["as_json"]
    if options["dry_run"]:
        here = root.offline()
        _show_removal(name, *removal(here.project, name, here.now), as_json=as_json)
        return 0
    app = root.app
    found = removal(app.project, name, app.now())
    _show_removal(name, *found, as_json=as_json)
    yes = options["yes"]
    question = "Delete schedule {}, its stack and its file {}?"
    if not yes and not app.console.confirm(question.format(name, app.place)):
        return 1
    remove(app, name)
    if not as_json:
        click.echo(f"{name} removed")
    return 0


def _show_removal(
    name: str, schedule: Schedule | None, diff: FiringDiff, until: datetime, *, as_json: bool
) -> None:
    if as_json:
        print_json({"name": name, "diff": diff_document(diff, until)})
    elif schedule is None:
        click.echo(f"{name} has no file here that can be read")
    else:
        click.secho(name, bold=True, nl=False)
        click.echo(f"  {schedule.expression}  {schedule.timezone}  {schedule.state}")
        show_diff(diff, until, schedule.timezone, schedule.timezone)
