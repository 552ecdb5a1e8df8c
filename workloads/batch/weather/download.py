"""Fetch a station's file over HTTP: bounded as a whole, retried where that may help."""

import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, InvalidURL
from pathlib import Path
from urllib.parse import urlsplit

from attrs import define, field

from toolkit.runtime import Interrupted, Run
from workloads.batch.weather.readings import WeatherError

IDLE_SECONDS = 15  # without a byte; then the attempt has failed
MAX_BYTES = 1 << 30
_POLL_SECONDS = 0.1
_BLOCK_BYTES = 1 << 16
# What a client cannot change by asking again, among the answers that tell of the server's state.
_FINAL_5XX = {501, 505, 506, 508, 510, 511}
_PASSING_4XX = {408, 425, 429}


@define
class Downloader:
    """Fetches files for one run; ``patience`` is how many seconds one file may take in all.

    Once a file has used its patience up, the server is taken to be down: later files get a single
    attempt.
    """

    run: Run
    patience: float
    jitter: random.Random = field(factory=random.Random)
    _given_up: bool = False

    def fetch(self, address: str, path: Path) -> None:
        """Write what the http(s) address answers to ``path``.

        Raises:
            WeatherError: When it cannot be had: at once if asking again is useless, else when the
                patience is used up.
            Interrupted: When the run is asked to stop meanwhile.
        """
        left, attempts, pause = self.patience, 0, 1.0
        while True:
            started = time.monotonic()
            attempts += 1
            failure = self._attempt(address, path, left)
            left -= time.monotonic() - started
            if failure is None:
                return
            asked = 0.0
            if isinstance(failure, urllib.error.HTTPError):
                asked = retry_after(failure.headers)
                failure.close()
            wait = max(pause * self.jitter.uniform(0.75, 1.25), asked)
            if isinstance(failure, WeatherError):
                raise failure
            final = not may_pass(failure)
            if final or self._given_up or wait >= left:
                self._given_up = self._given_up or not final
                raise explain(address, failure, attempts, asked) from failure
            if self.run.wait(wait):
                raise Interrupted
            left -= wait
            pause *= 2

    def _attempt(self, address: str, path: Path, seconds: float) -> Exception | None:
        """Fetch in a thread: neither a name server nor a server that drips can hold the run up."""
        failures: list[Exception] = []
        done, abandoned = threading.Event(), threading.Event()

        def work() -> None:
            try:
                _fetch(address, path, abandoned)
            except Exception as failure:  # noqa: BLE001 - the boundary of a thread: it is judged outside
                failures.append(failure)
            finally:
                done.set()

        threading.Thread(target=work, name="download", daemon=True).start()
        deadline = time.monotonic() + seconds
        try:
            while not done.wait(_POLL_SECONDS):
                if self.run.stopping():
                    raise Interrupted
                if time.monotonic() > deadline:
                    return TimeoutError(f"it was not complete after {seconds:.0f} s")
        finally:
            abandoned.set()
        if self.run.stopping():
            raise Interrupted
        return failures[0] if failures else None


def shown(address: str) -> str:
    """The address for logs and tables: without user, password and query, which may be secrets."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def may_pass(failure: Exception) -> bool:
    """Whether the same request may succeed later, by the kind of the failure."""
    if isinstance(failure, urllib.error.HTTPError):
        if failure.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return failure.code not in _FINAL_5XX
        return failure.code in _PASSING_4XX
    if isinstance(failure, urllib.error.URLError) and isinstance(failure.reason, OSError):
        failure = failure.reason
    if isinstance(failure, (ssl.SSLCertVerificationError, InvalidURL)):
        return False
    # HTTPException: a status line that is none, a chunked body that ends early.
    return isinstance(failure, (OSError, HTTPException)) and not _is_refused_address(failure)


def explain(address: str, failure: Exception, attempts: int, asked: float = 0.0) -> WeatherError:
    """What happened to which address, how often it was asked for, and the one next step."""
    times = "" if attempts == 1 else f" ({attempts} attempts)"
    if isinstance(failure, urllib.error.HTTPError):
        wanted = f"; it asks to wait {asked:.0f} s" if asked else ""
        return WeatherError(
            f"{shown(address)} answered {failure.code} {failure.reason}{wanted}{times}",
            hint=_answer_hint(failure.code),
        )
    cause = failure.reason if isinstance(failure, urllib.error.URLError) else failure
    return WeatherError(
        f"{shown(address)} cannot be fetched: {cause or type(cause).__name__}{times}",
        hint=_failure_hint(address, cause),
    )


def _answer_hint(code: int) -> str:
    if code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return "the proxy wants a name and a password: put them into HTTPS_PROXY"
    if code in _PASSING_4XX or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return (
            "the server is busy or out of order: run it again later, or set STATION_URL to a mirror"
        )
    return (
        "ghcnd-stations.txt in the same bucket lists the stations; set STATION, or STATION_URL for "
        "files kept elsewhere"
    )


def _failure_hint(address: str, cause: object) -> str:
    proxy = _proxy_for(address)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "is its certificate from an authority of your own? Name its file in SSL_CERT_FILE"
    if isinstance(cause, InvalidURL) or _is_refused_address(cause):
        return "STATION_URL must be an http(s) address with {station} in it"
    if proxy:
        return f"does the proxy {proxy} answer? HTTP_PROXY, HTTPS_PROXY and NO_PROXY name it"
    return "does the task have a route to it? SOURCE=vega-seattle needs no network"


def _is_refused_address(failure: object) -> bool:
    return isinstance(failure, urllib.error.URLError) and not isinstance(failure.reason, OSError)


def _proxy_for(address: str) -> str | None:
    """Host and port of the proxy that the environment names for an address, without credentials."""
    parts = urlsplit(address)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy is None or urllib.request.proxy_bypass(parts.netloc):
        return None
    return urlsplit(proxy if "//" in proxy else f"//{proxy}").netloc.rpartition("@")[2]


def retry_after(headers: Message | Mapping[str, str]) -> float:
    """How many seconds an answer asks to wait, 0 when it does not (RFC 9110, 10.2.3).

    Retry-After is a number, or a date, which is held against the date of the answer.
    """
    value = (headers.get("Retry-After") or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(headers.get("Date") or "")
    except ValueError:
        return 0.0
    return max((until.astimezone(UTC) - now.astimezone(UTC)).total_seconds(), 0.0)


def _fetch(address: str, path: Path, abandoned: threading.Event) -> None:
    with (
        _opener().open(address, timeout=IDLE_SECONDS) as response,
        path.open("wb") as file,
    ):
        size = 0
        # read1: what has come, not a whole block of a server that drips.
        while block := response.read1(_BLOCK_BYTES):
            if abandoned.is_set():
                return
            size += file.write(block)
            if size > MAX_BYTES:
                raise WeatherError(
                    f"{shown(address)} has more than {MAX_BYTES >> 20} MB",
                    hint="STATION_URL must lead to the file of one station",
                )
        # read1 ends quietly where the connection breaks.
        expected = response.headers.get("Content-Length")
        if expected is not None and size != int(expected):
            raise ConnectionError(f"only {size} of {expected} bytes came")


def _opener() -> urllib.request.OpenerDirector:
    """HTTP(S) only, wherever a redirect may lead."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
