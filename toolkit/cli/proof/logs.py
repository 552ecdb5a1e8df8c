"""`toolkit logs`."""

import json
import re
from datetime import timedelta

import click

from toolkit.app.proof import logs
from toolkit.app.proof.validate import latest as latest_run
from toolkit.cli.completing import schedules
from toolkit.cli.options import RunIdType
from toolkit.cli.render import log_line
from toolkit.cli.root import Root, aws_options, pass_root
from toolkit.runtime.contract import RunId


@click.command("logs")
@click.argument("run_id", type=RunIdType(), required=False)
@aws_options
@click.option("--latest", metavar="SCHEDULE", shell_complete=schedules, help="Its latest run.")
@click.option("--follow", "-f", is_flag=True, help="Wait for the task, follow it to its end.")
@click.option("--grep", metavar="REGEX", help="Only lines that match.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as they were logged.")
@click.option(
    "--timeout", default=300, show_default=True, help="Seconds to wait for the task with -f."
)
@pass_root
def logs_command(
    root: Root,
    run_id: RunId | None,
    latest: str | None,
    follow: bool,
    grep: str | None,
    as_json: bool,
    timeout: int,
) -> None:
    """Print the log of a run."""
    if (run_id is None) == (latest is None):
        raise click.UsageError("name a run: RUN_ID or --latest SCHEDULE")
    try:
        wanted = re.compile(grep or "")
    except re.error as error:
        raise click.BadParameter(str(error), param_hint="--grep") from error
    wanted_run = run_id or latest_run(root.app, latest or "")
    lines = (
        logs.follow(root.app, wanted_run, appear=timedelta(seconds=timeout))
        if follow
        else logs.read(root.app, wanted_run)
    )
    for line in lines:
        if wanted.search(line.message):
            click.echo(_as_json(line.message) if as_json else log_line(line.message))


def _as_json(message: str) -> str:
    return message if message.startswith("{") else json.dumps({"message": message})
