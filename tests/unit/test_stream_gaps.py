import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workloads.streams.gaps import Continuity, Gap


def check(known: Continuity, *ids: int) -> tuple[list[Gap], list[bool]]:
    gaps, new = known.check(np.array(ids, dtype=np.int64))
    return gaps, [True] * len(ids) if new is None else new.tolist()


def test_ids_that_rise_by_one_have_no_gap() -> None:
    known = Continuity()
    assert check(known, 5, 6, 7) == ([], [True] * 3)
    assert check(known, 8) == ([], [True])
    assert (known.missing, known.gaps, known.highest) == (0, 0, 8)


def test_a_jump_is_a_gap_of_known_size() -> None:
    known = Continuity()
    assert check(known, 5, 9) == ([Gap(6, 8)], [True, True])
    assert check(known, 11) == ([Gap(10, 10)], [True])
    assert (known.missing, known.gaps) == (4, 2)


def test_a_late_trade_fills_its_gap() -> None:
    known = Continuity()
    check(known, 1, 5)
    assert check(known, 3) == ([], [True])
    assert (known.missing, known.late, known.repeated) == (2, 1, 0)
    assert check(known, 2, 4, 6) == ([], [True] * 3)
    assert (known.missing, known.late) == (0, 3)


def test_a_repeated_trade_is_not_new() -> None:
    known = Continuity()
    check(known, 1, 2, 4)
    assert check(known, 4, 2, 3, 3) == ([], [False, False, True, False])
    assert (known.missing, known.repeated) == (0, 3)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=60),
    st.lists(st.integers(1, 10), min_size=1, max_size=20),
)
def test_the_account_is_that_of_a_set_however_the_ids_arrive(
    ids: list[int], sizes: list[int]
) -> None:
    known, seen, new = Continuity(), set[int](), []
    rest, turn = ids, 0
    while rest:
        size = sizes[turn % len(sizes)]
        new += check(known, *rest[:size])[1]
        rest, turn = rest[size:], turn + 1
    # Below the first id nothing is known to be missing, so nothing there can be late.
    expected = [not (i in seen or i < ids[0]) and seen.add(i) is None for i in ids]
    assert new == expected
    assert known.missing == max(seen) - ids[0] + 1 - len(seen)
    assert known.before_first == sum(i < ids[0] for i in ids)
    assert known.repeated + known.before_first == expected.count(False)


def test_memory_is_bounded_when_every_second_trade_is_missing() -> None:
    known = Continuity()
    for start in range(0, 100_000, 1000):
        known.check(np.arange(start, start + 1000, 2))
    assert known.missing == known.gaps == 49_999
    assert len(known._open) == 10_000
