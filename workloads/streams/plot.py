"""stream.png: what the run received, drawn from its own artifacts."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from attrs import frozen

from workloads.streams.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 600  # drawn across
_BLUE, _ORANGE, _GREY, _INK = "#2563a8", "#d9731a", "#9aa3ad", "#1f2933"
_MARKS: Final = {"ema-cross": "^", "vwap-zscore": "o", "flow-imbalance": "D"}


@frozen(eq=False)
class _Series:
    """Bars gathered into at most `_COLUMNS` columns of equal width."""

    time: Any  # of the columns that have trades, ...
    high: Any
    low: Any
    close: Any
    vwap: Any  # from the beginning of the run
    edges: Any  # ... and of all columns
    bought: Any
    sold: Any
    rate: Any  # trades a second
    width: int  # of a column, in seconds


def draw(path: Path, bars: Path, signals: Path, settings: Settings, caption: str) -> None:
    """Draw the plot as PNG. Costs half a second, most of it matplotlib's import."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    grid: Any = figure.subplots(3, 1, sharex=True, height_ratios=(3.2, 1.2, 0.9))
    series = _read(bars)
    for axes in grid:
        _style(axes)
    if series is None:
        grid[0].text(0.5, 0.5, "no trades", transform=grid[0].transAxes, ha="center", color=_GREY)
    else:
        _draw_price(grid[0], series)
        _draw_signals(grid[0], signals)
        _draw_flow(grid[1], series)
        _draw_rate(grid[2], series)
        grid[0].legend(loc="upper left", frameon=False, fontsize=8, ncols=5)
    _entitle(figure, grid, settings, caption)
    figure.savefig(path)


def _read(path: Path) -> _Series | None:
    if _is_empty(path):
        return None
    seconds = _times(_load(path, [0], str)[:, 0]).astype(np.int64)
    wanted = [2, 3, 4, 5, 6, 7, 9]
    high, low, close, volume, value, bought, trades = _load(path, wanted, float).T
    width = -(-int(seconds[-1] - seconds[0] + 1) // _COLUMNS)
    columns = (seconds - seconds[0]) // width
    starts = np.concatenate(([0], np.flatnonzero(np.diff(columns)) + 1))
    ends = np.append(starts[1:], len(columns)) - 1
    edges = seconds[0] + width * np.arange(columns[-1] + 2)
    bought_sum = np.bincount(columns, bought)
    return _Series(
        time=(edges[columns[starts]] + width // 2).astype("datetime64[s]"),
        high=np.maximum.reduceat(high, starts),
        low=np.minimum.reduceat(low, starts),
        close=close[ends],
        vwap=(np.cumsum(value) / np.maximum(np.cumsum(volume), 1e-300))[ends],
        edges=edges.astype("datetime64[s]"),
        bought=bought_sum,
        sold=np.bincount(columns, volume) - bought_sum,
        rate=np.bincount(columns, trades) / width,
        width=width,
    )


def _times(texts: Any) -> Any:
    return np.char.rstrip(texts, "Z").astype("datetime64[s]")


def _is_empty(path: Path) -> bool:
    with path.open(encoding="utf-8") as file:
        file.readline()
        return not file.readline()


def _load(path: Path, columns: Sequence[int], kind: type) -> Any:
    return np.loadtxt(
        path, delimiter=",", skiprows=1, quotechar='"', ndmin=2, usecols=columns, dtype=kind
    )


def _style(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GREY)
    axes.tick_params(colors=_INK, labelsize=8)
    axes.grid(axis="y", color=_GREY, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.ticklabel_format(axis="y", useOffset=False)


def _draw_price(axes: "Axes", series: _Series) -> None:
    axes.fill_between(series.time, series.low, series.high, color=_GREY, alpha=0.3, linewidth=0)
    axes.plot(series.time, series.close, color=_INK, linewidth=1.0, label="price")
    axes.plot(series.time, series.vwap, color=_GREY, linewidth=1.2, linestyle="--", label="VWAP")
    axes.set_ylabel("price", fontsize=9)


def _draw_signals(axes: "Axes", path: Path) -> None:
    if _is_empty(path):
        return
    table = _load(path, [0, 1, 2, 3], str)
    for name, mark in _MARKS.items():
        rows = table[table[:, 1] == name]
        if not len(rows):
            continue
        time = _times(rows[:, 0])
        up = rows[:, 2] == "up"
        for side, color in ((up, _BLUE), (~up, _ORANGE)):
            flip = mark == "^" and color == _ORANGE
            axes.scatter(
                time[side],
                rows[side, 3].astype(float),
                s=26,
                marker="v" if flip else mark,
                color=color,
                edgecolor="white",
                linewidth=0.5,
                zorder=3,
            )
        axes.scatter([], [], s=26, marker=mark, color=_GREY, label=f"{name} ({len(rows)})")


def _draw_flow(axes: "Axes", series: _Series) -> None:
    edges = series.edges
    axes.stairs(series.bought, edges, fill=True, color=_BLUE, label="bought by takers")
    axes.stairs(-series.sold, edges, fill=True, color=_ORANGE, label="sold")
    axes.axhline(0, color=_INK, linewidth=0.6)
    # The largest trades would flatten all others.
    top = float(np.quantile(np.maximum(series.bought, series.sold), 0.995)) or 1.0
    axes.set_ylim(-1.1 * top, 1.45 * top)
    seconds = "second" if series.width == 1 else f"{series.width:g} s"
    axes.set_ylabel(f"volume per {seconds}", fontsize=9)
    axes.legend(loc="upper left", frameon=False, fontsize=8, ncols=2)


def _draw_rate(axes: "Axes", series: _Series) -> None:
    axes.stairs(series.rate, series.edges, fill=True, color=_GREY, alpha=0.6)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("trades / s", fontsize=9)


def _entitle(figure: "Figure", grid: Any, settings: Settings, caption: str) -> None:
    from matplotlib import dates

    untyped: Any = dates
    locator = untyped.AutoDateLocator()
    grid[-1].xaxis.set_major_locator(locator)
    grid[-1].xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator))
    grid[-1].xaxis.get_offset_text().set_size(8)
    grid[-1].set_xlabel("trade time, UTC", fontsize=9)
    grid[-1].margins(x=0.01)
    figure.align_ylabels(grid)
    origin = "" if settings.feed == "binance" else f" - {settings.feed} feed, not the exchange"
    title = f"{settings.symbol} trades{origin}"
    figure.suptitle(title, fontsize=14, color=_INK, x=0.01, ha="left", weight="bold")
    grid[0].set_title(caption, fontsize=9, color=_GREY, loc="left")
