import json
from pathlib import Path

import pytest

from tests.stream_frames import payload, trade
from workloads.streams.messages import (
    SCALE,
    MessageError,
    Other,
    Shutdown,
    Trade,
    Trades,
    parse,
    show,
)

# As documented and as captured in 2026: no order ids.
DOCUMENTED = (
    b'{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",'
    b'"T":1672515782130,"m":true,"M":true}'
)


def test_the_documented_trade_becomes_typed_values() -> None:
    assert parse(DOCUMENTED, "BNBBTC") == Trade(
        event_time=1672515782136,
        trade_id=12345,
        price=100_000,
        quantity=100 * SCALE,
        trade_time=1672515782130,
        buyer_is_maker=True,
    )


def test_the_retired_order_ids_do_no_harm() -> None:
    message = json.loads(DOCUMENTED) | {"b": 88, "a": 50}
    assert parse(json.dumps(message).encode(), "BNBBTC") == parse(DOCUMENTED, "BNBBTC")


def test_prices_are_exact_to_the_last_of_eight_decimals() -> None:
    message = json.loads(DOCUMENTED) | {"p": "64123.12345679"}
    parsed = parse(json.dumps(message).encode(), "BNBBTC")
    assert isinstance(parsed, Trade)
    assert parsed.price == 6_412_312_345_679


def test_a_shutdown_notice_is_a_message_of_its_own() -> None:
    assert parse(b'{"e":"serverShutdown","E":1770123456789}', "BNBBTC") == Shutdown(1770123456789)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (b'{"result":null,"id":1}', "answer"),
        (b'{"error":{"code":2,"msg":"Invalid request"},"id":1}', "answer"),
        (b'{"e":"aggTrade","a":1}', "aggTrade"),
        (b'{"e":"' + b"x" * 1000 + b'"}', "x" * 80),
        (b'{"u":1,"b":"1.0"}', "untyped"),
        (b'{"e":7}', "untyped"),
        (b'{"stream":"bnbusdt@trade","data":{}}', "untyped"),
    ],
)
def test_what_does_not_claim_to_be_a_trade_is_told_by_its_kind(message: bytes, kind: str) -> None:
    assert parse(message, "BNBBTC") == Other(kind)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"s": "BTCUSDT"}, "a trade of 'BTCUSDT', not of BNBBTC"),
        ({"t": "12345"}, "t='12345' is not a whole number"),
        ({"t": True}, "t=True is not a whole number"),
        ({"t": -1}, "t=-1 is not a whole number"),
        ({"t": 2**53}, "t=9007199254740992 is not below 9007199254740992"),
        ({"t": 2**53 - 1}, None),
        ({"T": 1672515782130000}, "T=1672515782130000 is not below 4102444800000 in milliseconds"),
        ({"E": 1672515782130000}, "in milliseconds"),
        ({"T": 1672515782136 - 3_600_000}, None),
        ({"T": 1672515782136 - 3_600_001}, "is more than an hour from E="),
        ({"T": 1672515782136 + 3_600_001}, "is more than an hour from E="),
        ({"T": 10**400}, "is not below"),
        ({"E": 1.5}, "E=1.5 is not a whole number"),
        ({"p": 0.001}, "p=0.001 is not a string"),
        ({"p": ""}, "p='' is not a number"),
        ({"p": "-1"}, "p='-1' is not a number"),
        ({"p": "1e5"}, "p='1e5' is not a number"),
        ({"p": "1."}, None),
        ({"p": "1.x"}, "p='1.x' is not a number"),
        ({"p": "\u0661"}, "is not a number"),
        ({"q": "0.123456789"}, "with up to 8 decimals"),
        ({"q": "99999999999999"}, "is too large"),
        ({"m": 1}, "m=1 is not a boolean"),
        ({"p": "0"}, "a trade of nothing"),
        ({"p": "0.00000000"}, "a trade of nothing"),
        ({"q": "0.00"}, "a trade of nothing"),
        ({"p": "0.00000001", "q": "0.00000001"}, None),
        ({"p": "92233720368.54775807", "q": "10000"}, None),
        ({"p": "92233720368.54775807", "q": "11000"}, "p x q is 1000000000000000 or more"),
        ({"p": "9" * 5000}, "is too large"),
        ({"p": [[1]]}, "p=a list is not a string"),
        ({"s": {"a": 1}}, "a trade of a dict, not of BNBBTC"),
        ({"m": "\ud800" * 500}, "is not a boolean"),
    ],
)
def test_what_the_protocol_does_not_say_is_refused_with_its_reason(
    change: dict[str, object], reason: str | None
) -> None:
    message = json.dumps(json.loads(DOCUMENTED) | change).encode()
    if reason is None:
        assert isinstance(parse(message, "BNBBTC"), Trade)
        return
    with pytest.raises(MessageError) as error:
        parse(message, "BNBBTC")
    assert reason in str(error.value)
    assert len(str(error.value)) < 200
    str(error.value).encode()  # no lone surrogates


@pytest.mark.parametrize(
    "message",
    [
        b"", b"[1]", b"null", b"\xff", b'{"e":"trade"', b"12", b"NaN", b"9" * 5000, b"[" * 100_000,
        b'{"e":' + b"[" * 100_000, b'{"e":"trade","s":' + b'{"a":' * 50_000,
    ],
)  # fmt: skip
def test_what_is_not_a_json_object_is_refused(message: bytes) -> None:
    with pytest.raises(MessageError):
        parse(message, "BNBBTC")


def test_columns_give_back_the_rows_they_were_made_of() -> None:
    rows = [trade(n, second=n, maker=n % 2 == 0) for n in range(5)]
    assert Trades.of(rows).rows() == rows
    assert Trades.of(rows)[1:3].rows() == rows[1:3]
    assert len(Trades.of([])) == 0


def test_decimals_are_shown_as_people_write_them() -> None:
    assert [show(n) for n in (0, SCALE, -SCALE // 2, 12_340_000_000)] == ["0", "1", "-0.5", "123.4"]


def test_the_test_payloads_are_what_the_parser_reads(tmp_path: Path) -> None:
    assert parse(payload(trade(7, maker=True)), "BNBUSDT") == trade(7, maker=True)
