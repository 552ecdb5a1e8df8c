"""`toolkit adopt`."""

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.deploying import adopt
from toolkit.cli.options import json_option
from toolkit.cli.render import print_checks, print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped
from toolkit.core.deploying.adopting import Adoption


@click.command("adopt")
@click.option("--plan", is_flag=True, required=True, help="Only look; nothing is changed.")
@aws_options
@json_option
@pass_app
def adopt_command(app: App, plan: bool, as_json: bool) -> None:  # noqa: ARG001
    """Show ECS schedules that others made, and files for them.

    Lists every schedule of EventBridge Scheduler, in all groups, and every rule of EventBridge that
    runs ECS tasks in this account and region, except the app's own: next firings, cluster, task
    definition, whether its role and its dead-letter queue are right, and the schedule file that
    would fire alike.
    """
    rows = adopt.plan(app)
    if as_json:
        print_json([_json(row) for row in rows])
    elif not rows:
        click.echo("no other schedule or rule runs ECS tasks here")
    for row in [] if as_json else rows:
        _print(row)


def _print(row: Adoption) -> None:
    schedule = row.schedule
    click.secho(schedule.title, bold=True)
    definition = schedule.task_definition.rpartition("/")[2]
    click.echo(wrapped(f"runs {definition} on {schedule.cluster.rpartition('/')[2]}"))
    for firing in row.next:
        click.echo(f"  {firing.local:%a %d %b %Y %H:%M %Z}")
    print_checks(row.checks)
    click.echo(f"\n{row.file}:\n")
    click.echo("".join(f"  {line}\n" for line in row.text.splitlines()))


def _json(row: Adoption) -> dict[str, object]:
    return {
        "schedule": asdict(row.schedule),
        "next": [firing.utc for firing in row.next],
        "checks": [asdict(check) for check in row.checks],
        "file": row.file,
        "text": row.text,
    }
