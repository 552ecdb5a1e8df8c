"""The state-change records that `toolkit delete` copies into the bucket, and their reader.

Whoever can write into the bucket can write here, so nothing is trusted in size or shape.
"""

import gzip
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO

from attrs import frozen

from toolkit.adapters.aws.logs import Line
from toolkit.adapters.aws.s3 import Bucket
from toolkit.core.errors import EvidenceError
from toolkit.core.task import Task
from toolkit.runtime import documents
from toolkit.runtime.contract import ContractError
from toolkit.runtime.documents import DocumentError
from toolkit.runtime.layout import RECORDS

# CloudWatch Logs takes no event of more than 1 MiB; a day of a task a second is less than the rest.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_LINE, MAX_UNPACKED = 1024 * 1024, 2 * 1024 * 1024 * 1024
_KEY = re.compile(re.escape(RECORDS) + r"(\d{4}-\d{2}-\d{2})\.jsonl\.gz")
_SHAPES = (KeyError, TypeError, ValueError, AttributeError, ContractError, DocumentError)


@frozen
class _Record:
    """A task, to have every field of it type-checked."""

    task: Task


class RecordCopies:
    """The copies in one bucket; lines that are no records are skipped and said once a file."""

    def __init__(self, bucket: Bucket, say: Callable[[str], None]) -> None:
        self._bucket = bucket
        self._say = say
        self._said: set[str] = set()

    def keep(self, lines: Iterable[Line]) -> int:
        """Keep state-change records, a file a day as `records/<day>.jsonl.gz`; returns how many.

        Each line is an event as EventBridge wrote it. The same records make the same bytes.
        """
        days: defaultdict[str, list[str]] = defaultdict(list)
        for line in lines:
            moment = datetime.fromtimestamp(line.timestamp / 1000, UTC)
            days[f"{moment:%Y-%m-%d}"].append(line.message)
        for day, messages in sorted(days.items()):
            text = "".join(f"{message}\n" for message in messages)
            content = gzip.compress(text.encode(), mtime=0)
            self._bucket.write(f"{RECORDS}{day}.jsonl.gz", content, "application/gzip")
        return sum(map(len, days.values()))

    def read(self, terms: Sequence[str], start: datetime, end: datetime) -> Iterator[Task]:
        """The state changes of the days of a period whose lines hold all ``terms``.

        Raises:
            EvidenceError: a file is no gzip, was cut off, or unpacks to more than ``MAX_UNPACKED``.
        """
        first, last = f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"
        for key in self._bucket.each_key(RECORDS, after=f"{RECORDS}{first}"):
            match = _KEY.fullmatch(key)
            if match is None:
                continue
            if match[1] > last:
                return
            yield from self._file(key, [term.encode() for term in terms])

    def _file(self, key: str, terms: Sequence[bytes]) -> Iterator[Task]:
        skipped = 0
        with self._bucket.opened(key) as body:
            for line in unpacked(body, key):
                if line is not None and not all(term in line for term in terms):
                    continue
                task = None if line is None else parsed(line)
                if task is None:
                    skipped += 1
                else:
                    yield task
        if skipped and key not in self._said:
            self._said.add(key)
            lines = "1 line is" if skipped == 1 else f"{skipped:,} lines are"
            self._say(f"s3://{self._bucket.name}/{key}: {lines} no state-change record, skipped")


def unpacked(
    body: IO[bytes], name: str, *, line_bytes: int = MAX_LINE, most: int = MAX_UNPACKED
) -> Iterator[bytes | None]:
    """The lines of a gzip file, None for one that is too long; EvidenceError as `read` says."""
    total = 0
    within = False
    try:
        with gzip.GzipFile(fileobj=body) as file:
            while line := file.readline(line_bytes):
                total += len(line)
                if total > most:
                    raise EvidenceError(f"{name} unpacks to more than {most:,} bytes")
                whole = line.endswith(b"\n") or len(line) < line_bytes
                if whole and not within:
                    yield line
                elif not within:
                    yield None
                within = not whole
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise EvidenceError(f"{name} is not a complete gzip file: {error}") from error


def parsed(line: bytes) -> Task | None:
    """The task of a record; None for a line that is none."""
    try:
        task = Task.parse(documents.load(line, "record")["detail"], source="record")
        return documents.read(_Record, {"task": task.to_json()}, "record").task
    except _SHAPES:
        return None
