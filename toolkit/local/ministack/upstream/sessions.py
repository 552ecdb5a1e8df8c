"""Which sessions of roles nobody can use any more, where clocks differ.

A session has expired by its holder's clock. That of a task may be days behind the engine's.
"""

from collections.abc import Collection, Mapping
from typing import Any

# Until then a caller hears AWS's words about a token that has expired.
_KEPT_SECONDS = 24 * 3600
# For how long a service calls with the credentials that it was given for one firing.
_IN_USE_SECONDS = 60


def forgettable(
    sessions: Mapping[str, Mapping[str, Any]],
    tasks: Collection[str],
    *,
    now: float,
    real_now: float,
) -> list[str]:
    """The access keys of sessions that ended more than a day ago and that nobody holds.

    Args:
        sessions: as STS keeps them; ``_offset`` is the clock of a task or a firing.
        tasks: ids of the tasks that have not stopped.
        now: the engine's time, in seconds since the epoch.
        real_now: that of this machine.
    """
    ended = now - _KEPT_SECONDS
    return [
        key
        for key, session in sessions.items()
        if isinstance(until := session.get("Expiration"), (int, float))
        and until < ended
        and not _is_held(session, tasks, real_now)
    ]


def _is_held(session: Mapping[str, Any], tasks: Collection[str], real_now: float) -> bool:
    offset = session.get("_offset")
    if offset is None:
        return False
    if str(session.get("Arn", "")).rpartition("/")[2] in tasks:
        return True
    return bool(real_now - (session["IssuedAt"] - offset) < _IN_USE_SECONDS)
