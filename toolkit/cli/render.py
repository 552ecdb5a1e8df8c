"""How things look on a terminal: progress on stderr, results on stdout."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click
from attrs import asdict

from toolkit.cli.hints import with_flags
from toolkit.cli.text import wrapped
from toolkit.core.checks import Check, Status
from toolkit.core.deploying.reasons import MANY, NEW, grouped
from toolkit.core.proof.ledger import State
from toolkit.core.proof.verdict import Ruling, Verdict
from toolkit.core.schedules.timing import Pause
from toolkit.core.stack import Action, ChangeSet, ResourceChange, StackEvent
from toolkit.runtime.contract import parse_time
from toolkit.runtime.documents import printable

_SIGNS = {Action.ADD: ("+", "green"), Action.REMOVE: ("-", "red")}
_STATUS = {
    Status.OK: "green",
    Status.WARN: "yellow",
    Status.UNKNOWN: "yellow",
    Status.FAIL: "red",
}
_RULING = {Ruling.PASS: "green", Ruling.FAIL: "red", Ruling.INCONCLUSIVE: "yellow"}
_STATES = {
    State.OK: "green",
    State.DUPLICATE: "green",
    State.MADE_GOOD: "green",
    State.WITNESS_EXPIRED: "green",
    State.RUNNING: "blue",
    State.SETTLING: "blue",
    State.SKIPPED: "bright_black",
    State.PAUSED: "bright_black",
}
_WIDTH = 30
_STEP = 10  # of many stacks, a line after so many


class Terminal:
    """The console of the actions; several threads may write, each whole lines."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: dict[tuple[str, str], str] = {}
        self._wanted = 0
        self._done = 0

    def say(self, text: str) -> None:
        """Lines of progress."""
        lines = [wrapped(line, err=True) for line in text.split("\n")]
        with self._lock:
            click.echo("\n".join(lines), err=True)

    def changes(self, change_sets: list[ChangeSet]) -> None:
        """What is about to change, a resource a line; replaced ones are marked."""
        with self._lock:
            self._wanted, self._done = len(change_sets), 0
            if self._wanted > MANY:
                _many(change_sets)
                change_sets = [found for found in change_sets if _replaces(found)]
            for change_set in change_sets:
                verb = "create" if change_set.kind == "CREATE" else "update"
                why = [reason for reason in change_set.reasons if reason != NEW]
                told = f": {', '.join(why)}" if why else ""
                click.secho(change_set.stack, bold=True, err=True, nl=False)
                click.echo(f" ({verb}{told})", err=True)
                for change in change_set.changes:
                    _change(change)

    def event(self, stack: str, event: StackEvent) -> None:
        """One event of a stack, with how long the resource took."""
        with self._lock:
            # By CloudFormation's own times: several events may arrive in one poll.
            began = self._started.setdefault((stack, event.logical_id), event.time)
            if event.status.endswith("_IN_PROGRESS") and not event.reason:
                return
            seconds = (parse_time(event.time) - parse_time(began)).total_seconds()
            took = f"{seconds:5.1f} s" if event.status.endswith("_COMPLETE") else " " * 7
            whole = event.logical_id == stack
            if whole and event.status.endswith("_COMPLETE"):
                self._done += 1
            if self._wanted > MANY and not _tells_of_failure(event):
                if whole and event.status.endswith("_COMPLETE"):
                    self._tally()
                return
            colour = "red" if event.failed else "green"
            colour = colour if not event.status.endswith("_IN_PROGRESS") else "yellow"
            click.echo(f"  {took}  ", nl=False, err=True)
            click.secho(f"{event.status:<18}", fg=colour, nl=False, err=True)
            what = stack if whole else f"{stack}/{event.logical_id}"
            count = f"  {self._done}/{self._wanted}" if whole and self._wanted > 1 else ""
            click.echo(f" {what}{count}", err=True)
            if event.failed and event.reason:
                click.echo(f"           {event.reason}", err=True)

    def _tally(self) -> None:
        if self._done == self._wanted or self._done % _STEP == 0:
            click.echo(f"  {self._done} of {self._wanted} done", err=True)

    def confirm(self, question: str) -> bool:
        """Ask; without a person at the terminal the answer is no."""
        if not sys.stdin.isatty():
            click.echo(f"{question} no (not a terminal; --yes says yes)", err=True)
            return False
        return click.confirm(question, err=True)


def print_json(value: Any) -> None:
    """A result as JSON on stdout."""
    click.echo(json.dumps(value, indent=2, default=str))


def pause_row(pause: Pause | None) -> dict[str, Any] | None:
    """A pause as a row of JSON has it."""
    return asdict(pause) if pause else None


def state_colour(state: State) -> str | None:
    """Red is what somebody should look at; what is still to come has no colour."""
    return "red" if state.bad else _STATES.get(state)


def print_verdict(verdict: Verdict, *, brief: bool = False) -> None:
    """A verdict as a tree; ``brief`` makes one line of a PASS, and sets the others apart."""
    click.secho(f"{verdict.ruling:<4}", fg=_RULING[verdict.ruling], bold=True, nl=False)
    click.echo(f"  {verdict.run_id}")
    if brief and verdict.ruling is Ruling.PASS:
        return
    print_checks(verdict.checks, " ")
    if verdict.diagnosis is not None:
        found = verdict.diagnosis
        click.echo()
        click.secho(wrapped(found.summary), bold=True)
        click.echo(wrapped(found.meaning))
        click.secho("hint: ", fg="yellow", nl=False)
        click.echo(wrapped(with_flags(found.hint), indent=6))
    if brief:
        click.echo()


def say_known_since(known: datetime | None, since: datetime) -> None:
    """Tell when a period begins before anything is known of the schedules."""
    if known is None or known > since:
        time = f"{known:%Y-%m-%d %H:%M}Z" if known else "now"
        text = f"when the schedules were to fire is known since {time}"
        click.echo(wrapped(text, err=True), err=True)


def say_broken_chain(problems: Iterable[str]) -> None:
    """Tell what is wrong with the seals that were read."""
    for problem in problems:
        click.secho(
            wrapped(f"the chain of seals is broken: {problem}", err=True), fg="red", err=True
        )


def log_line(message: str) -> str:
    """A line of a run's log as a person reads it: time, event, fields."""
    try:
        event = json.loads(message)
        head = f"{event.pop('time')[11:23]}Z  {event.pop('event'):<18}"
    except (ValueError, KeyError, AttributeError, TypeError):
        return message
    for name in ("seq", "run_id"):
        event.pop(name, None)
    if isinstance(event.get("stream"), str) and isinstance(event.get("line"), str):
        # What a program wrote is for people: whole, and unable to steer the terminal.
        return printable(f"{head} {event['stream']:<6}  {event['line']}").rstrip()
    trace = event.pop("traceback", None)
    fields = "  ".join(f"{name}={_short(value)}" for name, value in event.items())
    return f"{head} {fields}".rstrip() + (f"\n{trace}" if trace else "")


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A digest or an ARN says nothing to a person; --json has it whole.
    return text if len(text) <= 60 else text[:28] + "…" + text[-28:]


def _change(change: ResourceChange) -> None:
    sign, colour = _SIGNS.get(change.action, ("~", "yellow"))
    note = "  REPLACED" if change.replaces else ""
    causes = f"  ({', '.join(change.causes)})" if change.causes else ""
    if change.replacement == "Conditional":
        note = "  may be replaced"
    click.secho(f"  {sign} {change.logical_id:<{_WIDTH}}", fg=colour, nl=False, err=True)
    click.echo(f" {change.resource_type}", nl=False, err=True)
    click.secho(note, fg="red", bold=True, nl=False, err=True)
    click.echo(causes, err=True)


def _tells_of_failure(event: StackEvent) -> bool:
    return event.failed or "ROLLBACK" in event.status


def _many(change_sets: Sequence[ChangeSet]) -> None:
    """Many change sets in one screen: how many, and why each changes."""
    nouns = {change_set.noun for change_set in change_sets}
    noun = nouns.pop() if len(nouns) == 1 else "stack"
    kinds = Counter(change_set.kind.lower() for change_set in change_sets)
    told = ", ".join(f"{count} to {kind}" for kind, count in kinds.items())
    click.secho(f"{len(change_sets)} {noun}s: {told}", bold=True, err=True)
    named = {found.name or found.stack: ", ".join(found.reasons) for found in change_sets}
    for group in grouped(named):
        names = ", ".join(group.names)
        if group.rest:
            all_of_them = len(group.names) == len(named)
            names = f"all {len(named)}" if all_of_them else f"the other {len(group.names)}"
        line = wrapped(f"{group.what}: {names}", indent=2, hang="    ", err=True)
        click.echo(f"  {line}", err=True)


def _replaces(change_set: ChangeSet) -> bool:
    return any(change.replacement == "True" for change in change_set.changes)


def print_checks(checks: Sequence[Check], indent: str = "") -> None:
    """Checks as a tree, each with its hint where it is not OK."""
    width = max((len(check.name) for check in checks), default=0)
    wide = max((len(check.status) for check in checks), default=0)
    for position, check in enumerate(checks):
        last = position == len(checks) - 1
        click.echo(f"{indent}{'└─' if last else '├─'} ", nl=False)
        click.secho(f"{check.status:<{wide}}", fg=_STATUS[check.status], nl=False)
        below = indent + ("   " if last else "│  ")
        column = len(indent) + 3 + wide + 2 + width + 2
        hang = f"{below}{'│' if check.children else ' '}".ljust(column)
        detail = wrapped(check.detail, indent=column, hang=hang)
        click.echo(f"  {check.name:<{width}}  {detail}")
        if check.hint and check.status is not Status.OK:
            column = len(below) + wide + 2
            click.echo(f"{below}{'':{wide}}  ", nl=False)
            click.secho("hint: ", fg="yellow", nl=False)
            click.echo(wrapped(with_flags(check.hint), indent=column + 6, hang=below.ljust(column)))
        print_checks(check.children, below)
