"""Where the pages of a site are: paths from its root, made of names that may be anything."""

import hashlib

from toolkit.core.pages.html import Html, SitePlace, el
from toolkit.core.pages.states import chip
from toolkit.core.proof.ledger import State
from toolkit.runtime.contract import NAME, RunId

INDEX = "index.html"
SCHEDULES, FIRINGS = "schedules", "firings"
# What says that a folder is a site, and may be replaced by a newer one.
MARK = "site.json"
_UP = "../../"


def slug(schedule: str) -> str:
    """A schedule's name as the name of a folder; one that no project can have, by its digest.

    >>> slug("weather"), slug("../weather")
    ('weather', '_4bbe1f4bfc5a')
    """
    if NAME.fullmatch(schedule):
        return schedule
    return "_" + hashlib.sha256(schedule.encode("utf-8", "replace")).hexdigest()[:12]


def schedule_path(schedule: str) -> str:
    """The page of a schedule."""
    return f"{SCHEDULES}/{slug(schedule)}/{INDEX}"


def table_path(schedule: str, label: str) -> str:
    """The page with the firings of a month (``2026-11``) or a day."""
    return f"{SCHEDULES}/{slug(schedule)}/{label}.html"


def on_demand_path(schedule: str) -> str:
    """The page with the runs on demand of a schedule."""
    return table_path(schedule, "on-demand")


def run_path(run_id: RunId) -> str:
    """The page of a firing."""
    time = str(run_id).removeprefix(f"{run_id.schedule}-")
    return f"{FIRINGS}/{slug(run_id.schedule)}/{time}.html"


def index_place() -> SitePlace:
    """The first page of the site."""
    return SitePlace("", Html(""))


def schedule_place(app: str) -> SitePlace:
    """A schedule's page."""
    return SitePlace(_UP, _trail((app, INDEX)))


def below_schedule(app: str, schedule: str, state: State | None = None) -> SitePlace:
    """A page of a month, a day or a firing of a schedule; ``state`` is that of a judged firing."""
    told = None if state is None else el("li", "in the ledger: ", chip(state))
    return SitePlace(_UP, _trail((app, INDEX), (schedule, schedule_path(schedule)), more=told))


def _trail(*pages: tuple[str, str], more: Html | None = None) -> Html:
    """The way back up, for pages two folders deep."""
    links = [el("li", el("a", words, href=_UP + path)) for words, path in pages]
    return el("nav", el("ol", links, more), class_="trail", aria_label="Pages above")
