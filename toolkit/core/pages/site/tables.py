"""Tables of firings, a row each."""

from collections.abc import Iterable, Sequence

from toolkit.core.pages.html import Html, el, scrolling
from toolkit.core.pages.site.amounts import (
    day_in_words,
    dollars_in_words,
    median_in_words,
    span_in_words,
)
from toolkit.core.pages.site.places import run_path
from toolkit.core.pages.site.record import ScheduleRecord, SiteRow
from toolkit.core.pages.states import chip, totals

_AMOUNTS = ("Delay", "Duration", "Cost")
_LONGEST = 300


def firings(
    rows: Iterable[SiteRow],
    up: str,
    label: str,
    *,
    anchors: bool = False,
    named: bool = False,
    when: str = "Firing (UTC)",
) -> Html:
    """Firings in the order given; ``anchors`` marks the first row of each day.

    With ``named`` they are of several schedules, and each row names its own. ``when`` is what their
    times are.
    """
    body, day = [], None
    for row in rows:
        anchor = f"d{row.day}" if anchors and row.day != day else None
        day = row.day
        body.append(_firing(row, up, anchor, named=named))
    first = ["Schedule"] if named else []
    head = [
        *(el("th", name, scope="col") for name in (*first, when, "State")),
        *(el("th", name, scope="col", class_="number") for name in _AMOUNTS),
        el("th", "What is known", scope="col"),
    ]
    table = el("table", el("thead", el("tr", head)), el("tbody", body), class_="firings")
    return scrolling(table, label)


def on_demand(rows: Iterable[SiteRow], up: str, *, named: bool = False) -> Html:
    """Runs on demand, the latest first."""
    latest = list(rows)[::-1]
    return firings(latest, up, "Runs on demand", named=named, when="Requested (UTC)")


def _firing(row: SiteRow, up: str, anchor: str | None, *, named: bool) -> Html:
    firing, measures = row.firing, row.measures
    time = f"{firing.run_id.scheduled_time:%a %d %b %Y %H:%M:%S}".removesuffix(":00")
    name = el("a", time, href=up + run_path(firing.run_id)) if row.paged else time
    return el(
        "tr",
        el("td", firing.run_id.schedule) if named else None,
        el("th", name, scope="row"),
        el("td", chip(firing.state)),
        el("td", _span(measures.delay), class_="number", data_name="Delay"),
        el("td", _span(measures.seconds), class_="number", data_name="Duration"),
        el("td", _dollars(measures.dollars), class_="number", data_name="Cost"),
        el("td", _short(row.note), class_="note"),
        id=anchor,
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _span(seconds: float | None) -> str:
    return "" if seconds is None else span_in_words(seconds)


def _dollars(dollars: float | None) -> str:
    return "" if dollars is None else dollars_in_words(dollars)


def months(record: ScheduleRecord, up: str) -> Html:
    """A row a month, the latest first, with a link to its firings."""
    rows = [_month(record, name, up) for name in sorted(record.months, reverse=True)]
    head = [
        *(el("th", name, scope="col") for name in ("Month", "Firings")),
        *(el("th", name, scope="col", class_="number") for name in _MONTHLY),
    ]
    table = el("table", el("thead", el("tr", head)), el("tbody", rows), class_="firings monthly")
    return scrolling(table, "Months")


_MONTHLY = ("Median delay", "Median duration", "Longest", "Cost")


def _month(record: ScheduleRecord, name: str, up: str) -> Html:
    sums, link = record.months[name], record.tables.get(name)
    longest = span_in_words(max(sums.seconds)) if sums.seconds else ""
    cost = dollars_in_words(sums.dollars) if sums.priced else ""
    cells = (median_in_words(sums.delays), median_in_words(sums.seconds), longest, cost)
    return el(
        "tr",
        el("th", el("a", name, href=up + link) if link else name, scope="row"),
        el("td", totals(sums.counts)),
        [
            el("td", words, class_="number", data_name=column)
            for column, words in zip(_MONTHLY, cells, strict=True)
        ],
    )


def busy_days(record: ScheduleRecord, month: str, rows: Sequence[SiteRow], up: str) -> Html:
    """The days of a month that has too many firings for one page, with links to theirs."""
    days = sorted({row.day for row in rows})
    items = [
        el(
            "tr",
            el("th", el("a", day_in_words(day), href=up + record.links[day]), scope="row"),
            el("td", totals(record.days[day])),
            id=f"d{day}",
        )
        for day in days
    ]
    head = el("tr", [el("th", name, scope="col") for name in ("Day", "Firings")])
    table = el("table", el("thead", head), el("tbody", items), class_="firings monthly")
    return scrolling(table, f"Days of {month}")
