"""The panels about products, categories and customers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, PercentFormatter

from workloads.batch.ecommerce.analysis import Analysis
from workloads.batch.ecommerce.customers import SCORES, SEGMENTS
from workloads.batch.ecommerce.dashboard.style import (
    BLUE,
    GREY,
    HEAT,
    INK,
    ORANGE,
    VERMILLION,
    absent,
    plain,
)
from workloads.batch.ecommerce.orders import PERIOD_DAYS, Ints

_COHORTS = 26
_CATEGORIES = 12
_NAME_LENGTH = 16
_READABLE = 0.05  # smaller shares are left to their colour: 150 numbers fewer to lay out


def pareto(axes: Axes, analysis: Analysis) -> None:
    """The share of revenue that the best products make."""
    products = analysis.products.table
    part = np.arange(1, len(products) + 1) / len(products)
    axes.set_title("Pareto curve and ABC classes")
    if not analysis.shop.recorded & {"product", "category"}:
        absent(axes, "the log names\nno products")
        return
    left = 0.0
    for name, colour in (("A", BLUE), ("B", ORANGE), ("C", GREY)):
        count = int((products["abc"] == name).sum())
        right = left + count / len(part)
        axes.axvspan(left, right, color=colour, alpha=0.16, linewidth=0)
        axes.text(max((left + right) / 2, 0.06), 0.05, f"{name}\n{count:,}", ha="center", color=INK)
        left = right
    axes.plot(part, products["cumulative"], color=BLUE, linewidth=2.4)
    best = round(0.2 * len(part))
    if best:
        at = products["cumulative"][best - 1]
        axes.plot(0.2, at, "o", color=VERMILLION)
        told = f"20% of products\nmake {at:.0%}"
        axes.annotate(told, (0.2, at), (0.27, max(at - 0.22, 0.15)), fontsize=9.5)
    for set_limits, axis in ((axes.set_xlim, axes.xaxis), (axes.set_ylim, axes.yaxis)):
        set_limits(0, 1.01)
        axis.set_major_locator(MultipleLocator(0.25))
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("products, best first")
    axes.set_ylabel("share of revenue")


def baskets(axes: Axes, analysis: Analysis) -> None:
    """Median and 90th percentile of an order by category."""
    found = analysis.categories
    order = _largest(analysis)
    order = order[np.argsort(found.basket_median[order])]
    medians, high = found.basket_median[order] / 100, found.basket_p90[order] / 100
    axes.set_title("Basket value")
    rows = np.arange(len(order))
    axes.barh(rows, medians, color=BLUE, height=0.6, label="median")
    axes.hlines(rows, medians, high, color=ORANGE, linewidth=2)
    axes.plot(high, rows, "D", color=ORANGE, markersize=5, label="90th percentile")
    axes.set_yticks(rows, [_short_name(analysis.shop.categories[index]) for index in order])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{analysis.shop.currency}{value:.0f}")
    )
    axes.set_xlabel("value of an order")
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower right")


def returns(axes: Axes, analysis: Analysis) -> None:
    """The share of orders that came back, by category."""
    found = analysis.categories
    order = _largest(analysis)
    order = order[np.argsort(found.return_rate[order])]
    rates = found.return_rate[order]
    axes.set_title("Returned orders")
    if "returned" not in analysis.shop.recorded:
        absent(axes, "the log records\nno returns")
        return
    bars = axes.barh(range(len(order)), rates, color=BLUE, height=0.6)
    axes.bar_label(bars, [f"{rate:.1%}" for rate in rates], padding=3, fontsize=9.5)
    axes.set_yticks(
        range(len(order)), [_short_name(analysis.shop.categories[index]) for index in order]
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("share of orders")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.margins(x=0.16)
    axes.grid(visible=False, axis="y")


def cohorts(axes: Axes, analysis: Analysis) -> None:
    """The retention triangle as a heat map, and the mean of the cohorts."""
    share = analysis.cohorts.share.to_numpy()[-_COHORTS:, :_COHORTS]
    first = len(analysis.cohorts.active) - len(share)
    axes.set_title("Cohort retention: % of a cohort's customers who ordered, by age")
    axes.pcolormesh(share, cmap=HEAT, vmin=0, vmax=1, edgecolors="white", linewidth=0.6)
    for (row, column), value in np.ndenumerate(share):
        if value >= _READABLE:
            colour = INK if value > 0.5 else "white"
            text = f"{100 * value:.0f}"
            axes.text(column + 0.5, row + 0.5, text, size=7, color=colour, ha="center", va="center")
    starts = [analysis.calendar.date((first + row) * PERIOD_DAYS) for row in range(len(share))]
    rows = range(0, len(share), 2)
    axes.set_yticks([row + 0.5 for row in rows], [f"{starts[row]:%-d %b %y}" for row in rows])
    columns = range(0, share.shape[1], 2)
    axes.set_xticks([column + 0.5 for column in columns], [str(column) for column in columns])
    axes.invert_yaxis()
    axes.set_xlabel("age of the cohort in periods of four weeks")
    axes.set_ylabel("first order in the four weeks from")
    plain(axes)
    _retention_curve(axes.inset_axes((0.62, 0.1, 0.36, 0.34)), analysis)


def _retention_curve(axes: Axes, analysis: Analysis) -> None:
    mean = analysis.cohorts.mean_share[:_COHORTS]
    axes.set_title("All cohorts", fontsize=10.5)
    axes.plot(mean.index, mean, color=BLUE, linewidth=2.4)
    again, stay = analysis.cohorts.ordered_again, analysis.cohorts.stay_probability
    axes.text(
        0.97, 0.92, f"{again:.1%} order in the next period\n{stay:.1%} stay for another period",
        transform=axes.transAxes, ha="right", va="top", fontsize=9,
    )  # fmt: skip
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_locator(MultipleLocator(0.5))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def rfm(axes: Axes, analysis: Analysis) -> None:
    """Recency against frequency: the segments, their revenue and size."""
    customers, cents = _by_score(analysis, "customers"), _by_score(analysis, "cents")
    revenue = cents / cents.sum()
    segments = SEGMENTS.to_numpy()
    axes.set_title("RFM segments: share of revenue, customers")
    top = float(revenue.max())
    axes.pcolormesh(revenue, cmap=HEAT, vmin=0, vmax=top, edgecolors="white", linewidth=2)
    for recency, frequency in np.ndindex(SCORES, SCORES):
        share = revenue[recency, frequency]
        segment, count = segments[recency, frequency], customers[recency, frequency]
        text = f"{segment}\n{share:.1%}\n{count:,}"
        colour = INK if share > top / 2 else "white"
        place = (frequency + 0.5, recency + 0.5)
        axes.text(*place, text, size=9, color=colour, ha="center", va="center", linespacing=1.4)
    middles = [score + 0.5 for score in range(SCORES)]
    axes.set_xticks(middles, ["1\nseldom", "2", "3", "4", "5\noften"])
    axes.set_yticks(middles, ["1\nlong\nago", "2", "3", "4", "5\njust\nnow"])
    axes.set_xlabel("frequency score, by fifths of the customers")
    axes.set_ylabel("recency score")
    plain(axes)


def _by_score(analysis: Analysis, column: str) -> Ints:
    """The sums of a column by recency (rows) and frequency (columns), lowest score first."""
    scores = range(1, SCORES + 1)
    cells = analysis.rfm.pivot_table(column, "recency", "frequency", aggfunc="sum")
    return np.asarray(cells.reindex(index=scores, columns=scores).fillna(0), np.int64)


def _largest(analysis: Analysis) -> Ints:
    """The categories with the most revenue, as far as there is room for them."""
    return np.argsort(-analysis.categories.cents, kind="stable")[:_CATEGORIES]


def _short_name(name: str) -> str:
    return (
        name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}\N{HORIZONTAL ELLIPSIS}"
    )
