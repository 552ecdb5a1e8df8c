"""The content of the latest trades, to hold a repeated one against: in constant memory."""

import numpy as np
from attrs import frozen

from workloads.streams.messages import Bools, Int64s, Trades

_SIZE = 1 << 16
_COLUMNS = ("trade_id", "price", "quantity", "trade_time", "buyer_is_maker")


@frozen
class Comparison:
    """How repeated trades compare with those of the same ids that came first."""

    conflicting: int  # with other content
    unverified: int  # so old that their content is no longer here


class Recent:
    """A ring of the latest trades; the time of the message is no part of a trade's content."""

    def __init__(self, size: int = _SIZE) -> None:
        self._table = np.zeros((len(_COLUMNS), size), dtype=np.int64)
        self._count = 0

    def add(self, trades: Trades) -> None:
        """Remember these trades; whatever is older than the ring is forgotten."""
        size = self._table.shape[1]
        trades = trades[-size:]
        places = (self._count + np.arange(len(trades))) % size
        for row, name in zip(self._table, _COLUMNS, strict=True):
            row[places] = getattr(trades, name)
        self._count += len(trades)

    def compare(self, repeats: Trades) -> Comparison:
        """Hold repeated trades against what is remembered."""
        known = self._table[:, : self._count]
        order = np.argsort(known[0], kind="stable")
        ids: Int64s = known[0][order]
        places = np.searchsorted(ids, repeats.trade_id)
        places[places == len(ids)] = 0
        found: Bools = (
            ids[places] == repeats.trade_id if len(ids) else np.zeros(len(repeats), np.bool_)
        )
        unverified = int(np.count_nonzero(~found))
        if unverified == len(repeats):
            return Comparison(0, unverified)
        same = np.ones(len(repeats), np.bool_)
        for row, name in zip(known, _COLUMNS, strict=True):
            same &= row[order[places]] == getattr(repeats, name)
        return Comparison(int(np.count_nonzero(found & ~same)), unverified)
