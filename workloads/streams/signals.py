"""Signals on one-second bars, each of which says in words why it was raised.

Every signal is a state with hysteresis: it is raised when its value crosses the limit and again
only after the value has come back, so a price that trembles at the limit raises it once.
"""

import math
from collections import deque
from enum import StrEnum

from attrs import define, field, frozen

from workloads.streams.bars import Bar, utc
from workloads.streams.messages import SCALE
from workloads.streams.settings import Settings

CSV_HEADER = "time,signal,direction,price,value,limit,why\n"

_BAND = 1e-4  # of the slow average: a crossing by less is noise
_RELEASE = 0.5  # of the limit: below it a signal may be raised again
_MIN_TRADES = 20  # in the window: fewer say nothing of the flow


class Direction(StrEnum):
    """Where the signal points."""

    UP = "up"
    DOWN = "down"


@frozen
class Signal:
    """One signal; ``price`` in the quote currency, ``value`` and ``limit`` in the signal's own."""

    second: int
    name: str
    direction: Direction
    price: float
    value: float
    limit: float
    why: str


@define
class _Trigger:
    """A limit on both sides with hysteresis."""

    limit: float
    release: float
    _state: int = 0

    def crossed(self, value: float) -> Direction | None:
        """The direction in which ``value`` has just crossed the limit."""
        if abs(value) >= self.limit:
            side = 1 if value > 0 else -1
            if side != self._state:
                self._state = side
                return Direction.UP if side > 0 else Direction.DOWN
        elif abs(value) < self.release:
            self._state = 0
        return None


class EmaCross:
    """A fast exponential average of the close crosses a slow one, by more than a band.

    The weights follow the time between bars, ``1 - exp(-dt / tau)``, so seconds without a trade
    count for what they are.
    """

    def __init__(self, fast_seconds: float, slow_seconds: float) -> None:
        self._spans = (fast_seconds, slow_seconds)
        self._values = (0.0, 0.0)
        self._started: int | None = None
        self._last = 0
        # No release: after "up" only "down" can follow.
        self._trigger = _Trigger(_BAND, 0.0)

    @property
    def values(self) -> tuple[float, float]:
        """The fast and the slow average, in the quote currency."""
        return self._values

    def update(self, bar: Bar) -> Signal | None:
        """Take one bar; nothing is raised until the slow average has seen its own span."""
        close = bar.close / SCALE
        if self._started is None:
            self._started, self._last = bar.second, bar.second
            self._values = (close, close)
            return None
        elapsed, self._last = bar.second - self._last, bar.second
        fast, slow = (
            value + (1 - math.exp(-elapsed / span)) * (close - value)
            for value, span in zip(self._values, self._spans, strict=True)
        )
        self._values = (fast, slow)
        spread = fast / slow - 1
        direction = self._trigger.crossed(spread)
        if direction is None or bar.second - self._started < self._spans[1]:
            return None
        verb = "rose above" if direction is Direction.UP else "fell below"
        why = (
            f"the {self._spans[0]:g} s average {fast:.8g} {verb} "
            f"the {self._spans[1]:g} s average {slow:.8g} by {abs(spread):.3%}"
        )
        return Signal(bar.second, "ema-cross", direction, close, spread, _BAND, why)


@define
class _Window:
    """Exact running sums over the bars of the last ``seconds``."""

    seconds: int
    volume: int = 0
    quote: int = 0
    bought: int = 0
    trades: int = 0
    weighted: int = 0  # sum of volume x close
    squared: int = 0  # sum of volume x close^2
    _bars: deque[Bar] = field(factory=deque)

    def add(self, bar: Bar) -> None:
        self._bars.append(bar)
        self._count(bar, 1)
        while bar.second - self._bars[0].second >= self.seconds:
            self._count(self._bars.popleft(), -1)

    def _count(self, bar: Bar, sign: int) -> None:
        self.volume += sign * bar.volume
        self.quote += sign * bar.quote_volume
        self.bought += sign * bar.buy_volume
        self.trades += sign * bar.trades
        self.weighted += sign * bar.volume * bar.close
        self.squared += sign * bar.volume * bar.close * bar.close

    @property
    def full(self) -> bool:
        """Whether the window reaches back over at least half of its seconds."""
        return self._bars[-1].second - self._bars[0].second >= self.seconds // 2

    @property
    def vwap(self) -> float:
        return self.quote / self.volume if self.volume else 0.0

    @property
    def deviation(self) -> float:
        """Volume-weighted standard deviation of the closes, from exact sums."""
        if not self.volume:
            return 0.0
        spread = self.squared * self.volume - self.weighted * self.weighted
        return math.sqrt(spread) / self.volume / SCALE

    @property
    def imbalance(self) -> float:
        """(bought - sold) / volume, from -1 to 1."""
        return (2 * self.bought - self.volume) / self.volume if self.volume else 0.0


class Signals:
    """All signals of a stream."""

    def __init__(self, settings: Settings) -> None:
        self._ema = EmaCross(settings.ema_fast_seconds, settings.ema_slow_seconds)
        self._window = _Window(settings.window_seconds)
        self._zscore = _Trigger(settings.zscore_limit, settings.zscore_limit * _RELEASE)
        self._flow = _Trigger(settings.imbalance_limit, settings.imbalance_limit * _RELEASE)

    def update(self, bar: Bar) -> list[Signal]:
        """The signals that this bar raises."""
        self._window.add(bar)
        raised = [self._ema.update(bar)]
        if self._window.full and self._window.trades >= _MIN_TRADES:
            raised += [self._zscore_signal(bar), self._flow_signal(bar)]
        return [signal for signal in raised if signal is not None]

    def _zscore_signal(self, bar: Bar) -> Signal | None:
        window, close = self._window, bar.close / SCALE
        if window.deviation == 0.0:
            return None
        value = (close - window.vwap) / window.deviation
        direction = self._zscore.crossed(value)
        if direction is None:
            return None
        side = "above" if value > 0 else "below"
        why = (
            f"{close:.8g} is {abs(value):.2f} standard deviations {side} "
            f"the VWAP {window.vwap:.8g} of the last {window.seconds} s"
        )
        return Signal(bar.second, "vwap-zscore", direction, close, value, self._zscore.limit, why)

    def _flow_signal(self, bar: Bar) -> Signal | None:
        window = self._window
        value = window.imbalance
        direction = self._flow.crossed(value)
        if direction is None:
            return None
        verb = "bought" if value > 0 else "sold"
        why = (
            f"takers {verb} {(1 + abs(value)) / 2:.0%} of the volume of the last "
            f"{window.seconds} s, in {window.trades} trades"
        )
        close = bar.close / SCALE
        return Signal(bar.second, "flow-imbalance", direction, close, value, self._flow.limit, why)


def csv_line(signal: Signal) -> str:
    """One line of signals.csv; ``why`` has no quotes in it."""
    return (
        f"{utc(signal.second)},{signal.name},{signal.direction},{signal.price:.8f},{signal.value:.6g},"
        f'{signal.limit:g},"{signal.why}"\n'
    )
