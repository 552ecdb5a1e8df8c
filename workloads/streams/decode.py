"""Frames to trades: in bulk where that pays, message by message where it does not."""

from typing import Protocol

from workloads.streams.bulk import cut
from workloads.streams.frames import Frames
from workloads.streams.messages import MessageError, Shutdown, Trade, Trades, parse

_MANY = 64  # messages for which numpy's calls cost less than a JSON decoder's


class Taker(Protocol):
    """Who takes what was decoded, in order of arrival."""

    def take(self, trades: Trades) -> None:
        """The next trades."""

    def notice(self, shutdown: Shutdown) -> None:
        """A shutdown was announced."""

    def reject(self, payload: bytes, reason: str) -> None:
        """A message that claims to be a trade, or is not readable, made no sense."""

    def pass_over(self, payload: bytes, kind: str) -> None:
        """A message is no trade and does not claim to be one."""


def decode(frames: Frames, symbol: str, taker: Taker) -> None:
    """Decode one batch and hand it on."""
    if len(frames) >= _MANY:
        trades = cut(frames, symbol)
        if trades is not None:
            taker.take(trades)
            return
    taker.take(_parse_each(frames, symbol, taker))


def _parse_each(frames: Frames, symbol: str, taker: Taker) -> Trades:
    rows: list[Trade] = []
    for payload in frames:
        try:
            message = parse(payload, symbol)
        except MessageError as error:
            taker.reject(payload, str(error))
            continue
        if isinstance(message, Trade):
            rows.append(message)
        elif isinstance(message, Shutdown):
            taker.notice(message)
        else:
            taker.pass_over(payload, message.kind)
    return Trades.of(rows)
