"""The logs of many runs, summed up: a hundred streams a search.

A search answers for a log only if every numbered line of it is there: as many as the manifest says,
up to the last. Every other log is read once more, on its own and from its start.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from attrs import frozen

from toolkit.adapters.aws.logs import SEARCHES_AT_ONCE, Logs
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.names import log_stream
from toolkit.core.proof.log_digest import LogDigest, LogReader, digest
from toolkit.core.task import Task
from toolkit.runtime.contract import Manifest, RunId, parse_time

_STREAMS = 100  # as many as FilterLogEvents takes
_AROUND = timedelta(minutes=5)


@frozen
class OwnLog:
    """The log of the task that owns a run, and what tells whether it is whole."""

    run_id: RunId
    group: str
    task: Task
    manifest: Manifest | None

    @property
    def stream(self) -> str:
        """Where it is."""
        return log_stream(self.task.task_arn)

    @property
    def began(self) -> datetime:
        """When it can have begun."""
        made = self.task.times.get("createdAt")
        return parse_time(made) if made else self.run_id.scheduled_time


def digests(logs: Logs, wanted: Sequence[OwnLog], now: datetime) -> dict[RunId, LogDigest | None]:
    """Each log summed up; None for a log that does not exist."""
    found: dict[RunId, LogDigest | None] = {}

    def search(batch: Sequence[OwnLog]) -> None:
        readers = {log.stream: LogReader(str(log.run_id)) for log in batch}
        for stream, message in _searched(logs, batch, now):
            readers[stream].add(message)
        for log in batch:
            summed = readers.pop(log.stream).digest()
            if whole(summed, log.manifest):
                found[log.run_id] = summed

    def read(log: OwnLog) -> None:
        pages = logs.pages(log.group, log.stream)
        found[log.run_id] = (
            None
            if pages is None
            else digest(str(log.run_id), (line.message for page in pages for line in page))
        )

    side_by_side(search, _batches(wanted), SEARCHES_AT_ONCE)
    unread = [log for log in wanted if log.run_id not in found]
    side_by_side(read, unread, SEARCHES_AT_ONCE)
    return found


def _batches(wanted: Iterable[OwnLog]) -> Iterator[Sequence[OwnLog]]:
    """Finished runs of one log group that lie close together."""
    over = [log for log in wanted if log.manifest is not None and log.task.stopped]
    over.sort(key=lambda log: (log.group, log.began))
    for _, group in groupby(over, key=lambda log: log.group):
        ordered = list(group)
        for start in range(0, len(ordered), _STREAMS):
            yield ordered[start : start + _STREAMS]


def _searched(logs: Logs, batch: Sequence[OwnLog], now: datetime) -> Iterator[tuple[str, str]]:
    ends = [log.task.times.get("stoppedAt") for log in batch]
    last = max(parse_time(end) if end else now for end in ends)
    names = [log.stream for log in batch]
    return logs.streams(batch[0].group, names, batch[0].began - _AROUND, last + _AROUND)


def whole(found: LogDigest | None, manifest: Manifest | None) -> bool:
    """Whether every numbered line is there: as many as the manifest says, up to the last."""
    if found is None:
        return False
    expected = manifest.log_lines if manifest else 0
    return found.numbered == max(expected, found.last_seq) > 0
