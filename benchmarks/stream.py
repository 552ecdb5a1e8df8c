"""What a million trades cost, in CPU-seconds: this workload beside its peers, in one run.

::

    python -m benchmarks.stream                 # a minute: blast, and 2,000 trades/s over TLS
    python -m benchmarks.stream --rounds 3      # medians
    python -m benchmarks.stream --only workload --million 10 --blast   # memory over 10 M trades

The server has the second core, the client the first. CPU is user + system of the client process,
from opening the connection to the last trade decoded (peers) or recorded (ours, whose figure holds
everything: gaps, bars, signals, Parquet, log); ``once`` is what does not grow with the trades:
imports and, for ours, the plot. On a shared machine read the ratios, not the seconds.
Peers that are not installed are left out (`pip install picows aiohttp msgspec uvloop wsaccel`).
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.stream_clients import CLIENTS, OURS
from benchmarks.stream_server import Frames, certificate, serve

_NEEDS = {
    "WebSocketApp + wsaccel, json": ("wsaccel",),
    "aiohttp + uvloop, msgspec": ("aiohttp", "uvloop", "msgspec"),
    "picows + uvloop, msgspec": ("picows", "uvloop", "msgspec"),
}
_SLOW = 0.1  # of the trades for WebSocketApp in a blast: it would take minutes


def main() -> None:
    options = _options()
    clients = [
        name
        for name in CLIENTS
        if options.only in name and all(map(importlib.util.find_spec, _NEEDS.get(name, ())))
    ]
    with tempfile.TemporaryDirectory() as directory:
        if not options.paced:
            count = int(options.million * 1e6)
            _table(f"blast, {count:,} trades", clients, options.rounds, count, 0, None)
        if not options.blast:
            count = int(options.seconds * options.rate)
            title = f"paced, {options.rate:,} trades/s over TLS, {options.seconds} s"
            _table(title, clients, options.rounds, count, options.rate, Path(directory))


def _table(
    title: str, clients: list[str], rounds: int, count: int, rate: float, tls: Path | None
) -> None:
    print(f"\n{title}\n{'':30} CPU-s / M trades   ratio   once, CPU-s   peak MB")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in clients}
    for _ in range(rounds):
        for name in clients:
            share = int(count * _SLOW) if not rate and name.startswith("WebSocketApp") else count
            results[name].append(_measure(name, share, rate, tls))
    costs = {name: median(row["cost"] for row in rows) for name, rows in results.items()}
    own = costs.get(OURS)
    for name, rows in results.items():
        ratio = f"{costs[name] / own:.1f}x" if own else ""
        once, peak = median(row["once"] for row in rows), max(row["peak_mb"] for row in rows)
        print(f"{name:30} {costs[name]:16.2f} {ratio:>7} {once:13.2f} {peak:9.0f}")
        if rows[0]["note"]:
            print(f"    {rows[0]['note']}")


def _measure(name: str, count: int, rate: float, tls: Path | None) -> dict[str, Any]:
    certified = certificate(tls) if tls is not None else None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = certified[1] if certified else None
        fork = multiprocessing.get_context("fork")
        server = fork.Process(target=_serve, args=(listener, count, rate, context))
        server.start()
        scheme = "wss" if certified else "ws"
        url = f"{scheme}://localhost:{listener.getsockname()[1]}"
        if name != OURS:
            url += "/ws/bnbusdt@trade"
        ca = str(certified[0]) if certified else ""
        command = [sys.executable, "-m", "benchmarks.stream_clients", name, url, str(count), ca]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        server.terminate()
        server.join()
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    report = json.loads(done.stdout)
    first = Frames.first_id
    if report["events"] < count or report["ids"] != _sum_of_ids(first, report["events"]):
        raise SystemExit(f"{name} lost trades: {report}")
    report["cost"] = report["streaming"] / report["events"] * 1e6
    return report


def _sum_of_ids(first: int, count: int) -> int:
    return first * count + count * (count - 1) // 2


def _serve(listener: socket.socket, count: int, rate: float, tls: object) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    serve(listener, count, rate, tls)  # type: ignore[arg-type]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--million", type=float, default=1.0, help="trades in the blast")
    parser.add_argument("--rate", type=int, default=2000, help="trades a second, paced")
    parser.add_argument("--seconds", type=int, default=10, help="of the paced run")
    parser.add_argument("--only", default="", help="clients whose name contains this")
    parser.add_argument("--blast", action="store_true", help="only the blast")
    parser.add_argument("--paced", action="store_true", help="only the paced run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
