"""The stream workload: a symbol's trades for a set time, then the artifacts.

::

    open ─► receive ─► decode ─► take ──► trades.parquet, bars.csv, signals.csv
     │        │                   └─ gaps, signals, summaries ─► log
     │        └─ deadline, stop request, silence, loss of the connection
     └─ retried for a bounded time; what has begun is not resumed

However it ends, what was received is saved: also after an error that nobody foresaw, and where one
of the artifacts cannot be made, the others.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from json import dumps
from pathlib import Path

from attrs import asdict, define

from toolkit.runtime import Interrupted, Json, Result, Run
from workloads.streams.connection import Connection
from workloads.streams.decode import decode
from workloads.streams.errors import ConnectionLostError, StreamSilentError
from workloads.streams.opening import Connect, connect, open_connection
from workloads.streams.session import Session
from workloads.streams.settings import Settings

_LOOK_SECONDS = 0.5  # how often a silent stream looks at the deadline and the stop request

Clock = Callable[[], float]


def run(
    settings: Mapping[str, Json],
    run: Run,
    connect: Connect = connect,
    clock: Clock = time.monotonic,
) -> Result:
    """Stream for ``run_seconds``, save the artifacts, and give the metrics and gates.

    Raises Interrupted after a stop request and StreamError when the stream could not be had or
    held; in both cases, and after any other error, after saving, and with the metrics so far in
    ``result``.
    """
    wanted = Settings.of(settings)
    opened = clock()
    connection = open_connection(wanted, connect, run)
    session = Session(wanted, run.scratch, run.event, run.run_id)
    run.event(
        "connection.opened",
        url=wanted.url,
        feed=wanted.feed,
        server_says=connection.feed,
        seconds=round(clock() - opened, 3),
    )
    failure: Exception | None = None
    try:
        _stream(wanted, connection, session, run, clock)
    except Exception as error:  # noqa: BLE001 - raised again, once what was received is saved
        failure = error
    finally:
        connection.close()
    result, unsaved = _save(wanted, session, run)
    failure = failure or unsaved
    if failure is not None:
        with suppress(AttributeError):  # StreamError has the attribute, others take it
            failure.result = result  # type: ignore[attr-defined]
        raise failure
    if run.stopping():
        raise Interrupted(result)
    return result


@define
class _Watch:
    """Notices silence and its end, and when a summary is due."""

    settings: Settings
    last_trade: float
    next_summary: float
    pings: int = 0
    silent: bool = False

    def trades_came(self, now: float, event: Callable[..., None]) -> None:
        if self.silent:
            event("silence.ended", seconds=round(now - self.last_trade, 1))
        self.last_trade, self.silent = now, False

    def none_came(self, now: float, pings: int, event: Callable[..., None]) -> None:
        """Raises StreamSilentError above the limit."""
        silence = now - self.last_trade
        if silence >= self.settings.silence_error_seconds:
            raise StreamSilentError(
                f"no trade of {self.settings.symbol} for {silence:.0f} s "
                f"({pings - self.pings} pings came meanwhile)",
                hint="with pings: is SYMBOL listed and traded? The exchange accepts any name; "
                "without: the network is gone",
            )
        if silence >= self.settings.silence_event_seconds and not self.silent:
            self.silent, self.pings = True, pings
            event("silence.began", seconds=round(silence, 1))

    def summary_due(self, now: float) -> bool:
        if now < self.next_summary:
            return False
        self.next_summary = now + self.settings.summary_seconds
        return True


def _stream(
    settings: Settings, connection: Connection, session: Session, run: Run, clock: Clock
) -> None:
    """Receive until the deadline, a stop request or the end of the connection."""
    started = clock()
    deadline = started + settings.run_seconds
    watch = _Watch(settings, started, started + settings.summary_seconds)
    look = min(_LOOK_SECONDS, settings.silence_event_seconds)
    while not run.stopping() and (left := deadline - clock()) > 0:
        before = session.trades
        try:
            for frames in connection.receive(min(left, look)):
                decode(frames, settings.symbol, session)
        except ConnectionLostError as lost:
            explained = _explained(lost, session, clock() - started)
            run.event("connection.lost", reason=str(explained))
            raise explained from lost
        now = clock()
        if session.trades > before:
            watch.trades_came(now, run.event)
        else:
            watch.none_came(now, connection.pings, run.event)
        if watch.summary_due(now):
            session.summarize()
        if connection.drained:
            # Waking up costs more than parsing: let a batch gather.
            run.wait(max(0.0, min(settings.batch_milliseconds / 1000, deadline - now)))


def _explained(lost: ConnectionLostError, session: Session, seconds: float) -> ConnectionLostError:
    announced = " after it had announced its shutdown" if session.shutdown else ""
    return ConnectionLostError(
        f"the connection was lost {seconds:.1f} s into the stream{announced}, "
        f"{session.trades} trades: {lost}",
        hint=lost.hint,
    )


def _save(settings: Settings, session: Session, run: Run) -> tuple[Result, Exception | None]:
    """Save every artifact that can be; returns the metrics and gates, and the first error."""
    errors: list[Exception] = []

    def _attempt(step: Callable[[], object]) -> None:
        try:
            step()
        except Interrupted:
            raise  # the run is not ours: nothing may be saved
        except Exception as error:  # noqa: BLE001 - the other artifacts are still to be saved
            errors.append(error)

    _attempt(session.summarize)
    _attempt(session.finish)
    result = Result(session.metrics(), session.gates())
    for name, media_type, rows in (
        ("trades.parquet", "application/vnd.apache.parquet", session.trades),
        ("bars.csv", "text/csv", session.bars),
        ("signals.csv", "text/csv", session.signals.total()),
    ):
        _attempt(partial(run.save, name, session.files[name], media_type=media_type, rows=rows))
    document = {"run_id": run.run_id, "settings": asdict(settings), **result.metrics}
    content = dumps(document, indent=1).encode()
    _attempt(lambda: run.save("metrics.json", content, media_type="application/json"))
    image = run.scratch / "stream.png"
    _attempt(lambda: _draw(image, settings, session, run))
    if image.exists():
        _attempt(lambda: run.save("stream.png", image, media_type="image/png"))
    return result, errors[0] if errors else None


def _draw(image: Path, settings: Settings, session: Session, run: Run) -> None:
    from workloads.streams.plot import draw

    known = session.continuity
    missing = f"{known.missing:,} missing" if known.missing else "none missing"
    caption = f"{run.run_id}: {session.trades:,} trades, {missing}"
    files = session.files
    draw(image, files["bars.csv"], files["signals.csv"], settings, caption, run.origin)
