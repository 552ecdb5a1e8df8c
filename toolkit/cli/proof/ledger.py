"""`toolkit ledger`."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from attrs import define

from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.causes import Causes
from toolkit.cli.options import Times, bucket_option, json_option, schedules_option, timezone_option
from toolkit.cli.proof.why import MissedFirings, print_causes, say_disabled, say_notes
from toolkit.cli.render import say_broken_chain, say_known_since, state_colour
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped
from toolkit.core.names import AUDIT
from toolkit.core.pages.calendar import AHEAD, CalendarPage, end_of_week
from toolkit.core.pages.origin import Origin
from toolkit.core.proof.ledger import Firing, State, Summary

_SHOWN = 200


@click.command("ledger")
@aws_options
@bucket_option
@json_option
@click.option(
    "--since",
    default="7d",
    show_default=True,
    metavar="TIME",
    help="Only firings from this time on.",
)
@click.option("--until", metavar="TIME", help="Only firings until this time.  [default: now]")
@timezone_option
@schedules_option("Only this one.")
@click.option("--all", "everything", is_flag=True, help=f"Print more than {_SHOWN} good firings.")
@click.option("--why", is_flag=True, help="Ask CloudTrail why firings were missed.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a calendar, as one HTML file.",
)
@pass_app
def ledger_command(
    app: App,
    as_json: bool,
    since: str,
    until: str | None,
    timezone: str | None,
    schedules: tuple[str, ...],
    everything: bool,
    why: bool,
    html: Path | None,
) -> int:
    """Show what became of every expected firing.

    Good firings of the audit are only counted, unless you ask for its schedule.
    Exit code 1 if any was missed, failed, interrupted, timed out, dead-lettered or left nothing.
    """
    begin, end = Times(app.now(), timezone).period(since, until)
    period = ledger.Period(begin, end, schedules, ahead=until is None)
    found = ledger.read(app, period)
    summary, calendar = Summary(), _calendar(app, found, begin) if html else None
    missed = MissedFirings()
    rows = _noted(missed.through(summary.through(found.firings)), calendar)
    answer = (lambda: missed.causes(app, found)) if why else Causes
    causes = (
        _print_json(rows, summary, answer)
        if as_json
        else _print_all(
            rows, summary, found.names, answer, _Shown(everything, audit=AUDIT in schedules)
        )
    )
    say_notes(causes)
    say_disabled(app, found, why=why)
    say_known_since(found.known_since, period.since)
    say_broken_chain(found.problems)
    if html is not None and calendar is not None:
        _add_coming(calendar, found, app.now(), end if until else None)
        _write(app, html, calendar, summary)
    return 1 if summary.bad or found.problems else 0


def _calendar(app: App, found: ledger.Ledger, since: datetime) -> CalendarPage:
    return CalendarPage(since, Origin(*app.account_and_region), found.known_since)


def _noted(rows: Iterator[Firing], calendar: CalendarPage | None) -> Iterator[Firing]:
    for row in rows:
        if calendar is not None and row.state is not State.NOT_YET_DUE:
            calendar.add(row)
        yield row


def _print_all(
    rows: Iterator[Firing],
    summary: Summary,
    names: Sequence[str],
    answer: Callable[[], Causes],
    shown: "_Shown",
) -> Causes:
    _print_rows(rows, summary, names, shown)
    causes = answer()
    print_causes(causes)
    return causes


@define
class _Shown:
    """Which firings are printed: all bad ones, and of the good ones so many that one can read."""

    everything: bool
    audit: bool
    printed: int = 0
    left: int = 0
    audits: int = 0

    def takes(self, row: Firing) -> bool:
        """Whether to print it; it is counted in any case."""
        if not row.state.bad and not self.everything:
            if row.run_id.schedule == AUDIT and not self.audit:
                self.audits += 1
                return False
            if self.printed >= _SHOWN:
                self.left += 1
                return False
        self.printed += 1
        return True


def _print_rows(
    rows: Iterator[Firing], summary: Summary, names: Sequence[str], shown: _Shown
) -> None:
    width = max((len(name) for name in names), default=0)
    for row in rows:
        if shown.takes(row):
            _print_row(row, width)
    if shown.left:
        click.echo(f"… {shown.left:,} more good firings are left out (--all)")
    if shown.audits:
        click.echo(f"… {shown.audits:,} good firings of the audit are left out (--all)")
    if summary.total:
        click.echo()
    width = max((len(name) for name in summary.by_schedule), default=0)
    for name, counts in sorted(summary.by_schedule.items()):
        words = ", ".join(f"{counts[state]:,} {state}" for state in State if counts[state])
        click.echo(f"{name:<{width}}  {words}")
    click.secho(str(summary), bold=True)


def _print_row(row: Firing, width: int) -> None:
    head = f"{row.run_id.scheduled_time:%Y-%m-%d %H:%M:%S}Z  {row.run_id.schedule:<{width}}  "
    note = row.detail if row.expected else f"{row.detail} (not expected)".strip()
    click.echo(head, nl=False)
    click.secho(
        str(row.state) if not note else f"{row.state:<13}", fg=state_colour(row.state), nl=False
    )
    column = len(head) + max(len(row.state), 13) + 2
    click.echo(f"  {wrapped(note, indent=column, hang=' ' * len(head))}" if note else "")


def _print_json(rows: Iterator[Firing], summary: Summary, answer: Callable[[], Causes]) -> Causes:
    """Written as it is read: a million firings need no more memory than one."""
    click.echo('{"firings": [', nl=False)
    for number, row in enumerate(rows):
        click.echo(",\n " if number else "\n ", nl=False)
        click.echo(json.dumps(_row(row)), nl=False)
    counts = {str(state): summary.total[state] for state in State if summary.total[state]}
    causes = answer()
    told = json.dumps([cause.row() for cause in causes.found.values()])
    tail = f'"summary": {json.dumps(counts)}, "bad": {summary.bad}, "causes": {told}'
    click.echo(f"\n],\n{tail}}}")
    return causes


def _row(row: Firing) -> dict[str, Any]:
    return {
        "run_id": str(row.run_id),
        "schedule": row.run_id.schedule,
        "scheduled_time": row.run_id.scheduled_time.isoformat(),
        "state": row.state,
        "detail": row.detail,
        "expected": row.expected,
    }


def _add_coming(
    calendar: CalendarPage, found: ledger.Ledger, now: datetime, until: datetime | None
) -> None:
    """Add the firings to come: up to the end that was asked for, or of two weeks.

    The week in which these end is shown whole, so that no day lacks its firings.
    """
    for firing in found.coming(now, until or end_of_week(now + AHEAD)):
        calendar.add(firing)


def _write(app: App, path: Path, calendar: CalendarPage, summary: Summary) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    links = {
        report.parent.name: report.relative_to(path.parent).as_posix()
        for report in path.parent.glob("**/report.html")
    }
    path.write_text(calendar.page(app.name, app.now(), summary, links), "utf-8")
    click.echo(str(path), err=True)
