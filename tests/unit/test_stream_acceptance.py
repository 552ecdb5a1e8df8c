"""Whatever arrives is recorded, counted or told; whatever happens, what was received is saved."""

import json
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import websocket
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stream_frames import CLOSE, CONTINUATION, PING, PONG, TEXT, frame, payload, trade
from tests.stream_run import RecordingRun
from tests.unit.test_stream_trades import ARTIFACTS, Harness, messages
from toolkit.runtime.contract import Artifact
from workloads.streams.connection import BulkConnection
from workloads.streams.decode import decode
from workloads.streams.errors import ConnectionLostError
from workloads.streams.frames import Frames
from workloads.streams.messages import SCALE, MessageError, Shutdown, Trade, Trades, parse
from workloads.streams.recent import Recent
from workloads.streams.session import Session
from workloads.streams.settings import Settings
from workloads.streams.trades import run

ODD = {
    "T in microseconds": {"T": 1_795_000_000_000_000},
    "a price of 0": {"p": "0.00000000"},
    "a quantity of 0": {"q": "0"},
    "a huge id": {"t": 2**63},
    "a huge value": {"p": "92233720368", "q": "92233720368"},
    "a T of another year": {"T": 1_695_000_000_000},
    "a nested price": {"p": [[[1]]]},
    "no symbol": {"s": None},
}


def taken(scratch: Path, *batches: list[bytes], **settings: Any) -> Session:
    """A session that has taken the messages and finished; without a connection and a plot."""
    session = Session(Settings(**settings), scratch, lambda name, **fields: None, "run")
    for batch in batches:
        if batch:
            decode(Frames.of(batch), "BNBUSDT", session)
    session.finish()
    return session


def failed_gates(session: Session) -> list[str]:
    return [gate.name for gate in session.gates() if not gate.passed]


def recorded_rows(scratch: Path) -> int:
    return int(pq.read_table(scratch / "trades.parquet").num_rows)


def changed(number: int, **change: Any) -> bytes:
    message: dict[str, Any] = json.loads(payload(trade(number)))
    return json.dumps(message | change, separators=(",", ":")).encode()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("odd", ODD)
def test_one_odd_trade_is_rejected_and_the_rest_of_the_stream_is_kept(
    odd: str, first: bool, tmp_path: Path
) -> None:
    size = 100 if first else 10  # enough for the bulk path, and too few for it
    rest = messages(1, size)
    message = changed(0, **ODD[odd])
    session = taken(tmp_path, [message, *rest] if first else [*messages(-1, 1), message, *rest])
    assert session.rejected == 1
    assert session.trades == recorded_rows(tmp_path) == size + (not first)
    assert "rejected_messages" in failed_gates(session)


def test_other_event_types_between_contiguous_trades_are_counted_and_do_not_fail_the_run(
    tmp_path: Path,
) -> None:
    others = [b'{"e":"aggTrade","a":1}', b'{"result":null,"id":1}', b'{"e":"aggTrade"}', b"{}"]
    harness = Harness(tmp_path, [*messages(0, 2), *others], messages(2, 100))
    result = harness.stream()
    assert all(gate.passed for gate in result.gates)
    assert result.metrics["other_messages"] == {"aggTrade": 2, "answer": 1, "untyped": 1}
    assert [told["kind"] for told in harness.run.named("message.ignored")] == [
        "aggTrade",
        "answer",
        "aggTrade",
        "untyped",
    ]


def test_the_kinds_of_other_messages_are_bounded(tmp_path: Path) -> None:
    kinds = [f'{{"e":"kind-{n}"}}'.encode() for n in range(100)]
    others = taken(tmp_path, messages(0, 1), kinds).others
    assert (len(others), others["others"], sum(others.values())) == (21, 80, 100)


def dropped(metrics: Any) -> tuple[int, ...]:
    names = ("repeated_trades", "conflicting_trades", "unverified_repeats", "trades_before_first")
    return tuple(metrics[name] for name in names)


@pytest.mark.parametrize(
    ("again", "counts"),
    [
        (changed(1), (1, 0, 0, 0)),
        (changed(1, E=1_795_000_000_999), (1, 0, 0, 0)),  # sent again: the same trade
        (changed(1, p="586.00000000"), (1, 1, 0, 0)),
        (changed(1, q="1.00000000"), (1, 1, 0, 0)),
        (changed(1, T=1_795_000_000_001), (1, 1, 0, 0)),
        (changed(1, m=True), (1, 1, 0, 0)),
        (changed(-1), (0, 0, 0, 1)),
    ],
)
def test_a_trade_that_is_dropped_is_counted_by_its_reason_and_judged(
    again: bytes, counts: tuple[int, ...], tmp_path: Path
) -> None:
    batches = ([*messages(0, 3), again], messages(3, 1))
    session = taken(tmp_path, *batches)
    assert dropped(session.metrics()) == counts
    assert recorded_rows(tmp_path) == 4
    assert len(failed_gates(session)) == (counts[1:] != (0, 0, 0))
    assert failed_gates(taken(tmp_path, *batches, correction_limit=1)) == []


def test_what_is_dropped_is_told(tmp_path: Path) -> None:
    harness = Harness(tmp_path, [*messages(0, 3), changed(-1), changed(1, m=True)])
    harness.stream()
    [told] = harness.run.named("trades.dropped")
    assert {name: told[name] for name in ("repeated", "conflicting", "before_first")} == {
        "repeated": 1,
        "conflicting": 1,
        "before_first": 1,
    }


def test_a_trade_after_its_bar_is_recorded_counted_told_and_judged(tmp_path: Path) -> None:
    harness = Harness(tmp_path, messages(0, 2, second=5), messages(2, 1, second=4))
    result = harness.stream()
    assert result.metrics["trades_after_their_bar"] == 1
    assert [told["trades"] for told in harness.run.named("trades.moved")] == [1]
    assert [gate.name for gate in result.gates if not gate.passed] == ["trades_after_their_bar"]
    assert pq.read_table(tmp_path / "trades.parquet").num_rows == 3


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 3), st.integers(1, 12)), max_size=60),
    st.integers(1, 20),
)
def test_a_repeat_is_compared_with_what_came_first_if_that_is_remembered(
    arrivals: list[tuple[int, int, int]], size: int
) -> None:
    recent, kept = Recent(size), list[Trade]()
    for number, price, batch in arrivals:
        new = Trade(1, number, price * SCALE, 1, 1, True)
        remembered = {t.trade_id: t for t in kept[-size:]}
        if number in {t.trade_id for t in kept}:
            found = recent.compare(Trades.of([new] * batch))
            known = remembered.get(number)
            assert found.unverified == (batch if known is None else 0)
            assert found.conflicting == (batch if known is not None and known != new else 0)
        else:
            recent.add(Trades.of([new]))
            kept.append(new)


class BrokenRun:
    """Breaks one thing of a harness's run."""

    def __init__(self, harness: Harness, error: Exception, broken: str) -> None:
        self.saved = harness.run.artifacts
        self._save, self._error, self._broken = harness.run.save, error, broken

    def save(self, name: str, content: bytes | Path, **more: Any) -> Artifact:
        if name == self._broken:
            raise self._error
        return self._save(name, content, **more)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), ValueError("x"), MemoryError()])
def test_an_error_that_nobody_foresaw_still_saves_what_was_received(
    error: Exception, tmp_path: Path
) -> None:
    harness = Harness(tmp_path, messages(0, 5), error)
    with pytest.raises(type(error)) as raised:
        harness.stream()
    assert raised.value is error
    assert raised.value.result.metrics["trades"] == 5  # type: ignore[attr-defined]
    assert list(harness.run.artifacts) == ARTIFACTS
    assert harness.connection.closed


@pytest.mark.parametrize("broken", ARTIFACTS)
def test_an_artifact_that_cannot_be_saved_does_not_keep_the_others(
    broken: str, tmp_path: Path
) -> None:
    harness = Harness(tmp_path, messages(0, 5))
    error = OSError("the store is gone")
    harness.run.save = BrokenRun(harness, error, broken).save  # type: ignore[method-assign]
    with pytest.raises(OSError, match="the store is gone") as raised:
        harness.stream()
    assert raised.value.result.metrics["trades"] == 5  # type: ignore[attr-defined]
    assert list(harness.run.artifacts) == [name for name in ARTIFACTS if name != broken]


USUAL = json.loads(payload(trade()))
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 10**30, 1_795_000_000_000_000]),
    st.integers(1_300_000_000, 1_300_000_040),
    st.integers(1_794_999_999_000, 1_795_000_009_000),
    st.sampled_from(["", "0", "-1", "585.1", "1e9", "9" * 30, "0." + "0" * 8, "NaN", "\u0661"]),
    st.sampled_from(["trade", "aggTrade", "serverShutdown", "BNBUSDT", "bnbusdt"]),
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=5),
    st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
)
ODD_TRADES = st.dictionaries(st.sampled_from(list(USUAL)), VALUES, max_size=4).map(
    lambda change: json.dumps(USUAL | change).encode()
)
FUZZ = st.one_of(
    st.integers(0, 40).map(lambda n: payload(trade(n, second=n % 9))),
    ODD_TRADES,
    st.dictionaries(st.sampled_from(["e", "E", "id", "result"]), VALUES).map(
        lambda message: json.dumps(message).encode()
    ),
    st.binary(max_size=60),
    st.builds(
        lambda at, octet: payload(trade(at % 40))[:at] + octet + payload(trade(at % 40))[at + 1 :],
        st.integers(0, 120),
        st.binary(max_size=3),
    ),
    st.sampled_from([b"[" * 5000, b'{"e":"trade","p":"' + b"9" * 9000 + b'"}', b"\xf0\x9f"]),
)
BATCHES = st.lists(st.lists(FUZZ, max_size=120), max_size=4)


@settings(max_examples=150, deadline=None)
@given(batches=BATCHES)
def test_whatever_messages_come_each_is_accounted_for(
    batches: list[list[bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("fuzz")
    known: dict[str, Any] = taken(scratch, *batches).metrics()
    shutdowns = sum(isinstance(read(message), Shutdown) for batch in batches for message in batch)
    accounted = known["trades"] + known["repeated_trades"] + known["trades_before_first"]
    accounted += known["rejected_messages"] + sum(known["other_messages"].values())
    assert accounted + shutdowns == sum(map(len, batches))
    assert recorded_rows(scratch) == known["trades"]


def read(message: bytes) -> object:
    try:
        return parse(message, "BNBUSDT")
    except MessageError:
        return None


HEAD = st.integers(0, 255).map(lambda octet: bytes([octet]))
FRAMES = st.one_of(
    FUZZ.map(frame),
    st.builds(
        frame, FUZZ, st.sampled_from([TEXT, CONTINUATION, PING, PONG, 0x2, 0x3, 0xB]),
        final=st.booleans(),
    ),
    st.binary(max_size=125).map(lambda content: frame(content, CLOSE)),
    st.builds(lambda head, rest: head + rest, HEAD, st.binary(max_size=20)),
    st.sampled_from([0, 5, 1 << 16, 1 << 30, (1 << 63) - 1, (1 << 64) - 1]).map(
        lambda size: b"\x81\x7f" + size.to_bytes(8, "big")
    ),
    st.just(b"\x81\x7e\xff\xff"),
    st.just(b"\x01\x01x" + b"\x00\x01x" * 1100),  # a message in more fragments than are kept
    st.just(b"\x89\x00" * 3000),  # more pings than between two looks at the clock
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(frames=st.lists(FRAMES, max_size=40))
def test_whatever_octets_come_the_run_ends_in_an_error_of_its_own_and_saves(
    frames: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    ended = stream_of_octets(b"".join(frames), tmp_path_factory.mktemp("octets"))
    assert list(ended.artifacts) == ARTIFACTS


def stream_of_octets(octets: bytes, scratch: Path) -> RecordingRun:
    """The workload on a connection that brings these octets and ends."""
    ours, theirs = socket.socketpair()
    client: Any = websocket.WebSocket()
    client.sock, client.connected = ours, True

    def _send() -> None:
        with suppress(OSError), theirs:
            theirs.sendall(octets)
            theirs.shutdown(socket.SHUT_WR)
            while theirs.recv(1 << 16):
                pass

    sender = threading.Thread(target=_send, daemon=True)
    sender.start()
    run_ = RecordingRun(scratch)
    values = {"feed": "synthetic", "base_url": "ws://feed", "run_seconds": 600}
    with pytest.raises(ConnectionLostError):
        run(
            {**values, "batch_milliseconds": 0},
            run_,
            connect=lambda *_: BulkConnection(client, 1 << 16),
        )
    sender.join(20)
    return run_


SCRIPT = """
import sys
from pathlib import Path
from tests.unit.test_stream_trades import Harness, messages
harness = Harness(Path(sys.argv[1]), messages(0, 200))
harness.stream(symbol=sys.argv[2])
assert "pandas" not in sys.modules  # a stream starts without it
"""


@pytest.mark.parametrize(
    "symbol", ["BNBUSDT", "币安人生USDT", "\u0915\u0916\u0917USDT", "\u05e9\u05dcUSDT"]
)
def test_nothing_but_the_log_reaches_the_outputs_whatever_the_symbol(
    symbol: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", SCRIPT, str(tmp_path), symbol],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_what_the_font_has_is_shown_and_what_it_has_not_is_written_as_the_log_does() -> None:
    from workloads.streams.plot import assets, legible

    assert legible("BNBUSDT") == "BNBUSDT"
    assert legible("\u5e01USDT") == "\\u5e01USDT"
    assert legible("Ωмега") == "Ωмега"
    assert assets("1000SATSFDUSD") == ("1000SATS", "FDUSD")
    assert assets("ETHBTC") == ("ETH", "BTC")
    assert assets("币安人生USDT") == ("base asset", "USDT")
    assert assets("USDT") == ("base asset", "quote asset")
