"""Is a recorded stream what an independent calculation makes of the same file?

    python -m benchmarks.check_stream RECORDING [--symbol BTCUSDT]

Plays the recording through the market feed into the workload, and recalculates trades, gaps, bars
and signals from the lines with json, Decimal and pandas alone: nothing of the workload's code.
Exits with 1 if anything differs. Recordings: ``examples/spot`` of github.com/nkaz001/hftbacktest;
``cat`` joins days.
"""

import argparse
import gzip
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.local.feed import Faults, Feed, Recording, serving
from toolkit.runtime.testing import FakeRun
from workloads.streams.errors import ConnectionLostError
from workloads.streams.trades import run

FAST, SLOW, WINDOW = 15, 60, 60  # seconds: the catalog's defaults
ZSCORE, IMBALANCE, BAND = Decimal(3), Decimal("0.6"), Decimal("0.0001")
UNIT = Decimal("0.00000001")


def recorded(path: Path, symbol: str) -> pd.DataFrame:
    """The trades of the file, in order, each once; prices and quantities as Decimals."""
    packed = path.read_bytes()[:2] == b"\x1f\x8b"
    rows, seen = [], set()
    with gzip.open(path, "rt") if packed else path.open() as file:
        for line in file:
            message = json.loads(line.partition(" ")[2])
            data = message.get("data", {})
            if data.get("e") != "trade" or data["s"] != symbol or data["t"] in seen:
                continue
            seen.add(data["t"])
            price, quantity = Decimal(data["p"]), Decimal(data["q"])
            rows.append((data["t"], price, quantity, data["T"], data["E"], data["m"]))
    names = ["id", "price", "quantity", "T", "E", "maker"]
    return pd.DataFrame(rows, columns=pd.Index(names))


def bars_of(trades: pd.DataFrame) -> pd.DataFrame:
    """One row a second that had trades."""
    table = trades.assign(
        second=trades["T"] // 1000,
        value=[
            (p * q).quantize(UNIT, ROUND_HALF_EVEN)
            for p, q in zip(trades["price"], trades["quantity"], strict=True)
        ],
        bought=trades["quantity"].where(~trades["maker"].astype(bool), Decimal(0)),
    )
    groups = table.groupby("second")
    return pd.DataFrame(
        {
            "open": groups["price"].first(),
            "high": groups["price"].max(),
            "low": groups["price"].min(),
            "close": groups["price"].last(),
            "volume": groups["quantity"].sum(),
            "quote_volume": groups["value"].sum(),
            "taker_buy_volume": groups["bought"].sum(),
            "trades": groups.size(),
        }
    )


def signals_of(bars: pd.DataFrame) -> list[tuple[int, str, str, Decimal]]:
    """(second, signal, direction, value) in order, by the words of docs/streams.md."""
    found: list[tuple[int, str, str, Decimal]] = []
    states = {"ema-cross": 0, "vwap-zscore": 0, "flow-imbalance": 0}
    seconds = [int(second) for second in bars.index]
    rows: list[dict[str, Any]] = bars.to_dict("records")  # type: ignore[assignment]
    fast = slow = rows[0]["close"] if rows else Decimal(0)

    def judge(at: int, name: str, value: Decimal, limit: Decimal, again: Decimal) -> None:
        side = 1 if value > 0 else -1
        if abs(value) >= limit and side != states[name]:
            states[name] = side
            if name != "ema-cross" or seconds[at] - seconds[0] >= SLOW:
                found.append((seconds[at], name, "up" if side > 0 else "down", value))
        elif abs(value) < limit and abs(value) < again:
            states[name] = 0

    for at, row in enumerate(rows):
        close = row["close"]
        if at:
            elapsed = Decimal(seconds[at] - seconds[at - 1])
            fast += (1 - (-elapsed / FAST).exp()) * (close - fast)
            slow += (1 - (-elapsed / SLOW).exp()) * (close - slow)
            judge(at, "ema-cross", fast / slow - 1, BAND, Decimal(0))
        window = [r for r, s in zip(rows, seconds, strict=True) if 0 <= seconds[at] - s < WINDOW]
        first = next(s for s in seconds if seconds[at] - s < WINDOW)
        if seconds[at] - first < WINDOW // 2 or sum(r["trades"] for r in window) < 20:
            continue
        volume = sum(r["volume"] for r in window)
        vwap = sum(r["quote_volume"] for r in window) / volume
        mean = sum(r["volume"] * r["close"] for r in window) / volume
        spread = sum(r["volume"] * (r["close"] - mean) ** 2 for r in window) / volume
        if spread:
            judge(at, "vwap-zscore", (close - vwap) / spread.sqrt(), ZSCORE, ZSCORE / 2)
        bought = sum(r["taker_buy_volume"] for r in window)
        judge(at, "flow-imbalance", (2 * bought - volume) / volume, IMBALANCE, IMBALANCE / 2)
    return found


def play(path: Path, symbol: str, sent: int, scratch: Path) -> tuple[FakeRun, Mapping[str, Any]]:
    """Run the workload on the recording until everything was sent; its run and its metrics."""
    fake = FakeRun(scratch)
    feed = Feed(Recording(path), speed=0, faults=Faults(shutdown_after=sent))
    settings = {"symbol": symbol, "feed": "recorded", "run_seconds": 600, "batch_milliseconds": 0}
    with serving(feed) as url:
        try:
            run({**settings, "base_url": url}, fake)
        except ConnectionLostError as lost:
            return fake, lost.result.metrics
    raise SystemExit("the recording did not end")


def check(path: Path, symbol: str) -> Iterator[tuple[str, int, bool]]:
    """(what, how many, whether it is equal) for each part."""
    expected = recorded(path, symbol)
    with localcontext() as context, tempfile.TemporaryDirectory() as scratch:
        context.prec = 50
        sent = sum(1 for event in Recording(path).events(f"{symbol.lower()}@trade"))
        fake, metrics = play(path, symbol, sent, Path(scratch))
        table = pd.read_parquet(io.BytesIO(fake.saved["trades.parquet"]))
        yield "trades", len(expected), _equal_trades(table, expected)
        ids = set(expected["id"])
        missing = max(ids) - int(expected["id"].iloc[0]) + 1 - len(ids)
        yield "missing trades", missing, metrics["missing_trades"] == missing
        bars = bars_of(expected)
        text = pd.read_csv(io.BytesIO(fake.saved["bars.csv"]), dtype=str)
        yield "bars", len(bars), _equal_bars(text, bars)
        vwap = [f"{q / v:.8f}" for q, v in zip(bars["quote_volume"], bars["volume"], strict=True)]
        nearest = [
            f"{float(q) / float(v):.8f}"
            for q, v in zip(bars["quote_volume"], bars["volume"], strict=True)
        ]
        agreed = [a in pair for a, *pair in zip(text["vwap"], vwap, nearest, strict=True)]
        yield "VWAPs", len(vwap), all(agreed)
        signals = signals_of(bars)
        told = pd.read_csv(io.BytesIO(fake.saved["signals.csv"]))
        yield "signals", len(signals), _equal_signals(told, signals)


def _equal_trades(table: pd.DataFrame, expected: pd.DataFrame) -> bool:
    times = {name: table[name].astype("int64") for name in ("event_time", "trade_time")}
    return (
        table["trade_id"].tolist() == expected["id"].tolist()
        and table["price"].tolist() == [float(p) for p in expected["price"]]
        and table["quantity"].tolist() == [float(q) for q in expected["quantity"]]
        and times["trade_time"].tolist() == expected["T"].tolist()
        and times["event_time"].tolist() == expected["E"].tolist()
        and table["buyer_is_maker"].tolist() == expected["maker"].tolist()
    )


def _equal_bars(text: pd.DataFrame, bars: pd.DataFrame) -> bool:
    seconds = pd.to_datetime(text["time"]).astype("datetime64[s, UTC]").astype("int64").tolist()
    return seconds == [int(second) for second in bars.index] and all(
        [Decimal(value) for value in text[name]] == [Decimal(value) for value in bars[name]]
        for name in bars.columns
    )


def _equal_signals(told: pd.DataFrame, signals: list[tuple[int, str, str, Decimal]]) -> bool:
    seconds = pd.to_datetime(told["time"]).astype("datetime64[s, UTC]").astype("int64")
    ours = list(zip(seconds, told["signal"], told["direction"], strict=True))
    return ours == [signal[:3] for signal in signals] and all(
        abs(value - float(signal[3])) <= 1e-5 * abs(value)  # six digits stand in the file
        for value, signal in zip(told["value"], signals, strict=True)
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recording", type=Path)
    parser.add_argument("--symbol", default="BTCUSDT")
    options = parser.parse_args(arguments)
    equal = True
    for what, count, same in check(options.recording, options.symbol):
        equal &= same
        print(f"{what:16} {count:>9,}  {'equal' if same else 'DIFFERENT'}")
    return not equal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
