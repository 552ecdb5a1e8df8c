"""One pass over hand-made orders, against counting by hand."""

import tracemalloc
from collections import Counter
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from tests.unit.ecommerce_samples import order_log, tally_chunks
from workloads.batch.ecommerce.orders import Calendar
from workloads.batch.ecommerce.tally import BASKET_EDGES, Tally

CALENDAR = Calendar(date(2024, 1, 1), 100)
# A product's category is fixed: product modulo 3.
ROWS = st.lists(
    st.tuples(
        st.integers(0, 99), st.integers(0, 30), st.integers(0, 9), st.integers(1, 10**8),
        st.booleans(),
    ),
    min_size=1, max_size=60,
)  # fmt: skip


@given(rows=ROWS, cut=st.integers(1, 20))
@settings(max_examples=examples(80), deadline=None)
def test_every_total_equals_counting_by_hand_however_the_log_is_cut(
    rows: list[tuple[int, int, int, int, bool]], cut: int
) -> None:
    orders = sorted((d, c, p, p % 3, v, r) for d, c, p, v, r in rows)
    log = order_log(*orders)
    chunks = [log.between(first, first + cut) for first in range(0, len(log), cut)]
    tally = tally_chunks(chunks, CALENDAR)

    days, value, sold, returned = Counter(), Counter(), Counter(), Counter()
    spent, last, first, active = Counter(), {}, {}, set()
    for d, c, p, k, v, r in orders:
        days[d, k] += 1
        value[d, k] += v
        sold[p] += 1
        returned[p] += r
        spent[c] += v
        last[c] = d
        first.setdefault(c, d // 28)
        active.add((c, d // 28))
    triangle = Counter((first[c], period) for c, period in active)

    assert {cell: n for cell, n in np.ndenumerate(tally.daily_orders) if n} == days
    assert {cell: n for cell, n in np.ndenumerate(tally.daily_cents) if n} == value
    assert {p: n for p, n in enumerate(tally.product_orders) if n} == sold
    assert {p: n for p, n in enumerate(tally.product_returns) if n} == +returned
    assert {c: n for c, n in enumerate(tally.customer_cents) if n} == spent
    assert {c: tally.customer_last_day[c] for c in last} == last
    assert {cell: n for cell, n in np.ndenumerate(tally.triangle) if n} == triangle
    assert tally.baskets.sum() == tally.orders == len(rows)


@pytest.mark.parametrize("cents", [1, 2, 15, 16, 17, 999, 1024, 123_456, 10**8])
def test_a_basket_is_counted_in_the_bin_around_its_value(cents: int) -> None:
    tally = tally_chunks([order_log((0, 0, 0, 0, cents, False))], CALENDAR)
    index = int(tally.baskets[0].argmax())
    assert BASKET_EDGES[index] < cents < BASKET_EDGES[index + 1]


def test_a_free_order_counts_as_one_cent() -> None:
    tally = tally_chunks([order_log((0, 0, 0, 0, 0, False))], CALENDAR)
    assert tally.baskets[0, 0] == 1
    assert tally.daily_cents.sum() == 0


def test_an_order_log_that_goes_back_in_time_is_refused() -> None:
    tally = Tally(CALENDAR)
    tally.add(order_log((5, 0, 0, 0, 100, False)))
    with pytest.raises(ValueError, match="day 4 after day 5: sort the order log"):
        tally.add(order_log((4, 0, 0, 0, 100, False)))


def test_an_empty_chunk_changes_nothing() -> None:
    log = order_log((0, 0, 0, 0, 100, False))
    assert tally_chunks([log.between(0, 0), log, log.between(0, 0)], CALENDAR).orders == 1


def test_memory_does_not_grow_with_the_orders() -> None:
    rng = np.random.default_rng(1)
    rows = zip(
        np.zeros(5_000, dtype=int),
        rng.integers(0, 3_000, 5_000),
        rng.integers(0, 500, 5_000),
        np.zeros(5_000, dtype=int),
        rng.integers(1, 10**5, 5_000),
        rng.random(5_000) < 0.1,
        strict=True,
    )
    log, tally = order_log(*rows), Tally(CALENDAR)
    tally.add(log)
    tracemalloc.start()
    tally.add(log)
    before = tracemalloc.get_traced_memory()
    for _ in range(50):
        tally.add(log)
    after = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after[0] - before[0] < 50_000
    assert after[1] - before[1] < 50_000
