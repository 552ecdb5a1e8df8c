"""The panels over time: sales, decomposition, weekdays, remainder and growth."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, PercentFormatter

from workloads.batch.ecommerce.analysis import Analysis
from workloads.batch.ecommerce.dashboard.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    SKY,
    TIMES,
    dates,
    mark,
    shade_promotions,
    short,
)
from workloads.batch.ecommerce.trend import ANOMALY_Z, Anomaly

_MARKED = 3


def sales(axes: Axes, analysis: Analysis) -> None:
    """Orders of each day, their averages, promotions and anomalies."""
    on, orders = dates(analysis), analysis.orders
    axes.set_title("Orders a day")
    axes.plot(on, orders.values, ".", color=SKY, markersize=3.2, label="each day")
    axes.plot(on, orders.average_7, color=ORANGE, linewidth=1.1, label="7-day average")
    axes.plot(on, orders.average_28, color=BLUE, linewidth=2.4, label="28-day average")
    shade_promotions(axes, analysis)
    for anomaly in _largest(analysis):
        factor = f"{TIMES}{anomaly.factor:.2f}"
        mark(axes, analysis, anomaly.day, orders.values[anomaly.day], factor)
    axes.set_ylim(0, orders.values.max() * 1.12)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set_ylabel("orders")
    late = orders.values[-len(orders.values) // 3 :].mean()
    low = late < 0.4 * orders.values.max()  # the legend goes where there are no orders
    axes.legend(ncols=4, loc="upper right" if low else "lower right")
    _date_axis(axes, analysis)


def trend_and_season(axes: Axes, analysis: Analysis) -> None:
    """The parts of the decomposition that change slowly, and the promotions."""
    on, parts = dates(analysis), analysis.decomposition
    axes.set_title("Decomposition: trend, annual season and promotions")
    trend, season = np.exp(parts.trend), np.exp(parts.trend + parts.annual)
    promoted = season * np.exp(parts.promotion)
    if np.isfinite(parts.uplift):
        uplift = f"with promotions, {TIMES}{parts.uplift:.2f}"
        axes.plot(on, promoted, color=ORANGE, linewidth=1.2, label=uplift)
    growth = "trend (no season in less than two years)"
    if np.isfinite(parts.growth):
        axes.plot(on, season, color=BLUE, linewidth=2.4, label=f"trend {TIMES} season")
        growth = f"trend, {np.expm1(parts.growth):+.1%} a year"
    axes.plot(on, trend, "--", color=INK, linewidth=1.6, label=growth)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set_ylabel("orders a day")
    axes.set_ylim(top=float(promoted.max()) * 1.15)
    axes.legend(ncols=3, loc="upper left")
    _date_axis(axes, analysis)


def weekdays(axes: Axes, analysis: Analysis) -> None:
    """The effect of each weekday."""
    effects = np.expm1(analysis.decomposition.weekday_effects)
    axes.set_title("Weekday effect")
    bars = axes.bar(range(7), effects, color=np.where(effects < 0, ORANGE, BLUE).tolist())
    axes.bar_label(bars, [f"{effect:+.0%}" for effect in effects], padding=2, fontsize=9.5)
    axes.set_xticks(range(7), ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.margins(y=0.16)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("vs mean day")
    axes.grid(visible=False, axis="x")


def remainder(axes: Axes, analysis: Analysis) -> None:
    """The remainder with its limits, and the days beyond them."""
    on, parts = dates(analysis), analysis.decomposition
    axes.set_title("Remainder: what the decomposition does not explain")
    half = ANOMALY_Z / 2 * parts.noise  # z is on the scale of square roots
    low, high = np.square(1 - np.minimum(half, 1)) - 1, np.square(1 + half) - 1
    axes.fill_between(
        on, low, high, color=PALE, linewidth=0,
        label=f"±{ANOMALY_Z:.0f} standard deviations",
    )  # fmt: skip
    remainder = np.expm1(parts.remainder)
    axes.plot(on, remainder, color=BLUE, linewidth=0.9, label="remainder")
    # Anomalies stand at the edge, so that they do not flatten all other days.
    bottom, top = 2 * float(low.min()), 2 * float(high.max())
    axes.set_ylim(bottom, top)
    for anomaly in _largest(analysis):
        inside = min(max(float(remainder[anomaly.day]), 0.86 * bottom), 0.9 * top)
        text = f"{remainder[anomaly.day]:+.0%}, z = {anomaly.z:.0f}"
        mark(axes, analysis, anomaly.day, inside, text)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("vs expected")
    axes.legend(ncols=2, loc="lower right")
    _date_axis(axes, analysis)


def growth(axes: Axes, analysis: Analysis) -> None:
    """Week-on-week and year-on-year changes."""
    on, orders = dates(analysis), analysis.orders
    axes.set_title("Growth")
    axes.plot(on, orders.week_on_week, color=SKY, linewidth=0.9, label="week on week")
    if np.isfinite(orders.year_on_year).any():
        axes.plot(on, orders.year_on_year, color=BLUE, linewidth=2.4, label="year on year")
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("change of orders")
    axes.margins(y=0.22)
    axes.legend(ncols=2, loc="upper left")
    shade_promotions(axes, analysis)
    _date_axis(axes, analysis, most_ticks=6)


def _largest(analysis: Analysis) -> list[Anomaly]:
    """The anomalies to mark: more would hide each other."""
    return sorted(analysis.anomalies, key=lambda anomaly: -abs(anomaly.z))[:_MARKED]


def _date_axis(axes: Axes, analysis: Analysis, most_ticks: int = 9) -> None:
    on = dates(analysis)
    locator = AutoDateLocator(maxticks=most_ticks)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlim(on[0], on[-1])
