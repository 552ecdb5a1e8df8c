"""The execution contract: the names and documents that both sides of a run agree on.

The image's runtime writes what this module describes; the toolkit reads it. Nothing here does any
I/O, so both sides can trust that a run id, an S3 key or a manifest means the same to the other.

S3 layout, one bucket per app::

    runs/<schedule>/<run-id>/claim.json               first, with If-None-Match: *
    running/<schedule>.json                           the lease, where overlaps are skipped
    runs/<schedule>/<run-id>/<artifact>               the work
    ledger/<schedule>/<run-id>.<outcome>.json         last, once: the manifest, the commit point

The outcome stands in the manifest's key, so a ledger over thousands of runs is a few LIST calls.
The documents are described in docs/formats.md.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, TypeVar

from attrs import asdict, field, frozen
from attrs.validators import in_

from toolkit.runtime import documents
from toolkit.runtime.documents import FORMAT, DocumentError, printable

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

# The environment that the schedule's Input (or `toolkit run`) gives to every run, ...
SCHEDULE = "SCHEDULE"
SCHEDULED_TIME = "SCHEDULED_TIME"
EXECUTION_ID = "EXECUTION_ID"
ATTEMPT = "ATTEMPT"
RUN_TOKEN = "RUN_TOKEN"  # noqa: S105 - names a variable; present only for a run on demand
MADE_GOOD_BY = "MADE_GOOD_BY"  # present only where a person runs a firing that did not happen
MADE_GOOD_WHY = "MADE_GOOD_WHY"
# ... and what the task definition gives.
OVERLAP = "OVERLAP"  # present only where a schedule lets one run at a time happen
WORKLOAD = "WORKLOAD"
BUCKET = "BUCKET"
MAX_RUNTIME_SECONDS = "MAX_RUNTIME_SECONDS"
IMAGE = "IMAGE"
CONTRACT_VARIABLES = frozenset(
    {
        SCHEDULE,
        SCHEDULED_TIME,
        EXECUTION_ID,
        ATTEMPT,
        RUN_TOKEN,
        MADE_GOOD_BY,
        MADE_GOOD_WHY,
        OVERLAP,
        WORKLOAD,
        BUCKET,
        MAX_RUNTIME_SECONDS,
        IMAGE,
    }
)

# The account that the embedded AWS plays. AWS gives no such number to anybody.
EMBEDDED_ACCOUNT = "000000000000"

# The label of a task definition's container that holds the digest of the workload's catalog row.
CATALOG_LABEL = "toolkit.catalog"


def origin_of(task_arn: str) -> str:
    """Where a task runs, for people: its region, or that the embedded AWS plays it.

    Empty outside of ECS.

    >>> origin_of("arn:aws:ecs:eu-central-1:123456789012:task/app/0a")
    'AWS region eu-central-1'
    """
    account, region = account_and_region(task_arn)
    if account == EMBEDDED_ACCOUNT:
        return "rehearsed on the embedded AWS, with a virtual clock"
    return f"AWS region {region}" if region else ""


def account_and_region(arn: str) -> tuple[str, str]:
    """What an ARN says of where its resource is; both are empty for what is no ARN.

    >>> account_and_region("arn:aws:ecs:eu-central-1:123456789012:task/app/0a")
    ('123456789012', 'eu-central-1')
    """
    parts = arn.split(":")
    return (parts[4], parts[3]) if len(parts) > 5 and parts[0] == "arn" else ("", "")


class OverlapPolicy(StrEnum):
    """What a firing does while another run of its schedule is not over."""

    ALLOW = "allow"
    SKIP = "skip"


# EventBridge Scheduler replaces these in the Input when it fires:
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
SCHEDULER_ATTRIBUTES: Mapping[str, str] = {
    SCHEDULED_TIME: "<aws.scheduler.scheduled-time>",
    EXECUTION_ID: "<aws.scheduler.execution-id>",
    ATTEMPT: "<aws.scheduler.attempt-number>",
}

# AWS's rule for a schedule's name, less "_" and "." so that it also fits a stack's name:
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
# An artifact's name: path segments of letters, digits, ".", "_" and "-", none of which is hidden.
ARTIFACT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_NAME_LENGTH = 200
_CLAIM = "claim.json"
_RUN_ID = re.compile(
    rf"({NAME.pattern})-([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})"
    r"T([0-9]{2})([0-9]{2})([0-9]{2})Z(?:-([0-9a-f]{6}))?"
)
_COMPACT = "%Y%m%dT%H%M%SZ"

_T = TypeVar("_T")


class Outcome(StrEnum):
    """How a run ended, as its manifest tells it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIMED_OUT = "timed-out"
    SKIPPED = "skipped"  # another run of the schedule held its lease

    @property
    def exit_code(self) -> int:
        """The exit code of the container: 0, 1, 143 (128 + SIGTERM) or 124 (as timeout(1))."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Outcome.SUCCEEDED: 0,
    Outcome.FAILED: 1,
    Outcome.INTERRUPTED: 143,
    Outcome.TIMED_OUT: 124,
    Outcome.SKIPPED: 0,
}
EXIT_DUPLICATE = 0
EXIT_CONFIGURATION = 64  # EX_USAGE of sysexits.h
EXIT_UNAVAILABLE = 69  # EX_UNAVAILABLE: ECS did not tell the task its ARN


class ContractError(ValueError):
    """Something does not follow the execution contract; the message says what and where."""


def parse_time(text: str) -> datetime:
    """An ISO 8601 time with its zone, as an aware UTC datetime.

    >>> parse_time("2026-11-24T05:00:00Z").isoformat()
    '2026-11-24T05:00:00+00:00'
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ContractError(f"{text!r} is not an ISO 8601 time") from error
    if time.tzinfo is None:
        raise ContractError(f"{text!r} has no time zone; write 2026-11-24T05:00:00Z")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:  # the first hours of year 1, east of Greenwich
        raise ContractError(f"{text!r} is before the calendar begins in UTC") from error


def format_time(time: datetime) -> str:
    """An aware datetime as ISO 8601 in UTC with milliseconds.

    >>> format_time(datetime(2026, 11, 24, 5, tzinfo=UTC))
    '2026-11-24T05:00:00.000Z'
    """
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def catalog_key(digest: str) -> str:
    """Where the catalog row of a deployed workload is kept."""
    return f"catalog/{digest}.json"


@frozen
class RunId:
    """The identity of a run: schedule, scheduled time and, for a run on demand, a token.

    It does not change between duplicate deliveries of one firing, so duplicates are visible.

    >>> run_id = RunId("weather", datetime(2026, 11, 24, 5, tzinfo=UTC))
    >>> str(run_id), run_id == RunId.parse(str(run_id))
    ('weather-20261124T050000Z', True)
    """

    schedule: str
    scheduled_time: datetime
    token: str | None = None

    def __str__(self) -> str:
        text = f"{self.schedule}-{self.scheduled_time.astimezone(UTC).strftime(_COMPACT)}"
        return f"{text}-{self.token}" if self.token else text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a run id; raises ContractError when it is none."""
        match = _RUN_ID.fullmatch(text)
        if match is None:
            raise ContractError(f"{text!r} is not a run id such as weather-20261124T050000Z")
        schedule, year, month, day, hour, minute, second, token = match.groups()
        try:
            # Several times as fast as strptime, which counts where a million are read.
            time = datetime(
                int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC
            )
        except ValueError as error:
            raise ContractError(f"{text!r} has no valid time in it") from error
        return cls(schedule, time, token)

    @property
    def prefix(self) -> str:
        """Where the claim and the artifacts of this run are kept."""
        return f"runs/{self.schedule}/{self}/"

    @property
    def lease_key(self) -> str:
        """The key of the schedule's lease."""
        return f"running/{self.schedule}.json"

    @property
    def claim_key(self) -> str:
        """The key of the claim."""
        return f"{self.prefix}{_CLAIM}"

    def artifact_key(self, name: str) -> str:
        """The key of one artifact; raises ContractError for a name that is none."""
        check_artifact_name(name)
        return f"{self.prefix}{name}"

    def manifest_key(self, outcome: Outcome) -> str:
        """The key of the manifest for an outcome."""
        return f"ledger/{self.schedule}/{self}.{outcome}.json"


def check_artifact_name(name: str) -> None:
    """Raise ContractError unless ``name`` is a name that an artifact may have.

    >>> check_artifact_name("plots/a.png")
    >>> check_artifact_name("../a.png")
    Traceback (most recent call last):
    toolkit.runtime.contract.ContractError: '../a.png' is not a name for an artifact; ...
    """
    fits = len(name) <= _NAME_LENGTH and ARTIFACT_NAME.fullmatch(name) is not None
    if not fits or name == _CLAIM:
        raise ContractError(
            f"{printable(name[:_NAME_LENGTH])!r} is not a name for an artifact; names are like "
            f"plots/a.png: letters, digits, . _ - and /, {_NAME_LENGTH} characters at most"
        )


@frozen
class Claim:
    """Who owns a run: the first object that a run writes, and only if nobody wrote it before."""

    run_id: str
    task_arn: str
    claimed_at: str
    execution_id: str | None = None
    attempt: str | None = None

    def to_json(self) -> bytes:
        """The claim as UTF-8 JSON."""
        return _to_json(self, "claim")

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a claim; raises ContractError when it is none or of a later format."""
        return _from_json(cls, content, "claim")


@frozen
class Artifact:
    """One object that the run made; ``sha256`` is hexadecimal, ``rows`` only where it has rows."""

    name: str
    key: str
    bytes: int
    sha256: str
    media_type: str
    rows: int | None = None


def jsonable(value: Any) -> Json:
    """``value`` as JSON can hold it: NaN and infinities become null, numpy scalars plain numbers.

    Raises TypeError for what has no honest JSON form.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item) for item in value]
    if isinstance(value, datetime):
        return format_time(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return jsonable(value.tolist())
    raise TypeError(f"{type(value).__name__} cannot stand in a log line or a manifest")


def _json_mapping(values: Mapping[str, Any]) -> Mapping[str, Json]:
    return {str(key): jsonable(value) for key, value in values.items()}


def _number(value: float | None) -> float:
    # A manifest tells NaN as null, and null reads back as NaN.
    return math.nan if value is None else float(value)


@frozen
class Gate:
    """A quality condition that the workload itself checked: ``value`` ``op`` ``limit``.

    A value that is no finite number passes no gate: missing evidence is never success.
    """

    name: str
    value: float = field(converter=_number)
    op: str = field(validator=in_((">=", "<=")))
    limit: float = field(converter=float)

    @property
    def passed(self) -> bool:
        """Whether the condition holds."""
        if not math.isfinite(self.value):
            return False
        return self.value >= self.limit if self.op == ">=" else self.value <= self.limit


def _are_gates(_instance: object, _attribute: object, gates: object) -> None:
    if not isinstance(gates, (tuple, list)) or not all(isinstance(gate, Gate) for gate in gates):
        raise TypeError(f"gates are a tuple of Gate, not {gates!r}"[:200])


@frozen
class Result:
    """What a workload gives back: metrics for the manifest, and the gates that judge them.

    Metrics are made JSON here, so what cannot be told fails in the workload that tells it.
    """

    metrics: Mapping[str, Json] = field(factory=dict, converter=_json_mapping)
    gates: tuple[Gate, ...] = field(default=(), validator=_are_gates)


class Run(Protocol):
    """All that a workload may do to the outside world.

    A workload gets its typed settings and a ``Run``. It does not see AWS, the environment or the
    clock's zone, so the same code runs in a test, on a laptop and on Fargate.
    """

    @property
    def run_id(self) -> str:
        """The run id, for titles and file names."""

    @property
    def scheduled_time(self) -> datetime:
        """The firing that this run answers for (aware, UTC)."""

    @property
    def origin(self) -> str:
        """Where it runs, in words for a plot or a report (`origin_of`); may be empty."""

    @property
    def scratch(self) -> Path:
        """A writable directory that goes away with the task."""

    def event(self, name: str, /, **fields: Json) -> None:
        """Log one JSON line. Names are ``noun.verb-in-the-past``, such as ``gap.detected``."""

    def save(
        self, name: str, content: "bytes | Path", *, media_type: str, rows: int | None = None
    ) -> Artifact:
        """Persist one artifact now, with its SHA-256; a Path is streamed and may be large."""

    def stopping(self) -> bool:
        """Whether the task was asked to end (SIGTERM or maximum runtime)."""

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until the stop request; returns ``stopping()``."""


class Interrupted(Exception):  # noqa: N818 - it is the answer to a request, not an error
    """Raise it from a workload that was asked to stop, after saving what is worth keeping."""

    def __init__(self, result: Result | None = None) -> None:
        super().__init__("the run was asked to stop")
        self.result = result or Result()


@frozen
class MadeGood:
    """Who ran a firing that had not happened, why, and how many seconds after its time."""

    by: str
    why: str
    late_seconds: float


class LeaseState(StrEnum):
    """How a run stood to the lease of its schedule when it was committed."""

    HELD = "held"
    LOST = "lost"  # it was not renewed in time, and another run took it
    REFUSED = "refused"


@frozen
class LeaseReport:
    """The lease of a run whose schedule skips overlaps; ``holder`` is another run that has it."""

    state: LeaseState
    holder: str = ""
    holder_task_arn: str = ""


@frozen
class Manifest:
    """The commit point of a run: what was run, where, with which result. Written last."""

    run_id: str
    workload: str
    schedule: str
    outcome: Outcome = field(converter=Outcome)
    scheduled_time: str
    started_at: str
    finished_at: str
    task_arn: str
    image: str
    image_digest: str | None
    environment: Mapping[str, str]
    settings: Mapping[str, Json]
    artifacts: tuple[Artifact, ...]
    metrics: Mapping[str, Json]
    gates: tuple[Gate, ...] = ()
    error: Mapping[str, Json] | None = None
    log_lines: int = 0
    execution_id: str | None = None
    attempt: str | None = None
    made_good: MadeGood | None = None
    lease: LeaseReport | None = None

    def to_json(self) -> bytes:
        """The manifest as UTF-8 JSON."""
        return _to_json(self, "manifest")

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a manifest; raises ContractError when it is none or of a later format."""
        return _from_json(cls, content, "manifest")


def _to_json(document: Any, what: str) -> bytes:
    # jsonable: NaN is not JSON, and most readers would refuse the whole manifest.
    rows = jsonable({FORMAT: f"{what}/1", **asdict(document)})
    return json.dumps(rows, indent=1, allow_nan=False).encode() + b"\n"


def _from_json(cls: type[_T], content: bytes, what: str) -> _T:
    try:
        return documents.read(cls, documents.load(content, what), what)
    except DocumentError as error:
        raise ContractError(str(error)) from error
