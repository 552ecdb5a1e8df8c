"""`toolkit run`."""

from datetime import timedelta

import click

from toolkit.app.app import App
from toolkit.app.proof import logs, validate
from toolkit.app.schedules import run
from toolkit.cli.completing import runnable
from toolkit.cli.options import Assignment, json_option
from toolkit.cli.render import log_line, print_json, print_verdict
from toolkit.cli.root import aws_options, pass_app


@click.command("run")
@click.argument("name", shell_complete=runnable)
@aws_options
@json_option
@click.option("--env", "-e", type=Assignment(), multiple=True, help="A setting for this run.")
@click.option("--follow", "-f", is_flag=True, help="Follow the log, then validate.")
@pass_app
def run_command(
    app: App,
    name: str,
    as_json: bool,
    env: tuple[tuple[str, str], ...],
    follow: bool,
) -> int:
    """Run a schedule or a workload now, as its schedule would.

    With --follow the exit code is that of the verdict.
    """
    started = run.start(app, name, dict(env))
    if not follow:
        if as_json:
            print_json({"run_id": str(started.run_id), "task_arn": started.task.task_arn})
        else:
            click.echo(str(started.run_id))
        return 0
    click.echo(f"run {started.run_id}", err=True)
    for line in logs.follow(app, started.run_id, appear=timedelta(minutes=5)):
        click.echo(log_line(line.message), err=True)
    found = validate.validate(app, started.run_id, wait=90)
    print_json(found.verdict.to_json()) if as_json else print_verdict(found.verdict)
    return found.verdict.ruling.exit_code
