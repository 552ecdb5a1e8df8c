"""`toolkit next`."""

import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import click

from toolkit.cli.options import Times, check_period
from toolkit.cli.schedules.firings import firing_line
from toolkit.cli.text import wrapped
from toolkit.core.expressions.expression import ExpressionError, parse
from toolkit.core.expressions.zones import find_zone
from toolkit.core.schedules.firings import Timetable, clock_effects, localize

_EFFECTS = 4  # a schedule of every minute has sixty in the hour that comes twice


@click.command("next")
@click.argument("expression", metavar="EXPR")
@click.option("--timezone", help="An IANA zone.  [default: UTC]")
@click.option("--after", metavar="TIME", help="Strictly after this time.  [default: now]")
@click.option("--until", metavar="TIME", help="At or before this time.")
@click.option(
    "--count",
    "-n",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many firings at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of ISO strings in UTC.")
def next_command(
    expression: str,
    timezone: str | None,
    after: str | None,
    until: str | None,
    count: int,
    as_json: bool,
) -> int:
    """Print the next firings of an expression.

    '-' reads one a line from standard input. It needs neither a project nor AWS. With '-' and
    --json each line read makes one line, in the same order; it is null for an expression that is
    refused. The exit code is 2 if any was.
    """
    find_zone(timezone or "UTC")
    times = Times(datetime.now(UTC), timezone)
    start = times.read("--after", after, ahead=True) if after else times.now
    end = times.read("--until", until, ahead=True) if until else None
    if end is not None:
        check_period("--after" if after else "now", start, "--until", end)
    if expression != "-":
        _answer(expression, timezone, start, end, count, as_json=as_json)
        return 0
    refused = False
    for number, text in _lines():
        try:
            _answer(text, timezone, start, end, count, as_json=as_json, where=f"line {number}: ")
        except ExpressionError as error:
            refused = True
            click.echo(f"error: line {number}: {error}", err=True)
            if as_json:
                click.echo("null")
    return 2 if refused else 0


def _lines() -> Iterator[tuple[int, str]]:
    """The lines of standard input that are not empty, with their numbers."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    for number, line in enumerate(sys.stdin, start=1):
        if text := line.rstrip("\r\n"):
            yield number, text


def _answer(
    text: str,
    timezone: str | None,
    after: datetime,
    until: datetime | None,
    count: int,
    *,
    as_json: bool,
    where: str = "",
) -> None:
    timetable = Timetable(parse(text), timezone)
    warnings = timetable.warnings(after)
    times = list(islice(timetable.firings(after, until), count))
    if not as_json:
        click.secho(text, bold=True)
        click.echo(f"  {timetable.expression.describe()}")
    for warning in warnings:
        click.echo(wrapped(f"warning: {where}{warning}", hang="  ", err=True), err=True)
    if as_json:
        click.echo(json.dumps([time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in times]))
    else:
        _show(timetable, times, after, until if len(times) < count else times[-1])


def _show(
    timetable: Timetable, times: list[datetime], after: datetime, until: datetime | None
) -> None:
    for firing in localize(times, timetable.zone):
        click.echo(f"  {firing_line(firing)}")
    if not times:
        click.echo("  no firing")
    if until is not None:
        for effect in islice(clock_effects(timetable, after, until), _EFFECTS):
            click.echo(f"  {effect}")
