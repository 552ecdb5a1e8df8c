"""The command line: parse, call one action, print.

stdout carries results, stderr carries progress and errors. Exit codes: 0 done or PASS, 1 FAIL,
2 usage or configuration, 3 another error of the toolkit, 4 INCONCLUSIVE.
"""

import importlib
import signal
import sys

import click

from toolkit.cli.text import wrapped
from toolkit.core.errors import ToolkitError
from toolkit.runtime.contract import ContractError

# Command → the module that holds it. Modules are imported when asked for, so that
# `toolkit --version` does not pay for what it does not use.
_COMMANDS = {
    "cost": "proof.cost",
    "delete": "deploying.delete",
    "deploy": "deploying.deploy",
    "doctor": "deploying.doctor",
    "evidence": "proof.evidence",
    "image": "deploying.image",
    "ledger": "proof.ledger",
    "local": "local",
    "logs": "proof.logs",
    "next": "schedules.next",
    "package": "deploying.package",
    "run": "schedules.run",
    "runs": "proof.runs",
    "schedule": "schedules.schedule",
    "schedules": "schedules.schedules",
    "status": "proof.status",
    "validate": "proof.validate",
}


class _Commands(click.Group):
    """A group that imports a command when it is needed, and prints the toolkit's errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"toolkit.cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_") + "_command")
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fargate-toolkit", prog_name="toolkit")
def cli() -> None:
    """Scheduled, bounded runs on AWS Fargate that prove they happened.

    Every command works without an AWS account: add --local for the embedded AWS.
    """


def main() -> None:
    """The `toolkit` console script."""
    # A reader that goes away (`toolkit logs … | head`) ends the command, it is no error.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("aborted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ContractError as error:
        sys.exit(_fail(str(error), None, 2))
    except ToolkitError as error:
        sys.exit(_fail(error.message, error.hint, error.exit_code))
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, hint: str | None, code: int) -> int:
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(wrapped(message, indent=7, hang="", err=True), err=True)
    if hint:
        click.secho("hint: ", fg="yellow", nl=False, err=True)
        click.echo(wrapped(hint, indent=6, hang="", err=True), err=True)
    return code
