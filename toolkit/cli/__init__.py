"""The command line: parse, call one action, print.

stdout carries results, stderr carries progress and errors. Exit codes: 0 done or PASS, 1 FAIL,
2 usage or configuration, 3 another error of the toolkit, 4 INCONCLUSIVE.
"""

import os
import signal
import sys
from typing import NoReturn

import click

from toolkit.cli.commands import COMMANDS, load, sections
from toolkit.cli.groups import SuggestingGroup
from toolkit.cli.hints import with_flags
from toolkit.cli.root import Root, aws_options
from toolkit.cli.text import net


class _Commands(SuggestingGroup):
    """A group that imports a command when it is needed, and none for the list of commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for names in sections().values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for title, names in sections().items():
            with formatter.section(title):
                formatter.write_dl([(f"{n:<{width}}", COMMANDS[n].summary) for n in names])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fargate-toolkit", prog_name="toolkit")
@aws_options
def cli() -> None:
    """Scheduled, bounded runs on AWS Fargate that prove they happened.

    Every command works without an AWS account: add --local for the embedded AWS. These options
    may stand before the command or behind it.
    """


def main() -> None:
    """The `toolkit` console script."""
    # A reader that goes away (`toolkit logs … | head`) ends the command, it is no error.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.stdout, sys.stderr = (net(stream) for stream in (sys.stdout, sys.stderr))
    root = Root()
    try:
        code = cli.main(obj=root, standalone_mode=False, color=_colour())
    except click.exceptions.Abort:
        click.echo("aborted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and has an exit code
        _fail(error, root)
    sys.exit(code if isinstance(code, int) else 0)


def _colour() -> bool | None:
    """False where nobody wants colours (no-color.org), None to let the terminal decide."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def _fail(error: Exception, root: Root) -> NoReturn:
    """Print an error in a line and exit; one that nobody expected is a bug, with exit code 3."""
    # Here, because a command that succeeds needs none of it.
    from toolkit.core.errors import ToolkitError
    from toolkit.runtime.contract import ContractError

    if isinstance(error, ToolkitError):
        hint = with_flags(error.hint, root.flags()) if error.hint else None
        sys.exit(_print_error(error.message, hint, error.exit_code))
    if isinstance(error, ContractError):
        sys.exit(_print_error(str(error), None, 2))
    if root.debug:
        import traceback

        traceback.print_exception(error)
    words = " ".join(str(error).split())
    message = f"unexpected {type(error).__name__}" + (f": {words}" if words else "")
    hint = (
        None if root.debug else "run it again with `toolkit --debug …` to see where it comes from"
    )
    sys.exit(_print_error(message, hint, ToolkitError.exit_code))


def _print_error(message: str, hint: str | None, code: int) -> int:
    from toolkit.cli.text import wrapped

    colour = _colour()
    click.secho("error: ", fg="red", bold=True, nl=False, err=True, color=colour)
    click.echo(wrapped(message, indent=7, hang="", err=True), err=True)
    if hint:
        click.secho("hint: ", fg="yellow", nl=False, err=True, color=colour)
        click.echo(wrapped(hint, indent=6, hang="", err=True), err=True)
    return code
