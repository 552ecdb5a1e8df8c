"""The pure parts of the market feed: market, recording, faults, control messages."""

import gzip
import json
from itertools import islice, pairwise
from pathlib import Path

import pytest

from toolkit.local.feed import Faults, Market, Recording
from toolkit.local.feed.control import RateLimit, Refused, Subscriptions
from toolkit.local.feed.faults import Act, FaultyConnection
from toolkit.local.feed.recording import RecordingError
from workloads.streams.messages import SCALE, Trade, parse

STREAM = "bnbusdt@trade"


def test_the_same_seed_gives_the_same_trades_and_another_seed_others() -> None:
    assert Market(seed=3).first(STREAM, 200) == Market(seed=3).first(STREAM, 200)
    assert Market(seed=3).first(STREAM, 200) != Market(seed=4).first(STREAM, 200)


def test_a_synthetic_trade_has_exactly_the_keys_that_binance_sends_now() -> None:
    [event] = Market().first(STREAM, 1)
    message = json.loads(event.payload(1_795_000_000_000))
    assert list(message) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
    assert (message["e"], message["s"], message["E"]) == ("trade", "BNBUSDT", 1_795_000_000_000)
    assert len(message["p"].partition(".")[2]) == len(message["q"].partition(".")[2]) == 8


@pytest.mark.parametrize("symbol", ["BNBUSDT", "BTCUSDT", "ETHUSDT", "ANY123"])
def test_every_symbol_has_a_market_of_ids_without_gaps_and_positive_trades(symbol: str) -> None:
    events = Market(rate=50.0).first(f"{symbol.lower()}@trade", 2000)
    trades = [parse(event.payload(int(event.due * 1000)).encode(), symbol) for event in events]
    assert all(isinstance(t, Trade) and t.price > 0 and t.quantity > 0 for t in trades)
    ids = [t.trade_id for t in trades if isinstance(t, Trade)]
    assert ids == list(range(ids[0], ids[0] + 2000))
    assert all(a.due <= b.due for a, b in pairwise(events))
    assert events[-1].due == pytest.approx(2000 / 50.0, rel=0.2)


def test_bursts_and_silences_move_trades_in_time_and_change_nothing_else() -> None:
    plain = Market(rate=50.0).first(STREAM, 400)
    eventful = Market(rate=50.0, bursts={100: 150}, silences={300: 7.0}).first(STREAM, 400)
    assert [e.payload(0) for e in plain] == [e.payload(0) for e in eventful]
    assert len({event.due for event in eventful[100:250]}) == 1
    assert eventful[300].due - eventful[299].due >= 7.0


def test_a_stream_that_the_market_does_not_have_is_silent() -> None:
    assert Market().first("bnbusdt@depth", 1) == []


RECORDED = [
    {"stream": STREAM, "data": {"e": "trade", "s": "BNBUSDT", "t": 1, "b": 7, "a": 8, "p": "1.5"}},
    {"stream": "bnbusdt@bookTicker", "data": {"u": 1, "b": "1.4", "a": "1.6"}},
    {"stream": STREAM, "data": {"e": "trade", "s": "BNBUSDT", "t": 2, "p": "1.6"}},
]
LINES = "".join(f"{10**18 + n * 250_000_000} {json.dumps(m)}\n" for n, m in enumerate(RECORDED))


@pytest.mark.parametrize("packed", [False, True])
def test_a_recording_gives_its_streams_at_their_times(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(gzip.compress(LINES.encode()) if packed else LINES.encode())
    events = list(Recording(path).events(STREAM))
    assert [event.due for event in events] == [0.0, 0.5]
    assert [json.loads(event.payload(0))["t"] for event in events] == [1, 2]


def test_a_recorded_trade_loses_the_order_ids_and_a_book_ticker_keeps_its_prices(
    tmp_path: Path,
) -> None:
    path = tmp_path / "recording"
    path.write_text(LINES)
    first, ticker = islice(Recording(path).read(), 2)
    assert first.payload(0) == '{"e":"trade","s":"BNBUSDT","t":1,"p":"1.5"}'
    assert ticker.payload(0) == '{"u":1,"b":"1.4","a":"1.6"}'


BOOK = '{"lastUpdateId":7,"bids":[["1.4","2"]],"asks":[["1.6","3"]]}'


@pytest.mark.parametrize("packed", [False, True])
def test_a_snapshot_of_the_order_book_among_the_lines_is_skipped_and_counted(
    packed: bool, tmp_path: Path
) -> None:
    first, rest = LINES.split("\n", 1)
    text = f"{first}\n{10**18 + 1} {BOOK}\n{10**18 + 2} {BOOK}\n{rest}"
    path = tmp_path / "recording"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    recording = Recording(path)
    assert [event.due for event in recording.events(STREAM)] == [0.0, 0.5]
    assert len(list(recording.read())) == 3
    assert recording.skipped == 2


@pytest.mark.parametrize("size", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_or_damaged_archive_is_an_error_and_no_end(size: float, tmp_path: Path) -> None:
    packed = gzip.compress((LINES * 400).encode())
    path = tmp_path / "recording"
    path.write_bytes(packed[: int(len(packed) * size)])
    with pytest.raises(RecordingError, match="recording, after line"):
        list(Recording(path).read())
    path.write_bytes(packed[: len(packed) // 2] + b"\x00" * 50 + packed[len(packed) // 2 :])
    with pytest.raises(RecordingError):
        list(Recording(path).read())


def test_a_recording_that_is_gone_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        list(Recording(tmp_path / "recording").read())


@pytest.mark.parametrize(
    "line",
    [
        "x {}", "12", '12 {"stream":"a"}', '12 {"e":"trade"}', "12 []", "-1 {}", "1" * 20 + " {}",
        '12 {"stream":1,"data":{}}', '12 {"stream":"a","data":[]}', "12 " + "[" * 100_000,
        '12 {"lastUpdateId":1,"bids":[]}',
    ],
)  # fmt: skip
def test_a_line_that_does_not_parse_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_text(f"{LINES}{line}\n")
    with pytest.raises(RecordingError, match="recording, line 4"):
        list(Recording(path).read())


def sent(faults: Faults, count: int) -> list[tuple[Act, str]]:
    wire = FaultyConnection(faults)
    return [action for n in range(1, count + 1) for action in wire.actions(str(n))]


def test_without_faults_everything_is_sent_once_in_order() -> None:
    assert sent(Faults(), 5) == [(Act.SEND, str(n)) for n in range(1, 6)]


def test_gaps_repeats_and_swaps_do_what_they_say() -> None:
    assert [data for _, data in sent(Faults(gaps={2: 3}), 7)] == ["1", "2", "6", "7"]
    assert [data for _, data in sent(Faults(repeats={2: 2}), 3)] == ["1", "2", "2", "2", "3"]
    assert [data for _, data in sent(Faults(swaps=frozenset({2})), 4)] == ["1", "3", "2", "4"]


def test_every_nth_message_goes_out_in_its_own_manner() -> None:
    acts = [act for act, _ in sent(Faults(fragment_every=3, trickle_every=2), 6)]
    assert acts == [Act.SEND, Act.TRICKLE, Act.FRAGMENT, Act.TRICKLE, Act.SEND, Act.FRAGMENT]


def test_the_end_comes_after_the_trade_that_it_is_set_for() -> None:
    assert sent(Faults(drop_after=2), 2)[-1] == (Act.DROP, "")
    assert sent(Faults(shutdown_after=1), 1) == [(Act.SEND, "1"), (Act.SHUTDOWN, "")]


def answered(subscriptions: Subscriptions, **request: object) -> object:
    return json.loads(subscriptions.handle(json.dumps(request)))


def test_subscriptions_are_acknowledged_and_listed() -> None:
    known = Subscriptions()
    params = [STREAM, "btcusdt@trade"]
    assert answered(known, method="SUBSCRIBE", params=params, id=1) == {"result": None, "id": 1}
    assert answered(known, method="UNSUBSCRIBE", params=[STREAM], id="b") == {
        "result": None,
        "id": "b",
    }
    assert answered(known, method="LIST_SUBSCRIPTIONS", id=3) == {
        "result": ["btcusdt@trade"],
        "id": 3,
    }


def test_the_combined_property_can_be_read_and_set() -> None:
    known = Subscriptions()
    assert answered(known, method="GET_PROPERTY", params=["combined"], id=1) == {
        "result": False,
        "id": 1,
    }
    answered(known, method="SET_PROPERTY", params=["combined", True], id=2)
    assert known.combined


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ("{", 3, "Invalid JSON"),
        ("[]", 2, "missing field `method`"),
        ('{"method":"SUBSCRIBE","params":["a"],"id":{}}', 2, "request ID"),
        ('{"method":"BUY","id":1}', 2, "unknown variant BUY"),
        ('{"method":"SUBSCRIBE","id":1}', 2, "missing field `params`"),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1, "expected Boolean"),
        ('{"method":"GET_PROPERTY","params":["colour"],"id":1}', 0, "Unknown property"),
    ],
)
def test_a_request_that_makes_no_sense_is_answered_as_binance_answers(
    message: str, code: int, text: str
) -> None:
    answer = json.loads(Subscriptions().handle(message))
    assert answer["code"] == code
    assert text in answer["msg"]


def test_a_connection_holds_no_more_streams_than_the_limit() -> None:
    known = Subscriptions(max_streams=2)
    known.subscribe(["a", "b"])
    with pytest.raises(Refused):
        known.subscribe(["c"])
    known.subscribe(["a"])
    assert list(known.streams) == ["a", "b"]


def test_the_sixth_message_in_a_second_is_one_too_many() -> None:
    limit = RateLimit(5)
    assert [limit.exceeded(t) for t in (0.0, 0.1, 0.2, 0.3, 0.4, 1.05)] == [False] * 6
    assert limit.exceeded(1.06)


def test_median_trade_is_worth_what_people_trade() -> None:
    trades = [parse(e.payload(0).encode(), "BTCUSDT") for e in Market().first("btcusdt@trade", 999)]
    values = sorted(t.price * t.quantity / SCALE**2 for t in trades if isinstance(t, Trade))
    assert 100 < values[500] < 200
