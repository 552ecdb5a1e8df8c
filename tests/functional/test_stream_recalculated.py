"""A recorded stream, recalculated by `benchmarks.check_stream` with Decimal and pandas."""

from pathlib import Path

import pytest

from benchmarks.check_stream import check, main, recorded
from toolkit.local.feed import Market

SNAPSHOT = '{"lastUpdateId":7,"bids":[["1.4","2"]],"asks":[["1.6","3"]]}'


def recording(path: Path, symbol: str, leave_out: range = range(0)) -> Path:
    events = Market(seed=7, rate=6.0).first(f"{symbol.lower()}@trade", 5000)
    stream = f"{symbol.lower()}@trade"
    lines = [
        f'{int(e.due * 1e9)} {{"stream":"{stream}","data":'
        f"{e.payload(1_795_000_000_000 + int(e.due * 1000))}}}\n"
        for number, e in enumerate(events)
        if number not in leave_out
    ]
    lines[100:100] = [lines[99], f"{10**9} {SNAPSHOT}\n"]  # one trade twice, one snapshot
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize("symbol", ["BNBUSDT", "1000SATSUSDT"])
def test_trades_gaps_bars_and_signals_are_those_of_an_independent_calculation(
    symbol: str, tmp_path: Path
) -> None:
    path = recording(tmp_path / "recording", symbol, range(3000, 3007))
    found = list(check(path, symbol))
    assert [(what, equal) for what, _, equal in found] == [
        ("trades", True),
        ("missing trades", True),
        ("bars", True),
        ("VWAPs", True),
        ("signals", True),
    ]
    counts = [count for _, count, _ in found]
    assert counts[:2] == [4993, 7]
    assert counts[4] > 3


def test_the_check_can_fail(tmp_path: Path) -> None:
    path = recording(tmp_path / "recording", "BNBUSDT")
    honest = recorded(path, "BNBUSDT")
    text = path.read_text()
    # A fraction of the last decimal: the exchange has eight, so the workload rejects the trade.
    path.write_text(text.replace('"q":"0.', '"q":"0.000000001', 1))
    assert len(recorded(path, "BNBUSDT")) == len(honest)
    assert main([str(path), "--symbol", "BNBUSDT"]) == 1
