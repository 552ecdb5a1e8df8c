"""Options that many commands share, and what they turn into."""

from datetime import datetime
from typing import Any

import click

from toolkit.app.local import read_duration
from toolkit.cli.root import kept_option
from toolkit.core.deploying.executor import Executor
from toolkit.runtime.contract import ContractError, RunId, parse_time


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


def moment(text: str, now: datetime) -> datetime:
    """A time that an option names: ``7d`` ago, or an ISO 8601 time with its zone."""
    if text[:1].isdigit() and text[-1:] in "smhdw":
        return now - read_duration(text)
    return parse_time(text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
executor_option = kept_option(
    "--executor",
    type=click.Choice(Executor, case_sensitive=False),
    help="With --local: tasks as processes, or in Docker from the real image.",
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask before executing.")
