"""Options that many commands share, and what they turn into."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from toolkit.app.app import App, open_app, open_offline
from toolkit.app.local import read_duration
from toolkit.cli.render import Terminal
from toolkit.core.deploying.config import Config
from toolkit.core.deploying.executor import Executor
from toolkit.runtime.contract import ContractError, RunId, parse_time

_F = TypeVar("_F", bound=Callable[..., Any])


class RunIdType(click.ParamType[RunId]):
    """A run id, such as weather-20261124T050000Z."""

    name = "run-id"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> RunId:
        """Read it, or refuse it as click does."""
        if isinstance(value, RunId):
            return value
        try:
            return RunId.parse(value)
        except ContractError as error:
            self.fail(str(error), param, ctx)


class Assignment(click.ParamType[tuple[str, str]]):
    """One K=V of an environment."""

    name = "K=V"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split it at its first '='."""
        if isinstance(value, tuple):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        return name, text


def aws_options(command: _F) -> _F:
    """--local, --config-env and --project."""
    for option in (
        click.option(
            "--project",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            default=Path(),
            envvar="TOOLKIT_PROJECT",
            help="The project's directory (the nearest one with a toolkit.toml).",
        ),
        click.option(
            "--config-env",
            metavar="NAME",
            envvar="TOOLKIT_CONFIG_ENV",
            help="The environment of toolkit.toml to use.",
        ),
        click.option(
            "--local",
            is_flag=True,
            envvar="TOOLKIT_LOCAL",
            help="Use the embedded AWS; it is started on demand.",
        ),
    ):
        command = option(command)
    return command


def moment(text: str, now: datetime) -> datetime:
    """A time that an option names: ``7d`` ago, or an ISO 8601 time with its zone."""
    if text[:1].isdigit() and text[-1:] in "smhdw":
        return now - read_duration(text)
    return parse_time(text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
executor_option = click.option(
    "--executor",
    type=click.Choice(Executor, case_sensitive=False),
    help="With --local: tasks as processes, or in Docker from the real image.",
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask before executing.")


def opened(
    project: Path, config_env: str | None, local: bool, executor: Executor | None = None
) -> App:
    """The app that the shared options name."""
    return open_app(project, Terminal(), environment=config_env, local=local, executor=executor)


def clock_only(
    project: Path,
    config_env: str | None,
    local: bool,
) -> tuple[Any, Config, datetime]:
    """The project, its config and the time, for what asks nothing of AWS.

    With --local the time is the embedded AWS's, so that it is started on demand.
    """
    if local:
        app = opened(project, config_env, local)
        return app.project, app.config, app.now()
    return *open_offline(project, environment=config_env, local=local), datetime.now(UTC)
