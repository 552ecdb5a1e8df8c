"""The manifests of many runs, found by pages: a page of keys serves all the runs that it holds."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from toolkit.adapters.s3 import Bucket
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.proof.evidence import StoredObject
from toolkit.runtime.contract import Outcome, RunId

_PAGE = 1000


def committed(bucket: Bucket, run_ids: Iterable[RunId]) -> dict[RunId, list[StoredObject]]:
    """What S3 lists of the manifests of some runs; a run that was never committed has none."""
    ordered = sorted(set(run_ids), key=_stem)
    groups = [list(group) for _, group in groupby(ordered, key=lambda run_id: run_id.schedule)]
    found = side_by_side(lambda group: list(_of_schedule(bucket, group)), groups)
    return {run_id: keys for group in found for run_id, keys in group}


def _of_schedule(
    bucket: Bucket, run_ids: Sequence[RunId]
) -> Iterator[tuple[RunId, list[StoredObject]]]:
    """In the order of their keys; a page begins at the first run that the last one did not hold."""
    prefix = f"ledger/{run_ids[0].schedule}/"
    page: list[StoredObject] = []
    whole = False
    for number, run_id in enumerate(run_ids):
        stem = _stem(run_id)
        if not whole and not _holds(page, stem):
            # Room for every outcome of every run that is left, and for one key after them.
            limit = min(_PAGE, len(Outcome) * (len(run_ids) - number) + 1)
            page, whole = bucket.page(prefix, after=stem, limit=limit)
        if whole or _holds(page, stem):
            first = bisect_left(page, stem, key=_key)
            own = page[first : bisect_left(page, f"{stem}~", key=_key)]
        else:
            own = list(bucket.objects(stem))
        wanted = {run_id.manifest_key(outcome) for outcome in Outcome}
        yield run_id, [stored for stored in own if stored.key in wanted]


def _key(stored: StoredObject) -> str:
    return stored.key


def _holds(page: Sequence[StoredObject], stem: str) -> bool:
    """Whether a page that begins no later ends behind all keys of a run."""
    return bool(page) and page[-1].key > f"{stem}~"


def _stem(run_id: RunId) -> str:
    return f"ledger/{run_id.schedule}/{run_id}."
