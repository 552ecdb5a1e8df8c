"""Opening the connection: one attempt with a time limit as a whole, and attempts within a budget.

websocket-client limits each read of a handshake, not their sum, and the name lookup not at all: a
server that drips a byte a second would hold a run for minutes. So every attempt has a thread of its
own, which is left to itself when its time is up or the run is asked to stop.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import websocket

from toolkit.runtime import Interrupted, Run
from workloads.answers import Answer
from workloads.streams.connection import BulkConnection, Connection
from workloads.streams.errors import (
    ConnectFailedError,
    ConnectRefusedError,
    FeedLabelError,
    RegionBlockedError,
)
from workloads.streams.settings import ENDPOINTS, Settings

FEED_HEADER = "x-market-feed"  # by which a market feed says what it is: synthetic or recorded
_BLOCKED = 451
_LOOK_SECONDS = 0.1  # how often an attempt looks at the stop request
_LEAST_SECONDS = 0.05  # for the last attempt of a budget
_ROUTE = "Is there a route to the internet (public subnet or NAT), and does the security group let "

# Opens the URL within the seconds, or until the function says stop; raises StreamError or OSError.
Connect: TypeAlias = Callable[[str, float, Callable[[], bool]], Connection]


class PassingError(OSError):
    """An attempt failed in a way that may pass; ``retry_after`` is what the server asked for."""

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.hint = hint
        self.retry_after = retry_after


def connect(url: str, timeout: float, stopping: Callable[[], bool]) -> Connection:
    """Open a connection with websocket-client; all of it takes at most ``timeout`` seconds."""
    attempt = _Attempt(url, timeout)
    deadline = time.monotonic() + timeout
    while not attempt.done.wait(min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic()))):
        if stopping() or time.monotonic() >= deadline:
            attempt.abandon()
            raise _too_late(url, timeout)
    try:
        opened = attempt.result()
    except (TimeoutError, websocket.WebSocketTimeoutException) as error:
        raise _too_late(url, timeout) from error  # the socket's own patience, as long as ours
    except Exception as error:
        raise _explained(url, error) from error
    headers = opened.getheaders() or {}
    return BulkConnection(opened, feed=headers.get(FEED_HEADER))


def _too_late(url: str, timeout: float) -> PassingError:
    return PassingError(
        f"{_through(url)}no handshake within {timeout:.2g} s",
        hint=_proxy_hint(url) or f"{_ROUTE}{urlsplit(url).netloc} be reached?",
    )


def open_connection(settings: Settings, connect: Connect, run: Run) -> Connection:
    """Open the connection, trying again for a bounded time.

    Opening is a request like any other; a stream that has begun is never resumed. Raises
    ConnectFailedError when the time is up, FeedLabelError when the server says that it is another
    feed than FEED, and Interrupted when the run was asked to stop.
    """
    connection = _try(settings, connect, run)
    if connection.feed is not None and connection.feed != settings.feed:
        connection.close()
        raise FeedLabelError(
            f"{settings.url} says that it is a {connection.feed[:40]!r} feed, not {settings.feed}",
            hint=f"set FEED={connection.feed}"
            if connection.feed in ("synthetic", "recorded")
            else "check BASE_URL",
        )
    return connection


def _try(settings: Settings, connect: Connect, run: Run) -> Connection:
    import tenacity

    budget, began = settings.connect_budget_seconds, time.monotonic()
    backoff = tenacity.wait_exponential_jitter(max=15.0)  # 1, 2, 4, ... s

    def _attempt() -> Connection:
        left = max(_LEAST_SECONDS, budget - (time.monotonic() - began))
        limit = min(settings.connect_timeout_seconds, left)
        return connect(settings.url, limit, run.stopping)

    def _wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(backoff(state), getattr(error, "retry_after", 0.0))

    def _log(state: tenacity.RetryCallState) -> None:
        run.event(
            "connection.retried",
            attempt=state.attempt_number,
            error=str(state.outcome.exception()) if state.outcome else "",
            retry_in_seconds=round(state.upcoming_sleep, 2),
        )

    def _sleep(seconds: float) -> None:
        run.wait(seconds)

    out_of_time = tenacity.stop_before_delay(budget)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(OSError),
        wait=_wait,
        stop=lambda state: run.stopping() or out_of_time(state),
        before_sleep=_log,
        sleep=_sleep,
        reraise=True,
    )
    try:
        return retrying(_attempt)
    except OSError as error:
        if run.stopping():
            raise Interrupted from error
        asked = getattr(error, "retry_after", 0.0)
        more = f"; it asks to wait {asked:g} s" if asked else ""
        raise ConnectFailedError(
            f"no connection to {settings.url} within {budget:g} s: {error}{more}",
            hint=getattr(error, "hint", ""),
        ) from error


class _Attempt:
    """One attempt, in a thread of its own; ``done`` is set when it has ended either way."""

    def __init__(self, url: str, timeout: float) -> None:
        self.done = threading.Event()
        self._url, self._timeout = url, timeout
        self._websocket: Any = websocket.WebSocket()  # only partly typed upstream
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self._abandoned = False
        threading.Thread(target=self._open, name="connect", daemon=True).start()

    def result(self) -> Any:
        """The opened `websocket.WebSocket`; raises what went wrong."""
        if self._error is not None:
            raise self._error
        return self._websocket

    def abandon(self) -> None:
        """Wake the thread where that is possible, and close what it may still open."""
        with self._lock:
            self._abandoned = True
        opened = self._websocket.sock
        if opened is not None:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def _open(self) -> None:
        try:
            # No redirects: FEED and the address that was checked would say little about another.
            self._websocket.connect(self._url, timeout=self._timeout, redirect_limit=0)
        except Exception as error:  # noqa: BLE001 - the boundary of a thread: `result` raises it
            self._error = error
        with self._lock:
            self.done.set()
            if self._abandoned:
                self._websocket.shutdown()


def _explained(url: str, error: Exception) -> Exception:
    """What websocket-client raised, as an error that may pass or one that is final."""
    through = _through(url)
    if isinstance(error, websocket.WebSocketBadStatusException):
        return _refusal(url, error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectRefusedError(
            f"{url}: {error.verify_message}",
            hint="check BASE_URL; WEBSOCKET_CLIENT_CA_BUNDLE names other authorities to trust",
        )
    if isinstance(error, websocket.WebSocketException) and "Redirect" in str(error):
        return ConnectRefusedError(
            f"{url} redirects to another address", hint="set BASE_URL to the final address"
        )
    if isinstance(error, websocket.WebSocketProxyException):
        return PassingError(f"{through}{error}", hint=_proxy_hint(url))
    if isinstance(error, (OSError, websocket.WebSocketException)):
        # Timeouts, unknown hosts and answers that are no handshake: all worth another attempt.
        hint = _proxy_hint(url) or _hint(url, error)
        return PassingError(f"{through}{error}", hint=hint)
    return ConnectRefusedError(
        f"{url}: its answer is not a WebSocket handshake ({type(error).__name__}: {error})",
        hint="check BASE_URL",
    )


def _refusal(url: str, error: websocket.WebSocketBadStatusException) -> Exception:
    """The exchange's HTTP answer as an error: passing, blocked or final."""
    headers = error.resp_headers if isinstance(error.resp_headers, dict) else {}
    answer = Answer.of(error.status_code, headers)
    if answer.status == _BLOCKED:
        return RegionBlockedError(
            f"{url} answers HTTP 451: it does not serve the region that this task runs in",
            hint="set BASE_URL to another endpoint: " + ", ".join(ENDPOINTS),
        )
    text = f"{url} answers HTTP {answer.status} {error.status_message or ''}".rstrip()
    if answer.may_pass:
        return PassingError(text, hint=answer.hint, retry_after=answer.retry_after or 0.0)
    return ConnectRefusedError(text, hint=answer.hint or "check BASE_URL and SYMBOL")


def _hint(url: str, error: Exception) -> str:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    if isinstance(error, (socket.gaierror, websocket.WebSocketAddressException)):
        return f"DNS does not know {parts.hostname}: check BASE_URL, and DNS in the VPC."
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens on port {port} of {parts.hostname}: check BASE_URL."
    return f"{_ROUTE}port {port} out?"


def _proxy(url: str) -> str:
    """The proxy that websocket-client takes from the environment for a URL; empty without one."""
    from websocket._url import get_proxy_info

    parts = urlsplit(url)
    host, port, _ = get_proxy_info(parts.hostname or "", parts.scheme == "wss")
    return f"{host}:{port or 80}" if host else ""


def _through(url: str) -> str:
    proxy = _proxy(url)
    return f"through the proxy {proxy}: " if proxy else ""


def _proxy_hint(url: str) -> str:
    proxy = _proxy(url)
    name = "HTTPS_PROXY" if urlsplit(url).scheme == "wss" else "HTTP_PROXY"
    return proxy and (
        f"{name} names the proxy {proxy}: is it up, and does it let CONNECT to "
        f"{urlsplit(url).netloc} through? NO_PROXY excepts a host."
    )
