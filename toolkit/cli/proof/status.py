"""`toolkit status`."""

from datetime import datetime, timedelta
from typing import Any

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.proof import status
from toolkit.cli.options import bucket_option, json_option
from toolkit.cli.proof.runs import row_of, word
from toolkit.cli.render import pause_row, print_json, state_colour
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import cells, wrapped
from toolkit.runtime.contract import parse_time


@click.command("status")
@aws_options
@bucket_option
@json_option
@pass_app
def status_command(app: App, as_json: bool) -> None:
    """Show what runs now, each schedule's last run and next firing."""
    found = status.status(app)
    if as_json:
        print_json(_document(found))
        return
    _print_running(found)
    _print_schedules(found)
    if found.retired:
        names = ", ".join(f"{row.noun} {row.name}" for row in found.retired)
        text = f"not in the project any more, and still deployed: {names}"
        click.echo(wrapped(f"{text} ({app.command('prune')} deletes them)"))


def _document(found: status.AppStatus) -> dict[str, Any]:
    return {
        "now": found.now.isoformat(),
        "running": [row_of(run) for run in found.running],
        "schedules": [
            {
                "name": row.name,
                "last": row_of(row.last) if row.last else None,
                "next": row.next.isoformat() if row.next else None,
                "expired": row.spent or None,
                "pause": pause_row(row.pause),
                "disabled": row.disabled.isoformat() if row.disabled else None,
            }
            for row in found.schedules
        ],
        "retired": [asdict(row) for row in found.retired],
    }


def _print_running(found: status.AppStatus) -> None:
    for run in found.running:
        started = run.task.times.get("startedAt") if run.task else None
        since = f" for {_short(found.now - parse_time(started))}" if started else ""
        click.secho("running", fg="blue", nl=False)
        click.echo(f"  {run.run_id}{since}")
    if not found.running:
        click.echo("nothing runs")


def _print_schedules(found: status.AppStatus) -> None:
    width = max((len(row.name) for row in found.schedules), default=0)
    words = {row.name: word(row.last) if row.last else "no run yet" for row in found.schedules}
    column = max(map(len, words.values()), default=0)
    for row in found.schedules:
        click.secho(f"{row.name:<{width}}", bold=True, nl=False)
        colour = state_colour(row.last.state) if row.last else None
        click.secho(f"  {words[row.name]:<{column}}", fg=colour, nl=False)
        when = f"{_short(found.now - _when(row.last))} ago" if row.last else ""
        due = _due(row, found.now)
        click.echo(cells(f" {when:<11}", f"next {due}", column=width + 2 + column))
        if row.pause:
            click.echo(f"{'':{width}}  {wrapped(row.pause.words(), indent=width + 2)}")


def _due(row: status.ScheduleStatus, now: datetime) -> str:
    """When it fires next, or why it does not."""
    if row.next:
        return f"in {_short(row.next - now)}, {row.next:%a %d %b %H:%M}Z"
    if row.disabled:
        return f"never: disabled by hand {row.disabled:%a %d %b %H:%M}Z"
    return f"never: {row.spent}" if row.spent else "-"


def _when(run: status.RunSummary) -> datetime:
    """When it ended; of what left no manifest, when it was due."""
    return parse_time(run.finished_at) if run.finished_at else run.run_id.scheduled_time


def _short(time: timedelta) -> str:
    """A duration as a person says it, such as 2h05m.

    >>> _short(timedelta(hours=2, minutes=5))
    '2h05m'
    """
    minutes, seconds = divmod(max(int(time.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02}h"
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{seconds:02}s" if minutes else f"{seconds}s"
