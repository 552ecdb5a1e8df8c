"""stream.png: what the run received, drawn from its own artifacts."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from attrs import frozen

from workloads.plots import note_origin
from workloads.streams.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 600  # drawn across
_BLUE, _ORANGE, _GREY, _INK = "#2563a8", "#d9731a", "#9aa3ad", "#1f2933"
# The exchange names a pair by its assets, one after the other; these are what others are priced in.
_QUOTES: Final = (
    *("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD1", "USD", "EUR", "TRY", "BRL", "JPY", "GBP"),
    *("ARS", "MXN", "PLN", "ZAR", "IDR", "DAI", "BTC", "ETH", "BNB"),
)
_DOTS = 30  # columns below which each has a dot
_LABEL = 12  # signs of an asset on an axis
_HEADROOM = 1.6  # of the volume's axis, for the legend
_CUT_OFF: Final[dict[str, Any]] = {"s": 22, "edgecolor": _INK, "linewidth": 0.6, "zorder": 3}
_MARKS: Final = {"ema-cross": "^", "vwap-zscore": "o", "flow-imbalance": "D"}


@frozen(eq=False)
class _Series:
    """Bars gathered into at most `_COLUMNS` columns of equal width."""

    time: Any  # of the columns that have trades, ...
    high: Any
    low: Any
    close: Any
    vwap: Any  # of the window, as the signals have it
    edges: Any  # ... and of all columns
    bought: Any
    sold: Any
    rate: Any  # trades a second
    width: int  # of a column, in seconds


def draw(
    path: Path, bars: Path, signals: Path, settings: Settings, caption: str, origin: str = ""
) -> None:
    """Draw the plot as PNG. Costs half a second, most of it matplotlib's import."""
    # Both write to stderr, which the run's log of JSON lines shares.
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _draw(path, bars, signals, settings, caption, origin)


def _draw(
    path: Path, bars: Path, signals: Path, settings: Settings, caption: str, origin: str
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    grid: Any = figure.subplots(3, 1, sharex=True, height_ratios=(3.2, 1.2, 0.9))
    series = _read(bars, settings.window_seconds)
    for axes in grid:
        _style(axes)
    if series is None:
        grid[0].text(0.5, 0.5, "no trades", transform=grid[0].transAxes, ha="center", color=_GREY)
        for axes in grid:
            axes.set_xticks([])
            axes.set_yticks([])
    else:
        base, quote = assets(settings.symbol)
        _draw_price(grid[0], series, quote, settings.window_seconds)
        _draw_signals(grid[0], signals)
        _draw_flow(grid[1], series, base)
        _draw_rate(grid[2], series)
        low, high = grid[0].get_ylim()
        grid[0].set_ylim(low, high + 0.13 * (high - low))  # the legend hides no data
        grid[0].legend(loc="upper left", frameon=False, fontsize=8, ncols=7)
        _draw_times(grid[2])
    _entitle(figure, grid, settings, caption)
    note_origin(figure, origin)
    figure.savefig(path)


def _read(path: Path, window: int) -> _Series | None:
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
        vwap=(_rolling(value, seconds, window) / _rolling(volume, seconds, window))[ends],
        edges=edges.astype("datetime64[s]"),
        bought=bought_sum,
        sold=np.bincount(columns, volume) - bought_sum,
        rate=np.bincount(columns, trades) / width,
        width=width,
    )


def _rolling(values: Any, seconds: Any, window: int) -> Any:
    """Sums over the bars of the last ``window`` seconds."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    first = np.searchsorted(seconds, seconds - window, side="right")
    return np.maximum(sums[1:] - sums[first], 1e-300)


def assets(symbol: str) -> tuple[str, str]:
    """What is traded and what it is priced in, as labels; the words for it where it is not known.

    >>> assets("BNBUSDT"), assets("XYZ")
    (('BNB', 'USDT'), ('base asset', 'quote asset'))
    """
    for quote in _QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            base = legible(symbol.removesuffix(quote))
            return base if len(base) <= _LABEL else "base asset", quote
    return "base asset", "quote asset"


def legible(text: str) -> str:
    r"""``text`` with what the font has no sign for written as the log writes it, ``\u5e01``."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    return "".join(
        sign
        if font.get_char_index(ord(sign))
        else sign.encode("ascii", "backslashreplace").decode()
        for sign in text
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


def _draw_price(axes: "Axes", series: _Series, quote: str, window: int) -> None:
    axes.fill_between(series.time, series.low, series.high, color=_GREY, alpha=0.3, linewidth=0)
    dots = "." if len(series.time) < _DOTS else ""  # a line through one point does not show
    axes.plot(series.time, series.close, color=_INK, linewidth=1.0, marker=dots, label="price")
    axes.plot(
        series.time,
        series.vwap,
        color=_GREY,
        linewidth=1.2,
        linestyle="--",
        label=f"VWAP of {window} s",
    )
    axes.set_ylabel(f"price ({quote})", fontsize=9)


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
    for label, color in (("up", _BLUE), ("down", _ORANGE)):
        axes.scatter([], [], s=26, marker="s", color=color, label=label)


def _draw_flow(axes: "Axes", series: _Series, base: str) -> None:
    edges = series.edges
    usual, large = np.quantile(np.maximum(series.bought, series.sold), (0.95, 0.995))
    limit = 1.1 * float(min(large, 2 * usual) or large) or 1.0
    bought, sold = np.minimum(series.bought, limit), np.minimum(series.sold, limit)
    axes.stairs(bought, edges, fill=True, color=_BLUE, label="bought by takers")
    axes.stairs(-sold, edges, fill=True, color=_ORANGE, label="sold by takers")
    axes.axhline(0, color=_INK, linewidth=0.6)
    _mark_cut_off(axes, series, limit)
    seconds = "second" if series.width == 1 else f"{series.width:g} s"
    axes.set_ylabel(f"volume per {seconds}\n({base})", fontsize=9)
    axes.legend(loc="upper left", frameon=False, fontsize=8, ncols=3)


def _mark_cut_off(axes: "Axes", series: _Series, limit: float) -> None:
    """Mark the largest bars, which would flatten all others and so end at the limit."""
    axes.set_ylim(-1.15 * limit, _HEADROOM * limit)
    edges = series.edges.astype("datetime64[ms]")
    middle = edges[:-1] + (edges[1:] - edges[:-1]) // 2
    count = 0
    for volume, mark, side, color in (
        (series.bought, "^", 1.05, _BLUE),
        (series.sold, "v", -1.05, _ORANGE),
    ):
        beyond = volume > limit
        count += int(np.count_nonzero(beyond))
        heights = np.full(int(np.count_nonzero(beyond)), side * limit)
        axes.scatter(middle[beyond], heights, marker=mark, color=color, **_CUT_OFF)
    if count:
        largest = float(max(series.bought.max(), series.sold.max()))
        label = f"cut off ({count}, the largest {largest:,.6g})"
        axes.scatter([], [], marker="^", color="white", label=label, **_CUT_OFF)


def _draw_rate(axes: "Axes", series: _Series) -> None:
    axes.stairs(series.rate, series.edges, fill=True, color=_GREY, alpha=0.6)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("trades per s", fontsize=9)


def _draw_times(axes: "Axes") -> None:
    from matplotlib import dates

    untyped: Any = dates
    locator = untyped.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator))
    axes.xaxis.get_offset_text().set_fontsize(8)
    axes.set_xlabel("trade time, UTC", fontsize=9)
    axes.margins(x=0.01)


def _entitle(figure: "Figure", grid: Any, settings: Settings, caption: str) -> None:
    figure.align_ylabels(grid)
    origin = "" if settings.feed == "binance" else f" - {settings.feed} feed, not the exchange"
    title = f"{legible(settings.symbol)} trades{origin}"
    figure.suptitle(title, fontsize=14, color=_INK, x=0.01, ha="left", weight="bold")
    grid[0].set_title(caption, fontsize=9, color=_GREY, loc="left")
