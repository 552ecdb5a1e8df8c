"""`toolkit runs`."""

import click

from toolkit.app.app import App
from toolkit.app.proof import status
from toolkit.cli.options import Times, bucket_option, json_option, schedules_option, timezone_option
from toolkit.cli.render import print_json, state_colour
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import cells
from toolkit.core.proof.ledger import State
from toolkit.runtime.contract import Outcome


@click.command("runs")
@aws_options
@bucket_option
@json_option
@click.option(
    "--since", default="7d", show_default=True, metavar="TIME", help="Only runs from this time on."
)
@timezone_option
@schedules_option("Only this one.")
@click.option(
    "--outcome",
    type=click.Choice([str(each) for each in Outcome]),
    help="Only runs with this outcome.",
)
@click.option(
    "--limit",
    "-n",
    default=50,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many runs at most.",
)
@pass_app
def runs_command(
    app: App,
    as_json: bool,
    since: str,
    timezone: str | None,
    schedules: tuple[str, ...],
    outcome: str | None,
    limit: int,
) -> None:
    """List runs, scheduled and on demand, the latest first."""
    wanted = Outcome(outcome) if outcome else None
    rows = status.runs(app, Times(app.now(), timezone).period(since, None)[0], schedules, wanted)
    if as_json:
        print_json([row_of(row) for row in rows[:limit]])
        return
    width = max((len(str(row.run_id)) for row in rows[:limit]), default=0)
    for row in rows[:limit]:
        click.secho(f"{word(row):<12}", fg=state_colour(row.state), nl=False)
        ended = f"ended {row.finished_at[:19]}Z" if row.finished_at else ""
        click.echo(cells(f" {row.run_id!s:<{width}}", ended, column=12))
    if len(rows) > limit:
        click.echo(f"{len(rows) - limit:,} more; -n shows them", err=True)
    if not rows:
        click.echo("no run", err=True)


def word(run: status.RunSummary) -> str:
    """How a run ended, in a word that fits a column."""
    if run.state is State.NO_ARTIFACT:
        return "no artifact"
    if run.state is State.MADE_GOOD:
        return "made good"
    return str(run.outcome or run.state)


def row_of(run: status.RunSummary) -> dict[str, object]:
    """A run as JSON."""
    return {
        "run_id": str(run.run_id),
        "state": run.state,
        "outcome": run.outcome,
        "running": run.state is State.RUNNING,
        "finished_at": run.finished_at or None,
        "task_arn": run.task.task_arn if run.task else None,
    }
