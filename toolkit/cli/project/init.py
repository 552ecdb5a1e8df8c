"""`toolkit init`."""

import os
import sys
from pathlib import Path

import click

from toolkit.app import init as project
from toolkit.cli.project.files import print_written
from toolkit.core.errors import ConfigError


@click.command("init")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--app", help="The app's name; all its stacks begin with it.")
@click.option("--region", help="The AWS region to deploy to.")
@click.option("--eject", is_flag=True, help="Copy templates and image files, to change them.")
def init_command(directory: Path, app: str | None, region: str | None, eject: bool) -> None:
    """Make a project that deploys.

    Asks for what no option gives. Files that are there already are never overwritten. With --eject
    the CloudFormation templates and the image's files, which otherwise come from the installed
    toolkit, are copied into the project.
    """
    existed = project.is_project(directory)
    if not (existed and eject):
        written = project.init(
            directory,
            app or _asked("--app", "Name of the app", project.suggested_name(directory)),
            region or _asked("--region", "AWS region", _region_of_environment()),
        )
        print_written(written, directory)
    if eject:
        print_written(project.eject(directory), directory)
    if not existed:
        click.echo("\nNext:")
        if directory != Path():
            click.echo(f"  cd {directory}")
        click.echo("  toolkit deploy --local --yes\n  toolkit run hello --local --follow")


def _region_of_environment() -> str | None:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def _asked(option: str, question: str, default: str | None) -> str:
    """What a person answers; where nobody sits, the default."""
    if sys.stdin.isatty():
        return str(click.prompt(question, default=default, err=True))
    if default is None:
        raise ConfigError(f"{option} is missing", hint=f"toolkit init {option} eu-central-1")
    return default
