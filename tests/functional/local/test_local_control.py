"""The control API under callers that come at once, and when a call of it fails."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from toolkit.adapters.embedded.engine import EngineClient, EngineInfo
from toolkit.core.errors import ToolkitError
from toolkit.local.control import Control, Json

from .conftest import Rehearsal


def fails(_body: Json) -> Json:
    raise FileNotFoundError("kept.json.new")


def fails_late(_body: Json) -> Iterator[Json]:
    yield {"event": "fired"}
    raise FileNotFoundError("kept.json.new")


@pytest.fixture
def failing() -> Iterator[EngineClient]:
    control = Control("token")
    control.calls = {("GET", "/now"): fails}
    control.streams = {"/advance": fails_late}
    threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True).start()
    yield EngineClient(
        EngineInfo("", control.url, "us-east-1", "0", 1, "token", "", "", "2026-11-28T00:00:00Z")
    )
    control.shutdown()
    control.server_close()


def test_a_call_that_fails_by_a_bug_is_answered_with_the_error(failing: EngineClient) -> None:
    with pytest.raises(ToolkitError, match=r"/now: FileNotFoundError: kept\.json\.new"):
        failing.now()


def test_a_stream_that_fails_by_a_bug_ends_with_the_error(failing: EngineClient) -> None:
    events = failing.advance(seconds=1)
    assert next(events) == {"event": "fired"}
    with pytest.raises(ToolkitError, match=r"/advance: FileNotFoundError"):
        next(events)


def test_callers_at_once_are_all_answered(rehearsal: Rehearsal) -> None:
    def ask(_number: int) -> tuple[str, object]:
        engine = rehearsal.engine
        return engine.feed_url(), engine.status()["pid"]

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(240)))
    assert len(set(answers)) == 1
