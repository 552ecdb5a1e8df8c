"""`toolkit delete`."""

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.deploying.delete import delete
from toolkit.cli.options import json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app


@click.command("delete")
@aws_options
@yes_option
@json_option
@click.option("--data", is_flag=True, help="Delete the bucket with the evidence, too.")
@pass_app
def delete_command(app: App, yes: bool, as_json: bool, data: bool) -> int:
    """Delete the app's stacks: schedules, workloads, platform.

    Only stacks with the app's tag are touched. The bucket stays, unless --data is given.
    """
    done = delete(app, yes=yes, data=data)
    if as_json:
        print_json(asdict(done))
    else:
        for name in done.stacks:
            click.echo(f"{name}  deleted")
        if done.bucket:
            click.echo(f"s3://{done.bucket}  kept: it holds the evidence")
    return 1 if done.declined else 0
