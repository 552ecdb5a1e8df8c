"""`toolkit add`."""

import click

from toolkit.app import add
from toolkit.cli.project.files import print_written
from toolkit.cli.root import Root, pass_root, project_option


@click.command("add")
@click.argument("name")
@project_option
@pass_root
def add_command(root: Root, name: str) -> None:
    """Add a workload: table, module, schedule and test.

    NAME is in lower case, with '-' between words. Files that are there already stay.
    """
    print_written(add.add(root.project, name))
    click.echo(
        f"\nNext:\n  toolkit deploy --local --only {name}\n  toolkit run {name} --local --follow"
    )
