"""One picture a station: the forecast period, the skill, what the model left, the record's quality.

Drawn with Figure and Agg only: pyplot would load a window system that a batch run never has.
Colours are Okabe & Ito's, which colour-blind readers can tell apart: https://jfly.uni-koeln.de/color/
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from workloads.batch.weather import quality
from workloads.batch.weather.readings import ELEMENTS, Flag, Readings, Slots, Station
from workloads.batch.weather.skill import Forecast, autocorrelation
from workloads.plots import note_origin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GREY = "#222222", "#808080"
BLUE, ORANGE, RED, GREEN, PURPLE = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7"
_FLAGS = {
    Flag.MISSING: ("|", INK),
    Flag.SOURCE: ("x", RED),
    Flag.DUPLICATE: ("s", PURPLE),
    Flag.RANGE: ("^", RED),
    Flag.SPIKE: ("D", ORANGE),
    Flag.STEP: ("v", ORANGE),
    Flag.INCONSISTENT: ("o", PURPLE),
}
_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#606060",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.6,
}


def draw(
    station: Station, forecast: Forecast, element: str, level: float, origin: str = ""
) -> bytes:
    """The picture as PNG, 1320 x 1122 pixels."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(12, 10.2), dpi=110, layout="constrained")
        grid = figure.add_gridspec(3, 2, height_ratios=(1.5, 1.0, 0.2 + 0.14 * len(station.series)))
        year, skill, errors, record = (
            figure.add_subplot(cell) for cell in (grid[0, :], grid[1, 0], grid[1, 1], grid[2, :])
        )
        title = f"{station.title}: {ELEMENTS[element].label}"
        figure.suptitle(title, fontsize=16, fontweight="bold", x=0.008, ha="left", color=INK)
        _draw_period(year, forecast, ELEMENTS[element].unit, level)
        _draw_skill(skill, forecast)
        _draw_errors(errors, forecast)
        _draw_record(record, station)
        record.set_xlabel(f"source: {station.provenance}", loc="right", color=GREY)
        note_origin(figure, origin)
        buffer = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _draw_period(axes: "Axes", forecast: Forecast, unit: str, level: float) -> None:
    days = forecast.days.astype("datetime64[D]")
    low, high, observed = forecast.low[:, 0], forecast.high[:, 0], forecast.observed
    inside = (observed >= low) & (observed <= high)
    axes.fill_between(days, low, high, color=BLUE, alpha=0.2, lw=0, label=f"{level:.0%} interval")
    axes.plot(days, forecast.climatology, color=GREY, lw=1.6, ls="--", label="climatology")
    axes.plot(days, forecast.mean[:, 0], color=BLUE, lw=1.5, label="forecast of the day before")
    axes.plot(days[inside], observed[inside], "o", color=INK, ms=3.2, label="observed")
    axes.plot(
        days[~inside], observed[~inside], "D", color=RED, ms=4.5, label="observed, outside it"
    )
    first = forecast.scores[0]
    axes.set_title(
        f"Held-out {days[0]} to {days[-1]}, one day ahead: RMSE {first.rmse:.2f} {unit}, "
        f"{first.coverage:.1%} inside the {level:.0%} interval"
    )
    axes.set_ylabel(unit)
    axes.set_xlim(days[0], days[-1])
    _label_dates(axes)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.07), ncols=5)


def _legend_beside_title(axes: "Axes") -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=len(_FLAGS), borderpad=0.2)


def _label_dates(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(  # type: ignore[no-untyped-call]
        minticks=6, maxticks=14
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]


def _draw_skill(axes: "Axes", forecast: Forecast) -> None:
    horizons = np.array([score.horizon for score in forecast.scores])
    for shift, color, reference in ((-0.2, BLUE, "persistence"), (0.2, ORANGE, "climatology")):
        skills = np.array([getattr(s, f"skill_{reference}") for s in forecast.scores])
        intervals = [getattr(s, f"skill_{reference}_interval") for s in forecast.scores]
        low, high = (np.array([getattr(i, end) for i in intervals]) for end in ("low", "high"))
        spread = np.clip([skills - low, high - skills], 0, None)
        axes.bar(horizons + shift, skills, 0.38, color=color, label=f"over {reference}")
        axes.errorbar(
            horizons + shift, skills, yerr=spread, fmt="none", ecolor=INK, elinewidth=1, capsize=2,
        )  # fmt: skip
        if len(horizons) <= 10:
            for at, top, value in zip(horizons + shift, np.maximum(high, 0), skills, strict=True):
                text = f"{round(value, 2) + 0.0:.2f}"  # + 0.0: never "-0.00"
                axes.annotate(
                    text, (at, top), (0, 2), textcoords="offset points", fontsize=8, ha="center",
                    color=INK,
                )  # fmt: skip
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_xticks(horizons[:: 1 + len(horizons) // 11])
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.1)
    axes.set_xlabel("days ahead (lines: 95 % interval)")
    axes.set_ylabel("1 - MSE / MSE of the reference")
    axes.set_title("Skill by horizon")
    _legend_beside_title(axes)


def _draw_errors(axes: "Axes", forecast: Forecast, lags: int = 20) -> None:
    errors = forecast.observed - forecast.mean[:, 0]
    correlation, lag = autocorrelation(errors, lags), np.arange(1, lags + 1)
    bound = 1.96 / np.sqrt(np.count_nonzero(~np.isnan(errors)))
    axes.axhspan(-bound, bound, color=GREY, alpha=0.2, lw=0, label="95 % of white noise")
    axes.vlines(lag, 0, correlation, color=GREEN, lw=3)
    axes.plot(lag, correlation, "o", color=GREEN, ms=5)
    axes.axhline(0, color=INK, lw=0.8)
    reach = max(0.3, 1.2 * float(np.nanmax(np.abs(correlation), initial=0.0)))
    axes.set_ylim(-reach, reach)
    axes.set_xlim(0.2, lags + 0.8)
    axes.set_xticks([1, 5, 10, 15, 20])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("lag in days")
    axes.set_ylabel("autocorrelation")
    axes.set_title(f"One-day errors after AR({len(forecast.model.ar)})")
    _legend_beside_title(axes)


def _draw_record(axes: "Axes", station: Station) -> None:
    shown: set[Flag] = set()
    for row, series in enumerate(station.series):
        times = series.times().astype("datetime64[s]")
        for stretch in _unbroken(series):
            ends = times[stretch[[0, -1]]]
            axes.plot(ends, [row, row], color=BLUE, lw=9, alpha=0.4, solid_capstyle="butt")
        for flag, (marker, color) in _FLAGS.items():
            at = times[series.flags == flag]
            if len(at):
                label = None if flag in shown else flag.label
                axes.plot(at, np.full(len(at), row), marker, color=color, ms=7, label=label)
                shown.add(flag)
    axes.set_yticks(range(len(station.series)), [s.element.code for s in station.series])
    axes.set_ylim(len(station.series) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.01)
    _label_dates(axes)
    rows, rejected = quality.total(station)
    axes.set_title(
        f"Quality control: {rejected:,} of {rows:,} readings rejected; white: no reading"
    )
    if shown:
        _legend_beside_title(axes)


def _unbroken(series: Readings) -> list[Slots]:
    """Positions of the good readings, one array for each stretch without a gap."""
    good = np.flatnonzero(series.good)
    stretches = np.split(good, np.flatnonzero(np.diff(series.slots[good]) != 1) + 1)
    return [stretch for stretch in stretches if len(stretch)]
