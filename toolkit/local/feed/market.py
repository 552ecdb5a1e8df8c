"""A seeded synthetic market: the same seed and symbol always give the same trades.

Taker orders arrive at random and sweep one or more resting orders, so trades come in bursts that
share a millisecond, as on the exchange. The mid price is a random walk whose slowly changing drift
also tilts the order flow: there is something for a signal to find.
"""

import math
import random
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import ClassVar

from attrs import field, frozen

from toolkit.local.feed.events import Event

_MEAN_SWEEP = 1.6  # trades per taker order
_VOLATILITY = 4e-5  # of the price, per square root of a second
_DRIFT = 5e-6  # of the price, per second: the spread of the drift ...
_DRIFT_SECONDS = 120.0  # ... and how long it lasts
_NOTIONAL = 150.0  # median value of one trade, in the quote currency


@frozen
class Instrument:
    """What is traded: a price to start from and the decimals of its tick and its lot."""

    price: float
    tick_decimals: int
    lot_decimals: int


_INSTRUMENTS: Mapping[str, Instrument] = {
    "BNBUSDT": Instrument(585.0, 2, 3),
    "BTCUSDT": Instrument(64_000.0, 2, 5),
    "ETHUSDT": Instrument(3_200.0, 2, 4),
}
_OTHER = Instrument(12.5, 3, 2)


@frozen
class Trade:
    """One trade of the synthetic market, ``due`` seconds after the market opened."""

    due: float
    symbol: str
    trade_id: int
    price: str
    quantity: str
    buyer_is_maker: bool

    def payload(self, now_ms: int) -> str:
        """The ``trade`` event, with exactly the keys that Binance sends since the ids went."""
        maker = "true" if self.buyer_is_maker else "false"
        return (
            f'{{"e":"trade","E":{now_ms},"s":"{self.symbol}","t":{self.trade_id},'
            f'"p":"{self.price}","q":"{self.quantity}","T":{now_ms},"m":{maker},"M":true}}'
        )


@frozen
class Market:
    """A synthetic market for any symbol.

    ``rate`` is the mean number of trades a second. ``bursts`` and ``silences`` are keyed by the
    number of trades before them: ``bursts={500: 3000}`` makes the 3,000 trades after the 500th
    come at once, ``silences={500: 8.0}`` makes the market wait 8 s after the 500th.
    """

    kind: ClassVar[str] = "synthetic"

    seed: int = 1
    rate: float = 25.0
    first_id: int = 1_300_000_000
    bursts: Mapping[int, int] = field(factory=dict)
    silences: Mapping[int, float] = field(factory=dict)

    def events(self, stream: str) -> Iterator[Event]:
        """All trades of ``<symbol>@trade``, without end; no events for any other stream."""
        symbol, _, kind = stream.partition("@")
        if kind != "trade":
            return
        yield from self._timed(self._trades(symbol.upper()))

    def first(self, stream: str, count: int) -> list[Event]:
        """The first ``count`` events of a stream."""
        return list(islice(self.events(stream), count))

    def _timed(self, trades: Iterator[Trade]) -> Iterator[Trade]:
        """Apply bursts and silences: shift what follows them in time, change nothing else."""
        shift, rushed, held = 0.0, 0, 0.0
        for count, trade in enumerate(trades):
            shift += self.silences.get(count, 0.0)
            if count in self.bursts:
                rushed, held = self.bursts[count], trade.due + shift
            if rushed:
                rushed -= 1
                shift = held - trade.due
            yield Trade(
                trade.due + shift,
                trade.symbol,
                trade.trade_id,
                trade.price,
                trade.quantity,
                trade.buyer_is_maker,
            )

    def _trades(self, symbol: str) -> Iterator[Trade]:
        instrument = _INSTRUMENTS.get(symbol, _OTHER)
        rng = random.Random(f"{self.seed}/{symbol}")  # noqa: S311 - a simulation, not a secret
        tick = 10.0**-instrument.tick_decimals
        mid, drift, due, trade_id = instrument.price, 0.0, 0.0, self.first_id
        buying = True
        while True:
            wait = rng.expovariate(self.rate / _MEAN_SWEEP)
            due += wait
            keep = math.exp(-wait / _DRIFT_SECONDS)
            drift = drift * keep + _DRIFT * math.sqrt(1 - keep * keep) * rng.gauss(0.0, 1.0)
            mid *= math.exp(drift * wait + _VOLATILITY * math.sqrt(wait) * rng.gauss(0.0, 1.0))
            if rng.random() < 0.5:  # else the side persists, as order flow does
                buying = rng.random() < 0.5 + 0.3 * math.tanh(drift / _DRIFT)
            level = math.ceil(mid / tick) if buying else math.floor(mid / tick)
            while True:
                size = _NOTIONAL / mid * rng.lognormvariate(0.0, 1.3)
                yield Trade(
                    due,
                    symbol,
                    trade_id,
                    f"{level * tick:.{instrument.tick_decimals}f}".ljust(_width(level * tick), "0"),
                    _quantity(size, instrument.lot_decimals),
                    not buying,
                )
                trade_id += 1
                if rng.random() < 1 / _MEAN_SWEEP:
                    break
                level += rng.choice((0, 0, 1)) * (1 if buying else -1)


def _width(price: float) -> int:
    """Characters of a price with the 8 decimals that Binance always sends."""
    return len(str(int(price))) + 9


def _quantity(size: float, decimals: int) -> str:
    lot = 10.0**-decimals
    return f"{max(size, lot):.{decimals}f}".ljust(len(str(int(max(size, lot)))) + 9, "0")
