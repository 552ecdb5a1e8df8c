import math

import pytest

from workloads.streams.bars import Bar
from workloads.streams.messages import SCALE
from workloads.streams.settings import Settings
from workloads.streams.signals import Direction, EmaCross, Signal, Signals, csv_line


def bar(second: int, close: float, bought: float = 0.5, trades: int = 10) -> Bar:
    price = round(close * SCALE)
    return Bar(second, price, price, price, price, SCALE, price, round(bought * SCALE), trades)


def raised(signals: Signals, *bars: Bar) -> list[Signal]:
    return [signal for b in bars for signal in signals.update(b)]


def test_the_averages_follow_the_time_between_bars_and_not_their_number() -> None:
    every, sparse = EmaCross(10, 60), EmaCross(10, 60)
    for second in range(61):
        every.update(bar(second, 100.0 if second == 0 else 110.0))
    sparse.update(bar(0, 100.0))
    sparse.update(bar(60, 110.0))
    assert every.values == pytest.approx(sparse.values)
    fast, slow = every.values
    assert fast == pytest.approx(110 - 10 * math.exp(-6))
    assert slow == pytest.approx(110 - 10 * math.exp(-1))


def test_a_step_in_the_price_crosses_the_averages_once_and_says_why() -> None:
    cross = EmaCross(5, 20)
    quiet = [cross.update(bar(s, 100.0)) for s in range(40)]
    step = [s for s in (cross.update(bar(s, 101.0)) for s in range(40, 80)) if s]
    assert not any(quiet)
    [signal] = step
    assert (signal.name, signal.direction, signal.second) == ("ema-cross", Direction.UP, 40)
    assert signal.why == "the 5 s average 100.18127 rose above the 20 s average 100.04877 by 0.132%"


def test_nothing_is_raised_before_the_slow_average_has_seen_its_span() -> None:
    cross = EmaCross(5, 20)
    assert not any(cross.update(bar(s, 100.0 + s)) for s in range(20))


def test_a_price_that_trembles_at_the_average_raises_nothing() -> None:
    cross = EmaCross(5, 20)
    assert not any(cross.update(bar(s, 100.0 + 0.004 * (-1) ** s)) for s in range(200))


def test_an_outlier_raises_the_zscore_of_the_window_exactly() -> None:
    signals = Signals(Settings(window_seconds=30))
    closes = [100.0 + 0.1 * (-1) ** s for s in range(30)] + [101.0]
    found = raised(signals, *(bar(s, c) for s, c in enumerate(closes)))
    [signal] = [s for s in found if s.name == "vwap-zscore"]
    window = closes[1:]
    mean = sum(window) / 30
    deviation = math.sqrt(sum((c - mean) ** 2 for c in window) / 30)
    assert signal.value == pytest.approx((101.0 - mean) / deviation, rel=1e-9)
    assert signal.direction is Direction.UP
    assert "standard deviations above the VWAP" in signal.why


def test_the_zscore_is_raised_again_only_after_it_has_come_back() -> None:
    signals = Signals(Settings(window_seconds=30))
    quiet = [bar(s, 100.0 + 0.1 * (-1) ** s) for s in range(30)]
    twice = [bar(30, 101.0), bar(31, 101.5)]
    rest = [bar(s, 100.5) for s in range(32, 40)]
    again = [bar(40, 104.0)]
    names = [s.second for s in raised(signals, *quiet, *twice, *rest, *again) if "vwap" in s.name]
    assert names == [30, 40]


def test_one_sided_flow_is_told_with_its_share() -> None:
    signals = Signals(Settings(window_seconds=10))
    balanced = [bar(s, 100.0, bought=0.5) for s in range(20)]
    buying = [bar(s, 100.0, bought=1.0) for s in range(20, 30)]
    selling = [bar(s, 100.0, bought=0.0) for s in range(30, 50)]
    found = raised(signals, *balanced, *buying, *selling)
    assert [(s.name, s.direction.value) for s in found] == [
        ("flow-imbalance", "up"),
        ("flow-imbalance", "down"),
    ]
    assert found[0].why == "takers bought 80% of the volume of the last 10 s, in 100 trades"
    assert found[0].value == pytest.approx(0.6)


def test_a_window_of_few_trades_says_nothing() -> None:
    signals = Signals(Settings(window_seconds=10))
    assert not raised(signals, *(bar(s, 100.0, bought=1.0, trades=1) for s in range(30)))


def test_old_bars_leave_the_window_even_after_a_long_silence() -> None:
    signals = Signals(Settings(window_seconds=10))
    raised(signals, *(bar(s, 100.0) for s in range(20)))
    assert raised(signals, bar(10_000, 200.0)) == []
    assert signals._window.volume == SCALE


def test_a_signal_is_a_line_that_a_spreadsheet_reads() -> None:
    signal = Signal(1_700_000_000, "ema-cross", Direction.UP, 585.12, 0.0012, 1e-4, "a, b")
    assert csv_line(signal) == (
        '2023-11-14T22:13:20Z,ema-cross,up,585.12000000,0.0012,0.0001,"a, b"\n'
    )
