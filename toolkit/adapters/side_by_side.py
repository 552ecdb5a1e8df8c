"""Several calls of AWS at a time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")
AT_ONCE = 8


def side_by_side(call: Callable[[_T], _R], items: Iterable[_T], at_once: int = AT_ONCE) -> list[_R]:
    """``call`` of each item in a thread, at most ``at_once`` at a time; answers in order.

    The first error is raised once every call has ended.
    """
    rows = list(items)
    if len(rows) <= 1:
        return [call(row) for row in rows]
    with ThreadPoolExecutor(min(at_once, len(rows))) as pool:
        return list(pool.map(call, rows))
