"""One picture a station: the forecast year, the skill, the errors and the record's quality.

Drawn with Figure and Agg only: pyplot would add window-system state that a batch run never uses.
Colours: Okabe & Ito's set, told apart by colour-blind readers, https://jfly.uni-koeln.de/color/
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from workloads.batch.weather.readings import ELEMENTS, Flag, Floats, Readings, Station
from workloads.batch.weather.skill import Forecast

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, RED, GREEN, GREY, INK = (
    "#0072B2",
    "#E69F00",
    "#D55E00",
    "#009E73",
    "#8C8C8C",
    "#222222",
)
_FLAG_STYLE: dict[Any, Any] = {
    Flag.MISSING: ("|", GREY),
    Flag.SOURCE: ("x", RED),
    Flag.DUPLICATE: ("s", "#CC79A7"),
    Flag.RANGE: ("^", RED),
    Flag.SPIKE: ("D", ORANGE),
    Flag.STEP: ("v", ORANGE),
    Flag.INCONSISTENT: ("o", "#CC79A7"),
}
_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#666666",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
}


def draw(station: Station, forecast: Forecast, element: str, level: float) -> bytes:
    """The picture as PNG, 1320 x 1100 pixels."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(12, 10), dpi=110, layout="constrained")
        grid = figure.add_gridspec(3, 2, height_ratios=(1.5, 1.0, 0.62))
        subject = ELEMENTS[element]
        figure.suptitle(
            f"{station.name} ({station.id}) · {subject.label} · {station.source}",
            fontsize=14,
            fontweight="bold",
            x=0.01,
            ha="left",
        )
        _draw_year(figure.add_subplot(grid[0, :]), forecast, subject.unit, level)
        _draw_skill(figure.add_subplot(grid[1, 0]), forecast)
        _draw_errors(figure.add_subplot(grid[1, 1]), forecast)
        _draw_quality(figure.add_subplot(grid[2, :]), station)
        buffer = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _draw_year(axes: "Axes", forecast: Forecast, unit: str, level: float) -> None:
    days = forecast.days.astype("datetime64[D]")
    low, high, observed = forecast.low[:, 0], forecast.high[:, 0], forecast.observed
    first = forecast.scores[0]
    axes.fill_between(
        days, low, high, color=BLUE, alpha=0.18, lw=0, label=f"{level:.0%} interval, 1 day ahead"
    )
    axes.plot(days, forecast.climatology, color=GREY, lw=1.5, ls="--", label="climatology")
    axes.plot(days, forecast.mean[:, 0], color=BLUE, lw=1.4, label="forecast, 1 day ahead")
    inside = (observed >= low) & (observed <= high)
    axes.plot(days[inside], observed[inside], "o", color=INK, ms=3, label="observed")
    axes.plot(
        days[~inside],
        observed[~inside],
        "o",
        color=RED,
        ms=4.5,
        mec="white",
        mew=0.4,
        label="observed, outside the interval",
    )
    axes.set_title(
        f"Held-out {days[0]} to {days[-1]}: RMSE {first.rmse:.2f} {unit}, "
        f"{first.coverage:.1%} of {first.days} days inside the {level:.0%} interval"
    )
    axes.set_ylabel(unit)
    axes.set_xlim(days[0], days[-1])
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.24), ncols=5)


def _draw_skill(axes: "Axes", forecast: Forecast) -> None:
    horizons = np.array([score.horizon for score in forecast.scores])
    for shift, color, label, skills in (
        (-0.2, BLUE, "against persistence", [s.skill_persistence for s in forecast.scores]),
        (0.2, ORANGE, "against climatology", [s.skill_climatology for s in forecast.scores]),
    ):
        bars = axes.bar(horizons + shift, skills, 0.38, color=color, label=label)
        axes.bar_label(bars, fmt="%.2f", fontsize=8, padding=1, color=INK)
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_xticks(horizons)
    axes.margins(y=0.12)
    axes.set_xlabel("days ahead")
    axes.set_ylabel("1 - MSE / MSE of reference")
    axes.set_title("Skill by horizon (0 = no better than the reference)")
    axes.legend(loc="best")


def _draw_errors(axes: "Axes", forecast: Forecast, lags: int = 20) -> None:
    errors = forecast.observed - forecast.mean[:, 0]
    correlation = autocorrelation(errors, lags)
    bound = 1.96 / np.sqrt(np.count_nonzero(~np.isnan(errors)))
    axes.axhspan(-bound, bound, color=GREY, alpha=0.2, lw=0, label="95 % of white noise")
    axes.vlines(np.arange(1, lags + 1), 0, correlation, color=GREEN, lw=3)
    axes.plot(np.arange(1, lags + 1), correlation, "o", color=GREEN, ms=5)
    axes.axhline(0, color=INK, lw=0.8)
    reach = max(0.3, 1.15 * float(np.abs(correlation).max()))
    axes.set_ylim(-reach, reach)
    axes.set_xlim(0.3, lags + 0.7)
    axes.set_xlabel("lag in days")
    axes.set_ylabel("autocorrelation")
    order = len(forecast.model.ar)
    axes.set_title(f"What AR({order}) left in the 1-day errors")
    axes.legend(loc="upper right")


def _draw_quality(axes: "Axes", station: Station) -> None:
    seen: set[Flag] = set()
    for row, series in enumerate(station.series):
        times = series.times().astype("datetime64[s]")
        for begin, end in _runs(series):
            axes.plot(
                [times[begin], times[end]],
                [row, row],
                color=BLUE,
                lw=7,
                alpha=0.45,
                solid_capstyle="butt",
            )
        for flag, (marker, color) in _FLAG_STYLE.items():
            at = times[series.flags == flag]
            if len(at):
                label = None if flag in seen else flag.label
                seen.add(flag)
                axes.plot(at, np.full(len(at), row), marker, color=color, ms=6, label=label)
    axes.set_yticks(range(len(station.series)), [s.element.code for s in station.series])
    axes.set_ylim(len(station.series) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    rejected = sum(int(np.count_nonzero(~s.good)) for s in station.series)
    total = sum(len(s.slots) for s in station.series)
    axes.set_title(f"Quality control: {rejected:,} of {total:,} readings rejected; white = gap")
    if seen:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.6), ncols=7)


def _runs(series: Readings) -> list[tuple[int, int]]:
    """First and last position of each unbroken run of good readings."""
    good = np.flatnonzero(series.good)
    if not len(good):
        return []
    breaks = np.flatnonzero(np.diff(series.slots[good]) > 1)
    begins = good[np.concatenate([[0], breaks + 1])]
    ends = good[np.concatenate([breaks, [len(good) - 1]])]
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def autocorrelation(errors: Floats, lags: int) -> Floats:
    """Autocorrelation at lags 1 to ``lags``, pairs with a missing error left out."""
    centred = errors - np.nanmean(errors)
    variance = np.nanmean(centred**2)
    return np.array(
        [np.nanmean(centred[lag:] * centred[:-lag]) / variance for lag in range(1, lags + 1)]
    )
