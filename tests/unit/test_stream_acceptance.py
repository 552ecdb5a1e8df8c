"""Whatever arrives is recorded, counted or told; whatever happens, what was received is saved."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stream_frames import payload, trade
from tests.unit.test_stream_trades import ARTIFACTS, Harness, messages
from toolkit.runtime.contract import Artifact
from workloads.streams.messages import SCALE, Trade, Trades
from workloads.streams.recent import Recent

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
    harness = Harness(tmp_path, [message, *rest] if first else [*messages(-1, 1), message, *rest])
    result = harness.stream()
    assert list(harness.run.artifacts) == ARTIFACTS
    assert result.metrics["rejected_messages"] == 1
    assert result.metrics["trades"] == size + (not first)
    assert "rejected_messages" in [gate.name for gate in result.gates if not gate.passed]


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
    metrics = Harness(tmp_path, messages(0, 1), kinds).stream().metrics
    others = metrics["other_messages"]
    assert isinstance(others, dict)
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
    harness = Harness(tmp_path, [*messages(0, 3), again], messages(3, 1))
    result = harness.stream()
    assert dropped(result.metrics) == counts
    assert len(harness.run.named("trades.dropped")) == 1
    assert pq.read_table(tmp_path / "trades.parquet").num_rows == 4
    failed = [gate.name for gate in result.gates if not gate.passed]
    assert len(failed) == (counts[1:] != (0, 0, 0))
    tolerant = Harness(tmp_path, [*messages(0, 3), again]).stream(correction_limit=1)
    assert all(gate.passed for gate in tolerant.gates)


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
LONG = st.lists(FUZZ, max_size=120)


@settings(max_examples=30, deadline=None)
@given(batches=st.lists(LONG, max_size=4))
def test_whatever_messages_come_the_run_ends_well_accounts_for_each_and_saves(
    batches: list[list[bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("fuzz")
    harness = Harness(scratch, *batches)
    known: dict[str, Any] = dict(harness.stream(run_seconds=2).metrics)
    assert list(harness.run.artifacts) == ARTIFACTS
    seen = Counter(name for name, _ in harness.run.events)
    accounted = known["trades"] + known["repeated_trades"] + known["trades_before_first"]
    accounted += known["rejected_messages"] + sum(known["other_messages"].values())
    told = seen["shutdown.announced"]
    assert accounted + told == sum(map(len, batches))
    assert pq.read_table(scratch / "trades.parquet").num_rows == known["trades"]


SCRIPT = """
import sys
from pathlib import Path
from tests.unit.test_stream_trades import Harness, messages
harness = Harness(Path(sys.argv[1]), messages(0, 200))
harness.stream(symbol=sys.argv[2])
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
