"""Exact accounting of trade ids: what is missing, what came late, twice, or before the first.

The id of a symbol's trades rises by exactly 1, so a jump is a gap of known size.
"""

from bisect import bisect_right

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from workloads.streams.messages import Int64s

# A gap that is not among the latest ones can no longer be filled: memory stays bounded.
_OPEN_GAPS = 10_000


@frozen
class Gap:
    """The missing ids ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def missing(self) -> int:
        """How many trades."""
        return self.last - self.first + 1


@define
class Continuity:
    """What is known of the ids so far; ``missing`` is exact at every moment."""

    highest: int | None = None
    missing: int = 0
    gaps: int = 0
    late: int = 0  # were missing, and came after all
    repeated: int = 0  # came before
    before_first: int = 0  # older than the first one that came
    first: int | None = None
    _open: list[Gap] = field(factory=list, repr=False)

    def check(self, ids: Int64s) -> tuple[list[Gap], npt.NDArray[np.bool_] | None]:
        """Account for the next ids in order of arrival.

        Returns the new gaps and which ids are new; None says that all are.
        """
        if not len(ids):
            return [], None
        if self.first is None:
            self.first = int(ids[0])
        before = np.empty_like(ids)
        before[0] = ids[0] - 1 if self.highest is None else self.highest
        before[1:] = ids[:-1]
        if (ids - before == 1).all():
            self.highest = int(ids[-1])
            return [], None
        return self._check_each(ids, before)

    def _check_each(self, ids: Int64s, before: Int64s) -> tuple[list[Gap], npt.NDArray[np.bool_]]:
        highest = np.maximum.accumulate(before)
        found: list[Gap] = []
        new = np.ones(len(ids), dtype=np.bool_)
        for index in np.flatnonzero(ids - highest != 1).tolist():
            trade_id, last = int(ids[index]), int(highest[index])
            if trade_id > last:
                found.append(Gap(last + 1, trade_id - 1))
                self._add(found[-1])
            else:
                new[index] = self._fill(trade_id)
        self.highest = max(int(highest[-1]), int(ids[-1]))
        return found, new

    def _add(self, gap: Gap) -> None:
        self.gaps += 1
        self.missing += gap.missing
        self._open.append(gap)
        del self._open[:-_OPEN_GAPS]

    def _fill(self, trade_id: int) -> bool:
        """Whether a trade below the highest id was missing until now."""
        if self.first is not None and trade_id < self.first:
            self.before_first += 1
            return False
        index = bisect_right(self._open, trade_id, key=lambda gap: gap.first) - 1
        if index < 0 or trade_id > self._open[index].last:
            self.repeated += 1
            return False
        gap = self._open[index]
        parts = (Gap(gap.first, trade_id - 1), Gap(trade_id + 1, gap.last))
        self._open[index : index + 1] = [part for part in parts if part.missing]
        self.missing -= 1
        self.late += 1
        return True
