"""Orders of one's own: CDNOW's real customers by pandas and Decimal, and files as people have."""

import importlib.util
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts import analyse_orders as command
from toolkit.runtime import ContractError
from workloads.batch.ecommerce.analysis import Analysis
from workloads.batch.ecommerce.own import OwnOrders, read

COLUMNS = {"customer": "customer_id", "amount": "dollar_value"}
DAYS = pd.date_range("2025-01-01", periods=70).astype(str)


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """69,659 orders of 23,570 customers, January 1997 to June 1998, as text (Fader & Hardie)."""
    spec = importlib.util.find_spec("lifetimes")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package lifetimes, which holds the data")
    path = Path(spec.origin).parent / "datasets/CDNOW_master.txt"
    return pd.read_csv(path, sep=r"\s+", dtype=str)


@pytest.fixture(scope="module")
def analysis(cdnow: pd.DataFrame) -> Analysis:
    own = OwnOrders.of(cdnow.rename(columns={theirs: ours for ours, theirs in COLUMNS.items()}))
    assert sum(own.rejected.values()) == 0
    return own.analyse()


def test_cdnows_totals_are_exact(cdnow: pd.DataFrame, analysis: Analysis) -> None:
    metrics = analysis.metrics()
    assert metrics["orders"] == 69_659
    assert metrics["customers"] == 23_570
    revenue = sum(map(Decimal, cdnow["dollar_value"]), Decimal(0))
    assert Decimal(str(metrics["revenue"])) == revenue == Decimal("2500315.63")
    daily = cdnow.groupby("date").size()
    assert (
        analysis.orders.values.tolist()
        == daily.reindex(
            pd.date_range("1997-01-01", "1998-06-30").strftime("%Y%m%d"), fill_value=0
        ).tolist()
    )


def test_cdnows_rfm_scores_are_fifths_of_who_lies_below(
    cdnow: pd.DataFrame, analysis: Analysis
) -> None:
    customers = cdnow.assign(cents=(cdnow["dollar_value"].astype(float) * 100).round()).groupby(
        "customer_id"
    )
    values = {
        "recency": pd.to_datetime(customers["date"].max()).astype("int64").to_numpy(),
        "frequency": customers.size().to_numpy(),
        "monetary": customers["cents"].sum().to_numpy(),
    }
    cells = pd.DataFrame(
        {
            name: 1 + np.searchsorted(np.sort(each), each, "left") * 5 // len(each)
            for name, each in values.items()
        }
    )
    counted = cells.value_counts().sort_index()
    found = analysis.rfm.set_index(list(values))["customers"].sort_index()
    assert found.to_dict() == counted.to_dict()
    once = analysis.rfm[analysis.rfm["frequency"] == 1]
    assert once["customers"].sum() == (values["frequency"] == 1).sum() == 11_908
    assert (once["orders"] == once["customers"]).all()


def test_cdnows_cohorts_are_those_of_a_pivot_table(cdnow: pd.DataFrame, analysis: Analysis) -> None:
    day = (pd.to_datetime(cdnow["date"]) - pd.Timestamp("1997-01-01")).dt.days
    period = day // 28
    cohort = period.groupby(cdnow["customer_id"]).transform("min")
    seen = pd.DataFrame({"cohort": cohort, "period": period, "customer": cdnow["customer_id"]})
    seen = seen[seen["period"] < 546 // 28].drop_duplicates()
    counts = seen.groupby(["cohort", "period"]).size()
    for (first, later), count in counts.items():
        assert analysis.cohorts.active.loc[first, later - first] == count
    assert np.nansum(analysis.cohorts.active) == len(seen)
    again = analysis.metrics()["ordered_again"]
    first = [(counts[c, c], counts.get((c, c + 1), 0)) for c in range(3)]
    assert again == pytest.approx(sum(b for _, b in first) / sum(a for a, _ in first))
    assert again == pytest.approx(0.146, abs=0.0005)


def test_what_eighteen_months_cannot_tell_is_left_out(analysis: Analysis) -> None:
    absent = {"growth_per_year", "year_on_year", "annual_amplitude", "promotion_uplift"}
    absent |= {"return_rate", "zipf_exponent", "top_20_percent_share"}
    assert not absent & analysis.metrics().keys()


@pytest.mark.parametrize("kind", ["csv", "parquet", "typed parquet"])
def test_a_file_gives_the_report_of_the_table(
    kind: str, cdnow: pd.DataFrame, analysis: Analysis, tmp_path: Path
) -> None:
    path = tmp_path / f"orders.{kind.rpartition(' ')[2]}"
    table = cdnow
    if kind == "typed parquet":
        table = cdnow.assign(
            date=pd.to_datetime(cdnow["date"]), dollar_value=cdnow["dollar_value"].astype(float)
        )
    if kind == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    names = [f"--column={ours}={theirs}" for ours, theirs in COLUMNS.items()]
    out = tmp_path / "report"
    assert command.main([str(path), "--out", str(out), "--currency", "$", *names]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert sum(metrics.pop("rejected_rows").values()) == 0
    assert metrics == pytest.approx(analysis.metrics())
    files = ["categories.csv", "cohorts.csv", "daily.csv", "ecommerce.png", "metrics.json"]
    assert sorted(path.name for path in out.iterdir()) == [*files, "products.csv", "rfm.csv"]
    assert len(pd.read_csv(out / "daily.csv")) == 546


def table(**columns: list[object]) -> pd.DataFrame:
    rows = {"date": list(DAYS), "customer": ["c"] * 70, "amount": ["9.99"] * 70}
    return pd.DataFrame(rows | columns)


def test_rows_that_cannot_be_analysed_are_counted_by_their_reason() -> None:
    amounts = ["9.99"] * 65 + ["", "-1", "1e12", "nine", "9.99"]
    customers = ["c"] * 69 + [None]
    dates = ["soon", "2025-02-30", *DAYS[2:]]
    own = OwnOrders.of(table(amount=amounts, customer=customers, date=dates))
    assert own.rejected == {
        "no date": 2,
        "no customer": 1,
        "no amount": 2,
        "negative amount": 1,
        "amount too large": 1,
    }
    assert len(own.orders) == 63


def test_names_marks_and_currency_reach_the_report() -> None:
    marks = ["yes", "no"] * 35
    goods = [f"thing {i % 7}" for i in range(70)]
    kinds = [f"kind {i % 7 % 2}" for i in range(70)]
    given = table(product=goods, category=kinds, returned=marks, promoted=marks)
    own = OwnOrders.of(given, currency="£")
    analysis = own.analyse()
    assert own.shop.categories == ("kind 0", "kind 1")
    assert analysis.metrics()["return_rate"] == 0.5
    assert {own.shop.product(i) for i in analysis.products.table["product"]} == set(goods)
    assert analysis.promoted.sum() == 35


def test_an_order_log_out_of_order_is_sorted() -> None:
    given = table()
    shuffled = OwnOrders.of(given.sample(frac=1, random_state=1)).analyse()
    assert shuffled.metrics() == OwnOrders.of(given).analyse().metrics()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (table().head(20), "20 of 20 orders can be analysed, over 20 days; the least is 56 days"),
        (table(amount=["-1"] * 70), "0 of 70 orders .* 70 with negative amount"),
        (table(returned=["maybe"] * 70), "'maybe' is neither true nor false"),
        (
            pd.concat([table()] * 3).assign(category=[f"k{i}" for i in range(210)]),
            "210 categories; the most is 200",
        ),
    ],
)
def test_what_cannot_be_analysed_is_one_clear_error(given: pd.DataFrame, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        OwnOrders.of(given)


def test_a_column_that_is_missing_is_named_with_those_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("date,who,amount\n2025-01-01,a,1\n")
    assert command.main([str(path), "--out", str(tmp_path / "x")]) == 2
    assert "has no column customer; it has date, who, amount" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'date,customer,amount\n"a'])
def test_a_file_that_is_none_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with pytest.raises(ContractError):
        OwnOrders.of(read(path))


CELLS = st.one_of(st.none(), st.text(max_size=8), st.sampled_from([*DAYS, "1", "9.5", "true"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=30))
def test_no_cell_makes_another_error(rows: list[tuple[str | None, ...]]) -> None:
    odd = pd.DataFrame(rows, columns=["date", "customer", "amount", "product"], dtype=object)
    good = table().assign(product="p")
    own = OwnOrders.of(pd.concat([good, odd], ignore_index=True))
    assert len(own.orders) + sum(own.rejected.values()) == len(good) + len(odd)
    assert own.analyse().metrics()["orders"] == len(own.orders)
