"""The dashboard: one picture of the analysis, 1400 pixels wide.

It draws with Figure alone; pyplot would import a window system's worth of modules.
"""

import io
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from workloads.batch.ecommerce.analysis import Analysis
from workloads.batch.ecommerce.dashboard import days, shares
from workloads.batch.ecommerce.dashboard.style import BLUE, GREY, STYLE, TIMES, short
from workloads.plots import note_origin


def draw(analysis: Analysis, title: str, origin: str = "") -> bytes:
    """The dashboard as PNG, 1400 x 1800 pixels."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(14, 18), dpi=100, facecolor="white")
        _headline(figure, analysis, title)
        # 24 columns without gaps; the slices leave room for each panel's labels.
        grid = GridSpec(
            5, 24, figure, left=0.058, right=0.975, top=0.88, bottom=0.04, hspace=0.4, wspace=0,
            height_ratios=(1.1, 0.9, 0.9, 1.0, 1.6),
        )  # fmt: skip
        panels: tuple[tuple[int, slice, Callable[[Axes, Analysis], None]], ...] = (
            (0, slice(0, 24), days.sales),
            (1, slice(0, 15), days.trend_and_season),
            (1, slice(17, 24), days.weekdays),
            (2, slice(0, 15), days.remainder),
            (2, slice(17, 24), days.growth),
            (3, slice(0, 6), shares.pareto),
            (3, slice(9, 15), shares.baskets),
            (3, slice(18, 24), shares.returns),
            (4, slice(1, 14), shares.cohorts),
            (4, slice(16, 24), shares.rfm),
        )
        for row, columns, panel in panels:
            panel(figure.add_subplot(grid[row, columns]), analysis)
        note_origin(figure, origin)
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
    return picture.getvalue()


def _headline(figure: Figure, analysis: Analysis, title: str) -> None:
    metrics, calendar = analysis.metrics(), analysis.calendar
    figure.text(0.03, 0.975, "E-commerce trend report", fontsize=22, weight="bold", va="center")
    period = f"{calendar.date(0):%-d %B %Y} to {calendar.date(calendar.days - 1):%-d %B %Y}"
    figure.text(
        0.03, 0.957, f"{period}  ·  {analysis.shop.origin}  ·  {title}", color=GREY, va="center"
    )
    currency = analysis.shop.currency
    numbers = (
        ("Orders", f"{short(metrics['orders'])}"),
        ("Revenue", f"{currency}{short(metrics['revenue'])}"),
        ("Average order", f"{currency}{metrics['average_order_value']:.2f}"),
        ("Growth a year", _told(metrics, "growth_per_year", "{:+.1%}")),
        ("Promotion uplift", _told(metrics, "promotion_uplift", f"{TIMES}{{:.2f}}")),
        ("Returned", _told(metrics, "return_rate", "{:.1%}")),
        ("New customers back", _told(metrics, "ordered_again", "{:.1%}")),
    )
    for index, (label, value) in enumerate(numbers):
        left = 0.03 + index * 0.137
        figure.text(left, 0.928, value, fontsize=20, weight="bold", color=BLUE, va="center")
        figure.text(left, 0.912, label, color=GREY, va="center")


def _told(metrics: dict[str, float], name: str, text: str) -> str:
    return text.format(metrics[name]) if name in metrics else "\N{EN DASH}"
