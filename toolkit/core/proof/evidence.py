"""What is known of a run, gathered and not judged. What is missing is recorded as missing."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from attrs import asdict, evolve, frozen

from toolkit.core.proof.content import Content
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.expectation import Expectation, TaskDefinition
from toolkit.core.proof.log_digest import LogDigest
from toolkit.core.proof.seal import Sealed
from toolkit.core.proof.seal_witness import Confirmation, sealed_tasks
from toolkit.core.proof.signature import KeyCheck
from toolkit.core.task import Task
from toolkit.runtime import documents
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
from toolkit.runtime.documents import FORMAT


@frozen
class StoredObject:
    """One S3 object as S3 tells it; ``sha256`` is hexadecimal, None when S3 recorded none.

    ``modified_at`` is ISO 8601; it and ``media_type`` are empty where nobody asked.
    """

    key: str
    bytes: int
    sha256: str | None = None
    modified_at: str = ""
    media_type: str = ""


@frozen
class Evidence:
    """Everything gathered about one run, as of ``gathered_at`` (ISO 8601, UTC).

    ``ledger`` is what S3 says of the objects at the run's keys below ``ledger/``, with the SHA-256
    of what was read; None where version 0.1 gathered and did not ask. ``contents`` is None unless
    the artifacts were downloaded. ``expected`` says what the schedules, as they were deployed, have
    to say of the run: "due", or why it is none of theirs; ``launch_window`` is how many seconds a
    launch may come late. ``log_days`` is how long the log's group keeps a line, asked where lines
    are missing (0: it was deleted with its app), and ``record_days`` the same of the state-change
    records, asked where no task is known; None is for ever. ``claim_sha256`` is that of the claim
    as it was read, None in what was gathered before there were seals. ``sealed`` is what a seal
    says of the run, where its day was sealed; ``seal_confirmation`` is what vouches for that seal,
    ``seal_problems`` what is wrong with the seals of the day, and ``key_check`` what the public key
    that somebody gave says of the seal.
    """

    run_id: str
    gathered_at: str
    claim: Claim | None = None
    manifests: tuple[Manifest, ...] = ()
    ledger: tuple[StoredObject, ...] | None = None
    objects: Mapping[str, StoredObject] = {}
    tasks: tuple[Task, ...] = ()
    logs: LogDigest | None = None
    dead_letters: tuple[DeadLetter, ...] = ()
    expectation: Expectation | None = None
    task_definition: TaskDefinition | None = None
    deployed_image: str | None = None
    contents: Mapping[str, Content] | None = None
    expected: str | None = None
    launch_window: float | None = None
    log_days: int | None = None
    record_days: int | None = None
    left_out: tuple[str, ...] | None = None
    claim_sha256: str | None = None
    sealed: Sealed | None = None
    seal_confirmation: Confirmation | None = None
    seal_problems: tuple[str, ...] = ()
    key_check: KeyCheck | None = None
    problems: tuple[str, ...] = ()

    @property
    def manifest(self) -> Manifest | None:
        """The manifest, if the run committed exactly one."""
        return self.manifests[0] if len(self.manifests) == 1 else None

    @property
    def seal_witness(self) -> Sealed | None:
        """What the seal says, where something vouches for it: it may stand for what is gone."""
        sealed, confirmed = self.sealed, self.seal_confirmation
        if sealed is None or self.seal_problems or sealed.row.run_id != self.run_id:
            return None
        if self.key_check is not None:
            return None if self.key_check.problem else sealed
        named = confirmed is not None and confirmed.key == sealed.key and confirmed.confirmed_by
        return sealed if named else None

    @property
    def known_tasks(self) -> tuple[Task, ...]:
        """The tasks of the run; where neither ECS nor a record tells of one, those of the seal."""
        witness = self.seal_witness
        if self.tasks or witness is None:
            return self.tasks
        return sealed_tasks(witness.row.facts)

    @property
    def owner(self) -> Task | None:
        """The task that owns the run: the one that claimed it, or the only one there is."""
        tasks = self.known_tasks
        if self.claim is not None:
            arn = self.claim.task_arn
            return next((task for task in tasks if task.task_arn == arn), None)
        return tasks[0] if len(tasks) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads back."""
        # A kept folder holds the catalog row and the seal as they are, beside this.
        beside = {"expectation", "sealed", "key_check"}
        rows = asdict(self, filter=lambda each, _: each.name not in beside)
        return {FORMAT: "evidence/1", **rows}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises DocumentError."""
        return documents.read(cls, document, "evidence")


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
