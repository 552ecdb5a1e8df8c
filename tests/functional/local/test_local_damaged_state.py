"""A state that cannot be read is named, is not overwritten, and can be reset."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from toolkit.adapters.embedded import engine
from toolkit.adapters.embedded.engine import EngineClient
from toolkit.app import local
from toolkit.core.errors import ToolkitError

from .own import run_sleeper
from .rehearsal import Rehearsal, make_project

Damage = Callable[[Path], None]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(content: bytes) -> Damage:
    return lambda path: path.write_bytes(content) and None


def foreign_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE events (what TEXT)")


def scramble(path: Path) -> None:
    """Still a document, with another content."""
    path.write_bytes(path.read_bytes().replace(b"/kept", b"/lost"))


DAMAGES: dict[str, tuple[str, Damage]] = {
    "a cut file": ("ecs.json", cut),
    "an empty file": ("iam.json", overwrite(b"")),
    "bytes": ("sqs.json", overwrite(b"\xff\xfe\x00")),
    "a list": ("s3.json", overwrite(b"[]")),
    "no payload": ("scheduler.json", overwrite(b"{}")),
    "a state that was changed": ("cloudwatch_logs.json", scramble),
    "a newer format": ("ecs.json", overwrite(b'{"__ministack_format__": 99, "payload": {}}')),
    "a cut task": ("tasks/*.json", cut),
    "a task that is none": ("tasks/*.json", overwrite(b'{"a": 1}')),
    "a cut database": ("logs.sqlite", cut),
    "no database": ("logs.sqlite", overwrite(b"a" * 10_000)),
    "a foreign database": ("logs.sqlite", foreign_database),
    "an empty database": ("logs.sqlite", overwrite(b"")),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project of an engine that was stopped, with a copy of its state beside it."""
    root = make_project(tmp_path_factory.mktemp("damaged"))
    own = Rehearsal(engine.ensure_running(root, print), root)
    logs, names = own.aws("logs"), {"logGroupName": "/kept", "logStreamName": "s"}
    logs.create_log_group(logGroupName="/kept")
    logs.create_log_stream(**names)
    events = [{"timestamp": int(time.time() * 1000), "message": "m" * 1000}] * 100
    logs.put_log_events(**names, logEvents=events)
    run_sleeper(own, tmp_path_factory.mktemp("image"))
    own.engine.stop(root)
    shutil.copytree(engine.directory(root) / "state", root / "copy")
    # Its journal may hold all of the database, and then a damaged file of it loses nothing.
    with closing(sqlite3.connect(root / "copy" / "logs.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield root
    info = engine.running(root)
    if info is not None:
        EngineClient(info).stop(root)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_named_and_left_alone(kept: Path, name: str) -> None:
    state = engine.directory(kept) / "state"
    shutil.rmtree(state)
    shutil.copytree(kept / "copy", state)
    pattern, damage = DAMAGES[name]
    path = next(state.glob(pattern))
    damage(path)
    before = path.read_bytes()
    with pytest.raises(ToolkitError) as caught:
        EngineClient(engine.ensure_running(kept, print)).stop(kept)
    assert f"{path} is damaged: " in caught.value.message
    assert "toolkit local reset" in str(caught.value.hint)
    assert path.read_bytes().startswith(before)
    assert engine.running(kept) is None


def test_after_a_reset_it_starts_from_nothing(kept: Path) -> None:
    state = engine.directory(kept) / "state"
    keys = (engine.directory(kept) / "keys.json").read_bytes()
    cut(state / "ecs.json")
    local.reset(kept)
    again = Rehearsal(engine.ensure_running(kept, print), kept)
    assert again.aws("logs").describe_log_groups()["logGroups"] == []
    assert (engine.directory(kept) / "keys.json").read_bytes() == keys
    again.engine.stop(kept)


def test_a_state_that_is_whole_is_taken_up_again(kept: Path) -> None:
    state = engine.directory(kept) / "state"
    shutil.rmtree(state, ignore_errors=True)
    shutil.copytree(kept / "copy", state)
    again = Rehearsal(engine.ensure_running(kept, print), kept)
    assert len(again.log_lines("/kept")) == 100
    again.engine.stop(kept)
