"""The page of a schedule, and those of its months and days."""

from collections.abc import Sequence

from toolkit.core.pages.html import Html, el, page, section
from toolkit.core.pages.site import tables
from toolkit.core.pages.site.charts import charts
from toolkit.core.pages.site.index import About, footer
from toolkit.core.pages.site.places import below_schedule, on_demand_path, schedule_place
from toolkit.core.pages.site.record import ScheduleRecord, SiteRow
from toolkit.core.pages.site.year import calendar, legend
from toolkit.core.pages.states import totals

_LATEST = 20


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
    sections = _firings(record, place.up) if record.days or not record.on_demand else []
    on_demand = _on_demand(record, place.up) if record.on_demand else None
    main = el("main", sections, on_demand)
    return page(record.name, el("div", place.trail, head, main, footer(about)), place=place)


def _firings(record: ScheduleRecord, up: str) -> list[Html | None]:
    """All that the firings tell; a workload that only ran on demand has none."""
    bad, latest = list(record.notable)[::-1], list(record.latest)[::-1]
    return [
        section("Over time", charts(record)),
        section("Calendar", legend(large=True), calendar(record, up, large=True)),
        section("Needs a look", tables.firings(bad, up, "Firings that need a look"))
        if bad
        else None,
        section("Latest firings", tables.firings(latest, up, "Latest firings")),
        section("Months", tables.months(record, up)),
    ]


def _on_demand(record: ScheduleRecord, up: str) -> Html:
    """The latest runs on demand, and where all of them are."""
    every, count = record.on_demand, len(record.on_demand)
    words = "1 run on demand" if count == 1 else f"All {count:,} runs on demand"
    more = el("p", el("a", words, href=up + on_demand_path(record.name)), class_="summary")
    return section("Runs on demand", tables.on_demand(every[-_LATEST:], up), more)


def on_demand(about: About, record: ScheduleRecord) -> str:
    """All runs on demand of a schedule."""
    place = below_schedule(about.app, record.name)
    listed = tables.on_demand(record.on_demand, place.up)
    return _listing(about, record, "on demand", listed, what="Runs on demand")


def table(about: About, record: ScheduleRecord, label: str, rows: Sequence[SiteRow]) -> str:
    """The firings of a month or a day."""
    place = below_schedule(about.app, record.name)
    listed = tables.firings(rows, place.up, f"Firings of {label}", anchors=True)
    return _listing(about, record, label, listed)


def busy_month(about: About, record: ScheduleRecord, label: str, rows: Sequence[SiteRow]) -> str:
    """The days of a month whose firings need a page a day."""
    place = below_schedule(about.app, record.name)
    return _listing(about, record, label, tables.busy_days(record, label, rows, place.up))


def _listing(
    about: About, record: ScheduleRecord, label: str, listed: Html, what: str = "Firings"
) -> str:
    place = below_schedule(about.app, record.name)
    title = f"{record.name} {label}"
    head = el("header", el("h1", title), about.origin.banner(), el("p", about.as_of))
    body = el("div", place.trail, head, el("main", section(what, listed)), footer(about))
    return page(title, body, place=place)
