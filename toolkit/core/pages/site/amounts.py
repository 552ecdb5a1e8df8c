"""Seconds, dollars and days as a page says them."""

from collections.abc import Sequence
from datetime import date
from statistics import median

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def span_in_words(seconds: float) -> str:
    """A length of time with two units at most.

    >>> [span_in_words(value) for value in (0.234, 61, 7265, 200_000, -3)]
    ['0.2 s', '1 min 1 s', '2 h 1 min', '2 d 7 h', '-3.0 s']
    """
    if seconds < 0:
        return f"-{span_in_words(-seconds)}"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, below, small in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min")):
        if whole >= unit:
            rest = whole % unit // below
            return f"{whole // unit} {name}" + (f" {rest} {small}" if rest else "")
    rest = whole % _MINUTE
    return f"{whole // _MINUTE} min" + (f" {rest} s" if rest else "")


def dollars_in_words(dollars: float) -> str:
    """A sum of money; a small one with as many digits as it needs.

    >>> [dollars_in_words(value) for value in (0, 0.000123, 0.3, 12.3)]
    ['$0.00', '$0.00012', '$0.30', '$12.30']
    """
    if dollars >= 1 or dollars == 0:
        return f"${dollars:,.2f}"
    return f"${dollars:#.2g}" if dollars >= 0.0001 else f"${dollars:.5f}"


def median_in_words(values: Sequence[float]) -> str:
    """The median of some seconds; empty where there are none."""
    return span_in_words(median(values)) if values else ""


def day_in_words(day: date) -> str:
    """A day, such as Tue 24 Nov 2026."""
    return f"{day:%a} {day.day} {day:%b %Y}"
