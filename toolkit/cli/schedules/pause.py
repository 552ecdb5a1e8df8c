"""`toolkit pause` and what `toolkit resume` shares with it."""

from collections.abc import Callable, Sequence

import click

from toolkit.app.deploying.layers import StackOutcome
from toolkit.app.schedules import pause
from toolkit.app.schedules.schedule import ScheduleChange, apply
from toolkit.cli.completing import schedules
from toolkit.cli.options import json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import Root, aws_options, pass_root
from toolkit.cli.schedules.preview import document, show


def several(command: Callable[..., int]) -> Callable[..., int]:
    """The arguments and options of a command that changes named schedules, or all."""
    options = (
        click.argument("names", metavar="NAME…", nargs=-1, shell_complete=schedules),
        aws_options,
        yes_option,
        json_option,
        click.option("--all", "every", is_flag=True, help="All schedules that have a file."),
        click.option("--dry-run", is_flag=True, help="Only show what it would do."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def check_names(names: Sequence[str], every: bool) -> None:
    """Either names or --all."""
    if bool(names) == every:
        raise click.UsageError("give names of schedules, or --all")


def carry_out(
    root: Root, found: Sequence[ScheduleChange], *, yes: bool, as_json: bool, dry_run: bool
) -> int:
    """Show each change and deploy it, one schedule after the other."""
    app, rows, declined = root.app, [], False
    if not found and not as_json:
        click.echo("no schedule to change")
    for checked in found:
        each = pause.renewed(app.project, app.config, checked, app.now())
        if not as_json:
            show(each.preview)
        row = {**document(each.preview), "edits": each.edit.places}
        if not dry_run:
            result = apply(app, each, yes=yes, overwrite=False).result
            row["result"] = result
            declined = declined or result is StackOutcome.DECLINED
        rows.append(row)
        if not as_json:
            _say(each, row.get("result"))
    if as_json:
        print_json({"schedules": rows})
    return 1 if declined else 0


def _say(found: ScheduleChange, result: StackOutcome | None) -> None:
    places = ", ".join(found.edit.places)
    if result is None:
        click.echo(f"  would edit {places}")
    else:
        kept = "kept" if result is StackOutcome.DECLINED else "written"
        click.echo(f"{places} {kept}, stack {result}")


@click.command("pause")
@several
@click.option(
    "--until",
    required=True,
    metavar="TIME",
    help="Until when; without a zone, of the schedule's zone.",
)
@click.option("--why", required=True, metavar="TEXT", help="Why; file and ledger keep it.")
@pass_root
def pause_command(
    root: Root,
    names: tuple[str, ...],
    yes: bool,
    as_json: bool,
    every: bool,
    dry_run: bool,
    until: str,
    why: str,
) -> int:
    """Let schedules not fire until a time.

    Then they fire again by themselves. The ledger calls the firings until then paused.
    """
    check_names(names, every)
    app = root.app
    asked = pause.PauseRequest(until, app.caller, why)
    found = pause.pauses(app.project, app.config, names, asked, app.now())
    return carry_out(root, found, yes=yes, as_json=as_json, dry_run=dry_run)
