"""The ledger as a page: the firings of each day by what became of them."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from attrs import define, field

from toolkit.core.pages.html import Html, el, page, scrolling, section
from toolkit.core.pages.origin import Origin
from toolkit.core.pages.states import chip, css_of, ordered, totals
from toolkit.core.proof.ledger import Firing, State, Summary

# A day of a schedule that fires more often than this shows its counts instead of each firing.
_EACH = 12
# How far a page looks ahead at least, unless somebody asks for another time.
AHEAD = timedelta(days=14)


@define
class CalendarPage:
    """Gathers firings by day; however many there are, a day holds a few and counts the rest.

    ``since`` is the first moment that the page is about, and ``known_since`` when the first record
    of a deployment was made: on days before it nothing is known of any firing. The days of the
    first week that lie before ``since`` are marked as not shown, or as unknown.
    """

    since: datetime
    origin: Origin
    known_since: datetime | None = None

    _days: dict[date, dict[str, list[Firing]]] = field(factory=dict)
    _counts: dict[tuple[date, str], Counter[State]] = field(factory=dict)
    _notable: list[Firing] = field(factory=list)

    def add(self, firing: Firing) -> None:
        """One more firing."""
        day, name = firing.run_id.scheduled_time.date(), firing.run_id.schedule
        rows = self._days.setdefault(day, {}).setdefault(name, [])
        self._counts.setdefault((day, name), Counter())[firing.state] += 1
        if len(rows) <= _EACH:
            rows.append(firing)
        if firing.state.bad and len(self._notable) < 500:
            self._notable.append(firing)

    def page(self, app: str, now: datetime, summary: Summary, links: Mapping[str, str]) -> str:
        """The page; ``links`` leads from run ids to their reports."""
        title = f"Firings of {app}"
        head = el(
            "header",
            el("h1", title),
            self.origin.banner(),
            el("p", f"As of {now:%Y-%m-%d %H:%M} UTC, {summary}.", class_="summary"),
            totals(summary.total),
        )
        mondays = self._mondays()
        weeks = el("div", [self._week(day, now, links) for day in mondays], class_="calendar")
        shown = section("Calendar", self._legend(mondays), weeks)
        main = el("main", self._attention(links), shown)
        return page(title, el("div", head, main, _footer()), script="calendar.js")

    def _mondays(self) -> list[date]:
        if not self._days:
            return []
        first, last = min([self.since.date(), *self._days]), max(self._days)
        monday, found = first - timedelta(days=first.weekday()), []
        while monday <= last:
            found.append(monday)
            monday += timedelta(days=7)
        return found

    def _week(self, monday: date, now: datetime, links: Mapping[str, str]) -> Html:
        days = [monday + timedelta(days=number) for number in range(7)]
        return el("div", [self._day(day, now, links) for day in days], class_="week")

    def _day(self, day: date, now: datetime, links: Mapping[str, str]) -> Html:
        rows = self._days.get(day)
        today = day == now.date()
        title = el("h3", f"{day:%a %d %b}", el("span", " today") if today else None)
        css = "day today" if today else "day"
        if rows is None and self._is_unknown(day):
            unknown = el("p", "unknown", title="no deployment was recorded yet")
            return el("div", title, unknown, class_=f"{css} unrecorded")
        if rows is None:
            earlier = day < self.since.date()
            why = el("p", "not shown", title="before the time asked for") if earlier else None
            return el("div", title, why, class_=f"{css} none{' outside' if earlier else ''}")
        few = [firing for firings in rows.values() if len(firings) <= _EACH for firing in firings]
        few.sort(key=lambda firing: (firing.run_id.scheduled_time, firing.run_id.schedule))
        cells = [_cell(firing, links) for firing in few]
        for name, firings in sorted(rows.items()):
            if len(firings) > _EACH:
                cells += [_count(name, *row) for row in ordered(self._counts[day, name])]
        return el("div", title, el("ul", cells), class_=css)

    def _is_unknown(self, day: date) -> bool:
        """Whether the day lies before anything was recorded."""
        return self.known_since is None or day < self.known_since.date()

    def _legend(self, mondays: list[date]) -> Html | None:
        """What the days mean on which nothing is known, where the page has one."""
        if not mondays or not self._is_unknown(mondays[0]):
            return None
        since = f", {self.known_since:%Y-%m-%d %H:%M} UTC" if self.known_since else ""
        words = f"unknown: before the first recorded deployment{since}"
        return el("p", el("span", class_="key unrecorded"), words, class_="legend")

    def _attention(self, links: Mapping[str, str]) -> Html | None:
        if not self._notable:
            return None
        rows = [
            el(
                "tr",
                el("th", _name(firing, links), scope="row"),
                el("td", chip(firing.state)),
                el("td", firing.detail),
            )
            for firing in self._notable
        ]
        head = el("tr", [el("th", name, scope="col") for name in ("Run", "State", "Why")])
        table = el("table", el("thead", head), el("tbody", rows), class_="notable")
        return section("Needs a look", scrolling(table, "Firings that need a look"))


def end_of_week(moment: datetime) -> datetime:
    """The last microsecond of a moment's week, which ends on Sunday; in the moment's own zone.

    >>> end_of_week(datetime(2026, 12, 11, 8)).isoformat()
    '2026-12-13T23:59:59.999999'
    """
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=7 - moment.weekday()) - timedelta.resolution


def _count(name: str, state: State, count: int) -> Html:
    told = [el("b", f"{count:,} {state}"), " ", el("span", name)]
    words = el("span", told, class_=f"firing {css_of(state)}")
    return el("li", words)


def _cell(firing: Firing, links: Mapping[str, str]) -> Html:
    time = f"{firing.run_id.scheduled_time:%H:%M}"
    words = [el("b", time), " ", el("span", firing.run_id.schedule)]
    if firing.state is not State.OK:
        words += [" ", el("span", firing.state)]
    else:
        words.append(el("span", " ok", class_="spoken"))
    css = f"firing {css_of(firing.state)}"
    link = links.get(str(firing.run_id))
    if link is None:
        return el("li", el("span", words, class_=css, title=firing.detail or None))
    return el("li", el("a", words, href=link, class_=css, title=firing.detail or None))


def _name(firing: Firing, links: Mapping[str, str]) -> Html:
    link = links.get(str(firing.run_id))
    words = str(firing.run_id)
    return el("a", words, href=link) if link else el("span", words)


def _footer() -> Html:
    return el(
        "footer", "Times are UTC. A firing with a link has its evidence kept beside this page."
    )
