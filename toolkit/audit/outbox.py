"""Changes on their way: written once, then published, then marked as sent.

Publishing may be interrupted at any moment, and several audits may overlap. A change is never lost:
it is written before it is published, and the next audit publishes what has no mark. It may be sent
twice, with the same id: a mark may be missing although the message went out.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from toolkit.core.changes import message
from toolkit.core.changes.change import Change, Told, sent_key, sent_mark, told_from
from toolkit.core.errors import EvidenceError, ToolkitError

# Longer than an audit may take, so whoever wrote an older change does not work on it any more.
LEASE = timedelta(minutes=15)


class ChangeStore(Protocol):
    """Where changes are kept."""

    def changes(self) -> Mapping[str, datetime]:
        """Every key below ``changes/``, and when S3 took it."""

    def create(self, key: str, content: bytes) -> bool:
        """Write an object; False, and nothing written, where there is one."""

    def read(self, key: str) -> bytes | None:
        """The content of an object, or None."""


class Publisher(Protocol):
    """Where news go."""

    def mail(self, subject: str, body: str) -> None:
        """Send a message to the topic's subscribers."""

    def event(self, detail: Mapping[str, Any]) -> None:
        """Put an event for the rules of users."""


class Outbox:
    """The changes of one app; ``flags`` follow the commands in a mail.

    ``problems`` says what could not be sent; the next audit tries that again.
    """

    def __init__(self, store: ChangeStore, publisher: Publisher, flags: str = "") -> None:
        self._store = store
        self._publisher = publisher
        self._flags = flags
        self.problems: list[str] = []

    def told(self) -> list[Told]:
        """Every change that was written."""
        return told_from(self._store.changes())

    def publish(self, changes: Iterable[Change], now: datetime) -> list[Change]:
        """Write and send changes; those that another audit wrote meanwhile are left to it."""
        written = [row for row in changes if self._store.create(row.key, row.to_json())]
        return [change for change in written if self._sent(change, now)]

    def resend(self, told: Iterable[Told], now: datetime) -> list[Change]:
        """Send what was written by an audit that ended before it was sent."""
        late = [row for row in told if not row.sent and now - row.written_at >= LEASE]
        changes = filter(None, map(self._stored, late))
        return [change for change in changes if self._sent(change, now)]

    def _stored(self, told: Told) -> Change | None:
        content = self._store.read(told.key)
        if content is None:
            return None
        try:
            change = Change.from_json(content)
        except EvidenceError as error:
            self.problems.append(f"{told.id} was not sent: {error.message}")
            return None
        if change.key != told.key:
            self.problems.append(f"{told.id} was not sent: {told.key} holds {change.id}")
            return None
        return change

    def _sent(self, change: Change, now: datetime) -> bool:
        """Whether a change went out; what fails for one is no reason to keep the others."""
        try:
            self._send(change, now)
        except ToolkitError as error:
            self.problems.append(f"{change.id} was not sent: {error.message}")
            return False
        return True

    def _send(self, change: Change, now: datetime) -> None:
        if change.mailed:
            self._publisher.mail(message.subject(change), message.body(change, self._flags))
        self._publisher.event(change.to_detail())
        self._store.create(sent_key(change.key), sent_mark(now))
