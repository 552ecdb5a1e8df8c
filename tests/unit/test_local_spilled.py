"""A dict with most of its values in a file behaves like a dict: a dict is the oracle."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.local.ministack.upstream import spilled
from toolkit.local.ministack.upstream.spilled import SpilledDict

KEYS = st.one_of(
    st.sampled_from("abcdef"),
    st.tuples(st.just("account"), st.tuples(st.just("bucket"), st.sampled_from("abc\ud800"))),
)
VALUES = st.dictionaries(st.text(max_size=2), st.one_of(st.none(), st.integers(), st.binary()))
STEPS = st.lists(st.tuples(st.sampled_from(["set", "change", "delete", "ask"]), KEYS, VALUES))


@pytest.fixture(autouse=True, scope="module")
def _few_at_hand() -> Any:
    """So few that most values are read back from the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spilled, "_AT_HAND", 2)
        yield


@given(STEPS, st.booleans())
def test_it_behaves_like_a_dict(steps: list[tuple[str, Any, Any]], clears: bool) -> None:
    made, oracle = SpilledDict(), dict[Any, Any]()
    for step, key, value in steps:
        if step == "set":
            made[key], oracle[key] = dict(value), dict(value)
        elif step == "change" and key in oracle:
            made[key].update(value)
            oracle[key].update(value)
        elif step == "delete":
            assert made.pop(key, None) == oracle.pop(key, None)
        assert made.get(key) == oracle.get(key)
        assert (key in made) == (key in oracle)
    assert sorted(map(repr, made)) == sorted(map(repr, oracle))
    assert (len(made), dict(made.items())) == (len(oracle), oracle)
    if clears:
        made.clear()
        assert list(made) == []


def test_what_is_not_there_is_an_error() -> None:
    made = SpilledDict([("a", 1)])
    with pytest.raises(KeyError, match="b"):
        made["b"]
    with pytest.raises(KeyError, match="b"):
        del made["b"]


def test_a_value_that_was_asked_for_may_be_changed_until_others_were() -> None:
    made = SpilledDict((str(number), [number]) for number in range(9))
    mine = made["0"]
    made["1"]
    mine.append("more")
    assert made["0"] is mine
    for number in range(1, 9):
        made[str(number)]
    assert made["0"] == [0, "more"]
    assert made["0"] is not mine


def test_notable_values_are_known_wherever_they_are() -> None:
    rows = SpilledDict(
        ((str(number), [number]) for number in range(1000)), lambda row: len(row) > 1
    )
    assert rows.notable() == []
    for key in ("3", "999"):  # filed long ago, and at hand
        rows[key].append(0)
    assert sorted(rows.notable()) == ["3", "999"]
    for number in range(400, 900):  # nothing of before is at hand any more
        assert rows[str(number)] == [number]
    assert sorted(rows.notable()) == ["3", "999"]
    rows["3"].pop()
    assert rows.notable() == ["999"]
    for number in range(400, 900):
        assert rows[str(number)] == [number]
    assert rows.notable() == ["999"]
    del rows["999"]
    assert rows.notable() == []
    rows["new"] = [1, 2]
    assert rows.notable() == ["new"]
    rows.clear()
    assert rows.notable() == []
