"""What one page of the whole bucket shows is what a listing of each schedule shows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from toolkit.adapters.bucket.archive import Archive
from toolkit.core.proof.evidence import StoredObject
from toolkit.runtime.contract import Outcome, RunId

START = datetime(2026, 11, 24, 5, tzinfo=UTC)
NAMES = ("weather", "weather-berlin", "stream")
RUNS = st.sets(
    st.builds(
        lambda name, minute, token: RunId(name, START + timedelta(minutes=minute), token),
        st.sampled_from(NAMES),
        st.integers(0, 9),
        st.sampled_from([None, "abc123"]),
    )
)


@frozen
class Keys:
    """A bucket of keys; its first page is whole, or is not."""

    keys: list[str]
    whole: bool

    def page(self, prefix: str, *, after: str, limit: int) -> tuple[list[StoredObject], bool]:
        return list(self.objects(prefix, after=after))[:limit], self.whole

    def objects(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        wanted = sorted(key for key in self.keys if key.startswith(prefix) and key > after)
        return (StoredObject(key, 1, modified_at="2026-11-24T05:00:00Z") for key in wanted)

    def each_folder(self, prefix: str, *, after: str) -> Iterator[str]:
        below = (stored.key for stored in self.objects(prefix, after=after))
        yield from dict.fromkeys("/".join(key.split("/")[:3]) + "/" for key in below)


@given(runs=RUNS, committed=RUNS, since=st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9)))
def test_one_page_tells_the_same_as_a_listing_a_schedule(
    runs: set[RunId], committed: set[RunId], since: dict[str, int]
) -> None:
    keys = [key for run_id in runs for key in (run_id.claim_key, run_id.artifact_key("a/b.png"))]
    keys += [run_id.manifest_key(Outcome.FAILED) for run_id in committed]
    keys += ["runs/README", "ledger/x/y.json", "runs/weather/other/z"]
    times = {name: START + timedelta(minutes=minute) for name, minute in since.items()}
    page, listings = (Archive(Keys(keys, whole)) for whole in (True, False))  # type: ignore[arg-type]
    assert page.claimed_of(times) == listings.claimed_of(times)
    assert page.commits_of(times) == listings.commits_of(times)
    wanted = {r for r in runs if r.schedule in times and r.scheduled_time >= times[r.schedule]}
    assert {run_id for found in page.claimed_of(times).values() for run_id in found} == wanted
