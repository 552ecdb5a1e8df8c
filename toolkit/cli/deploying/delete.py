"""`toolkit delete`."""

from pathlib import Path

import click
from attrs import asdict

from toolkit.app.deploying.delete import delete
from toolkit.cli.options import aws_options, json_option, opened, yes_option
from toolkit.cli.render import print_json


@click.command("delete")
@aws_options
@yes_option
@json_option
@click.option("--data", is_flag=True, help="Delete the bucket with the evidence, too.")
def delete_command(
    project: Path, config_env: str | None, local: bool, yes: bool, as_json: bool, data: bool
) -> int:
    """Delete the app's stacks: schedules, workloads, platform.

    Only stacks with the app's tag are touched. The bucket stays, unless --data is given.
    """
    app = opened(project, config_env, local)
    done = delete(app, yes=yes, data=data)
    if as_json:
        print_json(asdict(done))
    else:
        for name in done.stacks:
            click.echo(f"{name}  deleted")
        if done.bucket:
            click.echo(f"s3://{done.bucket}  kept: it holds the evidence")
    return 1 if done.declined else 0
