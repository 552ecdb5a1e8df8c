"""Periods with so many firings as are read at once, whatever the schedules are."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from toolkit.core.proof.seal_chain import DAY, start_of
from toolkit.core.schedules.history import History

_TICK = timedelta(microseconds=1)
# A schedule fires once a minute at most.
_SHORTEST = timedelta(minutes=1)


def day_stretches(days: Sequence[date], history: History, most: int) -> Iterator[tuple[date, date]]:
    """Days in order as stretches without a gap, the first and the last of each.

    A stretch has at most ``most`` firings, or is one day.
    """
    first = last = None
    for day in days:
        if first is None or last is None:
            first = last = day
        elif day == last + DAY and _few(history, start_of(first), start_of(day) + DAY, most):
            last = day
        else:
            yield first, last
            first = last = day
    if first is not None and last is not None:
        yield first, last


def periods(
    days: Sequence[date], since: datetime, history: History, most: int
) -> Iterator[tuple[datetime, datetime]]:
    """Days in order as periods, each from a time to before another; nothing before ``since``.

    A period has at most ``most`` firings, or is a minute.
    """
    for first, last in day_stretches(days, history, most):
        begin, end = max(since, start_of(first)), start_of(last) + DAY
        while begin < end:
            until = _until(history, begin, end, most)
            yield begin, until
            begin = until


def _until(history: History, begin: datetime, end: datetime, most: int) -> datetime:
    """The end of a period with few firings: half of what is left, half of that, and so on."""
    while end - begin > _SHORTEST and not _few(history, begin, end, most):
        half = begin + (end - begin) / 2
        end = max(half.replace(second=0, microsecond=0), begin + _SHORTEST)
    return end


def _few(history: History, begin: datetime, end: datetime, most: int) -> bool:
    count = 0
    for name in history.names:
        for _ in history.firings(name, begin - _TICK, end - _TICK):
            count += 1
            if count > most:
                return False
    return True
