"""The workload from its first frame to its last artifact, on a connection that tests feed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.stream_frames import payload, trade
from tests.stream_run import RecordingRun
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import ContractError, Interrupted, Result
from workloads.streams.connection import Connection
from workloads.streams.errors import (
    ConnectFailedError,
    ConnectionLostError,
    RegionBlockedError,
    StreamSilentError,
)
from workloads.streams.frames import Frames
from workloads.streams.settings import ENDPOINTS, Settings
from workloads.streams.trades import run

ARTIFACTS = ["trades.parquet", "bars.csv", "signals.csv", "metrics.json", "stream.png"]


class FakeClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class PatientRun(RecordingRun):
    """A run whose waiting moves the fake clock."""

    def __init__(
        self, scratch: Path, clock: FakeClock, stop: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(scratch, stop)
        self._clock = clock

    def wait(self, seconds: float) -> bool:
        if not self._stop():
            self._clock.now += seconds
        return self._stop()


class FedConnection:
    """Gives one item of the script a read: messages, or an error; then silence."""

    def __init__(self, clock: FakeClock, *script: list[bytes] | Exception) -> None:
        self.drained, self.pings, self.closed = True, 0, False
        self.feed: str | None = None
        self.url = ""
        self._clock = clock
        self._script = list(script)

    def receive(self, timeout: float) -> Iterator[Frames]:
        if not self._script:
            self._clock.now += timeout
            return
        item = self._script.pop(0)
        if isinstance(item, Exception):
            raise item
        if item:
            yield Frames.of(item)

    def close(self) -> None:
        self.closed = True


class Harness:
    """One workload run with everything faked that is outside of it."""

    def __init__(self, scratch: Path, *script: list[bytes] | Exception) -> None:
        self.clock = FakeClock()
        self.connection = FedConnection(self.clock, *script)
        self.stop_at = float("inf")
        self.run = PatientRun(scratch, self.clock, lambda: self.clock.now >= self.stop_at)

    def stream(self, **settings: Any) -> Result:
        values = {"feed": "synthetic", "base_url": "ws://feed", "run_seconds": 60} | settings
        return run(values, self.run, connect=self.connect, clock=self.clock)

    def connect(self, url: str, timeout: float, stopping: Callable[[], bool]) -> Connection:
        self.connection.url = url
        return self.connection

    @property
    def metrics(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.run.artifacts["metrics.json"])
        return document


def messages(first: int, count: int, second: int = 0) -> list[bytes]:
    return [payload(trade(n, second=second)) for n in range(first, first + count)]


def test_a_stream_that_runs_its_time_saves_everything(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 100), [], messages(100, 3, second=1))
    result = harness.stream(symbol="bnbusdt")
    assert harness.connection.url == "ws://feed/ws/bnbusdt@trade"
    assert harness.connection.closed
    assert list(harness.run.artifacts) == ARTIFACTS
    assert harness.run.rows["trades.parquet"] == 103
    assert harness.run.rows["bars.csv"] == 2
    assert result.metrics["trades"] == 103
    assert all(gate.passed for gate in result.gates)
    table = pq.read_table(tmp_path / "trades.parquet")
    assert table["trade_id"].to_pylist() == [1_300_000_000 + n for n in range(103)]
    assert harness.run.artifacts["stream.png"].startswith(b"\x89PNG")


def test_it_stops_at_its_deadline_busy_or_silent(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 2))
    began = harness.clock.now
    harness.stream(run_seconds=10)
    assert harness.clock.now - began == pytest.approx(10.0)

    busy = Harness(tmp_path, *([message] for message in messages(0, 1000)))
    began = busy.clock.now
    busy.stream(run_seconds=10)
    assert busy.clock.now - began == pytest.approx(10.0)
    assert 0 < busy.metrics["trades"] < 1000


def test_a_stop_request_saves_what_there_is_and_says_so(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 5))
    harness.stop_at = harness.clock.now + 3
    with pytest.raises(Interrupted) as stopped:
        harness.stream()
    assert harness.clock.now - harness.stop_at < 1.0
    assert list(harness.run.artifacts) == ARTIFACTS
    assert stopped.value.result.metrics["trades"] == 5
    assert harness.connection.closed


def test_a_lost_connection_fails_the_run_with_the_reason_after_saving(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 5), ConnectionLostError("it broke: reset", hint="h"))
    with pytest.raises(ConnectionLostError) as lost:
        harness.stream()
    assert str(lost.value) == (
        "the connection was lost 0.2 s into the stream, 5 trades: it broke: reset"
    )
    assert lost.value.hint == "h"
    assert lost.value.result.metrics["trades"] == 5
    assert list(harness.run.artifacts) == ARTIFACTS
    [told] = harness.run.named("connection.lost")
    assert told["reason"] == str(lost.value)


def test_a_connection_that_is_lost_before_any_trade_still_saves_artifacts(tmp_path: Path) -> None:
    harness = Harness(tmp_path, ConnectionLostError("it broke"))
    with pytest.raises(ConnectionLostError):
        harness.stream()
    assert list(harness.run.artifacts) == ARTIFACTS
    assert pq.read_table(tmp_path / "trades.parquet").num_rows == 0


def test_an_announced_shutdown_is_told_and_named_in_the_reason(tmp_path: Path) -> None:
    notice = b'{"e":"serverShutdown","E":1795000000000}'
    harness = Harness(tmp_path, [*messages(0, 2), notice], ConnectionLostError("closed"))
    with pytest.raises(ConnectionLostError, match="after it had announced its shutdown"):
        harness.stream()
    assert harness.run.named("shutdown.announced") == [{"event_time": 1795000000000}]


def test_gaps_are_told_counted_and_judged(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 70), messages(75, 70), messages(150, 2))
    result = harness.stream()
    assert [told["missing"] for told in harness.run.named("gap.detected")] == [5, 5]
    assert result.metrics["missing_trades"] == 10
    assert [g.name for g in result.gates if not g.passed] == ["missing_trades"]
    tolerant = Harness(tmp_path, messages(0, 70), messages(75, 70))
    assert all(gate.passed for gate in tolerant.stream(missing_limit=5).gates)


def test_a_repeated_trade_is_recorded_once(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 3), messages(2, 3))
    assert harness.stream().metrics["repeated_trades"] == 1
    assert pq.read_table(tmp_path / "trades.parquet").num_rows == 5


def test_messages_that_make_no_sense_are_told_counted_and_judged(tmp_path: Path) -> None:
    harness = Harness(tmp_path, [*messages(0, 2), b'{"e":"trade"}', b"?"], messages(2, 1))
    result = harness.stream()
    told = harness.run.named("message.rejected")
    assert [t["excerpt"] for t in told] == ['{"e":"trade"}', "?"]
    assert result.metrics["rejected_messages"] == 2
    assert [g.name for g in result.gates if not g.passed] == ["rejected_messages"]


def test_a_flood_of_one_event_is_cut_short_and_counted(tmp_path: Path) -> None:
    harness = Harness(tmp_path, [b"?"] * 1000 + messages(0, 1))
    harness.stream()
    assert len(harness.run.named("message.rejected")) == 20
    [summary] = harness.run.named("stream.summarized")
    assert summary["not_logged"] == {"message.rejected": 980}


def test_a_stream_of_nonsense_is_summarized_too(tmp_path: Path) -> None:
    harness = Harness(tmp_path, [b"?"] * 30)
    harness.stream()
    [summary] = harness.run.named("stream.summarized")
    assert (summary["trades"], summary["not_logged"]) == (0, {"message.rejected": 10})


def test_silence_is_an_event_that_ends_with_the_next_trade(tmp_path: Path) -> None:
    nothing: list[list[bytes]] = [[]] * 200  # 50 s, at 250 ms a read
    harness = Harness(tmp_path, messages(0, 2), *nothing, messages(2, 1, second=50))
    harness.stream()
    assert [event["seconds"] for event in harness.run.named("silence.began")] == [30.0]
    assert [event["seconds"] for event in harness.run.named("silence.ended")] == [50.2]


def test_silence_above_the_limit_fails_the_run_with_a_hint(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 2))
    with pytest.raises(StreamSilentError, match=r"no trade of BNBUSDT for 40 s \(0 pings") as error:
        harness.stream(silence_error_seconds=40)
    assert "is SYMBOL listed" in error.value.hint
    assert list(harness.run.artifacts) == ARTIFACTS


def test_summaries_come_only_when_something_happened(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 2))
    harness.stream(run_seconds=200, summary_seconds=60)
    summaries = harness.run.named("stream.summarized")
    assert [s["trades"] for s in summaries] == [2]


def test_a_busy_stream_logs_no_line_per_trade_or_per_second(tmp_path: Path) -> None:
    script = [messages(s * 50, 50, second=s) for s in range(600)]
    harness = Harness(tmp_path, *script)
    harness.stream(run_seconds=140)
    assert harness.metrics["trades"] > 25_000
    assert len(harness.run.events) < 10


def test_a_stream_without_trades_does_not_pass(tmp_path: Path) -> None:
    result = Harness(tmp_path).stream(run_seconds=10)
    assert [gate.name for gate in result.gates if not gate.passed] == ["trades"]


def test_everything_says_that_the_trades_are_not_the_exchange_s(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 2))
    assert harness.stream(feed="recorded").metrics["feed"] == "recorded"
    assert harness.metrics["feed"] == "recorded"
    assert pq.read_schema(tmp_path / "trades.parquet").metadata[b"feed"] == b"recorded"
    assert harness.run.named("connection.opened")[0]["feed"] == "recorded"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"BASE_URL": "ws://127.0.0.1:8000"}, "set FEED to synthetic or recorded"),
        ({"BASE_URL": "wss://stream.binance.com.example.org"}, "set FEED to synthetic or recorded"),
        ({"BASE_URL": "wss://notbinance.com"}, "set FEED to synthetic or recorded"),
        ({"FEED": "synthetic"}, "set FEED to binance"),
        (
            {"FEED": "recorded", "BASE_URL": "WSS://Data-Stream.Binance.VISION"},
            "set FEED to binance",
        ),
        ({"EMA_FAST_SECONDS": "60"}, "EMA_FAST_SECONDS=60, EMA_SLOW_SECONDS=60 contradict"),
        ({"SILENCE_ERROR_SECONDS": "5"}, "SILENCE_EVENT_SECONDS <= SILENCE_ERROR_SECONDS"),
        ({"BASE_URL": "ws://h:notaport", "FEED": "synthetic"}, "is not a URL: Port could not"),
        ({"BASE_URL": "wss://stream. binance.com"}, "has a space or a control character"),
        ({"BASE_URL": "https://stream.binance.com"}, "does not begin with ws:// or wss://"),
        ({"BASE_URL": "wss://stream.binance.com/ws"}, "does not match"),
        ({"BASE_URL": "wss://stream.binance.com?a=1"}, "does not match"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, str], told: str
) -> None:
    with pytest.raises(ContractError) as error:
        load().workload("stream").settings(settings)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("number", range(len(ENDPOINTS)))
def test_every_endpoint_that_a_hint_names_is_the_exchange_s(number: int) -> None:
    url = ENDPOINTS[number].partition(" ")[0]
    assert load().workload("stream").settings({"BASE_URL": url})["feed"] == "binance"


class Refusing:
    """A connection factory that fails a number of times."""

    def __init__(self, harness: Harness, *errors: Exception, seconds: float = 0.0) -> None:
        self.attempts = 0
        self._harness, self._errors, self._seconds = harness, list(errors), seconds

    def __call__(self, url: str, timeout: float, stopping: Callable[[], bool]) -> Connection:
        self.attempts += 1
        self._harness.clock.now += self._seconds
        if self._errors:
            raise self._errors.pop(0)
        return self._harness.connection


def test_opening_is_tried_again_and_each_attempt_is_told(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 1))
    refusing = Refusing(harness, OSError("refused"), TimeoutError("timed out"))
    harness.connect = refusing  # type: ignore[method-assign]
    assert harness.stream().metrics["trades"] == 1
    assert [t["error"] for t in harness.run.named("connection.retried")] == ["refused", "timed out"]


def test_opening_is_given_up_when_its_time_is_over(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.connect = Refusing(harness, *[OSError("refused")] * 99)  # type: ignore[method-assign]
    with pytest.raises(ConnectFailedError, match="within 0 s: refused"):
        harness.stream(connect_budget_seconds=0.0)
    assert harness.run.artifacts == {}


def test_a_stop_request_ends_the_attempts_to_connect(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.stop_at = harness.clock.now + 3
    refusing = Refusing(harness, *[OSError("refused")] * 99)
    harness.connect = refusing  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        harness.stream()
    assert refusing.attempts < 10


def test_a_blocked_region_is_not_tried_again(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    refusing = Refusing(harness, RegionBlockedError("HTTP 451"))
    harness.connect = refusing  # type: ignore[method-assign]
    with pytest.raises(RegionBlockedError):
        harness.stream()
    assert refusing.attempts == 1


def test_the_catalog_s_defaults_are_the_settings_defaults() -> None:
    assert Settings.of(load().workload("stream").settings({})) == Settings()


def test_every_setting_is_in_the_catalog_and_the_other_way_round() -> None:
    from attrs import fields

    known = {variable.name.lower() for variable in load().workload("stream").variables}
    assert known == {attribute.name for attribute in fields(Settings)}


@pytest.mark.parametrize("name", ["bnb", "btc", "eth"])
def test_the_shipped_schedules_set_only_what_the_catalog_knows(name: str) -> None:
    import tomllib

    root = Path(__file__).parents[2]
    schedule = tomllib.loads((root / "schedules" / f"stream-{name}.toml").read_text())
    workload = load().workload(schedule["workload"])
    workload.check_environment(schedule["env"])
    assert schedule["env"]["SYMBOL"] == f"{name.upper()}USDT"


def test_the_artifacts_are_those_that_the_catalog_expects(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 2))
    harness.stream()
    expected = {artifact.name: artifact for artifact in load().workload("stream").artifacts}
    assert list(expected) == ARTIFACTS
    for name, content in harness.run.artifacts.items():
        assert len(content) >= expected[name].min_bytes
