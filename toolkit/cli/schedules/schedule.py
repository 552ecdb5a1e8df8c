"""`toolkit schedule`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import click
from attrs import asdict, frozen

from toolkit.app.deploying.layers import StackOutcome
from toolkit.app.schedules import schedule
from toolkit.cli.completing import schedules, workloads
from toolkit.cli.options import Assignment, json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import Root, aws_options, pass_root
from toolkit.cli.schedules.preview import diff_document, document, show, show_diff
from toolkit.core.schedules.firings import FiringDiff
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.schedule_file import LAUNCH, OVERLAPS, SHAPE

_UNSET = ("start", "end", "timezone", "description", "overlap", *LAUNCH)


@frozen
class _Settings:
    """What the options ask of the schedule's file; None and () where they say nothing."""

    expression: str | None
    at: str | None
    timezone: str | None
    start: str | None
    end: str | None
    workload: str | None
    enable: bool | None
    env: tuple[tuple[str, str], ...]
    unset: tuple[str, ...]
    others: Mapping[str, str | int]

    def given(self) -> list[str]:
        """The options that were given."""
        values = {**asdict(self), **self.others, "others": None}
        return [name for name, value in values.items() if value not in (None, ())]

    def changes(self) -> dict[str, Any]:
        """Keys of the file; None takes one out. A start or end of "" does so too."""
        if self.expression is not None and self.at is not None:
            raise click.UsageError("give an expression or --at, not both")
        values = {
            "expression": self.expression,
            "at": self.at,
            "timezone": self.timezone,
            "workload": self.workload,
            **self.others,
        }
        changes: dict[str, Any] = {k: value for k, value in values.items() if value is not None}
        if self.enable is not None:
            changes["state"] = "ENABLED" if self.enable else "DISABLED"
        window = {"start": self.start, "end": self.end}
        changes |= {key: value or None for key, value in window.items() if value is not None}
        env: dict[str, str | None] = dict(self.env)
        for key in self.unset:
            if key in changes or key in env:
                raise click.UsageError(f"{key} is set and unset at once")
            (changes if key in _UNSET else env)[key] = None
        return {**changes, "env": env} if env else changes


_LAUNCH_HELP = {
    "flexible_window_minutes": "It may fire so many minutes late.",
    "retry_attempts": "Try a failed launch so many times again.",
    "event_age_seconds": "Give a launch up after so many seconds.",
    "capacity_provider": "FARGATE or FARGATE_SPOT.",
}


def _launch_options(command: Callable[..., int]) -> Callable[..., int]:
    """Options for its description and for how its firings become tasks, named like the keys."""
    for key in reversed(LAUNCH):
        numeric = SHAPE[key] != "text"
        kind, metavar = (int, "N") if numeric else (str, "NAME")
        name = f"--{key.replace('_', '-')}"
        option = click.option(name, type=kind, metavar=metavar, help=_LAUNCH_HELP[key])
        command = option(command)
    overlap = click.option(
        "--overlap", type=click.Choice(OVERLAPS), help="Skip a firing while a run goes on, or not."
    )
    command = overlap(command)
    return click.option("--description", metavar="TEXT", help="What it is for.")(command)


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
    "--workload",
    shell_complete=workloads,
    help="The workload, if the schedule's name does not say it.",
)
@_launch_options
@click.option("--enable/--disable", default=None, help="Let it fire, or stop it from firing.")
@click.option("--remove", is_flag=True, help="Delete the schedule and its file.")
@click.option("--overwrite", is_flag=True, help="Also replace what somebody else deployed.")
@click.option("--dry-run", is_flag=True, help="Only show what it would do.")
@pass_root
def schedule_command(
    root: Root,
    /,
    name: str,
    expression: str | None,
    yes: bool,
    as_json: bool,
    timezone: str | None,
    at: str | None,
    start: str | None,
    end: str | None,
    env: tuple[tuple[str, str], ...],
    unset: tuple[str, ...],
    workload: str | None,
    enable: bool | None,
    remove: bool,
    overwrite: bool,
    dry_run: bool,
    **others: str | int | None,
) -> int:
    """Show, set or remove a schedule.

    NAME is its workload's name, or that name with a suffix: weather, weather-berlin. EXPRESSION is
    "cron(...)", "rate(...)" or "at(...)". The file schedules/NAME.toml owns it; with --config-env,
    what stands in [ENV.schedules.NAME] of toolkit.toml is changed there.
    """
    more = {key: value for key, value in others.items() if value is not None}
    settings = _Settings(expression, at, timezone, start, end, workload, enable, env, unset, more)
    if remove:
        if given := settings.given():
            raise click.UsageError(f"--remove goes without {', '.join(given)}")
        return _remove(root, name, yes=yes, as_json=as_json, dry_run=dry_run)
    changes = settings.changes()
    if not (changes or overwrite) or dry_run:
        here = root.offline()
        found = schedule.change(here.project, here.config, name, changes, here.now)
        if as_json:
            print_json({**document(found.preview), "edits": found.edit.places})
        else:
            show(found.preview)
            for place in found.edit.places:
                click.echo(f"  would edit {place}")
        return 0
    return _set(root, name, changes, yes=yes, overwrite=overwrite, as_json=as_json)


def _set(
    root: Root, name: str, changes: Mapping[str, Any], *, yes: bool, overwrite: bool, as_json: bool
) -> int:
    app = root.app
    found = schedule.change(app.project, app.config, name, changes, app.now())
    if not as_json:
        show(found.preview)
    row = schedule.apply(app, found, yes=yes, overwrite=overwrite)
    if as_json:
        places = found.edit.places
        print_json({**document(found.preview), "edits": places, "result": row.result})
    else:
        kept = not found.edit.places or row.result is StackOutcome.DECLINED
        places = found.edit.places or (found.preview.after.file,)
        click.echo(f"{', '.join(places)} {'kept' if kept else 'written'}, stack {row.result}")
    return 1 if row.result is StackOutcome.DECLINED else 0


def _remove(root: Root, name: str, *, yes: bool, as_json: bool, dry_run: bool) -> int:
    if dry_run:
        here = root.offline()
        _show_removal(
            name, *schedule.removal(here.project, here.config, name, here.now), as_json=as_json
        )
        return 0
    app = root.app
    found = schedule.removal(app.project, app.config, name, app.now())
    _show_removal(name, *found, as_json=as_json)
    question = "Delete schedule {}, its stack and its file {}?"
    if not yes and not app.console.confirm(question.format(name, app.place)):
        return 1
    removed = schedule.remove(app, name)
    if not as_json:
        click.echo(f"{name} removed: {', '.join(removed)}")
    return 0


def _show_removal(
    name: str, removed: Schedule | None, diff: FiringDiff, until: datetime, *, as_json: bool
) -> None:
    if as_json:
        print_json({"name": name, "diff": diff_document(diff, until)})
    elif removed is None:
        click.echo(f"{name} has no file here that can be read")
    else:
        click.secho(name, bold=True, nl=False)
        click.echo(f"  {removed.expression}  {removed.timezone}  {removed.state}")
        show_diff(diff, until, removed.timezone, removed.timezone)
