"""`toolkit completion`."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_TOOLKIT_COMPLETE"
_INSTALL = {
    "bash": ("~/.bashrc", 'eval "$(toolkit completion bash)"'),
    "zsh": ("~/.zshrc", 'eval "$(toolkit completion zsh)"'),
    "fish": ("~/.config/fish/completions/toolkit.fish", "toolkit completion fish | source"),
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_INSTALL)), required=False)
@click.pass_context
def completion_command(ctx: click.Context, shell: str | None) -> None:
    """Print what completes commands in your shell.

    Without SHELL, print the line that installs it. It completes commands and options, and the
    names of schedules, workloads, environments, faults and recent runs.
    """
    if shell is None:
        mine = Path(os.environ.get("SHELL", "bash")).name
        file, line = _INSTALL.get(mine, _INSTALL["bash"])
        click.echo(f"# add this line to {file}")
        click.echo(line)
        return
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(ctx.find_root().command, {}, "toolkit", _VARIABLE).source())
