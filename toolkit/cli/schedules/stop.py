"""`toolkit stop`."""

import click

from toolkit.app.app import App
from toolkit.app.schedules import stop
from toolkit.cli.options import RunIdType, json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped
from toolkit.runtime.contract import RunId


@click.command("stop")
@click.argument("run_id", type=RunIdType())
@aws_options
@yes_option
@json_option
@click.option("--reason", required=True, metavar="TEXT", help="Why; ECS and the verdict keep it.")
@click.option("--dry-run", is_flag=True, help="Only show which task would be stopped.")
@pass_app
def stop_command(
    app: App, run_id: RunId, yes: bool, as_json: bool, reason: str, dry_run: bool
) -> int:
    """Stop a run, with a reason that its verdict shows.

    The task gets SIGTERM: the run saves what it has and commits the outcome interrupted.
    """
    wanted = stop.plan(app, run_id, reason)
    if not as_json:
        click.echo(f"{'would stop' if dry_run else 'stop'} {run_id}", err=not dry_run)
        click.echo(f"  task    {wrapped(wanted.task.task_arn, indent=10)}", err=not dry_run)
        click.echo(f"  reason  {wrapped(wanted.reason, indent=10)}", err=not dry_run)
    if not dry_run:
        if not yes and not app.console.confirm(f"Stop {run_id} {app.place}?"):
            return 1
        stop.stop(app, wanted)
    if as_json:
        row = {"run_id": str(run_id), "task_arn": wanted.task.task_arn, "reason": wanted.reason}
        print_json({**row, "stopped": not dry_run})
    elif not dry_run:
        click.echo(f"{run_id} was asked to stop")
    return 0
