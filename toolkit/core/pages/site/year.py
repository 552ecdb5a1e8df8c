"""The calendar of a site: a small grid for each month, a cell for each day."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

from toolkit.core.pages.html import Html, el
from toolkit.core.pages.site.amounts import day_in_words
from toolkit.core.pages.site.record import ScheduleRecord, Span
from toolkit.core.pages.states import css_of, in_words
from toolkit.core.proof.ledger import State

_DAY = timedelta(days=1)
# The worst first: what a day with several kinds of firings shows.
_WORST = ("ng", "unknown", "busy")
LEGEND = {
    "ok": "all went well",
    "part": "well, and some skipped or paused",
    "quiet": "skipped or paused",
    "ng": "something needs a look",
    "unknown": "late",
    "busy": "running",
    "coming": "to come",
    "none": "no firing",
    "unrecorded": "unknown: before the first recorded deployment",
}


def kind_of(counts: Mapping[State, int], day: date, span: Span) -> str:
    """What a day shows: the worst of its firings, or why there are none (see LEGEND)."""
    if not counts:
        if day > span.until.date():
            return "later"
        before = span.known is None or day < span.known
        return "unrecorded" if before and day <= span.now.date() else "none"
    kinds = {css_of(state) for state in counts}
    for kind in _WORST:
        if kind in kinds:
            return kind
    if set(counts) <= {State.NOT_YET_DUE}:
        return "coming"
    quiet = counts.get(State.SKIPPED) or counts.get(State.PAUSED)
    if "ok" in kinds:
        return "part" if quiet else "ok"
    return "quiet"


def calendar(record: ScheduleRecord, up: str, *, large: bool = False) -> Html:
    """All months of a schedule; a large one has numbers, and links from every day."""
    drawn = [_month(record, first, up, large=large) for first in months(record.span)]
    return el("div", drawn, class_="months large" if large else "months")


def months(span: Span) -> list[date]:
    """The first day of each month that is drawn."""
    found = [span.first.replace(day=1)]
    while (month := (found[-1] + 31 * _DAY).replace(day=1)) <= span.until.date():
        found.append(month)
    return found


def _month(record: ScheduleRecord, first: date, up: str, *, large: bool) -> Html:
    following = (first + 31 * _DAY).replace(day=1)
    days = [first + number * _DAY for number in range((following - first).days)]
    cells = [_cell(record, day, up, large=large) for day in days]
    counts: Counter[State] = Counter()
    for day in days:
        counts.update(record.days.get(day, {}))
    title = f"{first:%b %Y}"
    table = record.tables.get(f"{first:%Y-%m}")
    hidden = None if large else "true"  # of the small cells, what the group says is enough
    said = f"{first:%B %Y}: {in_words(counts) or 'no firing'}"
    return el(
        "div",
        el("p", el("a", title, href=up + table) if table else title),
        el(
            "div",
            cells,
            class_=f"days from{first.weekday()}",
            aria_hidden=hidden,
        ),
        class_="month",
        role="group",
        aria_label=said,
    )


def _cell(record: ScheduleRecord, day: date, up: str, *, large: bool) -> Html:
    counts = record.days.get(day, Counter())
    kind = kind_of(counts, day, record.span)
    css = f"cell {kind} today" if day == record.span.now.date() else f"cell {kind}"
    title = f"{day_in_words(day)}: {in_words(counts)}" if counts else None
    number = day.day if large else None
    link = record.links.get(day)
    if large and link:
        return el("a", number, href=up + link, class_=css, title=title)
    return el("i", number, class_=css, title=title)


def legend(*, large: bool = False) -> Html:
    """What the cells mean."""
    number = 7 if large else None
    rows = [
        el("li", el("i", number, class_=f"cell {kind}", aria_hidden="true"), words)
        for kind, words in LEGEND.items()
    ]
    return el("ul", rows, class_="legend large" if large else "legend")
