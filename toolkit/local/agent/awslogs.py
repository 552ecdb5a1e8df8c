"""The awslogs driver: a container's output into its log stream, in order and in full.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BufferedReader
from typing import IO, Any, cast

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_BATCH_EVENTS, _BATCH_BYTES, _EVENT_BYTES, _OVERHEAD = 10_000, 1_048_576, 262_144, 26
_MESSAGE_BYTES = _EVENT_BYTES - _OVERHEAD
_SHIP_SECONDS = 0.2
_READ_BYTES = 1 << 16  # what a pipe holds
# A container that writes faster than its lines are taken waits, as in Docker's blocking mode.
_HELD_BYTES = 4 * _BATCH_BYTES
Event = dict[str, Any]
_log = logging.getLogger(__name__)


class LogDriverError(Exception):
    """The log stream cannot be made; the message is ResourceInitializationError's."""


class LogShipper:
    """Reads one container's output and ships it in batches; always blocking, never dropping."""

    def __init__(
        self, client: Any, options: Mapping[str, str], stream: str, now_ms: Callable[[], int]
    ) -> None:
        self._client = client
        self._group = options["awslogs-group"]
        self._stream = stream
        self._now_ms = now_ms
        self._pending: deque[tuple[int, Event]] = deque()  # with their sizes
        self._held = 0  # bytes of what is pending
        self._condition = threading.Condition()
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._create(options.get("awslogs-create-group") == "true")

    def _create(self, create_group: bool) -> None:  # noqa: FBT001
        errors = self._client.exceptions
        try:
            if create_group:
                with suppress(errors.ResourceAlreadyExistsException):
                    self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except errors.ResourceAlreadyExistsException:
            return
        except errors.ClientError as error:
            raise LogDriverError(
                "failed to validate logger args: create stream has been retried 1 times: failed to "
                f"create Cloudwatch log stream: {error}"
            ) from error

    def start(self, output: IO[bytes]) -> None:
        """Begin to read and ship."""
        for work in (lambda: self._read(output), self._ship):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            self._threads.append(thread)

    def finish(self, timeout: float) -> None:
        """Wait until all that was written has been shipped."""
        for thread in self._threads:
            thread.join(timeout)

    def _read(self, output: IO[bytes]) -> None:
        begun = b""
        with output:
            while content := cast("BufferedReader", output).read1(_READ_BYTES):
                *lines, begun = (begun + content).split(b"\n")
                if len(begun) > _MESSAGE_BYTES:
                    whole = len(begun) - len(begun) % _MESSAGE_BYTES
                    lines.append(begun[:whole])
                    begun = begun[whole:]
                self._add(lines)
        self._add([begun])
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def _add(self, lines: Sequence[bytes]) -> None:
        """Take lines that were written just now; wait where too much is held already."""
        now = self._now_ms()
        texts = [
            text[start : start + _MESSAGE_BYTES]
            for text in (line.rstrip(b"\r") for line in lines)
            for start in range(0, len(text), _MESSAGE_BYTES)
        ]
        events = [{"timestamp": now, "message": text.decode("utf-8", "replace")} for text in texts]
        sizes = [_size(event) for event in events]
        with self._condition:
            self._condition.wait_for(lambda: self._held < _HELD_BYTES)
            self._held += sum(sizes)
            self._pending.extend(zip(sizes, events, strict=True))
            self._condition.notify_all()

    def _ship(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._pending or self._ended)
                # A little patience makes one call of many lines.
                self._condition.wait_for(lambda: self._ended or self._is_full(), _SHIP_SECONDS)
                batch = self._take_batch()
                if not batch and self._ended:
                    return
                self._condition.notify_all()
            try:
                self._client.put_log_events(
                    logGroupName=self._group, logStreamName=self._stream, logEvents=batch
                )
            except Exception:  # the boundary of a thread: the container must not wait for ever
                _log.exception("%d log events are lost: %s", len(batch), self._stream)

    def _is_full(self) -> bool:
        return self._held >= _BATCH_BYTES or len(self._pending) >= _BATCH_EVENTS

    def _take_batch(self) -> list[Event]:
        batch: list[Event] = []
        size = 0
        while self._pending and len(batch) < _BATCH_EVENTS:
            following = self._pending[0][0]
            if size + following > _BATCH_BYTES:
                break
            size += following
            batch.append(self._pending.popleft()[1])
        self._held -= size
        return batch


def _size(event: Event) -> int:
    """As PutLogEvents counts it."""
    return len(event["message"].encode()) + _OVERHEAD
