"""A change of a schedule's state, as the bucket keeps it and as its key tells it.

    changes/<schedule>/<id>.json         what changed, written once (If-None-Match)
    changes/<schedule>/<id>.sent.json    it was published

An id is ``<run-id>.<number>-<state>``: the firing at which the state changed, how many changes
that firing has had, and the new state. An expired schedule has the time of its end in the place of
the firing's.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from attrs import asdict, evolve, frozen

from toolkit.core.errors import EvidenceError
from toolkit.runtime import documents
from toolkit.runtime.contract import ContractError, RunId, format_time, parse_time
from toolkit.runtime.documents import FORMAT, DocumentError
from toolkit.runtime.layout import change_key, change_of


class ScheduleState(StrEnum):
    """How a schedule does, by its firings; all but WELL need somebody to look.

    EXPIRED is news, and no trouble: it was deployed with that end. REPORTED is a failure about
    which a rule of the platform has sent a mail already.
    """

    WELL = "well"
    LATE = "late"
    MISSED = "missed"
    FAILED = "failed"
    UNWITNESSED = "unwitnessed"
    EXPIRED = "expired"
    REPORTED = "reported"

    @property
    def bad(self) -> bool:
        """Whether somebody should look."""
        return self is not ScheduleState.WELL

    @property
    def trouble(self) -> bool:
        """Whether something is wrong until it is well again."""
        return self not in {ScheduleState.WELL, ScheduleState.EXPIRED}


@frozen
class Told:
    """A change that was written, as its key tells it; ``sent`` says whether it was published.

    ``written_at`` is when S3 took the object.
    """

    run_id: RunId
    number: int
    state: ScheduleState
    written_at: datetime
    sent: bool = False

    @classmethod
    def from_key(cls, key: str, written_at: datetime) -> Self | None:
        """Read a key below ``changes/``; None for a key of something else, or of a mark."""
        parts = change_of(key)
        if parts is None:
            return None
        run_id, number, word = parts
        try:
            return cls(run_id, number, ScheduleState(word), written_at)
        except ValueError:
            return None

    @property
    def id(self) -> str:
        """The id of the change."""
        return f"{self.run_id}.{self.number}-{self.state}"

    @property
    def key(self) -> str:
        """Where the change is kept."""
        return change_key(self.run_id.schedule, self.id)


@frozen
class Change:
    """One change: all that a mail and an event tell of it.

    ``scheduled_time`` is the firing at which the state changed (ISO 8601, UTC), ``before`` the
    state until then. ``detail`` is what was seen of the firing, ``cause`` what is wrong with its
    schedule.
    """

    app: str
    schedule: str
    scheduled_time: str
    number: int
    state: ScheduleState
    before: ScheduleState
    noticed_at: str
    detail: str = ""
    cause: str = ""

    @property
    def mailed(self) -> bool:
        """Whether it deserves a mail: a rule of the platform has not sent one."""
        return self.state is not ScheduleState.REPORTED

    @property
    def run_id(self) -> RunId:
        """The firing at which the state changed."""
        return RunId(self.schedule, parse_time(self.scheduled_time))

    @property
    def id(self) -> str:
        """What tells this change from all others, however often it is sent."""
        return f"{self.run_id}.{self.number}-{self.state}"

    @property
    def key(self) -> str:
        """Where it is kept."""
        return change_key(self.schedule, self.id)

    def to_detail(self) -> dict[str, Any]:
        """The change as a JSON object: the stored document, and the ``detail`` of its event."""
        return {FORMAT: "change/1", "id": self.id, **asdict(self)}

    def to_json(self) -> bytes:
        """The change as UTF-8 JSON."""
        return json.dumps(self.to_detail(), indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a change; raises EvidenceError when it is none or of a later format."""
        try:
            change = documents.read(cls, documents.load(content, "change"), "change")
            RunId.parse(str(change.run_id))
            parse_time(change.noticed_at)
        except (DocumentError, ContractError) as error:
            raise EvidenceError(f"a change cannot be read: {error}") from error
        return change


def told_from(keys: Mapping[str, datetime]) -> list[Told]:
    """The changes that a listing of ``changes/`` shows, by key and time of writing, in order."""
    found = [told for key, time in keys.items() if (told := Told.from_key(key, time)) is not None]
    return [evolve(row, sent=sent_key(row.key) in keys) for row in found]


def sent_key(key: str) -> str:
    """The key of the mark that a change was published."""
    return f"{key.removesuffix('.json')}.sent.json"


def sent_mark(now: datetime) -> bytes:
    """The content of that mark."""
    return json.dumps({FORMAT: "change-sent/1", "sent_at": format_time(now)}).encode() + b"\n"
