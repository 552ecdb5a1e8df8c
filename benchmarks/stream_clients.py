"""The clients of the stream benchmark, each in a process of its own.

The peers decode every trade and keep a rolling signal (VWAP, deviation, two EMAs and the flow of
the last 256 trades), as people write them. `workload` is our whole workload: exact gaps, bars,
signals, every trade recorded, the log, the artifacts.
"""

import json
import math
import os
import ssl
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

from benchmarks.usage import cpu_seconds, peak_mb


class Rolling:
    """The signal of the peers."""

    def __init__(self) -> None:
        self.opened = cpu_seconds()  # everything is imported, the connection not yet open
        self.finished: float | None = None
        self.events = self.ids = 0
        self.note = ""
        self._window: deque[tuple[float, float, float]] = deque()
        self._volume = self._value = self._squares = self._flow = 0.0
        self.fast = self.slow = self.zscore = 0.0

    def add(self, trade_id: int, price: float, quantity: float, maker: bool) -> None:
        self.events += 1
        self.ids += trade_id
        signed = -quantity if maker else quantity
        self._window.append((price, quantity, signed))
        self._volume += quantity
        self._value += price * quantity
        self._squares += price * price * quantity
        self._flow += signed
        if len(self._window) > 256:
            old, size, flow = self._window.popleft()
            self._volume -= size
            self._value -= old * size
            self._squares -= old * old * size
            self._flow -= flow
        vwap = self._value / self._volume
        deviation = math.sqrt(max(0.0, self._squares / self._volume - vwap * vwap))
        self.zscore = (price - vwap) / deviation if deviation else 0.0
        self.fast += 0.1 * (price - self.fast)
        self.slow += 0.02 * (price - self.slow)


def websocketapp(url: str, count: int, ca: str | None, *, accelerated: bool) -> Rolling:
    """websocket-client's WebSocketApp and the json module."""
    if not accelerated:
        sys.modules["wsaccel"] = None  # type: ignore[assignment] # a plain install has none
    import websocket

    signal = Rolling()

    def on_message(app: websocket.WebSocketApp, text: str) -> None:
        trade = json.loads(text)
        signal.add(trade["t"], float(trade["p"]), float(trade["q"]), trade["m"])
        if signal.events == count:
            app.close()

    app = websocket.WebSocketApp(url, on_message=on_message)
    app.run_forever(sslopt={"ca_certs": ca} if ca else None)
    return signal


def _decoder() -> Any:
    import msgspec

    class Trade(msgspec.Struct):
        t: int
        p: str
        q: str
        m: bool

    return msgspec.json.Decoder(Trade).decode


def aiohttp(url: str, count: int, ca: str | None) -> Rolling:
    """aiohttp on uvloop, msgspec."""
    import aiohttp as client
    import uvloop

    signal, decode = Rolling(), _decoder()

    async def receive() -> None:
        context = ssl.create_default_context(cafile=ca) if ca else None
        async with client.ClientSession() as session, session.ws_connect(url, ssl=context) as ws:
            async for message in ws:
                trade = decode(message.data)
                signal.add(trade.t, float(trade.p), float(trade.q), trade.m)
                if signal.events == count:
                    break

    uvloop.run(receive())
    return signal


def picows(url: str, count: int, ca: str | None) -> Rolling:
    """picows (Cython) on uvloop, msgspec: the fastest client that Python has."""
    import picows as client
    import uvloop

    signal, decode = Rolling(), _decoder()

    class Listener(client.WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            trade = decode(frame.get_payload_as_memoryview())
            signal.add(trade.t, float(trade.p), float(trade.q), trade.m)
            if signal.events == count:
                transport.disconnect()

    async def receive() -> None:
        context = ssl.create_default_context(cafile=ca) if ca else None
        transport, _ = await client.ws_connect(Listener, url, ssl_context=context)
        await transport.wait_disconnected()

    uvloop.run(receive())
    return signal


def workload(url: str, count: int, ca: str | None) -> Rolling:
    """`workloads.streams.trades:run`, stopped after ``count`` trades."""
    os.environ.update({"WEBSOCKET_CLIENT_CA_BUNDLE": ca} if ca else {})
    sys.modules["wsaccel"] = None  # type: ignore[assignment] # ours is a plain install
    from benchmarks.stream_run import BenchmarkRun
    from toolkit.runtime.contract import Interrupted
    from workloads.streams.trades import run

    settings = {"base_url": url, "feed": "synthetic", "run_seconds": 3600}
    signal = Rolling()
    with tempfile.TemporaryDirectory() as scratch:
        bench = BenchmarkRun(Path(scratch), count)
        try:
            run(settings, bench, connect=bench.connect)
        except Interrupted as stopped:
            metrics: Any = stopped.result.metrics
        if metrics["missing_trades"] or metrics["rejected_messages"]:
            raise SystemExit(f"lost trades: {metrics}")
        signal.events = metrics["trades"]
        first, last = metrics["first_trade_id"], metrics["last_trade_id"]
        signal.ids = (first + last) * signal.events // 2
        signal.opened, signal.finished, signal.note = bench.opened, bench.recorded, bench.note()
    return signal


OURS = "this workload, all included"

CLIENTS = {
    "WebSocketApp, json": lambda *a: websocketapp(*a, accelerated=False),
    "WebSocketApp + wsaccel, json": lambda *a: websocketapp(*a, accelerated=True),
    "aiohttp + uvloop, msgspec": aiohttp,
    "picows + uvloop, msgspec": picows,
    OURS: workload,
}


def main(name: str, url: str, count: str, ca: str) -> None:
    os.sched_setaffinity(0, {0})
    signal = CLIENTS[name](url, int(count), ca or None)
    total = cpu_seconds()
    streaming = (signal.finished or total) - signal.opened
    report = {
        "events": signal.events,
        "ids": signal.ids,
        "streaming": streaming,
        "once": total - streaming,
        "peak_mb": peak_mb(),
        "note": signal.note,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
