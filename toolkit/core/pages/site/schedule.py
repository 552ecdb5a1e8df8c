"""The page of a schedule, and those of its months and days."""

from collections.abc import Sequence

from toolkit.core.pages.html import Html, el, page, section
from toolkit.core.pages.site import tables
from toolkit.core.pages.site.charts import charts
from toolkit.core.pages.site.index import About, footer
from toolkit.core.pages.site.places import below_schedule, schedule_place
from toolkit.core.pages.site.record import ScheduleRecord, SiteRow
from toolkit.core.pages.site.year import calendar, legend
from toolkit.core.pages.states import totals


def schedule(about: About, record: ScheduleRecord) -> str:
    """A schedule's year, its outcomes, durations, delays and cost over time, and its firings."""
    place = schedule_place(about.app)
    head = el(
        "header",
        el("h1", record.name),
        about.origin.banner(),
        el("p", f"{about.as_of}, since {about.span.since:%Y-%m-%d}.", class_="summary"),
        totals(record.total.counts),
    )
    bad, latest = list(record.notable)[::-1], list(record.latest)[::-1]
    main = el(
        "main",
        section("Over time", charts(record)),
        section("Calendar", legend(large=True), calendar(record, place.up, large=True)),
        section("Needs a look", tables.firings(bad, place.up, "Firings that need a look"))
        if bad
        else None,
        section("Latest firings", tables.firings(latest, place.up, "Latest firings")),
        section("Months", tables.months(record, place.up)),
    )
    return page(record.name, el("div", place.trail, head, main, footer(about)), place=place)


def table(about: About, record: ScheduleRecord, label: str, rows: Sequence[SiteRow]) -> str:
    """The firings of a month or a day."""
    place = below_schedule(about.app, record.name)
    listed = tables.firings(rows, place.up, f"Firings of {label}", anchors=True)
    return _listing(about, record, label, listed)


def busy_month(about: About, record: ScheduleRecord, label: str, rows: Sequence[SiteRow]) -> str:
    """The days of a month whose firings need a page a day."""
    place = below_schedule(about.app, record.name)
    return _listing(about, record, label, tables.busy_days(record, label, rows, place.up))


def _listing(about: About, record: ScheduleRecord, label: str, listed: Html) -> str:
    place = below_schedule(about.app, record.name)
    title = f"{record.name} {label}"
    head = el("header", el("h1", title), about.origin.banner(), el("p", about.as_of))
    body = el("div", place.trail, head, el("main", section("Firings", listed)), footer(about))
    return page(title, body, place=place)
