"""`toolkit audit`."""

import click

from toolkit.app.app import App
from toolkit.audit.audit import Audit, AuditOptions, audit
from toolkit.cli.options import Times, json_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped
from toolkit.core.changes.message import subject
from toolkit.core.names import AUDIT


@click.command("audit")
@aws_options
@json_option
@click.option("--dry-run", is_flag=True, help="Look and print; write and send nothing.")
@click.option("--since", metavar="TIME", help="From then on (where the last audit ended).")
@pass_app
def audit_command(app: App, as_json: bool, dry_run: bool, since: str | None) -> int:
    """Look at all runs since the last audit, and send what changed.

    It also seals days that are final, except where a key signs seals: the scheduled audit does.
    Exit code 1 if a schedule is in trouble, 4 if something could not be looked at or sent.
    """
    begin = Times(app.now(), None).period(since, None)[0] if since else None
    options = AuditOptions(begin, dry_run, app.config.flags, seals=not _signs(app))
    found = audit(app, options)
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)
    if found.problems:
        return 4
    return 1 if found.troubles else 0


def _signs(app: App) -> bool:
    """Whether seals are signed, which the role of the scheduled audit alone can do."""
    stack = app.stacks.all.get(app.names.workload_stack(AUDIT))
    return stack is not None and bool(stack.outputs.get("SigningKeyArn"))


def _print(found: Audit) -> None:
    told = "to be sent" if found.options.dry_run else "sent"
    for change in found.changes:
        colour = "red" if change.state.bad else "green"
        click.secho(subject(change), fg=colour)
        for text in filter(None, (change.detail, change.cause)):
            click.echo(wrapped(f"  {text}", hang="  "))
    for change in found.resent:
        click.echo(f"{subject(change)} (an audit before had left it)")
    for name, run_id in sorted(found.troubles.items()):
        if name not in {change.schedule for change in found.changes}:
            click.echo(f"still in trouble: {name}, since {run_id}")
    for problem in found.problems:
        click.secho(wrapped(problem, hang="  "), fg="yellow", err=True)
    firings = _count(len(found.seen), "firing")
    changes = _count(len(found.changes), "change")
    line = f"{firings} since {found.since:%Y-%m-%d %H:%M} UTC, {changes} {told}"
    click.echo(wrapped(line, hang="  "))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
