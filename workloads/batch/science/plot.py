"""Two pictures: what was measured against theory, and what the lattices look like.

Matplotlib is imported when a picture is drawn, and without pyplot, which keeps state and windows.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workloads.batch.science import finite_size, onsager
from workloads.batch.science.bootstrap import Estimate
from workloads.batch.science.findings import Z_LIMIT, Finding
from workloads.batch.science.finite_size import Small
from workloads.batch.science.heat import Convergence
from workloads.batch.science.plan import CRITICAL_MARGIN, Plan
from workloads.plots import note_origin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 130
_THEORY, _GRID, _LIMIT = "#8a8f98", "#e4e6ea", "#b03030"
_COLOURS = {
    "magnetisation": "#2f5d8a",
    "energy": "#b5532a",
    "specific_heat": "#4c8055",
    "susceptibility": "#6d4b8d",
    "binder": "#8c6d31",
}
_MARKERS = {
    "magnetisation": "o",
    "energy": "s",
    "specific_heat": "^",
    "susceptibility": "D",
    "binder": "o",
}
_NAMES = {
    "magnetisation": "Magnetisation |m|",
    "energy": "Energy u / J",
    "specific_heat": "Specific heat C / k",
}
_THEORIES = {
    "magnetisation": onsager.magnetisation,
    "energy": onsager.energy,
    "specific_heat": onsager.specific_heat,
}
_SHOWN = (2.0, 2.2, 2.27, 2.35, 2.5, 3.5)  # lattices, if they are there
_PANEL = 480  # pixels of a lattice's panel, and sites at most


def comparison(
    plan: Plan,
    findings: Sequence[Finding],
    small: Sequence[Small],
    convergence: Convergence,
    origin: str = "",
) -> bytes:
    """A PNG of magnetisation, energy and specific heat against theory, and of how well they fit."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.1, wspace=0.03, hspace=0.05)
    figure = Figure(figsize=(16, 7.6), dpi=_DPI, layout=layout)
    grid = figure.add_gridspec(2, 4, height_ratios=(1.15, 1))
    for column, name in enumerate(_NAMES):
        _draw_quantity(figure.add_subplot(grid[0, column]), name, plan, findings)
    _draw_susceptibility(figure.add_subplot(grid[0, 3]), plan, findings)
    _draw_differences(figure.add_subplot(grid[1, :2]), findings)
    _draw_binder(figure.add_subplot(grid[1, 2]), small)
    _draw_convergence(figure.add_subplot(grid[1, 3]), convergence)
    figure.suptitle(
        f"2-D Ising model against Onsager's exact solution: {plan.size}² spins, "
        f"{plan.sweeps:,} sweeps at each temperature",
        fontsize=13,
        fontweight="bold",
    )
    note_origin(figure, origin)
    return _png(figure)


def _draw_quantity(axes: "Axes", name: str, plan: Plan, findings: Sequence[Finding]) -> None:
    low, high = min(plan.temperatures) - 0.1, max(plan.temperatures) + 0.1
    # Points crowd towards the critical temperature, where two of the curves have a cusp.
    offsets = np.geomspace(1e-4, 1.5, 160)
    curve = onsager.CRITICAL_TEMPERATURE + np.concatenate((-offsets[::-1], offsets))
    curve = curve[(curve > low) & (curve < high)]
    axes.plot(curve, [_THEORIES[name](t) for t in curve], color=_THEORY, lw=1.6, label="exact")
    _draw_points(axes, name, findings)
    _draw_critical(axes, height=0.5 if name == "magnetisation" else 0.18)
    axes.set_title(_NAMES[name], fontsize=11, loc="left")
    axes.set_xlabel("temperature  T / (J/k)")
    axes.set_xlim(low, high)
    if name == "specific_heat":
        axes.set_ylim(0, 4)
    if name == "magnetisation":
        axes.set_ylim(-0.03, 1.05)
    _finish(axes)
    axes.legend(frameon=False, fontsize=9, loc="upper left" if name == "energy" else "upper right")


def _draw_points(axes: "Axes", name: str, findings: Sequence[Finding]) -> None:
    kinds = (
        ("measured ± error", "full", [f for f in findings if f.comparison(name).judged]),
        (
            "not judged",
            "none",
            [f for f in findings if not f.comparison(name).judged and f.resolved],
        ),
        ("not resolved", "left", [f for f in findings if not f.resolved]),
    )
    for label, fill, chosen in kinds:
        measured = [finding.comparison(name).measured for finding in chosen]
        _draw_estimates(axes, label, fill, name, [f.temperature for f in chosen], measured)


def _draw_estimates(
    axes: "Axes",
    label: str,
    fill: str,
    name: str,
    temperatures: Sequence[float],
    measured: Sequence[Estimate],
) -> None:
    """Points with their errors, where they have any."""
    if not measured:
        return
    known = math.isfinite(measured[0].error)
    axes.errorbar(
        temperatures,
        [estimate.value for estimate in measured],
        yerr=[estimate.error for estimate in measured] if known else None,
        label=label,
        fmt=_MARKERS[name],
        fillstyle=fill,
        ms=6,
        color=_COLOURS[name],
        markeredgewidth=1.2,
        elinewidth=1.2,
        capsize=3,
    )


def _draw_susceptibility(axes: "Axes", plan: Plan, findings: Sequence[Finding]) -> None:
    """The fluctuation of the magnetisation, which peaks at the critical temperature."""
    for label, fill, resolved in (
        ("measured ± error", "full", True),
        ("not resolved", "left", False),
    ):
        chosen = [finding for finding in findings if finding.resolved is resolved]
        measured = [finding.susceptibility for finding in chosen]
        temperatures = [finding.temperature for finding in chosen]
        _draw_estimates(axes, label, fill, "susceptibility", temperatures, measured)
    _draw_critical(axes, height=0.05)
    axes.set_yscale("log")
    axes.set_title(f"Susceptibility χ J, {plan.size}² spins", fontsize=11, loc="left")
    axes.set_xlabel("temperature  T / (J/k)")
    axes.set_xlim(min(plan.temperatures) - 0.1, max(plan.temperatures) + 0.1)
    _finish(axes)
    if findings:
        axes.legend(frameon=False, fontsize=9, loc="upper right")


def _draw_differences(axes: "Axes", findings: Sequence[Finding]) -> None:
    """How far from theory, in standard errors: what the panels above are too coarse to show."""
    axes.axhline(0, color=_THEORY, lw=1.6)
    for limit in (-Z_LIMIT, Z_LIMIT):
        axes.axhline(limit, color=_LIMIT, lw=1, ls=(0, (5, 3)))
    # A little apart, for three points of one temperature often lie on each other.
    for shift, name in zip((-0.012, 0, 0.012), _NAMES, strict=True):
        chosen = [finding for finding in findings if finding.comparison(name).judged]
        axes.errorbar(
            [finding.temperature + shift for finding in chosen],
            [finding.comparison(name).z for finding in chosen],
            yerr=1,
            label=_NAMES[name],
            fmt=_MARKERS[name],
            ms=5.5,
            color=_COLOURS[name],
            elinewidth=1,
        )
    _draw_critical(axes)
    axes.set_title("Difference from theory, in standard errors", fontsize=11, loc="left")
    axes.set_xlabel("temperature  T / (J/k)")
    axes.set_ylim(-Z_LIMIT - 1, Z_LIMIT + 1)
    axes.text(1, Z_LIMIT + 0.2, "limit of the gate", color=_LIMIT, fontsize=9, ha="right",
              transform=axes.get_yaxis_transform())  # fmt: skip
    _finish(axes)
    axes.legend(
        frameon=False, fontsize=9, ncols=3, loc="lower right", bbox_to_anchor=(1, 0.99),
        borderaxespad=0.2, handletextpad=0.3, columnspacing=1.2,
    )  # fmt: skip


def _draw_critical(axes: "Axes", height: float = 0.18) -> None:
    """Mark the temperatures that are not judged; ``height`` is where nothing hides the label."""
    critical = onsager.CRITICAL_TEMPERATURE
    axes.axvspan(
        critical - CRITICAL_MARGIN, critical + CRITICAL_MARGIN, color="#f6ead7", lw=0, zorder=0
    )
    axes.axvline(critical, color="#c79a4b", lw=1, ls=(0, (2, 2)), zorder=1)
    axes.annotate(
        "$T_c$", (critical, height), xycoords=("data", "axes fraction"), xytext=(3, 0),
        textcoords="offset points", color="#9a7026", fontsize=10.5,
    )  # fmt: skip


def _draw_binder(axes: "Axes", small: Sequence[Small]) -> None:
    """The Binder cumulant of small lattices at the critical temperature: one number for all."""
    axes.axhline(finite_size.BINDER, color=_THEORY, lw=1.6, label="any size, by theory")
    for label, fill, resolved in (
        ("measured ± error", "full", True),
        ("not resolved", "left", False),
    ):
        chosen = [lattice for lattice in small if lattice.resolved is resolved]
        sizes = [float(lattice.size) for lattice in chosen]
        _draw_estimates(axes, label, fill, "binder", sizes, [lattice.binder for lattice in chosen])
    exponent = finite_size.exponent(small)
    if math.isfinite(exponent.value):
        power = f"{exponent.value:.3f} \\pm {exponent.error:.3f}"
        told = f"χ grows as $L^{{{power}}}$; theory: 7/4"
        axes.text(0.04, 0.06, told, transform=axes.transAxes, fontsize=9)
    axes.set_xscale("log", base=2)
    every = (*finite_size.SIZES, finite_size.LARGE)
    axes.set_xlim(min(every) / 1.4, max(every) * 1.4)
    axes.set_xticks(every, [str(size) for size in every])
    axes.set_ylim(finite_size.BINDER - 0.05, finite_size.BINDER + 0.05)
    axes.set_title("Binder cumulant at $T_c$", fontsize=11, loc="left")
    axes.set_xlabel("side of the lattice L")
    _finish(axes)
    axes.legend(frameon=False, fontsize=9, loc="upper left")


def _draw_convergence(axes: "Axes", convergence: Convergence) -> None:
    grids, errors = np.array(convergence.grids), np.array(convergence.errors)
    axes.loglog(grids, errors[0] * (grids / grids[0]) ** -2.0, color=_THEORY, lw=1.6,
                label="second order")  # fmt: skip
    axes.loglog(grids, errors, "D", ms=6, color="#6d4b8d", label="largest error")
    middle = np.sqrt(grids[1:] * grids[:-1]), np.sqrt(errors[1:] * errors[:-1])
    for x, y, order in zip(*middle, convergence.orders, strict=True):
        axes.annotate(f"{order:.3f}", (x, y), xytext=(6, 4), textcoords="offset points", fontsize=9)
    axes.set_title("Heat equation: observed order", fontsize=11, loc="left")
    axes.set_xlabel("intervals along a side")
    axes.set_xticks(grids, [str(grid) for grid in grids])
    axes.minorticks_off()
    _finish(axes)
    axes.legend(frameon=False, fontsize=9, loc="lower left")


def _finish(axes: "Axes") -> None:
    axes.grid(color=_GRID, lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def snapshots(
    plan: Plan, lattices: Mapping[float, npt.NDArray[np.bool_]], origin: str = ""
) -> bytes:
    """A PNG of the lattices as they are now, from order to disorder, whole pixels for each spin."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    colours = ListedColormap(["#f3e9d7", "#22384f"])
    shown = [t for t in _SHOWN if t in lattices] or sorted(lattices)[:6]
    rows, gap, title = -(-max(1, len(shown)) // 3), 24, 40
    width, height = 3 * _PANEL + 4 * gap, rows * (_PANEL + title) + gap + 48
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="white")
    for place, temperature in enumerate(shown):
        row, column = divmod(place, 3)
        spins = lattices[temperature][:_PANEL, :_PANEL]
        side = _PANEL // len(spins) * len(spins)  # whole pixels for every spin
        left = gap + column * (_PANEL + gap)
        top = 48 + row * (_PANEL + title) + title
        axes = figure.add_axes(
            (left / width, 1 - (top + side) / height, side / width, side / height)
        )
        axes.imshow(spins, cmap=colours, vmin=0, vmax=1, interpolation="none")
        axes.set_xticks([])
        axes.set_yticks([])
        ratio = temperature / onsager.CRITICAL_TEMPERATURE
        axes.set_title(f"$T$ = {temperature:.2f}    {ratio:.2f} $T_c$", fontsize=11, loc="left")
    part = f"{_PANEL}² of " if plan.size > _PANEL else ""
    figure.suptitle(
        f"From order to disorder: {part}{plan.size}² spins at the end",
        x=gap / width, y=1 - 14 / height, ha="left", va="top", fontsize=14, fontweight="bold",
    )  # fmt: skip
    note_origin(figure, origin)
    return _png(figure)


def _png(figure: "Figure") -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(content, format="png")
    return content.getvalue()
