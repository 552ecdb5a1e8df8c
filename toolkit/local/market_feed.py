"""The market feed of the embedded AWS: what streams connect to when there is no internet.

It is started when a deployment first asks for it, and again by every later engine of the project,
on the same port, because deployed schedules name its address. Between streams and feed there is a
wire, which can be cut.
"""

import threading
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from toolkit.local.wire import Wire

_RATE = 25.0  # trades a second and symbol, about what BTCUSDT averages


class MarketFeed:
    """One synthetic market, served on loopback while the engine lives."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._url: str | None = None
        self._wire: Wire | None = None
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self.port:
            threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._lock:
            self._stack.close()

    def serve(self) -> str:
        """Start serving, if it does not yet; returns the URL."""
        from toolkit.local.feed.market import Market
        from toolkit.local.feed.server import Feed, serving

        with self._lock:
            if self._url is None:
                feed = Feed(Market(seed=1, rate=_RATE))
                behind = self._stack.enter_context(serving(feed))
                host, _, port = behind.rpartition(":")
                self._wire = Wire(self.port, int(port))
                self._stack.callback(self._wire.close)
                self.port = self._wire.port
                self._url = f"{host}:{self.port}"
            return self._url

    def cut(self, seconds: float) -> None:
        """Cut the wire, for so long; without a feed there is none."""
        if self._wire is not None:
            self._wire.cut(seconds)
