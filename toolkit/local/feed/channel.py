"""A channel: one stream of the source in real time, handed to the clients that subscribed to it.

It pauses while there are none, so a later client sees the next trade and not a gap.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Protocol

from toolkit.local.feed.events import Event, SourceError

_SHARE = 500  # messages between two turns of the event loop


class Subscriber(Protocol):
    """Whom a channel delivers to."""

    @property
    def behind(self) -> int:
        """How many messages still wait for it."""

    def deliver(self, stream: str, payloads: list[str]) -> None:
        """Take what is due."""

    def end(self, reason: str) -> None:
        """Nothing more can come, after what was delivered."""


class Channel:
    """One stream; ``speed`` multiplies the market's time, 0 is as fast as the clients read."""

    def __init__(self, stream: str, events: Iterator[Event], speed: float) -> None:
        self._stream = stream
        self._events = events
        self._failure: str | None = None
        self._next: Event | None = None
        self._advance()
        self._speed = speed
        self._clients: set[Subscriber] = set()
        self._task: asyncio.Task[None] | None = None

    def join(self, client: Subscriber) -> None:
        """Deliver to this client from now on."""
        self._clients.add(client)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

    def leave(self, client: Subscriber) -> None:
        """Deliver to it no longer."""
        self._clients.discard(client)

    def stop(self) -> None:
        """End the channel with its server."""
        if self._task is not None:
            self._task.cancel()

    def _advance(self) -> None:
        try:
            self._next = next(self._events, None)
        except SourceError as error:
            self._next, self._failure = None, str(error)

    async def _follow(self) -> None:
        await self._play()
        if self._failure is not None:
            for client in self._clients:
                client.end(self._failure)

    async def _play(self) -> None:
        if self._next is None:
            return
        origin, started = self._next.due, time.monotonic()
        opened_ms = int((time.time() - origin) * 1000)
        while self._clients and self._next is not None:
            now = origin + (time.monotonic() - started) * self._speed
            due = self._due(now, opened_ms)
            for client in self._clients:
                client.deliver(self._stream, due)
            if self._speed:
                await asyncio.sleep(self._pause(now))
            else:
                await self._until_read()

    def _due(self, now: float, opened_ms: int) -> list[str]:
        due: list[str] = []
        while self._next is not None and (not self._speed or self._next.due <= now):
            due.append(self._next.payload(opened_ms + int(self._next.due * 1000)))
            self._advance()
            if len(due) == _SHARE:
                break
        return due

    def _pause(self, now: float) -> float:
        if self._next is None:
            return 0.0
        # Never longer than 50 ms: a channel without clients must notice it.
        return min(0.05, max(0.0, (self._next.due - now) / self._speed))

    async def _until_read(self) -> None:
        await asyncio.sleep(0)
        while any(client.behind > _SHARE for client in self._clients):
            await asyncio.sleep(0.001)
