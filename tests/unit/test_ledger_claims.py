"""Claims are looked up by pages, in order, and a page serves as many firings as it holds."""

from datetime import UTC, datetime, timedelta

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from toolkit.adapters.bucket.archive import ClaimedRuns
from toolkit.runtime.contract import RunId

START = datetime(2026, 11, 24, tzinfo=UTC)
_PAGE = 3


@define
class PagedBucket:
    """Folders as ListObjectsV2 gives them: those with a key after ``after``, a page at most."""

    claimed: list[str]
    calls: list[str] = field(factory=list)

    def folders(self, prefix: str, *, after: str = "") -> list[str]:
        self.calls.append(after)
        keys = sorted(f"{folder}claim.json" for folder in self.claimed)
        return [key.removesuffix("claim.json") for key in keys if key > after][:_PAGE]


def run(number: int) -> RunId:
    return RunId("weather", START + timedelta(minutes=number))


@given(claimed=st.sets(st.integers(0, 40)), asked=st.sets(st.integers(0, 40)))
def test_every_claim_is_found_and_no_other(claimed: set[int], asked: set[int]) -> None:
    bucket = PagedBucket([run(number).prefix for number in claimed])
    claims = ClaimedRuns(bucket)  # type: ignore[arg-type]
    assert {number for number in sorted(asked) if claims.has(run(number))} == claimed & asked


def test_a_page_serves_all_that_it_holds_and_the_end_is_asked_for_once() -> None:
    bucket = PagedBucket([run(number).prefix for number in range(3)])
    claims = ClaimedRuns(bucket)  # type: ignore[arg-type]
    assert [claims.has(run(number)) for number in range(9)] == [True] * 3 + [False] * 6
    assert len(bucket.calls) == 2


def test_a_silent_firing_late_in_a_long_history_costs_one_call() -> None:
    bucket = PagedBucket([run(number).prefix for number in range(1000)])
    assert ClaimedRuns(bucket).has(run(900))  # type: ignore[arg-type]
    assert len(bucket.calls) == 1
