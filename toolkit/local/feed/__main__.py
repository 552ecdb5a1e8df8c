"""``python -m toolkit.local.feed``: serve a market feed until SIGINT or SIGTERM.

The first line on stdout is JSON: ``{"url": …, "feed": "synthetic" or "recorded"}``. At the end of a
recorded feed there is another, ``{"skipped_snapshots": …}``.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from toolkit.local.feed.client import Rules
from toolkit.local.feed.events import Source
from toolkit.local.feed.faults import Faults
from toolkit.local.feed.market import Market
from toolkit.local.feed.recording import Recording
from toolkit.local.feed.server import Feed


def main(arguments: list[str]) -> None:
    """Parse, serve, wait for a signal."""
    options = _parser().parse_args(arguments)
    source = _source(options)
    feed = Feed(
        source,
        faults=_faults(options),
        rules=Rules(options.ping_interval, options.pong_timeout, options.lifetime),
        speed=options.speed,
        statuses=tuple(options.refuse),
        retry_after=options.retry_after,
        blocked=options.blocked,
    )
    asyncio.run(_serve(feed, source.kind, options.host, options.port))
    if isinstance(source, Recording):
        sys.stdout.write(json.dumps({"skipped_snapshots": source.skipped}) + "\n")


async def _serve(feed: Feed, kind: str, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with feed.listen(host, port) as url:
        sys.stdout.write(json.dumps({"url": url, "feed": kind}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _source(options: argparse.Namespace) -> Source:
    if options.recording is not None:
        return Recording(options.recording)
    return Market(
        seed=options.seed,
        rate=options.rate,
        bursts=dict(options.burst),
        silences={after: float(seconds) for after, seconds in options.silence},
    )


def _faults(options: argparse.Namespace) -> Faults:
    return Faults(
        gaps=dict(options.gap),
        repeats=dict(options.repeat),
        swaps=frozenset(options.swap),
        fragment_every=options.fragment_every,
        trickle_every=options.trickle_every,
        drop_after=options.drop_after,
        shutdown_after=options.shutdown_after,
    )


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is no file")
    return path


def _pair(text: str) -> tuple[int, int]:
    after, _, size = text.partition(":")
    return int(after), int(size)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m toolkit.local.feed",
        description="A WebSocket server of Binance's market streams for tests and the local AWS.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free port")
    source = parser.add_argument_group("the market")
    source.add_argument("--recording", type=_file, help="replay a file of `<receive_ns> <json>`")
    source.add_argument("--seed", type=int, default=1, help="of the synthetic market (default 1)")
    source.add_argument("--rate", type=float, default=25.0, help="trades a second (default 25)")
    source.add_argument("--speed", type=float, default=1.0, help="of time; 0: as fast as possible")
    pairs: Any = {"type": _pair, "action": "append", "default": [], "metavar": "AFTER:N"}
    source.add_argument("--burst", help="N trades at once after AFTER trades", **pairs)
    source.add_argument("--silence", help="N seconds without a trade", **pairs)
    faults = parser.add_argument_group("faults, on each connection")
    faults.add_argument("--gap", help="leave out N trades after AFTER", **pairs)
    faults.add_argument("--repeat", help="send trade AFTER N more times", **pairs)
    faults.add_argument("--swap", type=int, action="append", default=[], metavar="AFTER")
    faults.add_argument("--fragment-every", type=int, default=0, metavar="N")
    faults.add_argument("--trickle-every", type=int, default=0, metavar="N")
    faults.add_argument("--drop-after", type=int, metavar="N", help="cut the connection")
    faults.add_argument("--shutdown-after", type=int, metavar="N", help="serverShutdown, close")
    faults.add_argument("--refuse", type=int, action="append", default=[], metavar="STATUS")
    faults.add_argument("--retry-after", metavar="SECONDS", help="goes with each --refuse")
    faults.add_argument("--blocked", action="store_true", help="answer every upgrade with 451")
    rules = parser.add_argument_group("rules of the exchange, in seconds")
    rules.add_argument("--ping-interval", type=float, default=20.0)
    rules.add_argument("--pong-timeout", type=float, default=60.0)
    rules.add_argument("--lifetime", type=float, default=86_400.0)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
