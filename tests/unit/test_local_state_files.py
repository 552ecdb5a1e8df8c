"""Files of a state that cannot be read are found before anything is made of them."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from toolkit.local.ministack.upstream.log_store import COLUMNS, LogStore
from toolkit.local.ministack.upstream.state_files import DamagedStateError, check, document

TASK = ["0", "r", {"taskArn": "a", "lastStatus": "STOPPED", "desiredStatus": "STOPPED"}]


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_whole_state_is_taken(tmp_path: Path) -> None:
    check(tmp_path / "missing", COLUMNS)
    write(tmp_path / "sqs.json", b'{"__ministack_format__": 2, "payload": {}}')
    write(tmp_path / "sns.json", document(2, '{"topics": "ü"}').encode())
    write(tmp_path / "tasks" / "a.json", json.dumps(TASK).encode())
    store = LogStore(tmp_path / "logs.sqlite")
    check(tmp_path, COLUMNS)  # while it is open, and with its journal
    store.group("g")
    check(tmp_path, COLUMNS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("sqs.json", text) for text in (b"", b"{", b"[]", b"{}", b'{"payload": 1}', b"\xff")),
        ("sqs.json", b"[" * 100_000),
        ("sqs.json", document(2, '{"a": 1}').replace("1", "2").encode()),
        ("sqs.json", document(2, '{"a": 1}')[:-1].encode()),
        ("sqs.json", document(2, '{"a": 1}').encode() + b"}"),
        *(("tasks/a.json", text) for text in (b"", b"{}", b'["0", "r", {}]', b'["0", "r", "t"]')),
        ("tasks/a.json", json.dumps([*TASK[:2], {**TASK[2], "lastStatus": 1}]).encode()),  # type: ignore[dict-item]
        ("logs.sqlite", b"no database at all"),
        ("logs.sqlite", b"SQLite format 3\0" + b"\0" * 84),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(DamagedStateError, match=re.escape(f"{path} is damaged: ")):
        check(tmp_path, COLUMNS)


def test_a_document_can_be_read_as_any_other() -> None:
    assert json.loads(document(3, '{"a": 1}'))["payload"] == {"a": 1}


def test_tables_of_somebody_else_are_named(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "logs.sqlite")) as database:
        database.execute("CREATE TABLE theirs (a TEXT)")
    with pytest.raises(DamagedStateError, match="its table theirs is not one of ours"):
        check(tmp_path, COLUMNS)
