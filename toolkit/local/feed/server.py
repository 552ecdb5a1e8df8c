"""The server: admits connections as the exchange does and gives each its client and channels."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from toolkit.local.feed.channel import Channel
from toolkit.local.feed.client import Client, Record, Rules
from toolkit.local.feed.control import Refused, Subscriptions
from toolkit.local.feed.events import Source
from toolkit.local.feed.faults import Faults

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared only


class Feed:
    """A market feed.

    ``statuses`` are the HTTP statuses with which the first upgrades are refused, one each; with
    ``blocked`` every upgrade is answered with 451, as to a client in a restricted region. ``speed``
    makes the market's time run faster; 0 is as fast as the clients read. ``retry_after`` goes with
    a refusal. Whoever connects is told in a header whether the feed is synthetic or recorded.
    """

    def __init__(
        self,
        source: Source,
        *,
        faults: Faults | None = None,
        rules: Rules | None = None,
        speed: float = 1.0,
        statuses: tuple[int, ...] = (),
        retry_after: str | None = None,
        blocked: bool = False,
    ) -> None:
        self.records: list[Record] = []
        self._source = source
        self._faults = faults or Faults()
        self._rules = rules or Rules()
        self._speed = speed
        self._statuses = list(statuses)
        self._retry_after = retry_after
        self._blocked = blocked
        self._channels: dict[str, Channel] = {}
        self._names: frozenset[str] | None = _LOOPBACK

    @contextlib.asynccontextmanager
    async def listen(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[str]:
        """Serve while the context is open; yields the base URL."""
        self._names = None if host in _EVERYWHERE else _LOOPBACK | {host}
        server = serve(
            self._connected,
            host,
            port,
            ssl=tls,
            process_request=self._admit,
            process_response=self._introduce,
            compression=None,
            ping_interval=None,  # the client pings, between its frames
        )
        async with server as listening:
            bound = next(iter(listening.sockets)).getsockname()[1]
            yield f"{'wss' if tls else 'ws'}://{host}:{bound}"
            for channel in self._channels.values():
                channel.stop()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        status = None
        if not self._is_own(request.headers.get_all("Host"), request.headers.get_all("Origin")):
            status = HTTPStatus.FORBIDDEN
        elif self._blocked:
            status = HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS
        elif self._statuses:
            status = HTTPStatus(self._statuses.pop(0))
        elif _streams(request.path) is None:
            status = HTTPStatus.NOT_FOUND
        if status is None:
            return None
        response = connection.respond(status, f"{status.phrase}\n")
        if self._retry_after is not None:
            response.headers["Retry-After"] = self._retry_after
        return response

    def _introduce(self, _: ServerConnection, __: Request, response: Response) -> Response:
        response.headers["X-Market-Feed"] = self._source.kind
        return response

    def _is_own(self, hosts: list[str], origins: list[str]) -> bool:
        """Whether a client named this machine itself, and is no page of another origin.

        A task reaches the feed through a port of its own, so the port is not compared. Some
        clients that are no browsers name where they connect to as the origin.
        """
        if len(hosts) != 1:
            return False
        if self._names is not None and urlsplit(f"//{hosts[0]}").hostname not in self._names:
            return False
        return all(urlsplit(origin).netloc == hosts[0] for origin in origins)

    async def _connected(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else "/"
        record = Record(path)
        self.records.append(record)
        subscriptions = Subscriptions(
            combined=path.startswith("/stream"), max_streams=self._rules.max_streams
        )
        try:
            subscriptions.subscribe(_streams(path) or [])
        except Refused as refusal:
            await connection.close(1008, str(refusal))
            return
        client = Client(connection, subscriptions, self._faults, self._rules, self._channel, record)
        await client.run()

    def _channel(self, stream: str) -> Channel:
        if stream not in self._channels:
            self._channels[stream] = Channel(stream, self._source.events(stream), self._speed)
        return self._channels[stream]


@contextlib.contextmanager
def serving(
    feed: Feed, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve a feed from a thread of its own while the context is open; yields the base URL."""
    urls: list[str] = []
    settled, loop, done = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def _listen() -> None:
        async with feed.listen(host, port, tls) as url:
            urls.append(url)
            settled.set()
            await done.wait()

    def _run() -> None:
        with contextlib.closing(loop):
            try:
                loop.run_until_complete(_listen())
            finally:
                settled.set()

    thread = threading.Thread(target=_run, name="market-feed", daemon=True)
    thread.start()
    settled.wait()
    if not urls:
        raise OSError(f"the market feed could not listen on {host}:{port}")
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


def _streams(path: str) -> list[str] | None:
    """The streams that a path asks for; None when Binance has no such path."""
    url = urlsplit(path)
    if url.path == "/stream":
        names = parse_qs(url.query).get("streams", [""])[0]
    elif url.path == "/ws" or url.path.startswith("/ws/"):
        names = unquote(url.path.removeprefix("/ws"))
    else:
        return None
    return [name for name in names.split("/") if name]
