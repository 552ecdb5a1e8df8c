"""The first page of a site: a year of every schedule at a glance."""

import json
from collections.abc import Sequence
from datetime import date

from attrs import frozen

from toolkit.core.pages.html import Html, el, page, section
from toolkit.core.pages.origin import Origin
from toolkit.core.pages.site import tables
from toolkit.core.pages.site.amounts import dollars_in_words, median_in_words
from toolkit.core.pages.site.places import index_place, on_demand_path, schedule_path
from toolkit.core.pages.site.record import ScheduleRecord, Span
from toolkit.core.pages.site.year import calendar, legend, months
from toolkit.core.pages.states import ordered, totals
from toolkit.core.proof.ledger import Summary
from toolkit.runtime.contract import format_time
from toolkit.runtime.documents import FORMAT

_NOTABLE = 8
_FEW_MONTHS = 3


@frozen
class About:
    """What all pages of a site say: whose it is, where from, and as of when."""

    app: str
    origin: Origin
    span: Span
    price_note: str = ""

    @property
    def as_of(self) -> str:
        """The time that the site is about."""
        return f"As of {self.span.now:%Y-%m-%d %H:%M} UTC"


def index(
    about: About, records: Sequence[ScheduleRecord], summary: Summary, problems: Sequence[str]
) -> str:
    """The page; ``problems`` is what is wrong with the seals."""
    title = f"Firings of {about.app}"
    head = el(
        "header",
        el("h1", title),
        about.origin.banner(),
        el("p", f"{about.as_of}, since {about.span.since:%Y-%m-%d}: {summary}.", class_="summary"),
        totals(summary.total),
        _facts(about, records),
        [el("p", f"The chain of seals is broken: {text}", class_="problem") for text in problems],
    )
    body = [
        head,
        el("main", _attention(records), _year(records), _on_demand(records)),
        footer(about),
    ]
    return page(title, el("div", body), place=index_place())


def mark(about: About, summary: Summary) -> str:
    """What says that a folder is a site: `site.json`."""
    document = {
        FORMAT: "site/1",
        "app": about.app,
        "as_of": format_time(about.span.now),
        "since": format_time(about.span.since),
        "firings": {str(state): count for state, count in ordered(summary.total)},
    }
    return json.dumps(document, indent=1) + "\n"


def footer(about: About) -> Html:
    """What stands below every page."""
    words = (
        "Times are UTC. Delay is from the firing to the start of its container, duration the "
        "time that the container ran; both are what ECS recorded. "
    )
    return el(
        "footer",
        words,
        about.price_note,
        " Runs on demand are no firings, and count nowhere but in their own lists.",
    )


def _facts(about: About, records: Sequence[ScheduleRecord]) -> Html | None:
    dollars, priced = (
        sum(row.total.dollars for row in records),
        sum(row.total.priced for row in records),
    )
    sealed: set[date] = set().union(*(record.sealed for record in records))
    facts = []
    if priced:
        facts.append(("Cost", f"{dollars_in_words(dollars)} for {priced:,} runs"))
    if about.span.known:
        facts.append(("Known since", f"{about.span.known}"))
    if sealed:
        facts.append(("Sealed", f"{len(sealed):,} days, the last {max(sealed)}"))
    rows = [el("div", el("dt", name), el("dd", words)) for name, words in facts]
    return el("dl", rows) if rows else None


def _attention(records: Sequence[ScheduleRecord]) -> Html | None:
    rows = sorted(
        (row for record in records for row in record.notable),
        key=lambda row: row.firing.run_id.scheduled_time,
        reverse=True,
    )
    if not rows:
        return None
    listed = tables.firings(rows[:_NOTABLE], "", "Firings that need a look", named=True)
    more = len(rows) > _NOTABLE
    told = "These are the latest; the pages of the schedules have more." if more else None
    return section("Needs a look", listed, el("p", told, class_="summary") if told else None)


def _on_demand(records: Sequence[ScheduleRecord]) -> Html | None:
    """The latest runs on demand of all schedules, and where all are that a schedule has."""
    having = [record for record in records if record.on_demand]
    if not having:
        return None
    rows = sorted(
        (row for record in having for row in record.on_demand[-_NOTABLE:]),
        key=lambda row: row.firing.run_id.scheduled_time,
    )[-_NOTABLE:]
    links = [
        el(
            "li",
            el("a", record.name, href=on_demand_path(record.name)),
            f" {len(record.on_demand):,}",
        )
        for record in having
    ]
    listed = tables.on_demand(rows, "", named=True)
    return section("Runs on demand", listed, el("p", "All of them:"), el("ul", links))


def _year(every: Sequence[ScheduleRecord]) -> Html:
    # What only ever ran on demand is no schedule.
    records = [record for record in every if record.days or not record.on_demand]
    if not records:
        return section("Calendar", el("p", "No schedule was deployed in this time."))
    few = len(months(records[0].span)) <= _FEW_MONTHS
    rows = [_schedule(record) for record in records]
    css = "schedules few" if few else "schedules"
    return section("Calendar", legend(), el("div", rows, class_=css))


def _schedule(record: ScheduleRecord) -> Html:
    total = record.total
    words = [f"{total.due:,} firings" if total.due != 1 else "1 firing"]
    if total.bad:
        words.append(f"{total.bad:,} to look at")
    if total.seconds:
        words.append(f"median duration {median_in_words(total.seconds)}")
    if total.priced:
        words.append(dollars_in_words(total.dollars))
    link = el("a", record.name, href=schedule_path(record.name))
    return el(
        "div",
        el("h3", link, " ", el("span", " · ".join(words), class_="summary")),
        calendar(record, ""),
        class_="schedule",
    )
