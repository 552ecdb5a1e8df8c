"""Who buys: RFM scores, cohorts and retention on customers counted by hand."""

from datetime import date

import numpy as np
import pytest

from tests.unit.ecommerce_samples import order_log, tally_chunks
from workloads.batch.ecommerce.customers import SEGMENTS, Cohorts, Rfm, retention
from workloads.batch.ecommerce.orders import Calendar

CALENDAR = Calendar(date(2024, 1, 1), 100)


def test_rfm_scores_are_fifths_and_five_is_best() -> None:
    # Customer c orders c + 1 times, last on day 90 + c, and spends 100 (c + 1) cents.
    rows = [
        (90 + customer - age, customer, 0, 0, 100, False)
        for customer in range(5)
        for age in range(customer + 1)
    ]
    rfm = Rfm.of(tally_chunks([order_log(*sorted(rows))], CALENDAR))
    assert np.argwhere(rfm.customers).tolist() == [[i, i, i] for i in range(5)]
    assert [int(rfm.days[i, i, i]) for i in range(5)] == [9, 8, 7, 6, 5]
    assert [int(rfm.orders[i, i, i]) for i in range(5)] == [1, 2, 3, 4, 5]
    assert [int(rfm.cents[i, i, i]) for i in range(5)] == [100, 200, 300, 400, 500]


def test_equal_customers_get_equal_scores() -> None:
    log = order_log(*[(7, customer, 0, 0, 100, False) for customer in range(6)])
    rfm = Rfm.of(tally_chunks([log], CALENDAR))
    assert rfm.customers.max() == rfm.customers.sum() == 6


def test_an_id_that_never_ordered_is_no_customer() -> None:
    rfm = Rfm.of(tally_chunks([order_log((0, 40, 0, 0, 100, False))], CALENDAR))
    assert rfm.customers.sum() == 1


def test_every_score_has_a_segment() -> None:
    assert {len(row) for row in SEGMENTS} == {5}
    assert len(SEGMENTS) == 5


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
    assert cohorts.active.tolist() == [[3, 2, 1], [1, 1, -1], [0, -1, -1]]
    np.testing.assert_allclose(cohorts.share[0], [1, 2 / 3, 1 / 3])
    np.testing.assert_allclose(cohorts.mean_share, [1, 3 / 4, 1 / 3])
    assert cohorts.retention == pytest.approx(1 / 2)  # 1 of 2 from the second period to the third


def test_retention_pools_the_steps_after_the_first() -> None:
    active = np.array([[100, 60, 48, 36], [50, 40, 30, -1], [9, 9, -1, -1], [5, -1, -1, -1]])
    assert retention(active) == pytest.approx((48 + 36 + 30) / (60 + 48 + 40))


def test_one_period_has_no_retention() -> None:
    assert np.isnan(retention(np.array([[3]])))
