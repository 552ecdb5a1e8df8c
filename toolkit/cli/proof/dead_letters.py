"""`toolkit dead-letters`."""

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.proof import dead_letters
from toolkit.cli.options import json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app


@click.command("dead-letters")
@aws_options
@json_option
@yes_option
@click.option("--empty", is_flag=True, help="Take them out of the queue; they stay in the bucket.")
@pass_app
def dead_letters_command(app: App, as_json: bool, yes: bool, empty: bool) -> int:
    """List the launches that failed and are still in the queue.

    The alarm rings until the queue is empty.
    """
    letters = dead_letters.queued(app)
    if as_json:
        print_json([asdict(letter) for letter in letters])
    else:
        for letter in letters:
            click.secho(str(letter.run_id or letter.schedule), bold=True, nl=False)
            click.echo(f"  {letter.error_code}: {letter.error_message}")
        click.echo(f"{len(letters)} in the queue", err=True)
    if not (empty and letters):
        return 0
    if not yes and not app.console.confirm(f"Take {len(letters)} out of the queue {app.place}?"):
        return 1
    count = dead_letters.empty(app, letters)
    click.echo(f"{count} taken out of the queue; they stay in the bucket", err=True)
    return 0
