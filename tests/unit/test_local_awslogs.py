"""The awslogs driver ships every line, in order, and lets a container wait that is too fast."""

import io
import os
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.local.agent.awslogs import LogShipper

PATIENCE_SECONDS = 300  # a test that hangs ends; nothing is ever measured with it
LIMIT = 262_144 - 26


class Logs:
    """CloudWatch Logs: keeps what is put, once it may, and may fail."""

    class exceptions:  # noqa: N801 - as boto3 has it
        ResourceAlreadyExistsException = KeyError
        ClientError = ValueError

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.batches: list[list[dict[str, Any]]] = []
        self.failures = 0

    def create_log_stream(self, **_: object) -> None:
        """Nothing to make."""

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **_: object) -> None:  # noqa: N803
        assert self.open.wait(PATIENCE_SECONDS)
        if self.failures:
            self.failures -= 1
            raise ValueError("no such group")
        self.batches.append(logEvents)

    @property
    def messages(self) -> list[str]:
        return [event["message"] for batch in self.batches for event in batch]


def shipped(content: bytes, logs: Logs | None = None) -> Logs:
    """What is kept of an output that has ended."""
    kept = logs or Logs()
    shipper = LogShipper(kept, {"awslogs-group": "/g"}, "s", lambda: 7)
    shipper.start(io.BufferedReader(io.BytesIO(content)))  # type: ignore[arg-type]
    shipper.finish(PATIENCE_SECONDS)
    return kept


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=9)))
def test_every_line_that_says_something_is_kept_in_order(lines: list[str]) -> None:
    content = "\n".join(lines).encode()
    assert shipped(content).messages == [line for line in lines if line]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("length", [LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT + 5])
def test_a_line_is_cut_where_an_event_ends(length: int, ending: bytes) -> None:
    messages = shipped(b"x" * length + ending + b"next").messages
    pieces, last = (messages, "") if not ending else (messages[:-1], messages[-1])
    assert "".join(pieces) + last == "x" * length + "next"
    assert max(map(len, messages)) <= LIMIT
    assert last in ("", "next")


def test_a_batch_is_as_large_as_one_call_takes() -> None:
    logs = shipped(b"".join(b"line %06d\n" % n for n in range(45_000)))
    assert logs.messages == [f"line {n:06d}" for n in range(45_000)]
    assert max(map(len, logs.batches)) == 10_000
    large = shipped(b"".join(b"%06d%s\n" % (n, b"y" * 5000) for n in range(900)))
    sizes = [sum(len(e["message"]) + 26 for e in batch) for batch in large.batches]
    assert max(sizes) <= 1_048_576
    assert len(large.messages) == 900


def test_a_container_waits_while_its_lines_are_not_taken() -> None:
    logs = Logs()
    logs.open.clear()
    shipper = LogShipper(logs, {"awslogs-group": "/g"}, "s", lambda: 7)
    reader, writer = os.pipe()
    written = 0
    line = b"z" * 1023 + b"\n"

    def write() -> None:
        nonlocal written
        with os.fdopen(writer, "wb", buffering=0) as file:
            for _ in range(20_000):  # 20 MB
                file.write(line)
                written += 1

    container = threading.Thread(target=write, daemon=True)
    shipper.start(os.fdopen(reader, "rb"))
    container.start()
    container.join(0.5)
    assert container.is_alive()
    assert written < 10_000
    logs.open.set()
    container.join(PATIENCE_SECONDS)
    shipper.finish(PATIENCE_SECONDS)
    assert len(logs.messages) == 20_000


def test_a_batch_that_is_refused_holds_nobody_up() -> None:
    logs = Logs()
    logs.failures = 1
    shipped(b"a\n" * 25_000, logs)
    assert 0 < len(logs.messages) < 25_000
