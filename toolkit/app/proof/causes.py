"""Causes of missed firings: those that were kept, and CloudTrail's answer for the others."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from attrs import field, frozen

from toolkit.adapters.aws.event_history import EventHistory
from toolkit.app.app import App
from toolkit.core.causes.api_event import ApiEvent
from toolkit.core.causes.missed import (
    CHANGES,
    LAUNCH,
    REMEMBERED,
    Cause,
    Missed,
    Place,
    cause_of,
    disabled_by,
)
from toolkit.core.errors import EvidenceError, ToolkitError
from toolkit.core.proof.case import LAUNCH_WINDOW_SECONDS
from toolkit.core.schedules.history import History
from toolkit.runtime.contract import RunId
from toolkit.runtime.layout import cause_key

# Of 50 events each: about half a minute at the two calls a second that CloudTrail allows.
CALLS = 60
_CALLS_EACH = 10
_TICK = timedelta(seconds=1)
_AROUND = timedelta(seconds=30)


@frozen
class Causes:
    """The causes by run, and in words why there is none for the other runs."""

    found: dict[RunId, Cause] = field(factory=dict)
    notes: list[str] = field(factory=list)


def read(
    app: App, run_ids: Sequence[RunId], known: History, history: EventHistory | None = None
) -> Causes:
    """Why some firings were missed.

    An answer is kept as ``causes/<run-id>.json`` and not asked for again. What cannot be asked or
    kept is told in ``notes``.
    """
    causes = kept(app, run_ids)
    missed = [_missed(run_id, known) for run_id in run_ids if run_id not in causes.found]
    if not missed:
        return causes
    if app.kept_bucket:
        deleted = "causes are not known: of a deleted app, only answers that were kept are read"
        causes.notes.append(deleted)
        return causes
    now = app.now()
    askable = [row for row in missed if row.askable(now)]
    causes.notes.extend(_untimely(missed, now))
    if askable:
        try:
            _ask(app, askable, history or EventHistory(app.aws), causes, now)
        except ToolkitError as error:
            hint = f" ({error.hint})" if error.hint else ""
            causes.notes.append(f"causes are not known: {error.message}{hint}")
    return causes


def kept(app: App, run_ids: Sequence[RunId]) -> Causes:
    """The answers that were kept; nobody is asked."""
    causes = Causes()
    contents = app.archive.raw(map(cause_key, run_ids))
    for run_id in run_ids:
        content = contents.get(cause_key(run_id))
        if content is None:
            continue
        try:
            cause = Cause.from_json(content)
        except EvidenceError as error:
            causes.notes.append(f"{cause_key(run_id)}: {error.message}")
            continue
        if cause.run_id == str(run_id):
            causes.found[run_id] = cause
        else:
            causes.notes.append(f"{cause_key(run_id)}: it is about another run")
    return causes


def disabled(
    app: App,
    known: History,
    names: Collection[str],
    *,
    why: bool,
    history: EventHistory | None = None,
) -> list[str]:
    """In words, the schedules of some names that somebody disabled since they were deployed.

    They owe no firing since then. With ``why``, CloudTrail is asked who did it, once for each.
    """
    return [
        f"{name} was disabled at {since:%Y-%m-%d %H:%M:%S}Z"
        f"{_by_whom(app, name, since, history or EventHistory(app.aws)) if why else ''} "
        "after it was deployed ENABLED, and owes nothing since: toolkit schedules diff"
        for name, since in known.disabled.items()
        if name in names
    ]


def _by_whom(app: App, name: str, since: datetime, history: EventHistory) -> str:
    """Who did it, by the calls around the time that Scheduler has for the last change."""
    try:
        found = history.lookup("UpdateSchedule", since - _AROUND, since + _AROUND, 1)
        place = Place(app.platform.schedule_group_name, app.platform.cluster_name)
    except ToolkitError as error:
        return f", by whom is not known ({error.message}),"
    caller = disabled_by(name, found.events, place)
    return f", by {caller}," if caller else ", by whom CloudTrail does not show,"


def _missed(run_id: RunId, known: History) -> Missed:
    window = known.launch_window(run_id)
    return Missed(run_id, timedelta(seconds=LAUNCH_WINDOW_SECONDS if window is None else window))


def _untimely(missed: Sequence[Missed], now: datetime) -> list[str]:
    old = sum(row.due <= now - REMEMBERED for row in missed)
    new = sum(not row.askable(now) for row in missed) - old
    notes = []
    if new:
        notes.append(
            f"{new:,} missed so lately that CloudTrail may not show it yet: "
            "ask 15 minutes after the launch window"
        )
    if old:
        notes.append(f"{old:,} missed more than 90 days ago: CloudTrail has forgotten")
    return notes


def _ask(
    app: App, missed: Sequence[Missed], history: EventHistory, causes: Causes, now: datetime
) -> None:
    """Ask for the changes of schedules at once, then for the launches, the latest first."""
    place = Place(app.platform.schedule_group_name, app.platform.cluster_name)
    changes, whole, left = _changes(history, missed, now)
    unasked = 0
    for group in reversed(_side_by_side(missed)):
        if left <= 0:
            unasked += len(group)
            continue
        until = max(row.until for row in group)
        pages = min(left, _CALLS_EACH)
        found = history.lookup(LAUNCH, group[0].due, until + _TICK, pages)
        left -= found.calls
        for row in group:
            cause = cause_of(row, [*changes, *found.events], place, now)
            causes.found[row.run_id] = cause
            if cause.found or (whole and found.complete):
                _keep(app, row.run_id, cause, causes)
            else:
                _note(causes, "CloudTrail has more events than were read: some causes may differ")
    if unasked:
        causes.notes.append(
            f"{unasked:,} older ones were not asked for, to spare CloudTrail: repeat the command"
        )


def _changes(
    history: EventHistory, missed: Iterable[Missed], now: datetime
) -> tuple[list[ApiEvent], bool, int]:
    """Every change of a schedule in the history, whether that is all, and how many calls remain."""
    until = max(row.until for row in missed) + _TICK
    rows = [history.lookup(name, now - REMEMBERED, until, _CALLS_EACH) for name in CHANGES]
    events = [event for row in rows for event in row.events]
    return events, all(row.complete for row in rows), CALLS - sum(row.calls for row in rows)


def _side_by_side(missed: Iterable[Missed]) -> list[list[Missed]]:
    """The firings in order, those together whose launch windows meet."""
    groups: list[list[Missed]] = []
    until: datetime | None = None
    for row in sorted(missed, key=lambda row: row.due):
        if until is not None and row.due <= until:
            groups[-1].append(row)
            until = max(until, row.until)
        else:
            groups.append([row])
            until = row.until
    return groups


def _keep(app: App, run_id: RunId, cause: Cause, causes: Causes) -> None:
    try:
        app.archive.create(cause_key(run_id), cause.to_json())
    except ToolkitError as error:
        _note(causes, f"causes were not kept and are asked for again: {error.message}")


def _note(causes: Causes, text: str) -> None:
    if text not in causes.notes:
        causes.notes.append(text)
