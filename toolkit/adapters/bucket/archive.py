"""The app's bucket as its readers know it: claims, manifests, deployments, dead letters, by pages.

The keys come from `runtime.contract` and `runtime.layout`; nobody else reads the bucket's layout.
A page of a listing holds 1,000 keys, and everything here costs pages, not runs.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar

from attrs import evolve, field, frozen

from toolkit.adapters.aws.s3 import Bucket
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.errors import EvidenceError
from toolkit.core.proof import dead_letter
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.schedules.history import Snapshot, needed
from toolkit.runtime import layout
from toolkit.runtime.contract import (
    Claim,
    ContractError,
    Manifest,
    Outcome,
    RunId,
    catalog_key,
    parse_time,
)

_Row = TypeVar("_Row")
_PAGE = 1000
# Where a schedule's latest run is looked for before all of its history is.
_RECENT = timedelta(days=31)
_JSON = "application/json"


@frozen
class Commit:
    """A manifest as its key and its listing tell it; ``finished_at`` is ISO 8601 in UTC."""

    run_id: RunId
    outcome: Outcome
    finished_at: str
    key: str


@frozen
class ReadClaims:
    """The claims of some runs, what is wrong with those that cannot be read, and their SHA-256."""

    claims: Mapping[RunId, Claim] = field(factory=dict)
    problems: Mapping[RunId, str] = field(factory=dict)
    digests: Mapping[RunId, str] = field(factory=dict)


@frozen
class ReadManifests:
    """The manifests of some runs, each run with an entry, and what is wrong with others.

    ``stored`` is what S3 lists of them, with the SHA-256 of what was read.
    """

    manifests: Mapping[RunId, list[Manifest]] = field(factory=dict)
    stored: Mapping[RunId, list[StoredObject]] = field(factory=dict)
    problems: Mapping[RunId, list[str]] = field(factory=dict)


class Archive:
    """One app's bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def commits(
        self, schedule: str, since: datetime, until: datetime | None = None
    ) -> Iterator[Commit]:
        """The manifests of a schedule's runs that were due from ``since`` to ``until``, in order.

        Runs on demand are among them. A page is asked for when it is needed.
        """
        prefix = layout.ledger_of(schedule)
        after = layout.first_from(prefix, schedule, since)
        for stored in self._bucket.objects(prefix, after=after):
            commit = _commit(stored)
            if commit is None:
                continue
            if until is not None and commit.run_id.scheduled_time > until:
                return
            yield commit

    def commits_of(self, since: Mapping[str, datetime]) -> dict[str, list[Commit]]:
        """The same of several schedules, each since a time; several listings at a time.

        Where one page holds the manifests of all schedules, it is enough.
        """
        page = self._whole(layout.LEDGER)
        if page is not None:
            found = (commit for stored in page if (commit := _commit(stored)) is not None)
            return _by_schedule(since, found, lambda commit: commit.run_id)
        commits = side_by_side(lambda row: list(self.commits(*row)), since.items())
        return dict(zip(since, commits, strict=True))

    def commits_each(
        self, schedules: Iterable[str], since: datetime, until: datetime
    ) -> dict[str, Iterator[Commit]]:
        """The same of several schedules, read on demand; the first pages several at a time."""
        rows = {name: self.commits(name, since, until) for name in schedules}
        first = side_by_side(lambda commits: next(commits, None), rows.values())
        return {
            name: chain([commit], rows[name]) if commit else iter(())
            for name, commit in zip(rows, first, strict=True)
        }

    def listed_manifests(self, schedule: str, since: datetime) -> Iterator[StoredObject]:
        """What S3 lists of a schedule's manifests, those of a time and all later ones, in order."""
        prefix = layout.ledger_of(schedule)
        return self._bucket.objects(prefix, after=layout.first_from(prefix, schedule, since))

    def committed(self, run_ids: Iterable[RunId]) -> dict[RunId, list[StoredObject]]:
        """What S3 lists of the manifests of some runs; one that was never committed has none."""
        ordered = sorted(set(run_ids), key=layout.manifests_of)
        groups = [list(group) for _, group in groupby(ordered, key=lambda run_id: run_id.schedule)]
        found = side_by_side(lambda group: list(self._committed(group)), groups)
        return {run_id: rows for group in found for run_id, rows in group}

    def manifests(self, run_ids: Sequence[RunId]) -> ReadManifests:
        """The manifests of some runs, from the pages that list them and a GET for each."""
        listed = self.committed(run_ids)
        contents = self._bucket.read_all(row.key for rows in listed.values() for row in rows)
        manifests: dict[RunId, list[Manifest]] = {run_id: [] for run_id in listed}
        problems: dict[RunId, list[str]] = {}
        for run_id, rows in listed.items():
            for key in (row.key for row in rows):
                if key not in contents:  # deleted since it was listed
                    continue
                try:
                    manifests[run_id].append(Manifest.from_json(contents[key]))
                except ContractError as error:
                    problems.setdefault(run_id, []).append(f"{key}: {error}")
        stored = {
            run_id: [_summed(row, contents.get(row.key)) for row in rows]
            for run_id, rows in listed.items()
        }
        return ReadManifests(manifests, stored, problems)

    def raw(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Claims and manifests as they were written, by key; those that exist."""
        return self._bucket.read_all(keys)

    def catalog_row(self, digest: str) -> bytes | None:
        """The catalog row of a deployed workload; None when it is not there."""
        return self._bucket.read(catalog_key(digest))

    def manifest(self, commit: Commit) -> Manifest | None:
        """One manifest; None when it was deleted, EvidenceError when it cannot be read."""
        content = self._bucket.read(commit.key)
        try:
            return None if content is None else Manifest.from_json(content)
        except ContractError as error:
            raise EvidenceError(f"{commit.key}: {error}") from error

    def claims(self, run_ids: Sequence[RunId]) -> ReadClaims:
        """The claims of some runs, a GET for each."""
        contents = self._bucket.read_all([run_id.claim_key for run_id in run_ids])
        claims, problems = {}, {}
        for run_id in run_ids:
            if run_id.claim_key not in contents:
                continue
            try:
                claims[run_id] = Claim.from_json(contents[run_id.claim_key])
            except ContractError as error:
                problems[run_id] = f"{run_id.claim_key}: {error}"
        keys = {run_id: run_id.claim_key for run_id in run_ids if run_id.claim_key in contents}
        digests = {run_id: sha256(contents[key]).hexdigest() for run_id, key in keys.items()}
        return ReadClaims(claims, problems, digests)

    def claimed_of(self, since: Mapping[str, datetime]) -> dict[str, list[RunId]]:
        """The runs that claimed their folders, of several schedules, each due since a time."""
        page = self._whole(layout.RUNS)
        if page is not None:
            folders = dict.fromkeys(layout.folder_of(stored.key) for stored in page)
            found = (run_id for folder in folders if (run_id := layout.claimed(folder)) is not None)
            return _by_schedule(since, found, lambda run_id: run_id)
        claimed = side_by_side(lambda row: list(self._claimed(*row)), since.items())
        return dict(zip(since, claimed, strict=True))

    def _whole(self, prefix: str) -> list[StoredObject] | None:
        """All objects below a prefix, if one page holds them."""
        page, whole = self._bucket.page(prefix, after="", limit=_PAGE)
        return page if whole else None

    def _claimed(self, schedule: str, since: datetime) -> Iterator[RunId]:
        prefix = layout.runs_of(schedule)
        after = layout.first_from(prefix, schedule, since)
        runs = (layout.claimed(folder) for folder in self._bucket.each_folder(prefix, after=after))
        return (run_id for run_id in runs if run_id is not None)

    def claimed_on_demand(self, schedule: str, since: datetime) -> Iterator[RunId]:
        """The runs on demand of a schedule that claimed their folders, in order."""
        runs = self._claimed(schedule, since)
        return (run_id for run_id in runs if run_id.token is not None)

    def claimed_runs(self) -> "ClaimedRuns":
        """Which runs were claimed, for many questions in order."""
        return ClaimedRuns(self._bucket)

    def latest_claimed(self, schedule: str, now: datetime) -> RunId | None:
        """The last run of a schedule that has claimed its folder."""
        prefix = layout.runs_of(schedule)
        after = layout.first_from(prefix, schedule, now - _RECENT)
        return self._last_claimed(prefix, after) or self._last_claimed(prefix, "")

    def _last_claimed(self, prefix: str, after: str) -> RunId | None:
        runs = (layout.claimed(folder) for folder in self._bucket.each_folder(prefix, after=after))
        last = None
        for run_id in runs:
            last = run_id or last
        return last

    def artifacts(self, run_id: RunId) -> dict[str, StoredObject]:
        """What stands in a run's folder beside its claim, without checksums."""
        below = self._bucket.objects(run_id.prefix)
        return {stored.key: stored for stored in below if stored.key != run_id.claim_key}

    def heads(self, keys: Iterable[str]) -> dict[str, StoredObject]:
        """Size and recorded SHA-256 of each object that exists, a HEAD for each."""
        return self._bucket.heads(keys)

    def download(self, key: str, path: Path) -> None:
        """Copy an object into a file."""
        self._bucket.download(key, str(path))

    def deployments(self, since: datetime) -> list[Snapshot]:
        """The records of deployments that tell of the time from ``since`` on, in order."""
        keys = needed(self._bucket.keys(layout.DEPLOYMENTS), since)
        contents = self._bucket.read_all(keys)
        return [_read(key, contents[key], Snapshot.from_json) for key in sorted(contents)]

    def keep_deployment(self, snapshot: Snapshot) -> None:
        """Record a deployment."""
        self._bucket.write(snapshot.key, snapshot.to_json(), _JSON)

    def dead_letters(self, since: datetime) -> list[DeadLetter]:
        """The dead letters that were read, and so kept, from ``since`` on."""
        after = layout.dated_key(layout.DEAD_LETTERS, since)
        keys = filter(layout.is_dated, self._bucket.keys(layout.DEAD_LETTERS, after=after))
        contents = sorted(self._bucket.read_all(keys).items())
        return [
            row for key, content in contents for row in _read(key, content, dead_letter.from_json)
        ]

    def keep_dead_letters(self, letters: Iterable[DeadLetter], now: datetime) -> None:
        """Keep letters that were read just now."""
        key = layout.dated_key(layout.DEAD_LETTERS, now)
        self._bucket.write(key, dead_letter.to_json(letters), _JSON)

    def changes(self) -> dict[str, datetime]:
        """Every key of a change and of its mark, and when S3 took it."""
        rows = self._bucket.objects(layout.CHANGES)
        return {stored.key: parse_time(stored.modified_at) for stored in rows}

    def create(self, key: str, content: bytes) -> bool:
        """Write a document where there is none; False where there is one."""
        return self._bucket.create(key, content, _JSON)

    def read(self, key: str) -> bytes | None:
        """The content of a document, or None."""
        return self._bucket.read(key)

    def _committed(self, run_ids: Sequence[RunId]) -> Iterator[tuple[RunId, list[StoredObject]]]:
        """In the order of their keys; a page begins at the first run that the last did not hold."""
        prefix = layout.ledger_of(run_ids[0].schedule)
        page: list[StoredObject] = []
        whole = False
        for number, run_id in enumerate(run_ids):
            stem = layout.manifests_of(run_id)
            if not whole and not _holds(page, stem):
                # Room for every outcome of every run that is left, and for one key after them.
                limit = min(_PAGE, len(Outcome) * (len(run_ids) - number) + 1)
                page, whole = self._bucket.page(prefix, after=stem, limit=limit)
            if whole or _holds(page, stem):
                first = bisect_left(page, stem, key=_key)
                own = page[first : bisect_left(page, f"{stem}~", key=_key)]
            else:
                own = list(self._bucket.objects(stem))
            wanted = {run_id.manifest_key(outcome) for outcome in Outcome}
            yield run_id, [stored for stored in own if stored.key in wanted]


class ClaimedRuns:
    """Which runs were claimed, asked in the order of a schedule: a page serves 1,000 of them.

    A page begins at the run that is asked for, so a single silent firing in a long and healthy
    history costs one call.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._pages: dict[str, _ClaimPage] = {}

    def has(self, run_id: RunId) -> bool:
        """Whether a run was claimed."""
        wanted = run_id.prefix
        page = self._pages.get(run_id.schedule)
        if page is None or (wanted > page.last and not page.end):
            folders = self._bucket.folders(
                layout.runs_of(run_id.schedule), after=wanted.rstrip("/")
            )
            page = _ClaimPage(frozenset(folders), folders[-1] if folders else "", not folders)
            self._pages[run_id.schedule] = page
        return wanted in page.folders


@frozen
class _ClaimPage:
    folders: frozenset[str]
    last: str
    end: bool


def _by_schedule(
    since: Mapping[str, datetime], rows: Iterable[_Row], run_of: Callable[[_Row], RunId]
) -> dict[str, list[_Row]]:
    """Rows by schedule, those of runs that were due since its time."""
    found: dict[str, list[_Row]] = {schedule: [] for schedule in since}
    for row in rows:
        run_id = run_of(row)
        if run_id.schedule in since and run_id.scheduled_time >= since[run_id.schedule]:
            found[run_id.schedule].append(row)
    return found


def _read(key: str, content: bytes, reader: Callable[[bytes], _Row]) -> _Row:
    """A document by its reader; the EvidenceError of one that cannot be read names its key."""
    try:
        return reader(content)
    except EvidenceError as error:
        raise EvidenceError(f"{key} cannot be read: {error.message}") from error


def _commit(stored: StoredObject) -> Commit | None:
    told = layout.committed(stored.key)
    return None if told is None else Commit(*told, stored.modified_at, stored.key)


def _holds(page: Sequence[StoredObject], stem: str) -> bool:
    """Whether a page that begins no later ends behind all keys of a run."""
    return bool(page) and page[-1].key > f"{stem}~"


def _key(stored: StoredObject) -> str:
    return stored.key


def _summed(stored: StoredObject, content: bytes | None) -> StoredObject:
    return stored if content is None else evolve(stored, sha256=sha256(content).hexdigest())
