"""The messages of a raw trade stream, one at a time: JSON to typed values.

This is the plain path, and the one place with the rules of what is accepted; `bulk` must agree with
it. A message is

- a `Trade`, if it is one of this stream by all of the rules below;
- rejected with a MessageError, if it claims to be a trade, or is not readable and could be one;
- a `Shutdown` notice, or an `Other` message, which is counted by its kind.

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

# Beyond these a trade is not believed. They also keep every later sum within its type.
MAX_TIME = 4_102_444_800_000  # ms since the epoch, 2100-01-01: microseconds are above it
MAX_LAG = 3_600_000  # ms between the trade and its message
MAX_ID = 2**53  # JSON's own safe limit
MAX_VALUE = 10**15  # price x quantity, in the quote currency

_SHOWN = 80  # characters of a value or a kind in a message
_WHOLE = 40  # digits before the decimal point, leading zeros included

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


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
class Other:
    """A message that does not claim to be a trade; ``kind`` says what it is."""

    kind: str


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
    buyer_is_maker: Bools = field(factory=lambda: np.zeros(0, dtype=np.bool_))

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

    def __getitem__(self, rows: slice | Bools) -> "Trades":
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


def parse(payload: bytes, symbol: str) -> Trade | Shutdown | Other:
    """The typed message.

    Raises MessageError, with the first thing that is wrong, for what claims to be a trade or cannot
    be read.
    """
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"not JSON: {str(error)[:_SHOWN]}") from error
    if not isinstance(message, dict):
        raise MessageError("not a JSON object")
    kind = message.get("e")
    if kind == "trade":
        return _trade(message, symbol)
    if kind == "serverShutdown":
        return Shutdown(_integer(message, "E", MAX_TIME))
    if isinstance(kind, str):
        return Other(kind[:_SHOWN])
    return Other("answer" if "id" in message or "result" in message else "untyped")


def plausible(trades: Trades) -> Bools:
    """Which trades are believable: the rules that concern values, for many trades at once."""
    known: Bools = (
        (trades.event_time < MAX_TIME)
        & (trades.trade_time < MAX_TIME)
        & (np.abs(trades.event_time - trades.trade_time) <= MAX_LAG)
        & (trades.trade_id < MAX_ID)
        & (trades.price > 0)
        & (trades.quantity > 0)
        & (trades.price / SCALE * (trades.quantity / SCALE) < MAX_VALUE)
    )
    return known


def _trade(message: dict[str, Any], symbol: str) -> Trade:
    if message.get("s") != symbol:
        raise MessageError(f"a trade of {_shown(message.get('s'))}, not of {symbol}")
    maker = message.get("m")
    if not isinstance(maker, bool):
        raise MessageError(f"m={_shown(maker)} is not a boolean")
    trade = Trade(
        _integer(message, "E", MAX_TIME),
        _integer(message, "t", MAX_ID),
        _decimal(message, "p"),
        _decimal(message, "q"),
        _integer(message, "T", MAX_TIME),
        maker,
    )
    if trade.price == 0 or trade.quantity == 0:
        raise MessageError("a trade of nothing: p or q is 0")
    if abs(trade.event_time - trade.trade_time) > MAX_LAG:
        raise MessageError(f"T={trade.trade_time} is more than an hour from E={trade.event_time}")
    if not float(trade.price) / SCALE * (float(trade.quantity) / SCALE) < MAX_VALUE:
        raise MessageError(f"p x q is {MAX_VALUE} or more")
    return trade


def _integer(message: dict[str, Any], key: str, limit: int) -> int:
    value: object = message.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MessageError(f"{key}={_shown(value)} is not a whole number")
    if value >= limit:
        unit = " in milliseconds" if limit == MAX_TIME else ""
        raise MessageError(f"{key}={_shown(value)} is not below {limit}{unit}")
    return value


def _decimal(message: dict[str, Any], key: str) -> int:
    text = message.get(key)
    if not isinstance(text, str):
        raise MessageError(f"{key}={_shown(text)} is not a string")
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).isascii() or not whole.isdigit() or len(fraction) > DECIMALS:
        raise MessageError(f"{key}={_shown(text)} is not a number with up to {DECIMALS} decimals")
    if fraction and not fraction.isdigit():
        raise MessageError(f"{key}={_shown(text)} is not a number")
    # The length is limited first: int() refuses thousands of digits with an error of its own.
    value = (
        2**63 if len(whole) > _WHOLE else int(whole) * SCALE + int(fraction.ljust(DECIMALS, "0"))
    )
    if value >= 2**63:
        raise MessageError(f"{key}={_shown(text)} is too large")
    return value


def _shown(value: object) -> str:
    """A value for a message, cut short; what JSON nests is only named."""
    if isinstance(value, (list, dict)):
        return f"a {type(value).__name__}"
    text = repr(value[:_SHOWN]) if isinstance(value, str) else repr(value)
    return text[:_SHOWN]


def show(value: int) -> str:
    """A number of 1e-8 as plain decimal text.

    >>> show(58_512_000_000), show(100_000_000), show(1)
    ('585.12', '1', '0.00000001')
    """
    sign, value = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{value // SCALE}.{value % SCALE:0{DECIMALS}d}".rstrip("0").rstrip(".")
