"""`toolkit diagnose`."""

from typing import BinaryIO

import click

from toolkit.cli.options import json_option
from toolkit.cli.render import print_json
from toolkit.cli.text import plain, wrapped
from toolkit.core.proof.pasted import PastedFinding, decoded, findings


@click.command("diagnose")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--log", type=click.File("rb"), help="The task's log, if its reason says nothing.")
@json_option
def diagnose_command(file: BinaryIO, log: BinaryIO | None, as_json: bool) -> None:
    """Say why a task stopped, from what AWS said.

    FILE, or stdin, holds the output of aws ecs describe-tasks, a state-change event, a dead letter,
    RunTask's failures (also lists and JSON lines of them), or a bare sentence. No project and no
    AWS account is needed.
    """
    lines = decoded(log.read()).splitlines() if log is not None else []
    found = findings(file.read(), lines)
    if as_json:
        rows = [row.to_json() for row in found]
        print_json(rows if len(rows) > 1 else rows[0])
        return
    for number, row in enumerate(found):
        if number:
            click.echo()
        _print(row)


def _print(row: PastedFinding) -> None:
    if row.what:
        click.echo(plain(row.what))
    if row.reason:
        click.echo(wrapped(plain(row.reason)))
    found = row.diagnosis
    if found is None:
        click.secho("it ended well", fg="green", bold=True)
        return
    click.secho(f"{found.name}: ", bold=True, nl=False)
    click.secho(wrapped(found.summary, indent=len(found.name) + 2, hang=""), bold=True)
    click.echo(wrapped(found.meaning))
    click.secho("hint: ", fg="yellow", nl=False)
    click.echo(wrapped(found.hint, indent=6))
