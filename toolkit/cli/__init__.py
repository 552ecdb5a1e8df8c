"""The command line: parse, call one action, print.

stdout carries results, stderr carries progress and errors. Exit codes: 0 done or PASS, 1 FAIL,
2 usage or configuration, 3 another error of the toolkit, 4 INCONCLUSIVE.
"""

import importlib
import signal
import sys
from typing import NoReturn

import click

from toolkit.cli.commands import COMMANDS
from toolkit.cli.root import Root, aws_options


class _Commands(click.Group):
    """A group that imports a command when it is needed, and none for the list of commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"toolkit.cli.{COMMANDS[cmd_name].module}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_") + "_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, COMMANDS[name].summary) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


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
    root = Root()
    try:
        code = cli.main(obj=root, standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("aborted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and has an exit code
        _fail(error, debug=root.debug)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(error: Exception, *, debug: bool) -> NoReturn:
    """Print an error in a line and exit; one that nobody expected is a bug, with exit code 3."""
    # Here, because a command that succeeds needs none of it.
    from toolkit.core.errors import ToolkitError
    from toolkit.runtime.contract import ContractError

    if isinstance(error, ToolkitError):
        sys.exit(_print_error(error.message, error.hint, error.exit_code))
    if isinstance(error, ContractError):
        sys.exit(_print_error(str(error), None, 2))
    if debug:
        import traceback

        traceback.print_exception(error)
    words = " ".join(str(error).split())
    message = f"unexpected {type(error).__name__}" + (f": {words}" if words else "")
    hint = None if debug else "run it again with `toolkit --debug …` to see where it comes from"
    sys.exit(_print_error(message, hint, ToolkitError.exit_code))


def _print_error(message: str, hint: str | None, code: int) -> int:
    from toolkit.cli.text import wrapped

    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(wrapped(message, indent=7, hang="", err=True), err=True)
    if hint:
        click.secho("hint: ", fg="yellow", nl=False, err=True)
        click.echo(wrapped(hint, indent=6, hang="", err=True), err=True)
    return code
