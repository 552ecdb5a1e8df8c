"""The messages of a raw trade stream, one at a time: JSON to typed values.

This is the plain path, and the definition of what is right; `bulk` must agree with it.
Payloads: https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

# Prices and quantities are whole numbers of 1e-8, the exchange's own resolution: exact sums.
DECIMALS = 8
SCALE: int = 10**DECIMALS

Int64s = npt.NDArray[np.int64]


class MessageError(ValueError):
    """A message that is not what the protocol says; the text says why."""


class Trade(NamedTuple):
    """One trade. A NamedTuple, as it is made a million times and read by column."""

    event_time: int  # ms since the epoch: when the message was made
    trade_id: int  # rises by exactly 1 from trade to trade of a symbol
    price: int  # in 1e-8 of the quote currency
    quantity: int  # in 1e-8 of the base currency
    trade_time: int  # ms since the epoch
    buyer_is_maker: bool  # true: the seller was the taker


@frozen
class Shutdown:
    """The server announces that it is about to close the connection."""

    event_time: int


def _int64s(values: Any) -> Int64s:
    return np.asarray(values, dtype=np.int64)


@frozen(eq=False)
class Trades:
    """Trades by column, in order of arrival; units as in `Trade`."""

    event_time: Int64s = field(factory=lambda: _int64s([]))
    trade_id: Int64s = field(factory=lambda: _int64s([]))
    price: Int64s = field(factory=lambda: _int64s([]))
    quantity: Int64s = field(factory=lambda: _int64s([]))
    trade_time: Int64s = field(factory=lambda: _int64s([]))
    buyer_is_maker: npt.NDArray[np.bool_] = field(factory=lambda: np.zeros(0, dtype=np.bool_))

    @classmethod
    def of(cls, rows: Sequence[Trade]) -> Self:
        """From single trades."""
        if not rows:
            return cls()
        table = _int64s(rows)
        event_time, trade_id, price, quantity, trade_time, maker = table.T
        return cls(event_time, trade_id, price, quantity, trade_time, maker.astype(np.bool_))

    def __len__(self) -> int:
        return len(self.trade_id)

    def __getitem__(self, rows: slice | npt.NDArray[np.bool_]) -> "Trades":
        return Trades(
            self.event_time[rows],
            self.trade_id[rows],
            self.price[rows],
            self.quantity[rows],
            self.trade_time[rows],
            self.buyer_is_maker[rows],
        )

    def rows(self) -> list[Trade]:
        """As single trades."""
        columns = (self.event_time, self.trade_id, self.price, self.quantity, self.trade_time)
        numbers = (column.tolist() for column in columns)
        return [Trade(*row) for row in zip(*numbers, self.buyer_is_maker.tolist(), strict=True)]


def parse(payload: bytes, symbol: str) -> Trade | Shutdown | None:
    """The typed message; None for the answer to a control request.

    Raises MessageError for everything else, with the first thing that is wrong.
    """
    try:
        message = json.loads(payload)
    except ValueError as error:
        raise MessageError(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise MessageError("not a JSON object")
    kind = message.get("e")
    if kind == "trade":
        return _trade(message, symbol)
    if kind == "serverShutdown":
        return Shutdown(_integer(message, "E"))
    if "result" in message:
        return None
    raise MessageError(f"neither a trade nor known: e={kind!r}")


def _trade(message: dict[str, Any], symbol: str) -> Trade:
    if message.get("s") != symbol:
        raise MessageError(f"a trade of {message.get('s')!r}, not of {symbol}")
    maker = message.get("m")
    if not isinstance(maker, bool):
        raise MessageError(f"m={maker!r} is not a boolean")
    return Trade(
        _integer(message, "E"),
        _integer(message, "t"),
        _decimal(message, "p"),
        _decimal(message, "q"),
        _integer(message, "T"),
        maker,
    )


def _integer(message: dict[str, Any], key: str) -> int:
    value: object = message.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise MessageError(f"{key}={value!r} is not a whole number")
    return value


def _decimal(message: dict[str, Any], key: str) -> int:
    text = message.get(key)
    if not isinstance(text, str):
        raise MessageError(f"{key}={text!r} is not a string")
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).isascii() or not whole.isdigit() or len(fraction) > DECIMALS:
        raise MessageError(f"{key}={text!r} is not a number with up to {DECIMALS} decimals")
    if fraction and not fraction.isdigit():
        raise MessageError(f"{key}={text!r} is not a number")
    value = int(whole) * SCALE + int(fraction.ljust(DECIMALS, "0"))
    if value >= 2**63:
        raise MessageError(f"{key}={text!r} is too large")
    return value


def show(value: int) -> str:
    """A number of 1e-8 as plain decimal text.

    >>> show(58_512_000_000), show(100_000_000), show(1)
    ('585.12', '1', '0.00000001')
    """
    sign, value = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{value // SCALE}.{value % SCALE:0{DECIMALS}d}".rstrip("0").rstrip(".")
