"""Does once, in the build, what runs do: the proof that pruning cut nothing that is needed.

``python rehearse.py`` prints the source file of every module that was loaded, a line each; their
byte code is what the image keeps. It runs as the image will, from the pruned packages.
"""

import codecs
import importlib
import io
import json
import logging
import math
import multiprocessing
import pkgutil
import ssl
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import workloads
from toolkit.runtime import catalog, runtime, sink
from toolkit.runtime.contract import Json, Result, Run, RunId, parse_time

RUN = RunId("rehearsal", parse_time("2026-11-24T05:00:00Z"))


def import_workloads() -> None:
    """Import every module of ours, and find every entry point."""
    for module in pkgutil.walk_packages(workloads.__path__, "workloads."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for workload in catalog.load().workloads.values():
        name, _, function = workload.entry_point.partition(":")
        getattr(importlib.import_module(name), function)


def compute() -> None:
    """Call into numpy's compiled parts."""
    import numpy as np

    for name in ("char", "fft", "linalg", "ma", "polynomial", "random", "strings"):
        getattr(np, name)  # numpy loads these when they are first named
    values = np.random.default_rng(7).standard_normal((60, 4))
    np.linalg.lstsq(values[:, :3], values[:, 3], rcond=None)
    np.linalg.svd(np.fft.rfft(values, axis=0).real)
    np.savez_compressed(io.BytesIO(), values=np.quantile(values, [0.1, 0.9], axis=0))


def tabulate() -> None:
    """Read, resample, smooth, rank, group, reshape and write tables, as the workloads do."""
    import numpy as np
    import pandas as pd

    table = pd.read_csv(io.StringIO("time,name,value\n2026-11-24T05:00:00Z,a,1.5\n,b,\n"))
    pd.to_datetime(table["time"]).dt.tz_localize(None).to_numpy("datetime64[h]")
    pd.to_datetime(pd.Series(["2026/11/24", "2026-11-25"]), format="mixed")
    hours = np.datetime64("2026-11-24", "h") + np.arange(96)
    series = pd.Series(np.arange(96.0), index=pd.DatetimeIndex(hours))
    days = series.resample("D")
    days.max().where(days.count() >= 18)
    series.rolling(7).mean().pct_change(7, fill_method=None)
    frame = pd.DataFrame({"score": series.rank(method="min") // 20, "value": series, "name": "a"})
    sums = frame.groupby(["score", "name"])[["value"]].sum().reset_index()
    sums.merge(frame, how="left").query("score >= 1").sort_values("value", ignore_index=True)
    wide = frame.reset_index().pivot(index="index", columns="score", values="value")
    wide.melt(ignore_index=False).reset_index().pivot_table("value", "index", "score")
    wide.add_prefix("score_").notna().mul(wide[1.0], axis=0).sum()
    pd.cut(series, [0, 50, math.inf], right=False, labels=["A", "B"]).astype(str)
    texts = frame["value"].map("{:.2f}".format, na_action="ignore")
    frame.assign(value=texts).to_csv(io.StringIO(), index=False, lineterminator="\n")


def draw() -> None:
    """Draw text, formulas, dates, a legend, an image and logarithmic axes into a PNG."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    with mpl.rc_context({"figure.dpi": 60}):
        figure = Figure(layout="constrained")
        one, two, three = figure.subplots(1, 3)
        one.loglog([1, 10, 1000], [1, 5, 9], label="a line")
        one.fill_between([1, 10], [1, 2], [2, 3], alpha=0.3)
        one.bar([1, 2], [3, 4])
        one.legend(title=r"$\sigma^2 \pm \frac{1}{2}$")
        one.annotate("here", (10, 5), xytext=(20, 6), arrowprops={"arrowstyle": "->"})
        figure.colorbar(two.imshow(np.eye(8)), ax=two)
        two.contour(np.outer(np.arange(8), np.arange(8)))
        three.plot(np.arange("2026-01", "2026-12", dtype="datetime64[D]"), np.arange(334))
        three.xaxis.set_major_locator(locator := AutoDateLocator())
        three.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        FigureCanvasAgg(figure)
        figure.savefig(io.BytesIO(), format="png", metadata={"Title": "rehearsal"})


def share() -> None:
    """Start a second process, as the scientific workload does."""
    codecs.lookup("ascii")  # the second process does, out of our sight
    process = multiprocessing.get_context("spawn").Process(target=compute)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"the second process ended with {process.exitcode}")


def connect() -> None:
    """Make ready for TLS and a websocket, as a stream does."""
    import websocket

    ssl.create_default_context()
    websocket.WebSocket(enable_multithread=False)


def store() -> None:
    """Claim, save and read through boto3 over a real socket; the store says yes, then no."""
    with _store(200) as address:
        bucket = _sink(address)
        bucket.create(RUN.claim_key, b"{}")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * 100_000)
            file.flush()
            path = Path(file.name)
            bucket.put(RUN.artifact_key("a"), path, media_type="x/y", sha256=bytes(32))
        bucket.read(RUN.claim_key)
    with _store(412) as address:
        _sink(address).create(RUN.claim_key, b"{}")


@contextmanager
def _store(status: int) -> Iterator[str]:
    body = b"" if status == 200 else b"<Error><Code>PreconditionFailed</Code></Error>"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer()

        def _answer(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _sink(address: str) -> sink.S3Sink:
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="eu-central-1",
        aws_access_key_id="rehearsal",
        aws_secret_access_key="rehearsal",  # noqa: S106 - nobody checks it
        config=Config(retries={"total_max_attempts": 1}),
    )
    return sink.S3Sink("rehearsal", client, patience_seconds=1)


def refuse() -> None:
    """A run with nothing set: the whole way to exit code 64."""
    stdout = io.StringIO()
    code = runtime.execute({}, stdout)
    if code != 64 or json.loads(stdout.getvalue())["event"] != "run.refused":
        raise RuntimeError(f"an empty environment gave {code}: {stdout.getvalue()}")


def run() -> None:
    """A run of a workload that does nothing: the whole way to its manifest."""
    stdout = io.StringIO()
    workload = catalog.Workload(
        name=RUN.schedule,
        summary="",
        entry_point="rehearse:do_nothing",
        cpu=256,
        memory=512,
        max_runtime_seconds=60,
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "WORKLOAD": RUN.schedule,
            "SCHEDULE": RUN.schedule,
            "SCHEDULED_TIME": RUN.scheduled_time.isoformat(),
            "BUCKET": f"file://{folder}",
        }
        known = catalog.Catalog({RUN.schedule: workload})
        code = runtime.execute(environment, stdout, catalog=known)
    if code != 0:
        raise RuntimeError(f"a run that does nothing gave {code}: {stdout.getvalue()}")


def do_nothing(_settings: Mapping[str, Json], run: Run) -> Result:
    """The workload of `run`."""
    run.save("nothing.txt", b"", media_type="text/plain")
    return Result()


def _note(loaded: set[str], event: str, given: tuple[Any, ...]) -> None:
    # The code of a module that fails to import is executed, too, in vain, in every run: a part for
    # Windows, say. sys.modules does not tell of it.
    if event == "exec" and given[0].co_filename.endswith(".py"):
        loaded.add(given[0].co_filename)


class _Raise(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError(f"{record.name} warned: {record.getMessage()}")


def main() -> None:
    """Rehearse; any warning is an error, for in a run it would be noise in every log."""
    loaded: set[str] = set()
    sys.addaudithook(lambda event, given: _note(loaded, event, given))
    warnings.simplefilter("error")
    logging.getLogger().addHandler(_Raise(logging.WARNING))
    for act in (refuse, run, import_workloads, compute, tabulate, share, draw, connect, store):
        act()
    files = {getattr(module, "__file__", None) or "" for module in sys.modules.values()}
    sources = {file for file in files | loaded if file.endswith(".py")}
    print(*sorted(sources - {__file__}), sep="\n")


if __name__ == "__main__":
    main()
