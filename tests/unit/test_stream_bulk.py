"""The bulk path agrees with the plain one, or declines."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stream_frames import PING, frame, payload, trade
from tests.thorough import examples
from workloads.streams import frames as frames_module
from workloads.streams.bulk import cut
from workloads.streams.frames import Frames, Octets, frame_size, split
from workloads.streams.messages import MAX_LAG, MAX_TIME, SCALE, MessageError, Trade, parse


def trades(times: st.SearchStrategy[int], lags: st.SearchStrategy[int]) -> st.SearchStrategy[Trade]:
    return st.builds(
        lambda time, lag, *rest: Trade(time + lag, *rest[:3], time, rest[3]),
        times,
        lags,
        st.integers(1, 2**53 - 1),
        st.integers(1, 10**11),  # x 10^12 in 1e-8: within the largest value of a trade
        st.integers(1, 10**12),
        st.booleans(),
    )


TRADES = trades(st.integers(MAX_LAG + 1, MAX_TIME - MAX_LAG - 1), st.integers(-MAX_LAG, MAX_LAG))
ANY_TRADES = st.builds(
    Trade,
    event_time=st.integers(1, 10**16 - 1),
    trade_id=st.integers(1, 10**16 - 1),
    price=st.integers(0, 10**16 - 1),
    quantity=st.integers(0, 10**16 - 1),
    trade_time=st.integers(10**12, 10**16 - 1),  # ms or µs of this century
    buyer_is_maker=st.booleans(),
)
SYMBOLS = st.sampled_from(["BNBUSDT", "BTCUSDT", "X2", "1000SATSUSDT", "币安人生USDT"])


def octets(data: bytes) -> Octets:
    return np.frombuffer(data, dtype=np.uint8)


@given(st.lists(TRADES, min_size=1, max_size=30), SYMBOLS)
def test_the_usual_form_is_cut_into_exactly_what_the_parser_reads(
    trades: list[Trade], symbol: str
) -> None:
    cut_out = cut(Frames.of([payload(t, symbol) for t in trades]), symbol)
    assert cut_out is not None
    assert cut_out.rows() == trades


def read(message: bytes) -> Trade | None:
    """The trade that the parser accepts; None where it refuses."""
    try:
        parsed = parse(message, "BNBUSDT")
    except MessageError:
        return None
    assert isinstance(parsed, Trade)
    return parsed


@given(st.lists(st.one_of(TRADES, ANY_TRADES), min_size=1, max_size=8))
def test_a_batch_is_cut_exactly_if_the_parser_accepts_every_trade_of_it(batch: list[Trade]) -> None:
    accepted = [read(payload(t)) for t in batch]
    cut_out = cut(Frames.of([payload(t) for t in batch]), "BNBUSDT")
    assert (cut_out is None) == (None in accepted)
    assert cut_out is None or cut_out.rows() == accepted


@settings(max_examples=examples(500))
@given(
    st.lists(TRADES, min_size=1, max_size=6),
    st.integers(0, 10_000),
    st.integers(0, 255),
    st.sampled_from(["replace", "insert", "delete"]),
)
def test_a_batch_with_any_octet_changed_is_read_as_the_parser_reads_it_or_declined(
    trades: list[Trade], place: int, octet: int, how: str
) -> None:
    payloads = [bytearray(payload(t)) for t in trades]
    broken = payloads[place % len(payloads)]
    at = place % len(broken)
    if how == "replace":
        broken[at] = octet
    elif how == "insert":
        broken.insert(at, octet)
    else:
        del broken[at]
    messages = [bytes(p) for p in payloads]
    cut_out = cut(Frames.of(messages), "BNBUSDT")
    if cut_out is not None:
        assert cut_out.rows() == [parse(message, "BNBUSDT") for message in messages]


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=10))
def test_arbitrary_octets_are_declined_unless_the_parser_reads_them(messages: list[bytes]) -> None:
    cut_out = cut(Frames.of(messages), "BNBUSDT")
    assert cut_out is None


def test_unusual_but_valid_messages_are_left_to_the_parser() -> None:
    usual = payload(trade())
    unusual = [
        usual.replace(b",", b", "),
        usual.replace(b'"M":true', b'"M":false'),
        usual.replace(b'"M":true', b'"M":true,"b":1,"a":2'),
        usual.replace(b"585.00000000", b"585.0"),
        usual.replace(b"585.00000000", b"123456789.00000000"),
        b'{"e":"serverShutdown","E":1}',
    ]
    for message in unusual:
        parse(message, "BNBUSDT")
        assert cut(Frames.of([usual, message]), "BNBUSDT") is None


def test_numbers_at_the_edges_of_the_words_are_exact() -> None:
    values = [10**k + d for k in range(1, 16) for d in (-1, 0, 1)]
    trades = [Trade(v % MAX_TIME or 1, v, v, SCALE, v % MAX_TIME or 1, True) for v in values]
    cut_out = cut(Frames.of([payload(t) for t in trades]), "BNBUSDT")
    assert cut_out is not None
    assert cut_out.rows() == trades


PAYLOADS = st.lists(
    st.one_of(
        st.binary(max_size=40), st.binary(min_size=110, max_size=140), st.just(b"\x81" * 129)
    ),
    max_size=40,
)


@given(PAYLOADS, st.integers(0, 5_000))
def test_leaping_over_frames_finds_what_walking_finds(payloads: list[bytes], end: int) -> None:
    data = b"".join(frame(p) for p in payloads)
    data = octets(data[: end % (len(data) + 1)])
    walked = frames_module._walk(data)
    assert list(walked) == payloads[: len(walked)]
    leapt = frames_module._leap(data) if len(data) > 8 else None
    if leapt is not None:
        assert (list(leapt), leapt.size) == (list(walked), walked.size)


def test_trades_are_split_without_walking() -> None:
    payloads = [payload(trade(n)) for n in range(500)]
    data = octets(b"".join(map(frame, payloads)) + frame(payloads[0])[:-1])
    leapt = frames_module._leap(data)
    assert leapt is not None
    assert list(leapt) == payloads
    assert leapt.size == sum(len(frame(p)) for p in payloads)


def test_splitting_stops_at_a_control_frame() -> None:
    payloads = [payload(trade(n)) for n in range(100)]
    before = b"".join(map(frame, payloads))
    for tail in (frame(b"", PING), frame(payloads[0], final=False), b"\x81\xff" + b"0" * 20):
        found = split(octets(before + tail + before))
        assert list(found) == payloads
        assert found.size == len(before)


@given(st.binary(max_size=300), st.booleans())
def test_a_frame_has_its_size_only_when_it_is_whole(content: bytes, masked: bool) -> None:
    whole = bytearray(frame(content))
    if masked:
        whole[1] |= 0x80
        whole += b"mask"
    assert frame_size(bytes(whole)) == len(whole)
    assert frame_size(bytes(whole) + b"\x81") == len(whole)
    assert all(frame_size(bytes(whole[:n])) is None for n in range(len(whole)))


def test_a_large_frame_has_a_long_length() -> None:
    assert frame_size(frame(b"x" * 70_000)) == 70_010


def test_the_parser_is_the_judge_of_a_wrong_symbol() -> None:
    message = payload(trade(), "BTCUSDT")
    assert cut(Frames.of([message]), "BNBUSDT") is None
    try:
        parse(message, "BNBUSDT")
    except MessageError:
        return
    raise AssertionError("the parser read a trade of another symbol")
