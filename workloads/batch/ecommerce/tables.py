"""The results as CSV tables, as people open them in a spreadsheet: money in euros, no NaN."""

import csv
import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen

from workloads.batch.ecommerce.analysis import Analysis
from workloads.batch.ecommerce.customers import SCORES, SEGMENTS
from workloads.batch.ecommerce.orders import CATEGORIES, PERIOD_DAYS, Bools, Calendar, Floats, Ints
from workloads.batch.ecommerce.tally import Tally


@frozen
class Table:
    """A file of rows under one header."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def content(self) -> bytes:
        """The table as RFC 4180 CSV with line feeds, in UTF-8."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(self.rows)
        return text.getvalue().encode()


def tables(analysis: Analysis) -> tuple[Table, ...]:
    """All tables of an analysis."""
    return (
        daily(analysis),
        products(analysis),
        categories(analysis),
        cohorts(analysis),
        rfm(analysis),
    )


def daily(analysis: Analysis) -> Table:
    """A day a row: sales, moving averages, growth and the decomposition's factors."""
    orders, revenue, parts = analysis.orders, analysis.revenue, analysis.decomposition
    anomalous = np.zeros(analysis.calendar.days, dtype=bool)
    anomalous[[anomaly.day for anomaly in analysis.anomalies]] = True
    columns = {
        "date": _dates(analysis.calendar, analysis.calendar.days),
        "orders": _whole(orders.values),
        "revenue": _decimal(revenue.values / 100, 2),
        "average_order_value": _decimal(_per(revenue.values / 100, orders.values), 2),
        "orders_average_7": _decimal(orders.average_7, 1),
        "orders_average_28": _decimal(orders.average_28, 1),
        "orders_week_on_week": _decimal(orders.week_on_week, 4),
        "orders_year_on_year": _decimal(orders.year_on_year, 4),
        "revenue_average_7": _decimal(revenue.average_7 / 100, 2),
        "revenue_average_28": _decimal(revenue.average_28 / 100, 2),
        "revenue_week_on_week": _decimal(revenue.week_on_week, 4),
        "revenue_year_on_year": _decimal(revenue.year_on_year, 4),
        "trend": _decimal(np.exp(parts.trend), 1),
        "weekday_factor": _decimal(np.exp(parts.weekday), 4),
        "annual_factor": _decimal(np.exp(parts.annual), 4),
        "promotion_factor": _decimal(np.exp(parts.promotion), 4),
        "remainder_factor": _decimal(np.exp(parts.remainder), 4),
        "z": _decimal(parts.z, 2),
        "promotion": _whole(analysis.promoted),
        "anomaly": _whole(anomalous),
    }
    return _table("daily.csv", columns)


def partial_daily(tally: Tally) -> Table:
    """What an interrupted run knows: the days that were counted to their end."""
    days = tally.last_day
    orders, cents = tally.daily_orders[:days].sum(axis=1), tally.daily_cents[:days].sum(axis=1)
    columns = {
        "date": _dates(tally.calendar, days),
        "orders": _whole(orders),
        "revenue": _decimal(cents / 100, 2),
    }
    return _table("daily-partial.csv", columns)


def products(analysis: Analysis) -> Table:
    """A product a row, best first, with its ABC class."""
    found = analysis.products
    columns = {
        "rank": _whole(np.arange(1, len(found.product) + 1)),
        "product": [f"P{product:05d}" for product in found.product],
        "category": [CATEGORIES[index] for index in found.category],
        "orders": _whole(found.orders),
        "revenue": _decimal(found.cents / 100, 2),
        "revenue_share": _decimal(found.cents / found.cents.sum(), 6),
        "cumulative_share": _decimal(found.cumulative, 6),
        "class": found.classes.tolist(),
        "returns": _whole(found.returns),
        "return_rate": _decimal(_per(found.returns, found.orders), 4),
    }
    return _table("products.csv", columns)


def categories(analysis: Analysis) -> Table:
    """A category a row: sales, baskets and returns."""
    found = analysis.categories
    columns = {
        "category": CATEGORIES,
        "orders": _whole(found.orders),
        "revenue": _decimal(found.cents / 100, 2),
        "revenue_share": _decimal(found.cents / max(int(found.cents.sum()), 1), 4),
        "basket_median": _decimal(found.basket_median / 100, 2),
        "basket_p90": _decimal(found.basket_p90 / 100, 2),
        "returns": _whole(found.returns),
        "return_rate": _decimal(found.return_rate, 5),
        "returned_revenue": _decimal(found.returned_cents / 100, 2),
    }
    return _table("categories.csv", columns)


def cohorts(analysis: Analysis) -> Table:
    """A cohort a row: its customers, and the share that ordered at each age in periods."""
    found = analysis.cohorts
    first_days = np.arange(len(found.active)) * PERIOD_DAYS
    columns = {
        "cohort": [analysis.calendar.date(day).isoformat() for day in first_days.tolist()],
        "customers": _whole(found.active[:, 0]),
        **{f"period_{age}": _decimal(found.share[:, age], 4) for age in range(len(first_days))},
    }
    return _table("cohorts.csv", columns)


def rfm(analysis: Analysis) -> Table:
    """A (recency, frequency, monetary) score a row, as far as it has customers."""
    found = analysis.rfm
    cells = [cell for cell in np.ndindex(SCORES, SCORES, SCORES) if found.customers[cell]]
    rows = tuple(
        (
            *(str(score + 1) for score in cell),
            SEGMENTS[cell[0]][cell[1]],
            str(found.customers[cell]),
            f"{found.days[cell] / found.customers[cell]:.1f}",
            f"{found.orders[cell] / found.customers[cell]:.2f}",
            f"{found.cents[cell] / found.customers[cell] / 100:.2f}",
            f"{found.cents[cell] / 100:.2f}",
        )
        for cell in cells
    )
    header = (
        "recency", "frequency", "monetary", "segment", "customers",
        "mean_days_since_order", "mean_orders", "mean_revenue", "revenue",
    )  # fmt: skip
    return Table("rfm.csv", header, rows)


def _table(name: str, columns: Mapping[str, Sequence[str]]) -> Table:
    return Table(name, tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _dates(calendar: Calendar, days: int) -> list[str]:
    return [calendar.date(day).isoformat() for day in range(days)]


def _whole(values: Ints | Bools) -> list[str]:
    return [str(int(value)) for value in values.tolist()]


def _decimal(values: Floats, digits: int) -> list[str]:
    return ["" if math.isnan(value) else f"{value:.{digits}f}" for value in values.tolist()]


def _per(part: Floats | Ints, whole: Ints) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return ratio
