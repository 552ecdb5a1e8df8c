"""Keys of small objects that tell when they were written, and so sort by that time."""

from datetime import UTC, datetime, timedelta

from toolkit.core.errors import EvidenceError

_SECONDS = "%Y%m%dT%H%M%S"


def dated_key(prefix: str, time: datetime) -> str:
    """The key of what is written at an aware time, to the millisecond.

    >>> dated_key("deployments/", datetime(2026, 11, 24, 5, 0, 0, 123000, tzinfo=UTC))
    'deployments/20261124T050000123Z.json'
    """
    utc = time.astimezone(UTC)
    return f"{prefix}{utc.strftime(_SECONDS)}{utc.microsecond // 1000:03d}Z.json"


def key_time(key: str) -> datetime:
    """When the object of that key was written; raises EvidenceError for another kind of key.

    >>> key_time("deployments/20261124T050000123Z.json").isoformat()
    '2026-11-24T05:00:00.123000+00:00'
    """
    text = key.rpartition("/")[2].removesuffix("Z.json")
    try:
        seconds = datetime.strptime(text[:-3], _SECONDS).replace(tzinfo=UTC)
        return seconds + timedelta(milliseconds=int(text[-3:]))
    except ValueError as error:
        raise EvidenceError(f"{key} does not tell when it was written") from error
