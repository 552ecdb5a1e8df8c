"""What a site gathers of a schedule while its firings pass by: sums, and no firing but a few."""

from array import array
from collections import Counter, deque
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from attrs import Factory, define, field, frozen

from toolkit.core.proof.ledger import Firing, State
from toolkit.core.proof.measures import Measures

_NOTABLE, _LATEST = 100, 20
# A chart has this many marks at most, of an hour each or longer.
_MARKS = 400
WIDTHS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 24, 7 * 24, 28 * 24, 364 * 24))


@frozen
class SiteRow:
    """A firing with its measures; ``paged`` says whether it has a page of its own.

    ``error`` is what its manifest says of a failure, where it was read.
    """

    firing: Firing
    measures: Measures = Measures()  # noqa: RUF009 - it is frozen
    paged: bool = False
    error: str = ""

    @property
    def note(self) -> str:
        """What is known of it beside its state."""
        firing = self.firing
        known = "; ".join(filter(None, (firing.detail, self.error)))
        return known if firing.expected else f"{known} (not expected)".strip()

    @property
    def day(self) -> date:
        """The day of the firing (UTC)."""
        return self.firing.run_id.scheduled_time.date()


@frozen
class Span:
    """The time that a site is about, in days (UTC).

    ``known`` is the day of the first deployment that was recorded: before it nothing is known.
    Firings to come are shown up to ``until``.
    """

    since: datetime
    now: datetime
    until: datetime
    known: date | None = None

    @property
    def first(self) -> date:
        """The first day that is drawn."""
        since = self.since.date()
        return max(since, self.known) if self.known else since

    @property
    def width(self) -> timedelta:
        """How much time one mark of a chart stands for."""
        whole = self.now - max(self.since, self._known_since)
        return next((width for width in WIDTHS if whole / width <= _MARKS), WIDTHS[-1])

    @property
    def start(self) -> datetime:
        """When the first mark of a chart begins."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=self.since.tzinfo)

    @property
    def _known_since(self) -> datetime:
        first = self.known or self.since.date()
        return datetime(first.year, first.month, first.day, tzinfo=self.since.tzinfo)


@define
class Sums:
    """Counts and measures of the firings of some time; seconds are kept, for their median."""

    counts: Counter[State] = field(factory=Counter)
    delays: "array[float]" = Factory(lambda: array("d"))
    seconds: "array[float]" = Factory(lambda: array("d"))
    dollars: float = 0.0
    priced: int = 0

    def add(self, row: SiteRow) -> None:
        """One more firing. One that was made good is late on purpose, and has no delay."""
        self.counts[row.firing.state] += 1
        measures = row.measures
        if measures.delay is not None and row.firing.state is not State.MADE_GOOD:
            self.delays.append(measures.delay)
        if measures.seconds is not None:
            self.seconds.append(measures.seconds)
        if measures.dollars is not None:
            self.dollars += measures.dollars
            self.priced += 1

    def merge(self, other: "Sums") -> None:
        """All firings of other sums."""
        self.counts += other.counts
        self.delays += other.delays
        self.seconds += other.seconds
        self.dollars += other.dollars
        self.priced += other.priced

    @property
    def bad(self) -> int:
        """How many need a look."""
        return sum(count for state, count in self.counts.items() if state.bad)

    @property
    def due(self) -> int:
        """How many firings there were, those to come left out."""
        return self.counts.total() - self.counts[State.NOT_YET_DUE]


@define
class ScheduleRecord:
    """One schedule's part of a site. ``links`` leads from days to where their firings are listed.

    ``longest`` and ``latest_start`` are the extreme firings by duration and by delay. ``on_demand``
    are runs that are no firings, in their order; nothing else counts them.
    """

    name: str
    span: Span
    total: Sums = field(factory=Sums)
    months: dict[str, Sums] = field(factory=dict)
    marks: dict[int, Sums] = field(factory=dict)
    days: dict[date, Counter[State]] = field(factory=dict)
    links: dict[date, str] = field(factory=dict)
    tables: dict[str, str] = field(factory=dict)
    sealed: set[date] = field(factory=set)
    notable: deque[SiteRow] = Factory(lambda: deque(maxlen=_NOTABLE))
    latest: deque[SiteRow] = Factory(lambda: deque(maxlen=_LATEST))
    on_demand: list[SiteRow] = field(factory=list)
    longest: SiteRow | None = None
    latest_start: SiteRow | None = None

    def add(self, row: SiteRow) -> None:
        """One more firing, in their order."""
        state, time = row.firing.state, row.firing.run_id.scheduled_time
        self.days.setdefault(row.day, Counter())[state] += 1
        if time > self.span.now:
            return
        number = (time - self.span.start) // self.span.width
        sums = (
            self.total,
            self.months.setdefault(f"{time:%Y-%m}", Sums()),
            self.marks.setdefault(max(0, number), Sums()),
        )
        for each in sums:
            each.add(row)
        if row.firing.seal:
            self.sealed.add(row.day)
        self._note(row)

    def over_time(self) -> tuple[timedelta, dict[int, Sums]]:
        """How much time a mark of a chart stands for, and the sums of each mark.

        A third of the marks or more have a firing, so that those of a rare schedule are wide.
        """
        width, marks = self.span.width, self.marks
        for wider in WIDTHS:
            if wider <= width or len(marks) * 3 >= max(marks, default=0) - min(marks, default=0):
                continue
            width, marks = wider, _merged(self.marks, wider // self.span.width)
        return width, marks

    def _note(self, row: SiteRow) -> None:
        self.latest.append(row)
        if row.firing.state.bad:
            self.notable.append(row)
        seconds, delay = row.measures.seconds, row.measures.delay
        if seconds is not None and seconds > _or_zero(self.longest, "seconds"):
            self.longest = row
        made_good = row.firing.state is State.MADE_GOOD
        if delay is not None and not made_good and delay > _or_zero(self.latest_start, "delay"):
            self.latest_start = row


def _merged(marks: Mapping[int, Sums], by: int) -> dict[int, Sums]:
    merged: dict[int, Sums] = {}
    for number, sums in marks.items():
        merged.setdefault(number // by, Sums()).merge(sums)
    return merged


def _or_zero(row: SiteRow | None, name: str) -> float:
    return 0.0 if row is None else float(getattr(row.measures, name))
