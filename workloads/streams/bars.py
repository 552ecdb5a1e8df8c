"""One-second bars, the same whichever way the stream was cut into batches.

Sums are whole numbers of 1e-8 (the value of each trade is rounded once), so they do not depend
on the order of addition.
"""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from workloads.streams.messages import SCALE, Int64s, Trades, show

CSV_HEADER = "time,open,high,low,close,volume,quote_volume,taker_buy_volume,vwap,trades\n"


@frozen
class Bar:
    """The trades of one second; prices and volumes in 1e-8."""

    second: int  # since the epoch, of the trade time
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    buy_volume: int  # bought by takers
    trades: int

    @property
    def vwap(self) -> float:
        """The volume-weighted average price, in the quote currency."""
        return self.quote_volume / self.volume if self.volume else self.close / SCALE

    def csv(self) -> str:
        """One line of bars.csv."""
        return (
            f"{utc(self.second)},{show(self.open)},{show(self.high)},{show(self.low)},{show(self.close)},"
            f"{show(self.volume)},{show(self.quote_volume)},{show(self.buy_volume)},"
            f"{self.vwap:.8f},{self.trades}\n"
        )


class Bars:
    """Builds bars from trades in order of arrival.

    A trade whose second has already been closed counts in the bar that is open; ``late`` says how
    many there were.
    """

    def __init__(self) -> None:
        self.late = 0
        self._open: Bar | None = None

    def add(self, trades: Trades) -> list[Bar]:
        """The bars that these trades close."""
        if not len(trades):
            return []
        parts = self._cut(trades)
        if self._open is not None:
            if parts[0].second == self._open.second:
                parts[0] = _joined(self._open, parts[0])
            else:
                parts.insert(0, self._open)
        self._open = parts.pop()
        return parts

    def finish(self) -> list[Bar]:
        """The bar that is still open: the stream has ended."""
        rest, self._open = self._open, None
        return [] if rest is None else [rest]

    def _cut(self, trades: Trades) -> list[Bar]:
        seconds = trades.trade_time // 1000
        ordered = np.maximum.accumulate(seconds)
        if self._open is not None:
            np.maximum(ordered, self._open.second, out=ordered)
        self.late += int(np.count_nonzero(ordered != seconds))
        starts = np.concatenate(([0], np.flatnonzero(np.diff(ordered)) + 1))
        ends = np.append(starts[1:], len(trades))
        price, quantity = trades.price, trades.quantity
        columns: list[list[int]] = [
            ordered[starts].tolist(),
            price[starts].tolist(),
            np.maximum.reduceat(price, starts).tolist(),
            np.minimum.reduceat(price, starts).tolist(),
            price[ends - 1].tolist(),
            _sums(quantity, starts),
            _sums(np.rint(price * (quantity / SCALE)), starts),
            _sums(np.where(trades.buyer_is_maker, 0, quantity), starts),
            (ends - starts).tolist(),
        ]
        return [Bar(*row) for row in zip(*columns, strict=True)]


def _sums(values: Int64s | npt.NDArray[np.float64], starts: Int64s) -> list[int]:
    """Exact sums of whole numbers from each start to the next.

    A second of a cheap coin can exceed 64 bits of 1e-8, so upper and lower halves are added apart.
    """
    upper = values // 2**32
    lower = values - upper * 2**32
    halves = (np.add.reduceat(half.astype(np.int64), starts).tolist() for half in (upper, lower))
    return [(high << 32) + low for high, low in zip(*halves, strict=True)]


def _joined(first: Bar, second: Bar) -> Bar:
    return evolve(
        first,
        high=max(first.high, second.high),
        low=min(first.low, second.low),
        close=second.close,
        volume=first.volume + second.volume,
        quote_volume=first.quote_volume + second.quote_volume,
        buy_volume=first.buy_volume + second.buy_volume,
        trades=first.trades + second.trades,
    )


def utc(second: int) -> str:
    """Seconds since the epoch as ISO 8601.

    >>> utc(1_700_000_000)
    '2023-11-14T22:13:20Z'
    """
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
