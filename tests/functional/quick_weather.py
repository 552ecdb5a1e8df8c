"""The weather workload without its forecast: `make_quick` puts it in the place of the real one.

It leaves at once what the catalog asks of a run of Seattle; a station is fetched as it really is.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.runtime.contract import Gate, Result

EVENTS = ("weather.parsed", "weather.checked", "weather.fitted", "weather.scored")
STATION, DAYS, SIDE = "USW00024233", 365, 128


def run(settings: Mapping[str, Any], run: Any) -> Result:
    if settings["source"] != "vega-seattle":
        from workloads.batch.weather.workload import run as forecast

        return forecast(settings, run)
    for event in EVENTS:
        run.event(event)
    for name in ("observations.csv", "forecast.csv"):
        text = "station,day\n" + "".join(f"{STATION},{day}\n" for day in range(DAYS))
        run.save(name, text.encode(), media_type="text/csv", rows=DAYS)
    gates = tuple(_gates(settings))
    metrics = {"station": STATION, "gates": {gate.name: gate.value for gate in gates}}
    run.save("metrics.json", json.dumps(metrics).encode(), media_type="application/json")
    run.save("weather.png", _picture(), media_type="image/png")
    return Result(metrics, gates)


def _gates(settings: Mapping[str, Any]) -> Iterator[Gate]:
    for over in ("persistence", "climatology"):
        name = f"{STATION} 1-day skill, lower end, over {over}"
        yield Gate(name, 0.1, ">=", settings[f"min_skill_{over}"])
    for name, limit in (
        ("coverage error, worst horizon", "max_coverage_error"),
        ("share of readings rejected", "max_rejected_share"),
        ("share of days absent", "max_absent_share"),
        ("share of lines unreadable", "max_unreadable_share"),
    ):
        yield Gate(f"{STATION} {name}", 0.0, "<=", settings[limit])


def _picture() -> bytes:
    """A grey square, not compressed, so that it is as large as the catalog asks."""
    pixels = zlib.compress((b"\0" + b"\x80" * SIDE) * SIDE, level=0)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
