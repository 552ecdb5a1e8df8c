"""The results as CSV tables, as people open them in a spreadsheet: whole money, no NaN."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import field, frozen

from workloads.batch.ecommerce.analysis import Analysis
from workloads.batch.ecommerce.orders import PERIOD_DAYS, Calendar
from workloads.batch.ecommerce.tally import Tally


@frozen(eq=False)
class Table:
    """A file of rows under one header; ``decimals`` says how many each column of fractions gets."""

    name: str
    frame: pd.DataFrame
    decimals: Mapping[str, int] = field(factory=dict)

    def content(self) -> bytes:
        """The table as RFC 4180 CSV with line feeds, in UTF-8; NaN is an empty field."""
        # Not round(): it picks the nearest float, whose shortest text may have other digits.
        texts = {
            name: self.frame[name].map(f"{{:.{digits}f}}".format, na_action="ignore")
            for name, digits in self.decimals.items()
        }
        return self.frame.assign(**texts).to_csv(index=False, lineterminator="\n").encode()


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
    days = np.arange(analysis.calendar.days)
    frame = pd.DataFrame(
        {
            "date": _dates(analysis.calendar, days),
            "orders": orders.values,
            "revenue": revenue.values / 100,
            "average_order_value": pd.Series(revenue.values / 100) / _positive(orders.values),
            "orders_average_7": orders.average_7,
            "orders_average_28": orders.average_28,
            "orders_week_on_week": orders.week_on_week,
            "orders_year_on_year": orders.year_on_year,
            "revenue_average_7": revenue.average_7 / 100,
            "revenue_average_28": revenue.average_28 / 100,
            "revenue_week_on_week": revenue.week_on_week,
            "revenue_year_on_year": revenue.year_on_year,
            "trend": np.exp(parts.trend),
            "weekday_factor": np.exp(parts.weekday),
            "annual_factor": np.exp(parts.annual),
            "promotion_factor": np.exp(parts.promotion),
            "remainder_factor": np.exp(parts.remainder),
            "z": parts.z,
            "promotion": analysis.promoted.astype(int),
            "anomaly": np.isin(days, [anomaly.day for anomaly in analysis.anomalies]).astype(int),
        }
    )
    money = ["revenue", "average_order_value", "revenue_average_7", "revenue_average_28"]
    coarse = ["orders_average_7", "orders_average_28", "trend"]
    ratios = [name for name in map(str, frame) if name.endswith(("_week", "_year", "_factor"))]
    decimals = dict.fromkeys(money, 2) | dict.fromkeys(coarse, 1) | dict.fromkeys(ratios, 4)
    return Table("daily.csv", frame, decimals | {"z": 2})


def partial_daily(tally: Tally) -> Table:
    """What an interrupted run knows: the days that were counted to their end."""
    days = tally.last_day
    frame = pd.DataFrame(
        {
            "date": _dates(tally.calendar, np.arange(days)),
            "orders": tally.daily_orders[:days].sum(axis=1),
            "revenue": tally.daily_cents[:days].sum(axis=1) / 100,
        }
    )
    return Table("daily-partial.csv", frame, {"revenue": 2})


def products(analysis: Analysis) -> Table:
    """A product a row, best first, with its ABC class."""
    found = analysis.products.table
    frame = pd.DataFrame(
        {
            "rank": np.arange(1, len(found) + 1),
            "product": found["product"].map(analysis.shop.product),
            "category": np.array(analysis.shop.categories)[found["category"]],
            "orders": found["orders"],
            "revenue": found["cents"] / 100,
            "revenue_share": found["cents"] / found["cents"].sum(),
            "cumulative_share": found["cumulative"],
            "class": found["abc"],
            "returns": found["returns"],
            "return_rate": found["returns"] / found["orders"],
        }
    )
    decimals = {"revenue": 2, "revenue_share": 6, "cumulative_share": 6, "return_rate": 4}
    return Table("products.csv", frame, decimals)


def categories(analysis: Analysis) -> Table:
    """A category a row: sales, baskets and returns."""
    found = analysis.categories
    frame = pd.DataFrame(
        {
            "category": analysis.shop.categories,
            "orders": found.orders,
            "revenue": found.cents / 100,
            "revenue_share": found.cents / max(int(found.cents.sum()), 1),
            "basket_median": found.basket_median / 100,
            "basket_p90": found.basket_p90 / 100,
            "returns": found.returns,
            "return_rate": found.return_rate,
            "returned_revenue": found.returned_cents / 100,
        }
    )
    money = ["revenue", "basket_median", "basket_p90", "returned_revenue"]
    return Table(
        "categories.csv",
        frame,
        dict.fromkeys(money, 2) | {"revenue_share": 4, "return_rate": 5},
    )


def cohorts(analysis: Analysis) -> Table:
    """A cohort a row: its customers, and the share that ordered at each age in periods."""
    found = analysis.cohorts
    shares = found.share.add_prefix("period_")
    first_days = found.active.index.to_numpy() * PERIOD_DAYS
    shares.insert(0, "cohort", _dates(analysis.calendar, first_days))
    shares.insert(1, "customers", found.active[0].astype(int))
    return Table("cohorts.csv", shares, dict.fromkeys(shares.columns[2:], 4))


def rfm(analysis: Analysis) -> Table:
    """A (recency, frequency, monetary) score a row, as far as it has customers."""
    found = analysis.rfm
    frame = found[["recency", "frequency", "monetary", "segment", "customers"]].assign(
        mean_days_since_order=found["days"] / found["customers"],
        mean_orders=found["orders"] / found["customers"],
        mean_revenue=found["cents"] / found["customers"] / 100,
        revenue=found["cents"] / 100,
    )
    decimals = {"mean_days_since_order": 1, "mean_orders": 2, "mean_revenue": 2, "revenue": 2}
    return Table("rfm.csv", frame, decimals)


def _dates(calendar: Calendar, days: npt.NDArray[np.integer]) -> npt.NDArray[np.str_]:
    return (np.datetime64(calendar.start) + days).astype(str)


def _positive(values: npt.NDArray[np.integer]) -> "pd.Series[float]":
    """The values as divisors: nothing is divided by zero."""
    return pd.Series(values).where(values > 0)
