"""The run's log: numbered lines of JSON."""

import io
import json
import math
import threading
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from toolkit.runtime.contract import jsonable
from toolkit.runtime.log import Log

NOON = 1_795_521_600.25


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_number_time_run_id_event_and_its_fields() -> None:
    stream = io.StringIO()
    log = Log(stream, lambda: NOON)
    log.event("run.refused")
    log.run_id = "weather-20261124T120000Z"
    log.event("artifact.saved", name="a.csv", bytes=3)
    assert lines(stream) == [
        {"seq": 1, "time": "2026-11-24T12:00:00.250Z", "run_id": None, "event": "run.refused"},
        {
            "seq": 2,
            "time": "2026-11-24T12:00:00.250Z",
            "run_id": "weather-20261124T120000Z",
            "event": "artifact.saved",
            "name": "a.csv",
            "bytes": 3,
        },
    ]
    assert log.lines == 2


def test_a_line_break_in_a_field_breaks_no_line() -> None:
    stream = io.StringIO()
    Log(stream).event("run.failed", traceback="a\nb\r\n\x85\u2028c")
    assert len(stream.getvalue().splitlines()) == 1
    assert lines(stream)[0]["traceback"] == "a\nb\r\n\x85\u2028c"


def test_text_that_utf8_cannot_hold_is_still_a_line() -> None:
    binary = io.BytesIO()
    stream = io.TextIOWrapper(binary, encoding="utf-8")
    Log(stream).event("run.refused", problems=["COLOUR='\udcff'"])
    assert json.loads(binary.getvalue())["problems"] == ["COLOUR='\udcff'"]


def test_every_line_is_flushed() -> None:
    binary = io.BytesIO()
    log = Log(io.TextIOWrapper(binary, encoding="utf-8"))
    log.event("run.started")
    assert binary.getvalue().endswith(b"\n")


def test_no_field_replaces_the_number_or_the_event() -> None:
    stream = io.StringIO()
    Log(stream, lambda: NOON).event("gap.detected", seq=99, event="x", time=0)
    line = lines(stream)[0]
    assert (line["seq"], line["event"]) == (1, "gap.detected")


def test_a_field_that_json_cannot_hold_leaves_no_gap() -> None:
    stream = io.StringIO()
    log = Log(stream)
    log.event("first")
    with pytest.raises(TypeError, match="object cannot stand in a log line"):
        log.event("bad", thing=object())  # type: ignore[arg-type]
    log.event("second")
    assert [line["seq"] for line in lines(stream)] == [1, 2]
    assert log.lines == 2


def test_lines_of_many_threads_are_whole_and_in_order() -> None:
    stream = io.StringIO()
    log = Log(stream)
    start = threading.Barrier(8)

    def talk(name: int) -> None:
        start.wait()
        for number in range(200):
            log.event("probe.talked", thread=name, number=number)

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line["seq"] for line in lines(stream)] == list(range(1, 1601))
    assert log.lines == 1600


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (math.nan, None),
        (-math.inf, None),
        (1.5, 1.5),
        (True, True),
        (np.float64("nan"), None),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([1.0, np.nan]), [1.0, None]),
        (datetime(2026, 11, 24, 5, tzinfo=UTC), "2026-11-24T05:00:00.000Z"),
        ({1: (2, {"deep": math.inf})}, {"1": [2, {"deep": None}]}),
    ],
)
def test_every_value_has_an_honest_json_form(value: Any, told: Any) -> None:
    assert jsonable(value) == told
    assert type(jsonable(value)) is type(told)
