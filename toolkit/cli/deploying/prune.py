"""`toolkit prune`."""

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.deploying import prune
from toolkit.cli.options import json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped
from toolkit.core.deploying.plans import LOG, WORKLOAD
from toolkit.core.deploying.retired import Retired


@click.command("prune")
@aws_options
@yes_option
@json_option
@click.option("--dry-run", is_flag=True, help="Only show what it would delete.")
@pass_app
def prune_command(app: App, yes: bool, as_json: bool, dry_run: bool) -> int:
    """Delete what the project does not have any more.

    These are the stacks of schedules without a file, of workloads that the catalog does not have,
    and of the audit where it is off. A workload's log group stays in its stack until its lines have
    passed their retention, so that past runs can be judged; the bucket keeps the rest of the
    evidence. A workload stays while a schedule names it or a task of it runs.
    """
    found = prune.plan(app)
    if not as_json:
        _show(app, found)
    declined = False
    if found.stacks and not dry_run:
        count = "this stack" if len(found.stacks) == 1 else f"these {len(found.stacks)} stacks"
        declined = not (yes or app.console.confirm(f"Delete {count} {app.place}?"))
        if not declined:
            prune.prune(app, found.stacks)
    deleted = bool(found.stacks) and not (dry_run or declined)
    if as_json:
        print_json(
            {
                "retired": [asdict(row) for row in found.stacks],
                "held": [{**asdict(row), "why": why} for row, why in found.held],
                "deleted": deleted,
            }
        )
    elif deleted:
        names = (f"{row.stack}{_but(row)}" for row in found.stacks)
        click.echo(f"deleted {', '.join(names)}")
    return 1 if declined else 0


def _but(row: Retired) -> str:
    return " (all but its log)" if row.noun == WORKLOAD else ""


def _of_log(app: App, row: Retired) -> str:
    """What becomes of a workload's log, for the preview."""
    log, stack = f"/{app.name}/{row.name}", app.stacks.all.get(row.stack)
    if row.noun == LOG:
        return f": no line of {log} is left"
    days = stack.parameters.get("LogRetentionDays") if stack and row.noun == WORKLOAD else None
    return f"; its log {log} stays for {days} days" if days else ""


def _show(app: App, found: prune.Pruning) -> None:
    for row in found.stacks:
        log = _of_log(app, row)
        click.secho("- ", fg="red", nl=False)
        click.echo(wrapped(f"{row.noun} {row.name}{log}", indent=2))
    for row, why in found.held:
        click.echo(f"  {wrapped(f'{row.noun} {row.name} stays: {why}', indent=2, hang='    ')}")
    if not (found.stacks or found.held):
        click.echo("nothing is deployed that the project does not have", err=True)
