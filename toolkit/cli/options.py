"""Options that many commands share, and what they turn into."""

import re
from datetime import datetime
from typing import Any

import click

from toolkit.app.local import read_duration
from toolkit.cli.root import kept_option
from toolkit.core.deploying.executor import Executor
from toolkit.runtime.contract import ContractError, RunId, parse_time

_LONG = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


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
            return RunId.parse(_compact(value))
        except ContractError as error:
            self.fail(str(error), param, ctx)


def _compact(text: str) -> str:
    """A run id as notifications have it, with a time as AWS writes it, in its usual form.

    >>> _compact("weather-2026-11-24T05:00:00Z")
    'weather-20261124T050000Z'
    """
    return _LONG.sub(lambda match: match[0].replace("-", "").replace(":", ""), text)


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
