"""The awslogs driver: a container's output into its log stream, in order and in full.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_BATCH_EVENTS, _BATCH_BYTES, _EVENT_BYTES, _OVERHEAD = 10_000, 1_048_576, 262_144, 26
_SHIP_SECONDS = 0.2


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
        self._pending: list[dict[str, Any]] = []
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
        with output:
            for line in output:
                text = line.rstrip(b"\r\n")
                for start in range(0, len(text), _EVENT_BYTES - _OVERHEAD):
                    self._add(text[start : start + _EVENT_BYTES - _OVERHEAD])
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def _add(self, text: bytes) -> None:
        event = {"timestamp": self._now_ms(), "message": text.decode("utf-8", "replace")}
        with self._condition:
            self._pending.append(event)
            self._condition.notify_all()

    def _ship(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._pending or self._ended)
                if not self._ended:
                    # A little patience makes one call of many lines.
                    self._condition.wait_for(lambda: self._ended, _SHIP_SECONDS)
                batch = self._take_batch()
                if not batch and self._ended:
                    return
            self._client.put_log_events(
                logGroupName=self._group, logStreamName=self._stream, logEvents=batch
            )

    def _take_batch(self) -> list[dict[str, Any]]:
        size = count = 0
        for event in self._pending[:_BATCH_EVENTS]:
            size += len(event["message"].encode()) + _OVERHEAD
            if size > _BATCH_BYTES and count:
                break
            count += 1
        batch, self._pending = self._pending[:count], self._pending[count:]
        return batch
