"""What this project's workloads do with their packages; `rehearse.py` does it once, in the build.

Any warning in here is an error: in a run it would be noise in every log.
"""

import codecs
import io
import math
import multiprocessing
import ssl


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


ACTS = (compute, tabulate, share, draw, connect)
