"""What a stream makes of its trades: the record, the bars, the signals, and what it tells of them.

Nothing here knows of sockets or files other than those in the scratch directory, and nothing is
kept in memory that grows with the length of the run.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from attrs import define, field

from toolkit.runtime import Gate, Json
from workloads.streams import bars, signals
from workloads.streams.bars import Bar, Bars
from workloads.streams.gaps import Continuity, Gap
from workloads.streams.messages import SCALE, Shutdown, Trade, Trades, show
from workloads.streams.recent import Recent
from workloads.streams.record import TradeFile
from workloads.streams.settings import Settings
from workloads.streams.signals import Signal, Signals

_TOLD = 20  # events of one name between two summaries; the summary counts the rest
_KINDS = 20  # of other messages that are counted apart

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
        self.conflicting = 0  # repeated with other content
        self.unverified = 0  # repeated after so long that the content cannot be compared
        self.others: Counter[str] = Counter()
        self.bars = 0
        self.signals: Counter[str] = Counter()
        self.continuity = Continuity()
        self.shutdown: Shutdown | None = None
        self._settings = settings
        self._event = event
        self._interval = _Interval()
        self._bars = Bars()
        self._raise = Signals(settings)
        self._recent = Recent()
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
        if new is None:
            self._keep(trades)
            return
        self._keep(trades[new])
        if not new.all():
            self._drop(trades[~new])

    def _keep(self, trades: Trades) -> None:
        if not len(trades):
            return
        self.trades += len(trades)
        self._interval.trades += len(trades)
        self._first = self._first or trades[:1].rows()[0]
        self._last = trades[-1:].rows()[0]
        self._trade_file.add(trades)
        self._recent.add(trades)
        late = self._bars.late
        for bar in self._bars.add(trades):
            self._take_bar(bar)
        if self._bars.late > late:
            self._tell("trades.moved", trades=self._bars.late - late, why="their bar was closed")

    def _drop(self, trades: Trades) -> None:
        """Account for trades whose id has come before, or is older than the first."""
        older = trades.trade_id < (self.continuity.first or 0)
        found = self._recent.compare(trades[~older])
        self.conflicting += found.conflicting
        self.unverified += found.unverified
        self._tell(
            "trades.dropped",
            repeated=int(np.count_nonzero(~older)),
            conflicting=found.conflicting,
            unverified=found.unverified,
            before_first=int(np.count_nonzero(older)),
            first_id=int(trades.trade_id[0]),
        )

    def notice(self, shutdown: Shutdown) -> None:
        """The exchange announced that it is about to close the connection."""
        self.shutdown = shutdown
        self._event("shutdown.announced", event_time=shutdown.event_time)

    def reject(self, payload: bytes, reason: str) -> None:
        """Count a message that is not what the protocol says."""
        self.rejected += 1
        self._tell("message.rejected", reason=reason, excerpt=_excerpt(payload))

    def pass_over(self, payload: bytes, kind: str) -> None:
        """Count a message that is no trade, by its kind."""
        known = kind in self.others or len(self.others) < _KINDS
        self.others[kind if known else "others"] += 1
        self._tell("message.ignored", kind=kind, excerpt=_excerpt(payload))

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
        """Close the open bar and the files, each of them whatever becomes of the others."""
        with ExitStack() as stack:
            for file in (self._trade_file, self._signal_file, self._bar_file):
                stack.callback(file.close)
            for bar in self._bars.finish():
                self._take_bar(bar)

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
            "conflicting_trades": self.conflicting,
            "unverified_repeats": self.unverified,
            "trades_before_first": known.before_first,
            "rejected_messages": self.rejected,
            "other_messages": dict(self.others),
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
        wanted, known = self._settings, self.continuity
        corrected = {
            "conflicting_trades": self.conflicting,
            "unverified_repeats": self.unverified,
            "trades_before_first": known.before_first,
            "trades_after_their_bar": self._bars.late,
        }
        return (
            Gate("trades", float(self.trades), ">=", 1.0),
            Gate("missing_trades", float(known.missing), "<=", float(wanted.missing_limit)),
            Gate("rejected_messages", float(self.rejected), "<=", 0.0),
            *(
                Gate(name, float(count), "<=", float(wanted.correction_limit))
                for name, count in corrected.items()
            ),
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


def _excerpt(payload: bytes) -> str:
    return payload[:200].decode("utf-8", "replace")
