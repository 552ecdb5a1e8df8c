"""Calls that are answered in front of a service of ministack, and those that it is asked."""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CALLS = "toolkit.local.ministack.replacing.calls"
JSON = {"x-amz-target": "Prefix.PutThing"}
APP = """
async def service(method, path, headers, body, query):
    return 200, {}, [method, path, body, query]

async def waiting(method, path, headers, body, query):
    import asyncio
    await asyncio.sleep(0)

SERVICE_HANDLERS = {"things": service, "scheduler": service, "slow": waiting}
"""
ACTIONS = """
def extract_iam_action(service, method, path, headers, body, query):
    target = headers.get("x-amz-target", "")
    if "/schedules/" in path:
        return "scheduler:GetSchedule"
    return f"things:{target.rpartition('.')[2]}" if target else None
"""
EVALUATOR = "def pin_request_origin(address, secure_transport): ...\n"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The module under test on a ministack of three services."""
    core = tmp_path / "ministack" / "core"
    core.mkdir(parents=True)
    (tmp_path / "ministack" / "app.py").write_text(APP)
    (core / "iam_actions.py").write_text(ACTIONS)
    (core / "iam_evaluator.py").write_text(EVALUATOR)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "ministack"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, CALLS, raising=False)
    yield importlib.import_module(CALLS)
    for name in [CALLS, *(name for name in sys.modules if name.partition(".")[0] == "ministack")]:
        sys.modules.pop(name, None)


def request(calls: Any, service: str, *given: Any) -> Any:
    """What a request that ministack hands to a service is answered with."""
    return asyncio.run(calls.app.SERVICE_HANDLERS[service](*given))[2]


def test_a_call_is_answered_in_front_of_its_service(calls: Any) -> None:
    calls.answers("things", "PutThing")(lambda call: (200, {}, ["ours", call.data]))
    calls.install()
    assert request(calls, "things", "POST", "/", JSON, b'{"a": 1}', {}) == ["ours", {"a": 1}]


def test_what_nobody_answers_reaches_the_service(calls: Any) -> None:
    calls.answers("things", "PutThing")(lambda _call: (200, {}, "ours"))
    calls.install()
    other = {"x-amz-target": "Prefix.GetThing"}
    assert request(calls, "things", "POST", "/", other, b"{}", {}) == ["POST", "/", b"{}", {}]


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"\xff", b"[" * 100_000])
def test_the_service_itself_refuses_what_is_no_request(calls: Any, body: bytes) -> None:
    calls.answers("things", "PutThing")(lambda _call: (200, {}, "ours"))
    calls.install()
    assert request(calls, "things", "POST", "/", JSON, body, {}) == ["POST", "/", body, {}]


def test_a_call_may_be_passed_on_with_a_change(calls: Any) -> None:
    calls.answers("things", "PutThing")(lambda call: call._replace(body=b"{2}").passed_on())
    calls.install()
    assert request(calls, "things", "POST", "/", JSON, b"{}", {}) == ["POST", "/", b"{2}", {}]


def test_a_service_is_asked_in_its_own_protocol(calls: Any) -> None:
    assert calls.ask("things", "GetThing", {"a": 1})[2] == ["POST", "/", b'{"a": 1}', {}]
    form = calls.ask_form("things", {"Action": "Get", "Id.1": "a b"})[2]
    assert form == ["POST", "/", b"Action=Get&Id.1=a+b", {}]
    assert calls.ask_rest("scheduler", "PUT", "/a", b"{}")[2] == ["PUT", "/a", b"{}", {}]


def test_our_own_calls_are_answered_in_front_as_well(calls: Any) -> None:
    calls.answers("scheduler", "GetSchedule")(lambda call: (200, {}, call.data))
    assert calls.ask_rest("scheduler", "GET", "/schedules/a", b'{"a": 1}')[2] == {"a": 1}


def test_a_service_that_waits_cannot_be_asked(calls: Any) -> None:
    with pytest.raises(RuntimeError, match="a service that waits"):
        calls.ask("slow", "GetThing", {})
