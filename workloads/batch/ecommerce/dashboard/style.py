"""Colours, fonts and the marks that several panels share.

The colours are those of Okabe and Ito, https://jfly.uni-koeln.de/color/, and `cividis`: all can be
told apart by colour-blind readers.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from workloads.batch.ecommerce.analysis import Analysis

INK, GREY, PALE = "#1f2933", "#6b7680", "#dfe3e8"
BLUE, SKY, ORANGE, VERMILLION = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"
HEAT = "cividis"
TIMES = "\N{MULTIPLICATION SIGN}"
STYLE: dict[Any, Any] = {
    "font.size": 10.5,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.titley": 1.0,  # fixed, or each title is placed by measuring all that its axes hold
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eceff2",
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
}


def dates(analysis: Analysis) -> npt.NDArray[np.datetime64]:
    """The date of every day."""
    start = np.datetime64(analysis.calendar.start)
    return start + np.arange(analysis.calendar.days)


def shade_promotions(axes: Axes, analysis: Analysis) -> None:
    """Shade the days of promotions."""
    on = dates(analysis)
    edges = np.diff(np.concatenate([[0], analysis.promoted.astype(int), [0]]))
    label = "promotion"
    for first, end in zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True):
        axes.axvspan(on[first], on[end - 1], color=ORANGE, alpha=0.2, lw=0, label=label)
        label = "_"


def mark(axes: Axes, analysis: Analysis, day: int, value: float, text: str) -> None:
    """Circle a day and write its date beside it."""
    date = dates(analysis)[day]
    axes.plot(date, value, "o", color=VERMILLION, fillstyle="none", markersize=9, mew=2)
    label = f"{analysis.calendar.date(day):%-d %b %Y}: {text}"
    right = day > analysis.calendar.days * 0.8
    axes.annotate(
        label, (date, value), (-10 if right else 10, 0), textcoords="offset points",
        color=VERMILLION, weight="bold", va="center", ha="right" if right else "left",
    )  # fmt: skip


def absent(axes: Axes, why: str) -> None:
    """Say in place of a panel why there is none."""
    axes.text(0.5, 0.5, why, transform=axes.transAxes, color=GREY, ha="center", va="center")
    axes.set_xticks([])
    axes.set_yticks([])
    plain(axes)


def plain(axes: Axes) -> None:
    """Take off what a heat map does not need: grid, ticks and frame."""
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def short(value: float) -> str:
    """A number as people say it.

    >>> short(12_345_678), short(950)
    ('12.3 M', '950')
    """
    for size, unit in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.0f}"
