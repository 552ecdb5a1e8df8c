"""`toolkit prune`."""

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.deploying import prune
from toolkit.cli.options import json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped


@click.command("prune")
@aws_options
@yes_option
@json_option
@click.option("--dry-run", is_flag=True, help="Only show what it would delete.")
@pass_app
def prune_command(app: App, yes: bool, as_json: bool, dry_run: bool) -> int:
    """Delete what the project does not have any more.

    These are the stacks of schedules without a file, of workloads that the catalog does not have,
    and of the audit where it is off. A workload's log group goes with its stack; the bucket keeps
    the rest of the evidence. A workload stays while a schedule names it or a task of it runs.
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
        click.echo(f"deleted {', '.join(row.stack for row in found.stacks)}")
    return 1 if declined else 0


def _show(app: App, found: prune.Pruning) -> None:
    for row in found.stacks:
        log = f", with its log /{app.name}/{row.name}" if row.noun == "workload" else ""
        click.secho("- ", fg="red", nl=False)
        click.echo(wrapped(f"{row.noun} {row.name}{log}", indent=2))
    for row, why in found.held:
        click.echo(f"  {wrapped(f'{row.noun} {row.name} stays: {why}', indent=2, hang='    ')}")
    if not (found.stacks or found.held):
        click.echo("nothing is deployed that the project does not have", err=True)
