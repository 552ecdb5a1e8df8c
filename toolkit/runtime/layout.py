"""The layout of an app's bucket: the keys that readers look for, and what a key tells.

What a run writes has its key from `contract.RunId`. Keys of runs sort by schedule and scheduled
time, dated keys by when they were written, so a period is a stretch of a listing.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from toolkit.runtime.contract import ContractError, Outcome, RunId

RUNS = "runs/"
LEDGER = "ledger/"
DEPLOYMENTS = "deployments/"
DEAD_LETTERS = "dead-letters/"
RELEASES = "releases/"
CHANGES = "changes/"
WITNESS = "witness/"
CAUSES = "causes/"
RECORDS = "records/"
SEALS = "seals/"
SIGNATURES = "seals/signatures/"
SEAL_KEYS = "seals/keys/"
DEPLOY_LOCK = "locks/deploy.json"
_SEAL = re.compile(r"seals/(\d{4}-\d\d-\d\d)(?:\.([1-9]\d{0,5}))?\.json")
_SECONDS = "%Y%m%dT%H%M%S"
_DIGITS = 6


def runs_of(schedule: str) -> str:
    """Below this stand the folders of a schedule's runs: claim and artifacts."""
    return f"{RUNS}{schedule}/"


def ledger_of(schedule: str) -> str:
    """Below this stand the manifests of a schedule's runs."""
    return f"{LEDGER}{schedule}/"


def first_from(prefix: str, schedule: str, time: datetime) -> str:
    """A key before all runs of a schedule that were due at ``time`` or later.

    >>> first_from(ledger_of("weather"), "weather", datetime(2026, 11, 24, 5, tzinfo=UTC))
    'ledger/weather/weather-20261124T050000Z'
    """
    return f"{prefix}{RunId(schedule, time)}"


def manifests_of(run_id: RunId) -> str:
    """How the keys of a run's manifests begin, whatever the outcome.

    >>> manifests_of(RunId.parse("weather-20261124T050000Z"))
    'ledger/weather/weather-20261124T050000Z.'
    """
    return f"{ledger_of(run_id.schedule)}{run_id}."


def committed(key: str) -> tuple[RunId, Outcome] | None:
    """The run and the outcome in a manifest's key; None for a key of something else.

    >>> run_id, outcome = committed("ledger/weather/weather-20261124T050000Z.succeeded.json")
    >>> str(run_id), str(outcome)
    ('weather-20261124T050000Z', 'succeeded')
    """
    name, _, word = key.rsplit("/", 1)[-1].removesuffix(".json").rpartition(".")
    try:
        run_id, outcome = RunId.parse(name), Outcome(word)
    except ValueError:
        return None
    return (run_id, outcome) if key == run_id.manifest_key(outcome) else None


def folder_of(key: str) -> str:
    """The folder of the run that an object below `runs/` belongs to.

    >>> folder_of("runs/weather/weather-20261124T050000Z/plots/a.png")
    'runs/weather/weather-20261124T050000Z/'
    """
    return "/".join(key.split("/")[:3]) + "/"


def claimed(folder: str) -> RunId | None:
    """The run whose folder this is; None for a folder of something else.

    >>> str(claimed("runs/weather/weather-20261124T050000Z/"))
    'weather-20261124T050000Z'
    """
    try:
        run_id = RunId.parse(folder.rstrip("/").rpartition("/")[2])
    except ContractError:
        return None
    return run_id if folder == run_id.prefix else None


def change_key(schedule: str, identity: str) -> str:
    """The key of a change of a schedule's state."""
    return f"{CHANGES}{schedule}/{identity}.json"


def change_of(key: str) -> tuple[RunId, int, str] | None:
    """The firing, the number and the state in a change's key; None for a key of something else.

    >>> run_id, number, state = change_of("changes/weather/weather-20261124T050000Z.1-missed.json")
    >>> str(run_id), number, state
    ('weather-20261124T050000Z', 1, 'missed')
    """
    name, dot, rest = key.rsplit("/", 1)[-1].removesuffix(".json").partition(".")
    number, dash, state = rest.partition("-")
    if not (dot and dash and number.isascii() and number.isdecimal() and len(number) <= _DIGITS):
        return None
    try:
        run_id = RunId.parse(name)
    except ContractError:
        return None
    identity = f"{run_id}.{int(number)}-{state}"
    return (run_id, int(number), state) if key == change_key(run_id.schedule, identity) else None


def witness_key(run_id: RunId) -> str:
    """Where the audit keeps what ECS said of a task whose record did not arrive."""
    return f"{WITNESS}{run_id.schedule}/{run_id}.json"


def cause_key(run_id: RunId) -> str:
    """Where CloudTrail's answer about a missed firing is kept."""
    return f"{CAUSES}{run_id}.json"


def release_of(identity: str) -> str:
    """Below this stand the files of a release."""
    return f"{RELEASES}{identity}/"


def dated_key(prefix: str, time: datetime) -> str:
    """The key of what is written at an aware time, to the millisecond.

    >>> dated_key(DEPLOYMENTS, datetime(2026, 11, 24, 5, 0, 0, 123000, tzinfo=UTC))
    'deployments/20261124T050000123Z.json'
    """
    utc = time.astimezone(UTC)
    return f"{prefix}{utc.strftime(_SECONDS)}{utc.microsecond // 1000:03d}Z.json"


def key_time(key: str) -> datetime:
    """When the object of that key was written; raises ContractError for another kind of key.

    >>> key_time("deployments/20261124T050000123Z.json").isoformat()
    '2026-11-24T05:00:00.123000+00:00'
    """
    text = key.rpartition("/")[2].removesuffix("Z.json")
    try:
        seconds = datetime.strptime(text[:-3], _SECONDS).replace(tzinfo=UTC)
        return seconds + timedelta(milliseconds=int(text[-3:]))
    except ValueError as error:
        raise ContractError(f"{key} does not tell when it was written") from error


def is_dated(key: str) -> bool:
    """Whether the key tells when its object was written.

    >>> is_dated("deployments/20261124T050000123Z.json"), is_dated("deployments/notes.txt")
    (True, False)
    """
    try:
        key_time(key)
    except ContractError:
        return False
    return True


def seal_key(day: date, number: int = 0) -> str:
    """The key of a day's seal, or of a later one of the same day.

    >>> seal_key(date(2026, 11, 24)), seal_key(date(2026, 11, 24), 2)
    ('seals/2026-11-24.json', 'seals/2026-11-24.2.json')
    """
    return f"{SEALS}{day.isoformat()}{f'.{number}' if number else ''}.json"


def sealed(key: str) -> tuple[date, int] | None:
    """The day and the number in a seal's key; None for a key of something else.

    >>> sealed("seals/2026-11-24.2.json")
    (datetime.date(2026, 11, 24), 2)
    """
    match = _SEAL.fullmatch(key)
    try:
        return (date.fromisoformat(match[1]), int(match[2] or 0)) if match else None
    except ValueError:
        return None


def seals_by_day(keys: Iterable[str]) -> dict[date, list[str]]:
    """The keys of seals by their days, in the order given; keys of something else are left out.

    >>> seals_by_day(["seals/2026-11-24.json", "seals/2026-11-24.1.json", "seals/keys/a.pem"])
    {datetime.date(2026, 11, 24): ['seals/2026-11-24.json', 'seals/2026-11-24.1.json']}
    """
    days: dict[date, list[str]] = {}
    for key in keys:
        found = sealed(key)
        if found is not None:
            days.setdefault(found[0], []).append(key)
    return days


def day_of_seal(key: str) -> date:
    """The day in a seal's key; ContractError for a key of something else."""
    found = sealed(key)
    if found is None:
        raise ContractError(f"{key} is not the key of a seal")
    return found[0]


def signature_key(digest: str) -> str:
    """The key of the signature of a seal, by the seal's SHA-256."""
    return f"{SIGNATURES}{digest}.json"


def public_key(identity: str) -> str:
    """The key of the public half of a signing key, by the key's id."""
    return f"{SEAL_KEYS}{identity}.pem"
