"""`toolkit add`."""

import click

from toolkit.app import add
from toolkit.cli.options import Assignment
from toolkit.cli.project.files import print_written
from toolkit.cli.root import Root, pass_root, project_option


@click.command("add")
@click.argument("name")
@click.option("--command", help="Run this program instead of a Python function.")
@click.option(
    "--env",
    "-e",
    type=Assignment(),
    multiple=True,
    help="A setting of the program, and its default.",
)
@project_option
@pass_root
def add_command(
    root: Root, name: str, command: str | None, env: tuple[tuple[str, str], ...]
) -> None:
    """Add a workload: table, code, schedule and test.

    NAME is in lower case, with '-' between words. Files that are there already stay.

    With --command the workload is any program, e.g. --command "bin/report {scheduled_date}". Its
    words are quoted as for a shell; the program runs in the directory workloads/, where a first
    version of it is written unless it is there. A setting DAYS is a variable of the program, and
    {days} in its words.
    """
    print_written(add.add(root.project, name, command, dict(env)))
    click.echo(f"added  [workloads.{name}] to workloads/catalog.toml")
    click.echo(
        f"\nNext:\n  toolkit deploy --local --only {name}\n  toolkit run {name} --local --follow"
    )
