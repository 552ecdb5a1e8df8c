"""`toolkit run`."""

from datetime import timedelta, tzinfo

import click

from toolkit.app.app import App
from toolkit.app.proof import logs, validate
from toolkit.app.schedules import make_good, run
from toolkit.cli.completing import runnable
from toolkit.cli.options import Assignment, Times, json_option
from toolkit.cli.render import log_line, print_json, print_verdict
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped
from toolkit.core.time_words import time_in_words


@click.command("run")
@click.argument("name", shell_complete=runnable)
@aws_options
@json_option
@click.option("--env", "-e", type=Assignment(), multiple=True, help="A setting for this run.")
@click.option(
    "--for",
    "due",
    metavar="TIME",
    help="Run the missed firing of this time; without a zone, of the schedule's zone.",
)
@click.option("--why", metavar="TEXT", help="With --for: the reason, for the manifest.")
@click.option("--dry-run", is_flag=True, help="With --for: only check whether it may run.")
@click.option("--follow", "-f", is_flag=True, help="Follow the log, then validate.")
@pass_app
def run_command(
    app: App,
    name: str,
    as_json: bool,
    env: tuple[tuple[str, str], ...],
    due: str | None,
    why: str | None,
    dry_run: bool,
    follow: bool,
) -> int:
    """Run a schedule or a workload now, as its schedule would.

    With --for, run a firing that did not happen under its own run id: it must have been due, have
    no claim and no task, and its launch window must be over.

    With --follow the exit code is that of the verdict.
    """
    if due is None:
        if why is not None or dry_run:
            raise click.UsageError("--why and --dry-run go with --for")
        return _ended(app, run.start(app, name, dict(env)), as_json=as_json, follow=follow)
    if env:
        raise click.UsageError(
            "--for runs the firing with its schedule's settings: leave --env out"
        )
    times = Times(app.now(), make_good.timezone(app, name))
    wanted = make_good.plan(app, name, times.read("--for", due), why or "")
    if dry_run:
        _say_plan(wanted, times.zone, as_json=as_json)
        return 0
    return _ended(app, make_good.start(app, wanted), as_json=as_json, follow=follow)


def _say_plan(wanted: make_good.Wanted, zone: tzinfo | None, *, as_json: bool) -> None:
    if as_json:
        late = wanted.late.total_seconds()
        row = {"run_id": str(wanted.run_id), "by": wanted.by, "why": wanted.why}
        print_json({**row, "late_seconds": late, "dry_run": True})
        return
    click.echo(f"would run {wanted.run_id}")
    click.echo(f"  due   {time_in_words(wanted.run_id.scheduled_time, zone)}")
    click.echo(f"  late  {str(wanted.late).partition('.')[0]}")
    click.echo(f"  by    {wrapped(wanted.by, indent=8)}")
    if wanted.why:
        click.echo(f"  why   {wrapped(wanted.why, indent=8)}")


def _ended(app: App, started: run.Started, *, as_json: bool, follow: bool) -> int:
    """Say what was started; with ``follow``, print its log and its verdict."""
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
