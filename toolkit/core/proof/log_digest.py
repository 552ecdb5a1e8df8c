"""A run's log, summed up line by line without keeping the lines."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from toolkit.runtime.documents import bounded, printable

_ERROR_EVENTS = frozenset({"run.failed", "run.refused", "claim.failed", "manifest.failed"})
_KEPT_ERRORS = 5
_KEPT_TEXT = 500
_MARK = 16
_KEPT_NAMES = 1000  # of events and of artifacts: a log may say anything
_STARTED, _FINISHED, _SAVED, _REFUSED = (
    "run.started",
    "run.finished",
    "artifact.saved",
    "run.refused",
)
# What the first and the last line say that stands elsewhere, too.
_FACTS: Mapping[str, tuple[str, ...]] = {
    _STARTED: ("workload", "schedule", "scheduled_time", "task_arn", "image"),
    _FINISHED: ("outcome", "exit_code", "artifacts"),
}


@frozen
class LogDigest:
    """A log, summed up.

    ``foreign`` are the first lines that are no events, as a library or a crash writes them.
    ``numbered`` counts the run's own lines by their distinct numbers, ``others`` numbered lines of
    another run, ``invalid`` lines whose number is none, ``conflicting`` numbers that two different
    lines have. ``saved`` maps an artifact's name to what its `artifact.saved` line says,
    ``facts`` holds what `run.started` and `run.finished` say.
    """

    lines: int = 0
    numbered: int = 0
    last_seq: int = 0
    events: Mapping[str, int] = {}
    errors: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    others: int = 0
    invalid: int = 0
    conflicting: int = 0
    saved: Mapping[str, str] = {}
    facts: Mapping[str, str] = {}
    sha256: str = ""

    @property
    def last_words(self) -> tuple[str, ...]:
        """What a program left that ended before it wrote its first event."""
        return () if self.numbered else self.foreign

    @property
    def missing(self) -> int:
        """How many numbered lines are known to be lost."""
        return self.last_seq - self.numbered


@define
class _Numbers:
    """What each numbered line says, by half a SHA-256: 16 bytes a line while there is no gap."""

    _first: bytearray = field(factory=bytearray)  # of 1, 2, 3, …
    _ahead: dict[int, bytes] = field(factory=dict)

    def __len__(self) -> int:
        return len(self._first) // _MARK + len(self._ahead)

    @property
    def last(self) -> int:
        return max(self._ahead, default=len(self._first) // _MARK)

    @property
    def sha256(self) -> str:
        """Of all marks in their order; empty while numbers are missing, or without lines."""
        whole = self._first and not self._ahead
        return hashlib.sha256(self._first).hexdigest() if whole else ""

    def get(self, seq: int) -> bytes | None:
        mark = bytes(self._first[(seq - 1) * _MARK : seq * _MARK])
        return mark or self._ahead.get(seq)

    def add(self, seq: int, mark: bytes) -> None:
        self._ahead[seq] = mark
        while (following := len(self._first) // _MARK + 1) in self._ahead:
            self._first += self._ahead.pop(following)


def _mark(message: str) -> bytes:
    text = message.strip().encode(errors="surrogatepass")
    return hashlib.sha256(text).digest()[:_MARK]


@define
class LogReader:
    """Sums up the lines of one run's log in whatever order they come."""

    run_id: str
    _lines: int = 0
    _foreign: list[str] = field(factory=list)
    _others: int = 0
    _invalid: int = 0
    _conflicting: set[int] = field(factory=set)
    _seen: _Numbers = field(factory=_Numbers)
    _events: dict[str, int] = field(factory=dict)
    _errors: list[tuple[int, str]] = field(factory=list)
    _saved: dict[str, str] = field(factory=dict)
    _facts: dict[str, str] = field(factory=dict)

    def add(self, message: str) -> None:
        """Take one line; one that is no numbered JSON event only counts as a line."""
        self._lines += 1
        event = parse_event(message)
        if event is None:
            if len(self._foreign) < _KEPT_ERRORS:
                self._foreign.append(printable(message[:_KEPT_TEXT]))
            return
        seq, name = event["seq"], event["event"]
        # Before it knows its run id, a run can only refuse.
        if event.get("run_id") != self.run_id and not (
            name == _REFUSED and event.get("run_id") is None
        ):
            self._others += 1
            return
        if seq < 1:
            self._invalid += 1
            return
        known, mark = self._seen.get(seq), _mark(message)
        if known is None:
            self._seen.add(seq, mark)
            self._take(seq, name, event)
        elif known != mark:
            self._conflicting.add(seq)

    def _take(self, seq: int, name: str, event: Mapping[str, Any]) -> None:
        if name in self._events or len(self._events) < _KEPT_NAMES:
            self._events[name] = self._events.get(name, 0) + 1
        if name in _ERROR_EVENTS and len(self._errors) < _KEPT_NAMES:
            self._errors.append((seq, _error_text(name, event)))
        if name == _SAVED and len(self._saved) < _KEPT_NAMES:
            words = saved_words(event.get("sha256"), event.get("bytes"), event.get("rows"))
            self._saved[str(event.get("name"))] = words
        for key in _FACTS.get(name, ()):
            if event.get(key) is not None:
                self._facts[f"{name}.{key}"] = str(event[key])[:_KEPT_TEXT]

    def digest(self) -> LogDigest:
        """What was read so far."""
        return LogDigest(
            lines=self._lines,
            numbered=len(self._seen),
            last_seq=self._seen.last,
            events=dict(self._events),
            errors=tuple(text for _, text in sorted(self._errors)[:_KEPT_ERRORS]),
            foreign=tuple(self._foreign),
            others=self._others,
            invalid=self._invalid,
            conflicting=len(self._conflicting),
            saved=dict(self._saved),
            facts=dict(self._facts),
            sha256=self._seen.sha256,
        )


def saved_words(sha256: object, size: object, rows: object) -> str:
    """What an `artifact.saved` line says of an artifact's content, as one text to compare."""
    return f"SHA-256 {sha256}, {size} bytes, {rows} rows"


def digest(run_id: str, messages: Iterable[str]) -> LogDigest:
    """Sum up the lines of a run's log, errors by their numbers."""
    reader = LogReader(run_id)
    for message in messages:
        reader.add(message)
    return reader.digest()


def parse_event(message: str) -> dict[str, Any] | None:
    """The event in a log line, or None for a line that some library wrote."""
    if not message.startswith("{"):
        return None
    try:
        event = bounded(json.loads(message))
    except (ValueError, RecursionError):
        return None
    # bool is a kind of int in Python.
    if type(event.get("seq")) is int and isinstance(event.get("event"), str):
        parsed: dict[str, Any] = event
        return parsed
    return None


def _error_text(name: str, event: Mapping[str, Any]) -> str:
    detail = event.get("message") or event.get("error") or _joined(event.get("problems"))
    return printable(f"{name}: {detail}"[:_KEPT_TEXT])


def _joined(problems: object) -> str:
    return "; ".join(map(str, problems)) if isinstance(problems, list) else str(problems or "")
