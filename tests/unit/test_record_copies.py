"""Reading copied records, whatever somebody put there."""

import gzip
import io
import json
from typing import Any

import pytest

from toolkit.adapters.bucket.record_copies import parsed, unpacked
from toolkit.core.errors import EvidenceError


def packed(text: bytes) -> io.BytesIO:
    return io.BytesIO(gzip.compress(text))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", []),
        (b"a\nb\n", [b"a\n", b"b\n"]),
        (b"a\nb", [b"a\n", b"b"]),
        (b"x" * 35 + b"\nb\n", [None, b"b\n"]),
        (b"x" * 20 + b"\nb\n", [None, b"b\n"]),
        (b"x" * 9 + b"\nb\n", [b"x" * 9 + b"\n", b"b\n"]),
    ],
)
def test_lines_are_bounded(text: bytes, lines: list[bytes | None]) -> None:
    assert list(unpacked(packed(text), "f", line_bytes=10)) == lines


def test_a_bomb_is_refused() -> None:
    with pytest.raises(EvidenceError, match="f unpacks to more than 1,000 bytes"):
        list(unpacked(packed(b"0" * 1_000_000), "f", line_bytes=10, most=1000))


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"a\n" * 99)[:-9], gzip.compress(b"a\n")[:-8] + b"\0" * 8],
    ids=["no gzip", "cut", "wrong checksum"],  # by themselves they would hold the time of day
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError, match="f is not a complete gzip file"):
        list(unpacked(io.BytesIO(content), "f"))


TASK = {"taskArn": "arn:aws:ecs:a:1:task/c/1", "lastStatus": "STOPPED", "version": 5}


def line(**changes: Any) -> bytes:
    return json.dumps({"detail": {**TASK, **changes}}).encode()


def test_a_record_of_any_version_is_read() -> None:
    task = parsed(line(containers=[{"name": "workload", "exitCode": 0}]))
    assert task is not None
    assert (task.version, task.exit_code, task.source) == (5, 0, "record")


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"nonsense",
        b"7",
        b"[]",
        b"{}",
        b'{"detail": 7}',
        b"[" * 100_000,
        b"\xff\xfe",
        line(taskArn=7),
        line(lastStatus=["STOPPED"]),
        line(version="many"),
        line(stoppedAt="yesterday"),
        line(stoppedAt=7),
        line(containers=7),
        line(containers=[7]),
        line(containers=[{"name": "workload", "exitCode": False}]),
        line(containers=[{"name": "workload", "exitCode": "0"}]),
        line(overrides=7),
        line(overrides={"containerOverrides": [{"name": "workload", "environment": [{}]}]}),
    ],
)
def test_a_line_of_another_shape_is_no_record(bad: bytes) -> None:
    assert parsed(bad) is None
