"""Who buys: RFM scores, cohorts and retention on customers counted by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ecommerce_samples import order_log, tally_chunks
from workloads.batch.ecommerce.customers import SEGMENTS, Cohorts, fifth, rfm
from workloads.batch.ecommerce.orders import Calendar

CALENDAR = Calendar(date(2024, 1, 1), 100)


def test_rfm_scores_are_fifths_and_five_is_best() -> None:
    # Customer c orders c + 1 times, last on day 90 + c, and spends 100 (c + 1) cents.
    rows = [
        (90 + customer - age, customer, 0, 0, 100, False)
        for customer in range(5)
        for age in range(customer + 1)
    ]
    scored = rfm(tally_chunks([order_log(*sorted(rows))], CALENDAR))
    for score in ("recency", "frequency", "monetary"):
        assert scored[score].tolist() == [1, 2, 3, 4, 5]
    assert scored["segment"].tolist() == [SEGMENTS.loc[score, score] for score in range(1, 6)]
    assert scored["customers"].tolist() == [1] * 5
    assert scored["days"].tolist() == [9, 8, 7, 6, 5]
    assert scored["orders"].tolist() == [1, 2, 3, 4, 5]
    assert scored["cents"].tolist() == [100, 200, 300, 400, 500]


def test_equal_customers_get_equal_scores() -> None:
    log = order_log(*[(7, customer, 0, 0, 100, False) for customer in range(6)])
    scored = rfm(tally_chunks([log], CALENDAR))
    assert scored[["recency", "frequency", "monetary"]].to_numpy().tolist() == [[1, 1, 1]]
    assert scored["customers"].tolist() == [6]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.79, 0.999, 1.0])
def test_the_lowest_value_scores_one_however_many_share_it(share: float) -> None:
    lowest = round(1000 * share)
    scores = fifth(pd.Series([1] * lowest + list(range(2, 1002 - lowest))))
    assert (scores[:lowest] == 1).all()
    assert scores.max() == (5 if share < 0.999 else 1 + 4 * (share < 1.0))


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=60))
def test_a_score_says_how_many_fifths_of_the_customers_are_below(values: list[int]) -> None:
    for value, score in zip(values, fifth(pd.Series(values)), strict=True):
        below = sum(other < value for other in values)
        assert (score - 1) * len(values) <= 5 * below < score * len(values)


def test_an_id_that_never_ordered_is_no_customer() -> None:
    scored = rfm(tally_chunks([order_log((0, 40, 0, 0, 100, False))], CALENDAR))
    assert scored["customers"].sum() == 1


def test_every_score_has_a_segment() -> None:
    assert SEGMENTS.shape == (5, 5)
    assert SEGMENTS.notna().all(axis=None)


def test_cohorts_count_who_came_back_by_age() -> None:
    # Periods of 28 days: customers 0, 1, 2 begin in the first, 3 in the second; the fourth period
    # begins on day 84 and is incomplete.
    log = order_log(
        (0, 0, 0, 0, 1, False),
        (5, 1, 0, 0, 1, False),
        (27, 2, 0, 0, 1, False),
        (28, 0, 0, 0, 1, False),
        (30, 3, 0, 0, 1, False),
        (31, 1, 0, 0, 1, False),
        (32, 1, 0, 0, 1, False),
        (60, 1, 0, 0, 1, False),
        (61, 3, 0, 0, 1, False),
        (90, 0, 0, 0, 1, False),
    )
    cohorts = Cohorts.of(tally_chunks([log], CALENDAR).triangle, CALENDAR)
    nothing = np.nan
    np.testing.assert_array_equal(
        cohorts.active, [[3, 2, 1], [1, 1, nothing], [0, nothing, nothing]]
    )
    np.testing.assert_allclose(cohorts.share.loc[0], [1, 2 / 3, 1 / 3])
    assert cohorts.share.loc[2].isna().all()  # a cohort without customers has no shares
    np.testing.assert_allclose(cohorts.mean_share, [1, 3 / 4, 1 / 3])
    assert cohorts.ordered_again == pytest.approx(3 / 4)  # customers 0 and 1 of 0 to 2, and 3
    assert cohorts.stay_probability == pytest.approx(1 / 2)  # 1 of 2, second to third period


def test_the_stay_probability_pools_the_steps_after_the_first() -> None:
    nothing = np.nan
    active = [
        [100, 60, 48, 36],
        [50, 40, 30, nothing],
        [9, 9, nothing, nothing],
        [5, *[nothing] * 3],
    ]
    found = Cohorts(pd.DataFrame(active))
    assert found.stay_probability == pytest.approx((48 + 36 + 30) / (60 + 48 + 40))
    assert found.ordered_again == pytest.approx((60 + 40 + 9) / (100 + 50 + 9))


def test_one_period_tells_nothing_about_coming_back() -> None:
    only = Cohorts(pd.DataFrame([[3]]))
    assert np.isnan(only.stay_probability)
    assert np.isnan(only.ordered_again)
