"""Orders of one's own: a table with a row an order becomes what the tally counts.

The columns are ``date``, ``customer`` and ``amount``; ``product``, ``category``, ``promoted`` and
``returned`` may stand beside them. A row that cannot be analysed is counted, by its reason.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from attrs import frozen

from toolkit.runtime import ContractError
from workloads.batch.ecommerce.analysis import Analysis
from workloads.batch.ecommerce.orders import PERIOD_DAYS, Calendar, Orders, Shop
from workloads.batch.ecommerce.tally import Tally

REQUIRED = ("date", "customer", "amount")
OPTIONAL = ("product", "category", "promoted", "returned")
MAX_CATEGORIES = 200
MIN_DAYS = 2 * PERIOD_DAYS
_MAX_CENTS = np.iinfo(np.int32).max
_CHUNK_ORDERS = 131_072
_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no", ""}


def read(path: Path, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """A CSV or Parquet file (which needs pyarrow) as a table of REQUIRED and OPTIONAL columns.

    ``columns`` says what a column is called in the file where it has another name. Ids and dates
    stay text, so that no leading zero is lost.

    Raises:
        ContractError: When it cannot be read or lacks a required column.
    """
    called = {name: (columns or {}).get(name, name) for name in (*REQUIRED, *OPTIONAL)}
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except (OSError, ValueError, ImportError) as error:
        raise ContractError(f"{path} cannot be read: {error}") from error
    missing = [called[name] for name in REQUIRED if called[name] not in table]
    if missing:
        raise ContractError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(map(str, table))}"
        )
    return table.rename(columns={name: own for own, name in called.items()})


@frozen(eq=False)
class OwnOrders:
    """Orders in the order of their days, and how many rows were ``rejected`` for which reason."""

    orders: Orders
    calendar: Calendar
    shop: Shop
    rejected: Mapping[str, int]

    @classmethod
    def of(cls, table: pd.DataFrame, *, currency: str = "", origin: str = "own orders") -> Self:
        """Check and sort the rows of a table.

        Raises:
            ContractError: When what is left covers too few days, or has too many categories.
        """
        dates, amounts = _dates(table["date"]), pd.to_numeric(table["amount"], errors="coerce")
        reasons = {
            "no date": dates.isna(),
            "no customer": table["customer"].isna(),
            "no amount": amounts.isna(),
            "negative amount": amounts < 0,
            "amount too large": amounts * 100 > _MAX_CENTS,
        }
        rejected, good = {}, pd.Series(data=True, index=table.index)
        for reason, wrong in reasons.items():
            rejected[reason] = int((good & wrong).sum())
            good &= ~wrong
        kept = table.assign(date=dates, amount=amounts)[good].sort_values("date", kind="stable")
        days = (kept["date"] - kept["date"].min()).dt.days
        if kept.empty or days.max() + 1 < MIN_DAYS:
            told = ", ".join(f"{count} with {why}" for why, count in rejected.items() if count)
            raise ContractError(
                f"{len(kept)} of {len(table)} orders can be analysed, over "
                f"{0 if kept.empty else days.max() + 1} days; the least is {MIN_DAYS} days"
                + (f" (rejected: {told})" if told else "")
            )
        category, categories = _ids(kept, "category")
        product, products = _ids(kept, "product" if "product" in kept else "category")
        if len(categories) > MAX_CATEGORIES:
            raise ContractError(f"{len(categories)} categories; the most is {MAX_CATEGORIES}")
        orders = Orders(
            day=days.to_numpy(np.int32),
            customer=pd.factorize(kept["customer"])[0].astype(np.int64),
            product=product,
            category=category.astype(np.uint8),
            cents=np.rint(kept["amount"].to_numpy(np.float64) * 100).astype(np.int32),
            promoted=_marks(kept, "promoted"),
            returned=_marks(kept, "returned"),
        )
        calendar = Calendar(kept["date"].iloc[0].date(), int(days.max()) + 1)
        recorded = frozenset(OPTIONAL).intersection(map(str, table))
        shop = Shop(categories, products, currency, origin, recorded)
        return cls(orders, calendar, shop, rejected)

    def analyse(self) -> Analysis:
        """Count and analyse the orders."""
        tally = Tally(self.calendar, len(self.shop.categories))
        for chunk in self._chunks():
            tally.add(chunk)
        tally.finish()
        return Analysis.of(tally, self.shop)

    def _chunks(self) -> Iterator[Orders]:
        for first in range(0, len(self.orders), _CHUNK_ORDERS):
            yield self.orders.between(first, first + _CHUNK_ORDERS)


def _dates(values: "pd.Series[Any]") -> "pd.Series[pd.Timestamp]":
    """The local day of each order: ISO 8601, or YYYYMMDD; NaT for anything else."""
    if pd.api.types.is_datetime64_any_dtype(values):
        dates = pd.to_datetime(values)
    else:
        texts = values.astype("string").str.strip().str.slice(0, 10)
        compact = texts.str.fullmatch(r"\d{8}").fillna(value=False).astype(bool)
        dates = pd.to_datetime(texts.where(~compact), format="%Y-%m-%d", errors="coerce")
        dates = dates.fillna(pd.to_datetime(texts.where(compact), format="%Y%m%d", errors="coerce"))
    return dates.dt.tz_localize(None).dt.normalize()


def _ids(
    table: pd.DataFrame, column: str
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], tuple[str, ...]]:
    """Ids from 0 up of a column's names; one name for all where the table has no such column."""
    if column not in table:
        return np.zeros(len(table), np.int64), ("All",)
    names = table[column].astype("string").fillna("(none)")
    ids, known = pd.factorize(names, sort=True)
    return ids.astype(np.int64), tuple(map(str, known))


def _marks(table: pd.DataFrame, column: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if column not in table:
        return np.zeros(len(table), np.bool_)
    texts = table[column].astype("string").fillna("").str.strip().str.lower()
    unknown = texts[~texts.isin(_TRUE | _FALSE)]
    if len(unknown):
        raise ContractError(f"{column}: {unknown.iloc[0]!r} is neither true nor false")
    return texts.isin(_TRUE).to_numpy(np.bool_)
