"""What a stream makes of its trades: the record, the bars, the signals, and what it tells of them.

Nothing here knows of sockets or files other than those in the scratch directory, and nothing is
kept in memory that grows with the length of the run.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from toolkit.runtime import Gate, Json
from workloads.streams import bars, signals
from workloads.streams.bars import Bar, Bars
from workloads.streams.gaps import Continuity, Gap
from workloads.streams.messages import SCALE, Shutdown, Trade, Trades, show
from workloads.streams.record import TradeFile
from workloads.streams.settings import Settings
from workloads.streams.signals import Signal, Signals

_TOLD = 20  # events of one name between two summaries; the summary counts the rest

_FILES = ("trades.parquet", "bars.csv", "signals.csv")

Event = Callable[..., None]


@define
class _Interval:
    """What happened since the last summary."""

    trades: int = 0
    bars: int = 0
    quote_volume: int = 0
    volume: int = 0
    low: int = 0
    high: int = 0
    told: Counter[str] = field(factory=Counter)

    def add(self, bar: Bar) -> None:
        self.low = min(self.low, bar.low) if self.bars else bar.low
        self.high = max(self.high, bar.high)
        self.bars += 1
        self.quote_volume += bar.quote_volume
        self.volume += bar.volume

    def prices(self) -> dict[str, Json]:
        """Of the bars that were closed."""
        if not self.bars:
            return {}
        vwap = self.quote_volume / max(self.volume, 1)
        return {"low": show(self.low), "high": show(self.high), "vwap": round(vwap, 8)}


class Session:
    """Takes trades as they come and writes trades.parquet, bars.csv and signals.csv."""

    def __init__(self, settings: Settings, scratch: Path, event: Event, origin: str) -> None:
        self.trades = 0
        self.rejected = 0
        self.bars = 0
        self.signals: Counter[str] = Counter()
        self.continuity = Continuity()
        self.shutdown: Shutdown | None = None
        self._settings = settings
        self._event = event
        self._interval = _Interval()
        self._bars = Bars()
        self._raise = Signals(settings)
        self._first: Trade | None = None
        self._last: Trade | None = None
        self.files = {
            name: scratch / name for name in ("trades.parquet", "bars.csv", "signals.csv")
        }
        metadata = {"symbol": settings.symbol, "feed": settings.feed, "run_id": origin}
        self._trade_file = TradeFile(self.files["trades.parquet"], metadata)
        self._bar_file = self.files["bars.csv"].open("w", encoding="utf-8")
        self._bar_file.write(bars.CSV_HEADER)
        self._signal_file = self.files["signals.csv"].open("w", encoding="utf-8")
        self._signal_file.write(signals.CSV_HEADER)

    def take(self, trades: Trades) -> None:
        """Account for the next trades, in order of arrival."""
        gaps, new = self.continuity.check(trades.trade_id)
        for gap in gaps:
            self._tell_gap(gap)
        if new is not None:
            trades = trades[new]
        if not len(trades):
            return
        self.trades += len(trades)
        self._interval.trades += len(trades)
        self._first = self._first or trades[:1].rows()[0]
        self._last = trades[-1:].rows()[0]
        self._trade_file.add(trades)
        for bar in self._bars.add(trades):
            self._take_bar(bar)

    def notice(self, shutdown: Shutdown) -> None:
        """The exchange announced that it is about to close the connection."""
        self.shutdown = shutdown
        self._event("shutdown.announced", event_time=shutdown.event_time)

    def reject(self, payload: bytes, reason: str) -> None:
        """Count a message that is not what the protocol says."""
        self.rejected += 1
        excerpt = payload[:200].decode("utf-8", "replace")
        self._tell("message.rejected", reason=reason, excerpt=excerpt)

    def summarize(self) -> None:
        """Tell what happened since the last time, if anything did."""
        interval, self._interval = self._interval, _Interval()
        if not interval.trades and not interval.told:
            return
        unsaid = {name: n - _TOLD for name, n in interval.told.items() if n > _TOLD}
        self._event(
            "stream.summarized",
            trades=interval.trades,
            trades_total=self.trades,
            missing_total=self.continuity.missing,
            **interval.prices(),
            **({"not_logged": unsaid} if unsaid else {}),
        )

    def finish(self) -> None:
        """Close the open bar and the files."""
        for bar in self._bars.finish():
            self._take_bar(bar)
        self._bar_file.close()
        self._signal_file.close()
        self._trade_file.close()

    def metrics(self) -> dict[str, Json]:
        """What was received, for the manifest."""
        known = self.continuity
        numbers: dict[str, Json] = {
            "symbol": self._settings.symbol,
            "feed": self._settings.feed,
            "trades": self.trades,
            "gaps": known.gaps,
            "missing_trades": known.missing,
            "late_trades": known.late,
            "repeated_trades": known.repeated,
            "rejected_messages": self.rejected,
            "bars": self.bars,
            "trades_after_their_bar": self._bars.late,
            "signals": dict(self.signals),
        }
        for name, trade in (("first", self._first), ("last", self._last)):
            if trade is not None:
                numbers[f"{name}_trade_id"] = trade.trade_id
                numbers[f"{name}_trade_time"] = trade.trade_time
                numbers[f"{name}_price"] = trade.price / SCALE
        return numbers

    def gates(self) -> tuple[Gate, ...]:
        """What a good stream fulfils."""
        return (
            Gate("trades", float(self.trades), ">=", 1.0),
            Gate(
                "missing_trades",
                float(self.continuity.missing),
                "<=",
                float(self._settings.missing_limit),
            ),
            Gate("rejected_messages", float(self.rejected), "<=", 0.0),
        )

    def _take_bar(self, bar: Bar) -> None:
        self.bars += 1
        self._interval.add(bar)
        self._bar_file.write(bar.csv())
        for signal in self._raise.update(bar):
            self._take_signal(signal)

    def _take_signal(self, signal: Signal) -> None:
        self.signals[signal.name] += 1
        self._signal_file.write(signals.csv_line(signal))
        self._tell(
            "signal.raised",
            signal=signal.name,
            direction=signal.direction.value,
            market_time=bars.utc(signal.second),
            price=signal.price,
            value=round(signal.value, 6),
            why=signal.why,
        )

    def _tell_gap(self, gap: Gap) -> None:
        self._tell("gap.detected", first_id=gap.first, last_id=gap.last, missing=gap.missing)

    def _tell(self, name: str, **details: Json) -> None:
        """Log, but no more of one kind than a person would read."""
        self._interval.told[name] += 1
        if self._interval.told[name] <= _TOLD:
            self._event(name, **details)
