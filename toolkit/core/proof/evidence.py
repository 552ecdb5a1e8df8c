"""What is known of a run, gathered and not judged. Absence is recorded as absence."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Self

from attrs import asdict, evolve, frozen

from toolkit.core.proof.content import Content
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.task import Task
from toolkit.runtime.contract import (
    RUN_TOKEN,
    SCHEDULE,
    SCHEDULED_TIME,
    Claim,
    ContractError,
    Manifest,
    RunId,
    parse_time,
)

_ERROR_EVENTS = frozenset({"run.failed", "run.refused", "claim.failed", "manifest.failed"})
_KEPT_ERRORS = 5
_KEPT_FOREIGN, _FOREIGN_LENGTH = 5, 500


@frozen
class StoredObject:
    """One S3 object as S3 tells it; ``sha256`` is hexadecimal, None when S3 recorded none.

    ``modified_at`` is ISO 8601, and empty where nobody asked.
    """

    key: str
    bytes: int
    sha256: str | None = None
    modified_at: str = ""


@frozen
class LogDigest:
    """A run's log, summed up while it was read.

    ``foreign`` are its first lines that are no events.
    """

    lines: int = 0
    numbered: int = 0
    last_seq: int = 0
    events: Mapping[str, int] = {}
    errors: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def last_words(self) -> tuple[str, ...]:
        """What a program left that ended before it wrote its first event."""
        return () if self.numbered else self.foreign

    @property
    def missing(self) -> int:
        """How many numbered lines are known to be lost."""
        return self.last_seq - self.numbered


def digest(messages: Iterable[str]) -> LogDigest:
    """Sum up log lines in whatever order they come, errors by their numbers.

    A line that is no numbered JSON event only counts as a line.
    """
    lines = last = 0
    seen: set[int] = set()
    events: dict[str, int] = {}
    errors: list[tuple[int, str]] = []
    foreign: list[str] = []
    for message in messages:
        lines += 1
        event = parse_event(message)
        if event is None:
            foreign += [message[:_FOREIGN_LENGTH]] if len(foreign) < _KEPT_FOREIGN else []
            continue
        seen.add(event["seq"])
        last = max(last, event["seq"])
        name = event["event"]
        events[name] = events.get(name, 0) + 1
        if name in _ERROR_EVENTS:
            errors.append((event["seq"], _error_text(name, event)))
    first = tuple(text for _, text in sorted(errors)[:_KEPT_ERRORS])
    return LogDigest(lines, len(seen), last, events, first, tuple(foreign))


def parse_event(message: str) -> dict[str, Any] | None:
    """The event in a log line, or None for a line that some library wrote."""
    if not message.startswith("{"):
        return None
    try:
        event = json.loads(message)
    except ValueError:
        return None
    if isinstance(event.get("seq"), int) and isinstance(event.get("event"), str):
        found: dict[str, Any] = event
        return found
    return None


@frozen
class Evidence:
    """Everything gathered about one run, as of ``gathered_at`` (ISO 8601, UTC).

    ``contents`` is None unless the artifacts were downloaded. ``expected`` says what the schedules,
    as they were deployed, have to say of the run: "due", or why it is none of theirs. ``log_days``
    is how long the log's group keeps a line, asked where lines are missing; None is for ever.
    """

    run_id: str
    gathered_at: str
    claim: Claim | None = None
    manifests: tuple[Manifest, ...] = ()
    objects: Mapping[str, StoredObject] = {}
    tasks: tuple[Task, ...] = ()
    logs: LogDigest | None = None
    dead_letters: tuple[DeadLetter, ...] = ()
    deployed_image: str | None = None
    contents: Mapping[str, Content] | None = None
    expected: str | None = None
    log_days: int | None = None
    problems: tuple[str, ...] = ()

    @property
    def manifest(self) -> Manifest | None:
        """The manifest, if the run committed exactly one."""
        return self.manifests[0] if len(self.manifests) == 1 else None

    @property
    def owner(self) -> Task | None:
        """The task that owns the run: the one that claimed it, or the only one there is."""
        if self.claim is not None:
            arn = self.claim.task_arn
            return next((task for task in self.tasks if task.task_arn == arn), None)
        return self.tasks[0] if len(self.tasks) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        rows = dict(document)
        claim = rows.get("claim")
        logs = rows.get("logs")
        rows["claim"] = Claim(**claim) if claim else None
        rows["manifests"] = tuple(
            Manifest.from_json(json.dumps(row).encode()) for row in rows.get("manifests", ())
        )
        rows["objects"] = {key: StoredObject(**row) for key, row in rows.get("objects", {}).items()}
        contents = rows.get("contents")
        if contents is not None:
            rows["contents"] = {key: _content(row) for key, row in contents.items()}
        rows["tasks"] = tuple(Task.from_json(row) for row in rows.get("tasks", ()))
        rows["logs"] = _log_digest(logs) if logs else None
        rows["problems"] = tuple(rows.get("problems", ()))
        rows["dead_letters"] = tuple(DeadLetter(**row) for row in rows.get("dead_letters", ()))
        return cls(**rows)


def tasks_of(run_id: RunId, tasks: Iterable[Task]) -> tuple[Task, ...]:
    """The tasks that were launched for this run: one state each, the latest that is known.

    ECS's own answer wins over a record of the same version; it is the same task either way.
    """
    latest: dict[str, Task] = {}
    for task in tasks:
        if run_of(task) != run_id:
            continue
        known = latest.get(task.task_arn)
        if known is None or task.version > known.version:
            latest[task.task_arn] = task
        elif not known.environment:
            latest[task.task_arn] = evolve(known, environment=task.environment)
    return tuple(sorted(latest.values(), key=lambda task: task.times.get("createdAt", "")))


def run_of(task: Task) -> RunId | None:
    """The run that a task was launched for; None for a task of something else."""
    environment = task.environment
    try:
        return RunId(
            environment[SCHEDULE],
            parse_time(environment[SCHEDULED_TIME]),
            environment.get(RUN_TOKEN),
        )
    except (KeyError, ContractError):
        return None


def _log_digest(row: Mapping[str, Any]) -> LogDigest:
    lists = {name: tuple(row.get(name, ())) for name in ("errors", "foreign")}
    return LogDigest(**{**row, **lists})


def _content(row: Mapping[str, Any]) -> Content:
    return Content(**{**row, "columns": tuple(row["columns"])})


def _error_text(name: str, event: Mapping[str, Any]) -> str:
    detail = event.get("message") or event.get("error") or "; ".join(event.get("problems", ()))
    return f"{name}: {detail}"[:500]
