"""trades.parquet: every trade in order of arrival, written in row groups, in constant memory."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from workloads.streams.messages import SCALE, Trades
from workloads.streams.parquet import Kind, Writer

_ROW_GROUP = 1 << 16  # trades held before they are written

COLUMNS: Mapping[str, Kind] = {
    "event_time": Kind.TIME,
    "trade_id": Kind.INTEGER,
    "price": Kind.NUMBER,
    "quantity": Kind.NUMBER,
    "trade_time": Kind.TIME,
    "buyer_is_maker": Kind.BOOLEAN,
}


class TradeFile:
    """The file; its prices and quantities are the doubles nearest to the exchange's decimals."""

    def __init__(
        self, path: Path, metadata: Mapping[str, str], row_group: int = _ROW_GROUP
    ) -> None:
        self._writer = Writer(path, COLUMNS, metadata)
        self._held = {name: np.zeros(row_group, kind.dtype) for name, kind in COLUMNS.items()}
        self._room = row_group
        self._count = 0

    def add(self, trades: Trades) -> None:
        """Append trades."""
        while len(trades):
            part = trades[: self._room - self._count]
            here = slice(self._count, self._count + len(part))
            for name, held in self._held.items():
                if COLUMNS[name] is Kind.NUMBER:
                    np.divide(getattr(part, name), SCALE, out=held[here])
                else:
                    held[here] = getattr(part, name)
            self._count += len(part)
            if self._count == self._room:
                self._flush()
            trades = trades[len(part) :]

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._count:
            self._writer.write([held[: self._count] for held in self._held.values()])
        self._count = 0
