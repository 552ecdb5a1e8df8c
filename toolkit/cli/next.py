"""`toolkit next`."""

import sys
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import click

from toolkit.cli.render import print_json
from toolkit.core.expression import ExpressionError, parse
from workloads.contract import ContractError, parse_time


@click.command("next")
@click.argument("expression", metavar="EXPR")
@click.option("--timezone", default="UTC", show_default=True, help="An IANA zone.")
@click.option("--after", metavar="ISO", help="Strictly after this time (now).")
@click.option("--until", metavar="ISO", help="At or before this time.")
@click.option("--count", "-n", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="Print ISO strings in UTC.")
def next_command(
    expression: str, timezone: str, after: str | None, until: str | None, count: int, as_json: bool
) -> int:
    """Print the next firings of an expression; '-' reads one a line from standard input.

    It needs neither a project nor AWS.
    """
    start = _time("--after", after) or datetime.now(UTC)
    end = _time("--until", until)
    texts = [expression] if expression != "-" else sys.stdin.read().splitlines()
    failed = False
    found: list[list[str]] = []
    for text in filter(None, map(str.strip, texts)):
        try:
            parsed = parse(text)
            times = list(islice(parsed.firings(start, timezone, end), count))
        except ExpressionError as error:
            if expression != "-":
                raise
            failed = True
            click.echo(f"error: {error.message}", err=True)
            continue
        found.append([_iso(time) for time in times])
        if not as_json:
            _print(text, parsed.describe(), (*parsed.warnings, *parsed.check(timezone)))
            _firings(times, timezone)
    if as_json:
        print_json(found[0] if expression != "-" and found else found)
    return 2 if failed else 0


def _time(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ContractError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _print(text: str, words: str, warnings: tuple[str, ...]) -> None:
    click.secho(text, bold=True)
    click.echo(f"  {words}")
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def _firings(times: list[datetime], timezone: str) -> None:
    zone = ZoneInfo(timezone)
    for time in times:
        local = time.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z")
        click.echo(f"  {local:<26}  {_iso(time)}")
    if not times:
        click.echo("  no firing")


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
