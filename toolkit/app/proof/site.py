"""Write the static site: what the ledger, the seals and the manifests say of a year.

No run is judged for it but the few that get a full report, so a year costs what its ledger does,
and a GET for each firing that has a page of its own.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from pathlib import Path

from attrs import field, frozen

from toolkit.adapters.project.staged_folder import StagedFolder, staged
from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.ledger import Ledger, Period
from toolkit.app.proof.on_demand import on_demand
from toolkit.app.proof.site_pages import SitePages
from toolkit.core.cost import prices
from toolkit.core.errors import EvidenceError
from toolkit.core.pages.calendar import AHEAD
from toolkit.core.pages.html import STYLESHEET, stylesheet
from toolkit.core.pages.origin import Origin
from toolkit.core.pages.site import places, schedule
from toolkit.core.pages.site.index import About, index, mark
from toolkit.core.pages.site.record import ScheduleRecord, SiteRow, Span
from toolkit.core.proof.expectation import Expectation
from toolkit.core.proof.ledger import Firing, Summary
from toolkit.core.proof.measures import measured
from toolkit.core.schedules.history import History
from toolkit.runtime.catalog import Workload
from toolkit.runtime.contract import ContractError

_CHUNK = 500
_SAY_EACH = 10_000
# A month with more firings than this has a page a day.
_LONG = 1500
# So many runs on demand of a schedule are listed, whether or not they have pages.
_LISTED = 100
_OWN = (places.INDEX, places.MARK, STYLESHEET, places.SCHEDULES, places.FIRINGS)


def _end_of_month(moment: datetime) -> datetime:
    """The last microsecond of a moment's month, so that a month is shown with all its firings."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1) - timedelta.resolution


@frozen
class SiteRequest:
    """What to write: the firings since a time, of some schedules or all, and where.

    ``runs`` is how many firings of each schedule have a page of their own: the latest, and about as
    many that need a look. ``reports`` of either kind get a full report.
    """

    output: Path
    since: datetime
    schedules: tuple[str, ...] = ()
    runs: int = 1000
    reports: int = 3


@frozen
class WrittenSite:
    """A site that was written; ``problems`` is what is wrong with the seals."""

    folder: Path
    summary: Summary
    pages: int
    reports: int
    files: int
    bytes: int
    known_since: datetime | None
    problems: tuple[str, ...]

    @property
    def index(self) -> Path:
        """The page to begin with."""
        return self.folder / places.INDEX


def write(app: App, request: SiteRequest) -> WrittenSite:
    """Write a site into a folder, whole or not at all.

    Raises:
        ConfigError: the folder holds something else.
    """
    with staged(request.output, places.MARK, _OWN) as folder:
        now = app.now()
        found = ledger.read(app, Period(request.since, now, request.schedules, tasks=True))
        known = found.known_since
        span = Span(request.since, now, _end_of_month(now + AHEAD), known.date() if known else None)
        about = _about(app, span)
        pages = SitePages(app, folder, about, request.reports)
        # A workload that has no schedule may have run on demand.
        workloads = () if request.schedules else tuple(app.project.catalog.workloads)
        summary = _Building(app, folder, about, pages, workloads).build(found, request.runs)
        folder.write(STYLESHEET, stylesheet())
        folder.write(places.MARK, mark(about, summary))
    return WrittenSite(
        request.output,
        summary,
        pages.pages,
        pages.reports,
        len(folder.files),
        sum(folder.files.values()),
        known,
        tuple(found.problems),
    )


def _about(app: App, span: Span) -> About:
    account, region = app.account_and_region
    table = prices(region or app.aws.region)
    note = (
        f"Cost is that of Fargate on demand, at the prices of {table.region} of {table.date}, for "
        "the runs whose witness or catalog row tells their size."
    )
    return About(app.name, Origin(account, region), span, note)


@frozen
class _Building:
    """A site on its way: firings go in, in their order, and a month goes out when it is full."""

    app: App
    folder: StagedFolder
    about: About
    pages: SitePages
    workloads: tuple[str, ...]
    records: dict[str, ScheduleRecord] = field(factory=dict)
    months: dict[str, list[SiteRow]] = field(factory=dict)
    sizes: dict[str, Workload | None] = field(factory=dict)

    def build(self, found: Ledger, runs: int) -> Summary:
        """All pages but the mark and the stylesheet."""
        summary, span = Summary(), self.about.span
        paged_from = {name: first_of_latest(found.known, name, span, runs) for name in found.names}
        for name in found.names:
            self._record(name)
        self.app.console.say(f"reading the firings since {span.since:%Y-%m-%d}")
        firings = self._said(summary.through(found.firings))
        while chunk := list(islice(firings, _CHUNK)):
            rows = [self._row(firing, paged_from, runs) for firing in chunk]
            for row in self.pages.write(rows):
                self._take(row)
        for name in self.records:
            self._write_month(name)
        for firing in found.coming(span.now, span.until):
            self._record(firing.run_id.schedule).add(SiteRow(firing))
        self._write_on_demand(found.names, runs)
        self.pages.write_reports()
        self._write_overviews(summary, found)
        return summary

    def _said(self, firings: Iterator[Firing]) -> Iterator[Firing]:
        """The same, with a line of progress now and then."""
        for number, firing in enumerate(firings, 1):
            if number % _SAY_EACH == 0:
                time = firing.run_id.scheduled_time
                self.app.console.say(f"{number:,} firings read, up to {time:%Y-%m-%d}")
            yield firing

    def _record(self, name: str) -> ScheduleRecord:
        """The record of a schedule; a seal may name one that no deployment does."""
        return self.records.setdefault(name, ScheduleRecord(name, self.about.span))

    def _row(self, firing: Firing, paged_from: Mapping[str, datetime], runs: int) -> SiteRow:
        name = firing.run_id.schedule
        notable = firing.state.bad and self._record(name).total.bad < runs
        first = paged_from.get(name, self.about.span.until)
        paged = notable or firing.run_id.scheduled_time >= first
        return SiteRow(firing, measured(firing, self._size(firing)), paged)

    def _size(self, firing: Firing) -> Workload | None:
        """The catalog row of a run whose witness does not say how large its task was."""
        digest = firing.catalog
        if not digest or firing.task is None or firing.task.cpu:
            return None
        if digest not in self.sizes:
            self.sizes[digest] = _workload(self.app, digest)
        return self.sizes[digest]

    def _take(self, row: SiteRow) -> None:
        name = row.firing.run_id.schedule
        month = self.months.setdefault(name, [])
        if month and f"{month[-1].day:%Y-%m}" != f"{row.day:%Y-%m}":
            self._write_month(name)
        self.months.setdefault(name, []).append(row)
        self._record(name).add(row)

    def _write_month(self, name: str) -> None:
        rows, record = self.months.pop(name, []), self.records[name]
        if not rows:
            return
        label = f"{rows[0].day:%Y-%m}"
        path = places.table_path(name, label)
        record.tables[label] = path
        long = len(rows) > _LONG
        for day, of_day in groupby(rows, key=lambda row: row.day):
            record.links[day] = f"{path}#d{day}"
            if long:
                record.links[day] = places.table_path(name, str(day))
                page = schedule.table(self.about, record, str(day), list(of_day))
                self.folder.write(record.links[day], page)
        draw = schedule.busy_month if long else schedule.table
        self.folder.write(path, draw(self.about, record, label, rows))

    def _write_on_demand(self, schedules: Sequence[str], runs: int) -> None:
        """The runs on demand: a page for as many of each schedule as firings have, and a list."""
        names = dict.fromkeys((*schedules, *self.workloads))
        found = on_demand(self.app, names, self.about.span.since, max(runs, _LISTED))
        counts = Counter(firing.run_id.schedule for firing in found)
        rows = []
        for firing in found:
            counts[firing.run_id.schedule] -= 1
            paged = counts[firing.run_id.schedule] < runs
            rows.append(SiteRow(firing, measured(firing, None), paged))
        for start in range(0, len(rows), _CHUNK):
            for row in self.pages.write(rows[start : start + _CHUNK]):
                self._record(row.firing.run_id.schedule).on_demand.append(row)
        for name in counts:
            path = places.on_demand_path(name)
            self.folder.write(path, schedule.on_demand(self.about, self.records[name]))

    def _write_overviews(self, summary: Summary, found: Ledger) -> None:
        records = list(self.records.values())
        for record in records:
            path = places.schedule_path(record.name)
            self.folder.write(path, schedule.schedule(self.about, record))
        page = index(self.about, records, summary, tuple(found.problems))
        self.folder.write(places.INDEX, page)


def first_of_latest(known: History, name: str, span: Span, most: int) -> datetime:
    """From which firing on a schedule's latest ``most`` firings are."""
    back = timedelta(days=1)
    if not most:
        return span.until
    while True:
        start = max(span.since, span.now - back)
        times = deque(known.firings(name, start, span.now), maxlen=most)
        if len(times) == most:
            return times[0]
        if start == span.since:
            return start
        back *= 4


def _workload(app: App, digest: str) -> Workload | None:
    """A catalog row that was deployed; None where there is none that can be read."""
    try:
        row = app.archive.catalog_row(digest)
        return None if row is None else Expectation.deployed(row).workload
    except (ContractError, EvidenceError):
        return None
