"""How a command shows the files that it wrote."""

from pathlib import Path

import click

from toolkit.app.init import Written


def print_written(written: Written, directory: Path = Path()) -> None:
    """One line a file: written, or kept as it was."""
    for name in written.new:
        click.echo(f"wrote  {directory / name}")
    for name in written.kept:
        click.echo(f"kept   {directory / name}")
