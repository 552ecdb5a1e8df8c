"""`toolkit doctor`."""

from collections.abc import Iterable

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.deploying.doctor import doctor
from toolkit.cli.options import json_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.core.deploying.doctor import Finding, Grade, worst

_COLOURS = {Grade.OK: "green", Grade.WARN: "yellow", Grade.NG: "red"}


@click.command("doctor")
@aws_options
@json_option
@pass_app
def doctor_command(app: App, as_json: bool) -> int:
    """Check everything a run needs before it fires.

    NG is wrong, WARN may go wrong or could not be found out. Exit code 1 if anything is NG.
    """
    findings = doctor(app)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _tree(findings, "")
    return 1 if worst(findings) is Grade.NG else 0


def _tree(findings: Iterable[Finding], indent: str) -> None:
    rows = list(findings)
    width = max((len(row.name) for row in rows), default=0)
    for position, row in enumerate(rows):
        last = position == len(rows) - 1
        click.echo(f"{indent}{'└─' if last else '├─'} ", nl=False)
        click.secho(f"{row.grade:<4}", fg=_COLOURS[row.grade], nl=False)
        click.echo(f"  {row.name:<{width}}  {row.detail}")
        inner = indent + ("   " if last else "│  ")
        if row.hint and row.grade is not Grade.OK:
            click.echo(f"{inner}      ", nl=False)
            click.secho("hint: ", fg="yellow", nl=False)
            click.echo(row.hint)
        _tree(row.children, inner)
