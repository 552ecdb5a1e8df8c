"""What `toolkit ledger --why` adds: the causes of missed firings."""

from collections import deque
from collections.abc import Iterable, Iterator

import click

from toolkit.app.app import App
from toolkit.app.proof import causes, ledger
from toolkit.app.proof.causes import Causes
from toolkit.cli.text import wrapped
from toolkit.core.proof.ledger import Firing, State
from toolkit.runtime.contract import RunId

_MOST = 500


class MissedFirings:
    """The missed firings of a ledger, noted while they pass by; the latest 500 are asked for."""

    def __init__(self) -> None:
        self._run_ids: deque[RunId] = deque(maxlen=_MOST)
        self._total = 0

    def through(self, rows: Iterable[Firing]) -> Iterator[Firing]:
        """The same firings."""
        for row in rows:
            if row.state is State.MISSED:
                self._total += 1
                self._run_ids.append(row.run_id)
            yield row

    def causes(self, app: App, found: ledger.Ledger) -> Causes:
        """Their causes, once all firings were taken."""
        answer = causes.read(app, tuple(self._run_ids), found.known)
        if self._total > _MOST:
            left = self._total - _MOST
            answer.notes.append(f"{left:,} older ones were not asked for: use --since and --until")
        return answer


def print_causes(answer: Causes) -> None:
    """Print a paragraph for each cause."""
    for run_id, cause in sorted(answer.found.items(), key=lambda row: row[0].scheduled_time):
        click.echo()
        click.secho(str(run_id), bold=True)
        click.echo(f"  {wrapped(cause.summary, indent=2, hang='  ')}")


def say_notes(answer: Causes) -> None:
    """Say on stderr what could not be asked."""
    for note in answer.notes:
        click.secho(wrapped(note, err=True), fg="yellow", err=True)


def say_disabled(app: App, found: ledger.Ledger, *, why: bool) -> None:
    """Say on stderr which schedules somebody disabled, so that they owe nothing; and who did."""
    for text in causes.disabled(app, found.known, found.names, why=why):
        click.secho(wrapped(text, err=True), fg="yellow", err=True)
