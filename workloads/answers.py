"""HTTP answers by their kind: which may pass, which are final, and what to do about each.

RFC 9110, section 15 (status codes) and 10.2.3 (Retry-After); RFC 6585, section 4 (429).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol, Self

from attrs import frozen

_MAY_PASS = frozenset({408, 425, 429})
# The server cannot, and will not learn; 511 is a network that wants a login first.
_NEVER_PASS = frozenset({501, 505, 506, 508, 510, 511})
# Binance bans an address for a time with 418 and says for how long:
# https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#ip-limits
_BANNED = 418
_BUSY: Final = "The server is overloaded or restarting. Run it again later."
_DENIED: Final = "The server wants credentials that this request does not have. Check the address."
_HINTS: Final[Mapping[int, str]] = {
    401: _DENIED,
    403: _DENIED,
    404: "The address names nothing that this server has. Check it.",
    407: "The proxy wants credentials: give them in HTTPS_PROXY, or except the host with NO_PROXY.",
    418: "The server has banned this address for a time after too many requests.",
    429: "Too many requests came from this address; other tasks behind the same NAT count, too. "
    "Run fewer at a time, or later.",
    451: "The server may not serve the region that this task runs in.",
    502: "A gateway or proxy in front of the server got no answer from it. Run it again later.",
    503: _BUSY,
    504: "A gateway or proxy in front of the server got no answer in time. Run it again later.",
}


class Headers(Protocol):
    """Headers by their names in lower case, or in any case."""

    def get(self, name: str, /) -> str | None:
        """The value of a header; None without it."""


@frozen
class Answer:
    """An HTTP answer; ``retry_after`` is what it asks to wait, in seconds."""

    status: int
    retry_after: float | None = None

    @classmethod
    def of(cls, status: int, headers: "Headers") -> Self:
        """From a status and its headers."""
        return cls(status, retry_after(headers.get("retry-after"), headers.get("date")))

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered otherwise later."""
        if self.status == _BANNED:
            return self.retry_after is not None
        return self.status in _MAY_PASS or (self.status >= 500 and self.status not in _NEVER_PASS)

    @property
    def hint(self) -> str:
        """The cause that the status names, and the one next step; empty where it names none."""
        if self.status in _HINTS:
            return _HINTS[self.status]
        if 300 <= self.status < 400:
            return "The server sends elsewhere. Set the address that it names."
        return _BUSY if self.status >= 500 and self.may_pass else ""


def retry_after(text: str | None, date: str | None = None) -> float | None:
    """The seconds that a Retry-After header asks for; None without one that can be read.

    A time is held against the answer's own ``date``, where it has one: clocks differ.

    >>> retry_after("120"), retry_after("soon"), retry_after(None)
    (120.0, None, None)
    """
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = _time(text)
    if until is None:
        return None
    return max(0.0, (until - (_time(date or "") or datetime.now(UTC))).total_seconds())


def _time(text: str) -> datetime | None:
    try:
        time = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
