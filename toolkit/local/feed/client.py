"""A client: one connection of the feed, its subscriptions, its faults and its limits."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

from attrs import define, field, frozen
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode

from toolkit.local.feed.channel import Channel
from toolkit.local.feed.control import RateLimit, Subscriptions
from toolkit.local.feed.faults import Act, Faults, FaultyConnection

_BEHIND = 200_000  # messages that a client may be behind before it is cut off
_REASON = 123  # octets of a close frame's reason (RFC 6455, section 5.5)
_TRICKLE_BYTES, _TRICKLE_SECONDS = 40, 0.002


@frozen
class Rules:
    """What the exchange imposes on a connection (seconds, and messages a second)."""

    ping_interval: float = 20.0
    pong_timeout: float = 60.0
    lifetime: float = 86_400.0
    messages_per_second: int = 5
    max_streams: int = 1024


@define
class Record:
    """What the server knows of a connection: the truth that a client is checked against."""

    path: str
    sent: int = 0
    close_code: int | None = None


@define(eq=False)
class Client:
    """One connection; ``channel`` gives the channel of a stream."""

    connection: ServerConnection
    subscriptions: Subscriptions
    faults: Faults
    rules: Rules
    channel: Callable[[str], Channel]
    record: Record
    # A stream's message; without a stream, the reason why there will be no more.
    _outbox: asyncio.Queue[tuple[str | None, str]] = field(init=False, factory=asyncio.Queue)
    _writing: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    _wires: dict[str, FaultyConnection] = field(init=False, factory=dict)

    @property
    def behind(self) -> int:
        """How many messages wait to be written."""
        return self._outbox.qsize()

    def deliver(self, stream: str, payloads: list[str]) -> None:
        """Queue what is due; a client that reads too slowly is cut off, as the exchange does."""
        for payload in payloads:
            self._outbox.put_nowait((stream, payload))
        if self.behind > _BEHIND:
            self.connection.transport.abort()

    def end(self, reason: str) -> None:
        """Close with the reason, after what is queued."""
        self._outbox.put_nowait((None, reason))

    async def run(self) -> None:
        """Serve the connection until it ends."""
        self._follow(set())
        try:
            async with asyncio.timeout(self.rules.lifetime):
                await _until_first(self._write(), self._listen(), self._ping())
        except TimeoutError:
            await self.connection.close(1001, f"connected for {self.rules.lifetime:g} s")
        finally:
            for stream in self.subscriptions.streams:
                self.channel(stream).leave(self)
            await self.connection.wait_closed()
            self.record.close_code = self.connection.close_code

    def _follow(self, before: set[str]) -> None:
        now = set(self.subscriptions.streams)
        for stream in before - now:
            self.channel(stream).leave(self)
        for stream in now - before:
            self.channel(stream).join(self)

    async def _listen(self) -> None:
        limit = RateLimit(self.rules.messages_per_second)
        async for message in self.connection:
            if limit.exceeded(time.monotonic()):
                await self.connection.close(1008, "Too many requests")
                return
            before = set(self.subscriptions.streams)
            answer = self.subscriptions.handle(message)
            self._follow(before)
            async with self._writing:
                await self.connection.send(answer)

    async def _ping(self) -> None:
        """Ping at the interval; end a connection that owes a pong for too long."""
        while True:
            await asyncio.sleep(self.rules.ping_interval)
            async with self._writing:
                pong = await self.connection.ping(str(int(time.time() * 1000)))
            try:
                await asyncio.wait_for(pong, self.rules.pong_timeout)
            except TimeoutError:
                await self.connection.close(1008, "Pong timeout")
                return

    async def _write(self) -> None:
        while True:
            stream, payload = await self._outbox.get()
            if stream is None:
                await self.connection.close(CloseCode.INTERNAL_ERROR, _cut(payload))
                return
            wire = self._wires.setdefault(stream, FaultyConnection(self.faults))
            for act, data in wire.actions(payload):
                if act is Act.DROP:
                    self.connection.transport.abort()
                    return
                if act is Act.SHUTDOWN:
                    await self._shut_down()
                    return
                await self._send(act, self._wrap(stream, data))

    async def _send(self, act: Act, text: str) -> None:
        if act is Act.FRAGMENT:
            third = len(text) // 3 + 1
            await self.connection.send([text[i : i + third] for i in range(0, len(text), third)])
        elif act is Act.TRICKLE:
            await self._trickle(text.encode())
        else:
            async with self._writing:
                await self.connection.send(text)
        self.record.sent += 1

    async def _trickle(self, data: bytes) -> None:
        frame = Frame(Opcode.TEXT, data).serialize(mask=False, extensions=())
        async with self._writing:  # nothing else may get into the middle of the frame
            for start in range(0, len(frame), _TRICKLE_BYTES):
                self.connection.transport.write(frame[start : start + _TRICKLE_BYTES])
                await asyncio.sleep(_TRICKLE_SECONDS)

    async def _shut_down(self) -> None:
        notice = {"e": "serverShutdown", "E": int(time.time() * 1000)}
        text = json.dumps(notice, separators=(",", ":"))
        await self.connection.send(self._wrap("!serverShutdown", text))
        await asyncio.sleep(self.faults.shutdown_grace)
        await self.connection.close(1001, "server shutdown")

    def _wrap(self, stream: str, payload: str) -> str:
        if self.subscriptions.combined:
            return f'{{"stream":"{stream}","data":{payload}}}'
        return payload


def _cut(reason: str) -> str:
    """As much of a reason as a close frame holds."""
    return reason.encode()[:_REASON].decode("utf-8", "ignore")


async def _until_first(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends; a connection that closed is an end, not an error."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            with contextlib.suppress(ConnectionClosed):
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
