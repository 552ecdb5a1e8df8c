"""The stream workload against the market feed, over real sockets."""

import json
import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.stream_server import certificate
from tests.stream_run import RecordingRun
from toolkit.local.feed import Faults, Feed, Market, Recording, Rules, serving
from toolkit.runtime.contract import Interrupted, Result
from workloads.streams.errors import (
    ConnectFailedError,
    ConnectionLostError,
    ConnectRefusedError,
    RegionBlockedError,
)
from workloads.streams.trades import run

FIRST = Market().first_id


def stream(run_: RecordingRun, url: str, **settings: Any) -> Result:
    values = {"base_url": url, "feed": "synthetic", "run_seconds": 1, "batch_milliseconds": 20}
    return run(values | settings, run_)


def stream_until_shutdown(run_: RecordingRun, url: str, **settings: Any) -> Result:
    """Stream until the exchange shuts down, so that the number of trades is exact."""
    with pytest.raises(ConnectionLostError) as lost:
        stream(run_, url, run_seconds=60, **settings)
    return lost.value.result


def recorded_ids(scratch: Path) -> list[int]:
    ids: list[int] = pq.read_table(scratch / "trades.parquet")["trade_id"].to_pylist()
    return ids


def test_every_trade_of_a_busy_market_is_kept(tmp_path: Path) -> None:
    market = Market(rate=3000.0, bursts={500: 2000})
    with serving(Feed(market, faults=Faults(shutdown_after=3000))) as url:
        result = stream_until_shutdown(RecordingRun(tmp_path), url)
    assert recorded_ids(tmp_path) == list(range(FIRST, FIRST + 3000))
    assert result.metrics["missing_trades"] == 0


def test_a_run_that_ends_in_time_says_goodbye(tmp_path: Path) -> None:
    feed = Feed(Market(rate=100.0))
    with serving(feed) as url:
        result = stream(RecordingRun(tmp_path), url)
    assert all(gate.passed for gate in result.gates)
    assert [record.close_code for record in feed.records] == [1000]


def test_a_stream_over_tls_is_read_and_its_certificate_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = certificate(tmp_path)
    feed = Feed(Market(rate=3000.0), faults=Faults(shutdown_after=1000))
    with serving(feed, host="localhost", tls=context) as url:
        with pytest.raises(ConnectRefusedError, match="self-signed certificate"):
            stream(RecordingRun(tmp_path), url)
        monkeypatch.setenv("WEBSOCKET_CLIENT_CA_BUNDLE", str(authority))
        stream_until_shutdown(RecordingRun(tmp_path), url)
    assert recorded_ids(tmp_path) == list(range(FIRST, FIRST + 1000))


def test_gaps_repeats_and_swaps_are_accounted_for_exactly(tmp_path: Path) -> None:
    faults = Faults(
        gaps={50: 7, 300: 1}, repeats={20: 3}, swaps=frozenset({100, 200}), shutdown_after=400
    )
    with serving(Feed(Market(rate=2000.0), faults=faults)) as url:
        result = stream_until_shutdown(RecordingRun(tmp_path), url)
    assert {
        name: result.metrics[name]
        for name in ("trades", "gaps", "missing_trades", "late_trades", "repeated_trades")
    } == {
        "trades": 392,
        "gaps": 4,
        "missing_trades": 8,
        "late_trades": 2,
        "repeated_trades": 3,
    }


def test_slow_and_split_frames_lose_nothing(tmp_path: Path) -> None:
    faults = Faults(fragment_every=3, trickle_every=5, shutdown_after=100)
    feed = Feed(Market(rate=300.0), faults=faults, rules=Rules(ping_interval=0.05))
    with serving(feed) as url:
        result = stream_until_shutdown(RecordingRun(tmp_path), url)
    assert recorded_ids(tmp_path) == list(range(FIRST, FIRST + 100))
    assert all(gate.passed for gate in result.gates)


@pytest.mark.parametrize("rate", [2000.0, 0.001])
def test_a_stop_request_is_obeyed_busy_or_silent(rate: float, tmp_path: Path) -> None:
    stop = threading.Event()
    run_ = RecordingRun(tmp_path, stop.is_set)
    timer = threading.Timer(0.3, stop.set)
    with serving(Feed(Market(rate=rate))) as url:
        timer.start()
        with pytest.raises(Interrupted) as stopped:
            stream(run_, url, run_seconds=60, batch_milliseconds=250)
    timer.join()
    assert stopped.value.result.metrics["feed"] == "synthetic"
    assert "stream.png" in run_.artifacts


def test_an_abrupt_drop_fails_with_everything_before_it_saved(tmp_path: Path) -> None:
    run_ = RecordingRun(tmp_path)
    with (
        serving(Feed(Market(rate=2000.0), faults=Faults(drop_after=400))) as url,
        pytest.raises(ConnectionLostError, match="400 trades: it "),
    ):
        stream(run_, url, run_seconds=30)
    assert recorded_ids(tmp_path) == list(range(FIRST, FIRST + 400))
    assert json.loads(run_.artifacts["metrics.json"])["trades"] == 400


def test_an_announced_shutdown_fails_with_the_exchange_s_words(tmp_path: Path) -> None:
    run_ = RecordingRun(tmp_path)
    faults = Faults(shutdown_after=100, shutdown_grace=0.05)
    with (
        serving(Feed(Market(rate=2000.0), faults=faults)) as url,
        pytest.raises(
            ConnectionLostError,
            match=r"after it had announced its shutdown, 100 trades: .* 1001 server shutdown",
        ),
    ):
        stream(run_, url, run_seconds=30)
    assert len(run_.named("shutdown.announced")) == 1


def test_a_blocked_region_is_named_and_the_hint_names_the_other_endpoints(tmp_path: Path) -> None:
    feed = Feed(Market(), blocked=True)
    with serving(feed) as url, pytest.raises(RegionBlockedError, match="HTTP 451") as blocked:
        stream(RecordingRun(tmp_path), url)
    assert "wss://data-stream.binance.vision" in blocked.value.hint


def test_a_passing_trouble_is_overcome(tmp_path: Path) -> None:
    run_ = RecordingRun(tmp_path)
    with serving(Feed(Market(rate=2000.0), statuses=(503,))) as url:
        assert stream(run_, url).metrics["missing_trades"] == 0
    [retried] = run_.named("connection.retried")
    assert "HTTP 503" in str(retried["error"])


def test_a_final_answer_is_not_tried_again(tmp_path: Path) -> None:
    run_ = RecordingRun(tmp_path)
    with (
        serving(Feed(Market(), statuses=(403,))) as url,
        pytest.raises(ConnectRefusedError, match="HTTP 403"),
    ):
        stream(run_, url)
    assert run_.named("connection.retried") == []


def test_nobody_listening_is_a_failure_within_the_budget(tmp_path: Path) -> None:
    with serving(Feed(Market())) as url:
        pass
    with pytest.raises(ConnectFailedError, match="no connection to"):
        stream(RecordingRun(tmp_path), url, connect_budget_seconds=0.1)


def test_a_silence_of_the_market_is_told(tmp_path: Path) -> None:
    run_ = RecordingRun(tmp_path)
    feed = Feed(Market(rate=2000.0, silences={100: 0.6}), faults=Faults(shutdown_after=200))
    with serving(feed) as url:
        stream_until_shutdown(run_, url, silence_event_seconds=0.2)
    assert len(run_.named("silence.began")) == len(run_.named("silence.ended")) >= 1


def test_a_recording_gives_the_same_signals_however_fast_it_is_replayed(tmp_path: Path) -> None:
    events = Market(rate=10.0).first("bnbusdt@trade", 4000)
    lines = [
        f'{int(e.due * 1e9)} {{"stream":"bnbusdt@trade","data":{e.payload(int(e.due * 1e3))}}}\n'
        for e in events
    ]
    recording = tmp_path / "recording"
    recording.write_text("".join(lines))
    found = []
    for speed, batch in ((0.0, 0), (800.0, 100)):
        scratch = tmp_path / str(speed)
        scratch.mkdir()
        run_ = RecordingRun(scratch)
        feed = Feed(Recording(recording), speed=speed, faults=Faults(shutdown_after=4000))
        with serving(feed) as url:
            stream_until_shutdown(run_, url, feed="recorded", batch_milliseconds=batch)
        assert run_.rows["trades.parquet"] == 4000
        found.append((run_.artifacts["bars.csv"], run_.artifacts["signals.csv"]))
    assert found[0] == found[1]
    assert found[0][1].count(b"\n") > 2
