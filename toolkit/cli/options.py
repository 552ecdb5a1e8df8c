"""Options that many commands share, and what they turn into."""

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from toolkit.cli import completing
from toolkit.cli.root import kept_option
from toolkit.cli.text import wrapped
from toolkit.core.deploying.executor import Executor
from toolkit.core.errors import ConfigError
from toolkit.core.time_words import is_exact, read_time, time_in_words
from toolkit.runtime.contract import ContractError, RunId

_C = TypeVar("_C", bound=Callable[..., Any])
_LONG = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


class RunIdType(click.ParamType[RunId]):
    """A run id, such as weather-20261124T050000Z."""

    name = "run-id"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The runs of the last week."""
        return [CompletionItem(name) for name in completing.run_ids(ctx, param, incomplete)]

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


class Times:
    """The one reader of the times that options name; it prints what it understood.

    A time without a zone is one of ``--timezone``, else of this machine. Without ``now`` it is
    the machine's time.
    """

    def __init__(self, now: datetime, timezone: str | None) -> None:
        from toolkit.core.expressions.zones import find_zone

        self.now = now
        self.zone: tzinfo | None = find_zone(timezone) if timezone else None

    def read(self, option: str, text: str, *, ahead: bool = False) -> datetime:
        """A moment; what counts from now counts back, or forward with ``ahead``."""
        try:
            time = read_time(text, self.now, self.zone, ahead=ahead)
        except ConfigError as error:
            raise ConfigError(f"{option}: {error.message}", hint=error.hint) from None
        if not (is_exact(text) or _is_default(option)):
            shown = f"{option} {text}: {time_in_words(time, self.zone)}"
            click.echo(wrapped(shown, err=True), err=True)
        return time

    def period(self, since: str, until: str | None) -> tuple[datetime, datetime]:
        """A period in the past, until now if ``until`` is None; a reversed one is refused."""
        begin = self.read("--since", since)
        end = self.read("--until", until) if until is not None else self.now
        check_period("--since", begin, "--until" if until is not None else "now", end)
        return begin, end


def _is_default(option: str) -> bool:
    """Whether nobody typed the option."""
    context = click.get_current_context(silent=True)
    name = option.lstrip("-").replace("-", "_")
    source = context.get_parameter_source(name) if context else None
    return source is click.core.ParameterSource.DEFAULT


def check_period(first: str, begin: datetime, last: str, end: datetime) -> None:
    """Refuse a period that ends before it begins."""
    if begin > end:
        raise ConfigError(
            f"{first} ({begin:%Y-%m-%dT%H:%M:%SZ}) is after {last} ({end:%Y-%m-%dT%H:%M:%SZ})"
        )


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
executor_option = kept_option(
    "--executor",
    type=click.Choice(Executor, case_sensitive=False),
    help="With --local: tasks as processes, or in Docker from the real image.",
)
bucket_option = kept_option(
    "--bucket",
    "kept_bucket",
    metavar="NAME",
    help="Read a deleted app from the bucket that `toolkit delete` kept.",
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask before executing.")
timezone_option = click.option(
    "--timezone", metavar="ZONE", help="The IANA zone of times.  [default: this machine's]"
)
latest_option = click.option(
    "--latest",
    multiple=True,
    metavar="SCHEDULE",
    shell_complete=completing.schedules,
    help="Its latest run; repeatable.",
)


def schedules_option(meaning: str) -> Callable[[_C], _C]:
    """``--schedule``, several times: only these."""
    return click.option(
        "--schedule",
        "schedules",
        multiple=True,
        metavar="NAME",
        shell_complete=completing.schedules,
        help=meaning,
    )
