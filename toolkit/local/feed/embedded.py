"""The market feed of the embedded AWS: what streams connect to when there is no internet.

It is started when a deployment first asks for it, and again by every later engine of the project,
on the same port, because deployed schedules name its address.
"""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from toolkit.local.feed.wire import Wire

_RATE = 25.0  # trades a second and symbol, about what BTCUSDT averages


class Branch:
    """One task's own way to the feed, which can be cut without disturbing the others."""

    def __init__(self, url: str) -> None:
        self._url = url
        host, _, port = url.rpartition(":")
        self._wire = Wire(0, int(port))
        self._own_url = f"{host}:{self._wire.port}"

    def lead(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment, where what leads to the feed leads here."""
        return {
            name: self._own_url + value.removeprefix(self._url)
            if value == self._url or value.startswith(f"{self._url}/")
            else value
            for name, value in environment.items()
        }

    def cut(self, seconds: float) -> None:
        """Reset every connection, and every new one for so long."""
        self._wire.cut(seconds)

    def close(self) -> None:
        """The task has ended."""
        self._wire.close()


class MarketFeed:
    """One synthetic market, served on loopback while the engine lives."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._url: str | None = None
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
                self._url = self._stack.enter_context(serving(feed, port=self.port))
                self.port = int(self._url.rpartition(":")[2])
            return self._url

    def branch(self) -> Branch | None:
        """A way to the feed that can be cut; where nobody has asked for a feed there is none."""
        return Branch(self.serve()) if self.port else None
