"""The static site: every page is there, whole, escaped and without a script, from few calls."""

import itertools
import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from attrs import define, evolve, field

from benchmarks.synthetic_runs import Made
from tests.fake_aws import FakeAws
from toolkit.adapters.project.staged_folder import staged
from toolkit.app.proof import ledger, site
from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.site import SiteRequest, WrittenSite
from toolkit.core.causes.missed import Cause
from toolkit.core.errors import ConfigError, ToolkitError
from toolkit.core.pages.site.places import on_demand_path, run_path, schedule_path, slug
from toolkit.core.proof.ledger import State
from toolkit.core.schedules.history import Snapshot
from toolkit.core.schedules.timing import Pause, Timing
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import Outcome, RunId, format_time
from toolkit.runtime.layout import cause_key

from .sealing import a_month
from .spoiled_runs import NOW, START, WEATHER, a_run, an_app, an_aws, prepared, scheduled

DAY = timedelta(days=1)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@define
class Seen(HTMLParser):
    """What a page holds: tags, ids and links."""

    tags: list[tuple[str, dict[str, str | None]]] = field(factory=list)
    text: str = ""

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @classmethod
    def of(cls, path: Path) -> "Seen":
        seen = cls()
        seen.feed(path.read_text("utf-8"))
        return seen

    def links(self) -> list[str]:
        return [at[name] or "" for _, at in self.tags for name in ("href", "src") if name in at]

    def ids(self) -> list[str | None]:
        return [at["id"] for _, at in self.tags if "id" in at]


def written(aws: FakeAws, folder: Path, **changes: object) -> WrittenSite:
    request = SiteRequest(folder, START - DAY, **changes)  # type: ignore[arg-type]
    return site.write(an_app(aws, START + 60 * DAY), request)


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


WAYS = ["", "failed", "everything", "no record", "duplicate", "dead letter", "garbled manifest", ""]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of eight firings, each another way, fifty missed ones, and runs on demand."""
    folder = tmp_path_factory.mktemp("site") / "site"
    aws = a_month(WAYS)
    prepared(aws, on_demand())
    written(aws, folder)
    return folder


def on_demand(count: int = 4) -> list[Made]:
    """Runs on demand, an hour after each other; the last of a workload without a schedule."""
    ways = ["", "failed", "manifest", "no record"]
    weather = [
        Made(RunId("weather", START + timedelta(hours=number + 1), f"abc{number:03}"), WEATHER, way)
        for number, way in zip(range(count), itertools.cycle(ways), strict=False)
    ]
    science = load().workload("science")
    return [*weather, Made(RunId("science", START + DAY, "abc999"), science, "")]


def test_every_link_of_every_page_leads_to_a_page_and_a_place_on_it(month: Path) -> None:
    seen = {path: Seen.of(path) for path in pages(month)}
    assert len(seen) > len(WAYS)
    lost = []
    for path, page in seen.items():
        for link in page.links():
            if link.startswith("data:"):
                continue
            target, _, anchor = unquote(link).partition("#")
            there = (path.parent / target).resolve() if target else path
            if not there.is_file() or (anchor and anchor not in seen[there].ids()):
                lost.append(f"{path.relative_to(month)}: {link}")
    assert lost == []


def test_no_page_has_a_script_or_loads_anything_but_the_sites_stylesheet(month: Path) -> None:
    for path in pages(month):
        seen = Seen.of(path)
        assert "script" not in [tag for tag, _ in seen.tags]
        assert not [name for _, at in seen.tags for name in at if name.startswith("on")]
        for tag, attributes in seen.tags:
            loaded = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
            assert loaded is None or loaded.startswith("data:") or loaded.endswith("site.css")
            assert not (attributes.get("href") or "").startswith(("http", "//", "javascript"))
        policy = next(at["content"] for _, at in seen.tags if at.get("http-equiv"))
        assert "default-src 'none'" in str(policy)
        assert "script-src" not in str(policy)
    assert not re.search(r"url\(|@import|http", (month / "site.css").read_text())


def test_every_page_says_where_it_is_from(month: Path) -> None:
    for path in pages(month):
        head = path.read_text().partition("<header>")[2].partition("</header>")[0]
        assert "account" in head, path


def test_each_firing_has_its_state_and_a_page(month: Path) -> None:
    states = {
        "failed": "failed",
        "everything": "missed",
        "no record": "unwitnessed",
        "dead letter": "dead-lettered",
    }
    for number, way in enumerate(WAYS):
        run_id = RunId("weather", START + number * DAY)
        seen = Seen.of(month / run_path(run_id))
        assert str(run_id) in seen.text
        if way in states:
            assert states[way] in seen.text, way


def test_runs_on_demand_have_their_pages_and_a_list_and_count_as_no_firings(month: Path) -> None:
    states = ["ok", "failed", "launched-but-no-artifact", "unwitnessed"]
    listed = Seen.of(month / on_demand_path("weather"))
    for made, state in zip(on_demand(), [*states, "ok"], strict=True):
        page = Seen.of(month / run_path(made.run_id))
        assert str(made.run_id) in page.text
        assert state in page.text
        assert "Requested" in page.text
    for number, state in enumerate(reversed(states)):
        row = listed.text.partition("What is known")[2].split("Sun 01 Nov 2026 ")[number + 1]
        assert state in row
    own = Seen.of(month / schedule_path("weather"))
    assert "All 4 runs on demand" in own.text
    first = Seen.of(month / "index.html")
    assert {on_demand_path("weather"), on_demand_path("science")} <= set(first.links())
    assert "Calendar" not in Seen.of(month / schedule_path("science")).text
    mark = json.loads((month / "site.json").read_text())
    assert sum(mark["firings"].values()) == 61, "firings alone are counted"
    assert "science" not in first.text.partition("Calendar")[2].partition("Runs on demand")[0]


def test_a_site_without_runs_on_demand_has_no_list_of_them(tmp_path: Path) -> None:
    written(a_month([""]), tmp_path / "site")
    assert not (tmp_path / "site" / on_demand_path("weather")).exists()
    for path in pages(tmp_path / "site"):
        assert "Requested" not in path.read_text()


@pytest.mark.parametrize("runs", [0, 2, 1000])
def test_the_latest_runs_on_demand_have_pages_and_the_others_are_listed(
    tmp_path: Path, runs: int
) -> None:
    aws = a_month([""])
    made = [each for each in on_demand(6) if each.run_id.schedule == "weather"]
    prepared(aws, made)
    written(aws, tmp_path / "site", runs=runs, reports=0)
    paged = [(tmp_path / "site" / run_path(each.run_id)).exists() for each in made]
    assert paged == [number >= 6 - runs for number in range(6)]
    assert "All 6 runs" in Seen.of(tmp_path / "site" / schedule_path("weather")).text


def test_a_run_on_demand_that_goes_on_is_running(tmp_path: Path) -> None:
    aws = a_month([""])
    made = Made(RunId("weather", START + timedelta(hours=1), "abc000"), WEATHER, "running")
    prepared(aws, [made])
    written(aws, tmp_path / "site")
    assert "running" in Seen.of(tmp_path / "site" / run_path(made.run_id)).text


def test_what_a_run_or_a_bucket_says_is_text_and_no_markup(tmp_path: Path) -> None:
    aws = a_month([""])
    (made,) = [a_run(0, "", DAY)]
    key = made.run_id.manifest_key(Outcome.SUCCEEDED)
    error = {"type": EVIL, "message": EVIL, "hint": EVIL, "traceback": EVIL}
    evil = evolve(
        made.manifest(),
        outcome=Outcome.FAILED,
        error=error,
        settings={EVIL: EVIL},
        metrics={EVIL: [EVIL], "server_time": 10**30},
        image=EVIL,
    )
    del aws.objects[key]
    aws.objects[made.run_id.manifest_key(Outcome.FAILED)] = evil.to_json()
    missed = RunId("weather", START + DAY)
    cause = Cause(str(missed), format_time(NOW), EVIL, found=True)
    aws.objects[cause_key(missed)] = cause.to_json()
    written(aws, tmp_path / "site", reports=0)
    for run_id in (made.run_id, missed):
        page = (tmp_path / "site" / run_path(run_id)).read_text()
        assert "alert(1)" in page
        assert "<script" not in page
        assert "<img" not in page


@pytest.mark.parametrize("name", ["../../x", "..", "/etc/passwd", "A", "a" * 41, "a/b", "", "a\0b"])
def test_a_name_that_no_project_can_have_is_no_path(name: str, tmp_path: Path) -> None:
    for path in (schedule_path(name), run_path(RunId(name, START))):
        whole = (tmp_path / path).resolve()
        assert whole.is_relative_to(tmp_path)
        assert len(whole.relative_to(tmp_path).parts) == 3


def test_two_names_are_two_folders() -> None:
    names = ["weather", "Weather", "weather/", "../weather", "_weather"]
    assert len({slug(name).casefold() for name in names}) == len(names)


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    aws = a_month([""])
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="other files than a site"):
        written(aws, tmp_path / "site")
    written(aws, tmp_path / "other")
    (tmp_path / "other" / "CNAME").write_text("runs.example.com")
    with pytest.raises(ConfigError, match="CNAME"):
        written(aws, tmp_path / "other")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        written(aws, tmp_path / "file")
    with pytest.raises(ConfigError, match="cannot be written"):
        written(aws, tmp_path / "file" / "site")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "other", "site"]


def test_a_page_that_the_disk_does_not_take_is_one_error_that_names_it(tmp_path: Path) -> None:
    with (
        pytest.raises(ToolkitError, match=r"x{300}.* cannot be written"),
        staged(tmp_path / "site", "site.json", ()) as folder,
    ):
        folder.write("x" * 300, "text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", ""])
def test_no_page_is_written_outside_of_its_site(path: str, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="leads out"),
        staged(tmp_path / "site", "site.json", ()) as folder,
    ):
        folder.write(path, "text")
    assert list(tmp_path.iterdir()) == []


def test_a_site_that_cannot_be_finished_leaves_the_one_before(tmp_path: Path) -> None:
    aws = a_month(["", "failed"])
    before = written(aws, tmp_path / "site")
    names = sorted(str(path) for path in (tmp_path / "site").rglob("*"))
    aws.denied.add("HeadObject")  # which only the full reports need: the last of the pages
    with pytest.raises(Exception, match="no HeadObject"):
        written(aws, tmp_path / "site")
    assert sorted(str(path) for path in (tmp_path / "site").rglob("*")) == names
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    aws.denied.clear()
    aws.objects.pop(next(key for key in aws.objects if key.startswith("ledger/")))
    again = written(aws, tmp_path / "site")
    assert again.summary.bad == before.summary.bad + 1
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_site_costs_its_ledger_and_a_get_for_each_page(tmp_path: Path) -> None:
    aws = an_aws()
    scheduled(aws, "cron(0/5 * * * ? *)")
    prepared(aws, [a_run(number, "", timedelta(minutes=5)) for number in range(800)])
    since, now = START - timedelta(seconds=1), START + timedelta(minutes=5 * 800 - 1)
    aws.calls.clear()
    assert len(list(ledger.read(an_app(aws, now), ledger.Period(since, now)).firings)) == 800
    listed, app = sum(aws.calls.values()), an_app(aws, now)
    aws.calls.clear()
    found = site.write(app, SiteRequest(tmp_path / "site", since, runs=300, reports=0))
    assert found.summary.total == {State.OK: 800}
    assert found.pages == 300
    assert aws.calls["GetObject"] == 300 + 1  # and the record of the deployment
    assert aws.calls["HeadObject"] == 0
    # Whose account, where manifests are, what ran on demand: two LISTs a schedule and workload.
    assert sum(aws.calls.values()) <= listed + 300 + 5 + 2 * (1 + len(load().workloads))
    size = sum(path.stat().st_size for path in (tmp_path / "site").rglob("*.html"))
    assert size / found.files < 12_000


def test_a_month_of_many_firings_has_a_page_a_day(tmp_path: Path) -> None:
    aws = an_aws()
    scheduled(aws, "cron(0/5 * * * ? *)")
    prepared(aws, [a_run(number, "", timedelta(minutes=5)) for number in range(1600)])
    app = an_app(aws, START + timedelta(minutes=5 * 1600 - 1))
    site.write(app, SiteRequest(tmp_path, START - DAY, runs=0, reports=0))
    below = tmp_path / "schedules" / "weather"
    assert {f"2026-11-0{day}.html" for day in range(1, 7)} <= {p.name for p in below.iterdir()}
    assert Seen.of(below / "2026-11-03.html").text.count("2026") >= 288
    assert (below / "2026-11.html").stat().st_size < 20_000


def test_sealed_days_give_the_same_durations_delays_and_cost_as_live_ones(tmp_path: Path) -> None:
    aws = a_month(["", "failed", "", "everything"])
    live = written(aws, tmp_path / "live", reports=0)
    aws.retention.clear()
    while seal_due_days(an_app(aws, START + 60 * DAY), START + 60 * DAY).keys:
        pass
    sealed = written(aws, tmp_path / "sealed", reports=0)
    assert sealed.summary.total == live.summary.total
    for number in range(4):
        path = run_path(RunId("weather", START + number * DAY))
        before, after = (facts_of(tmp_path / name / path) for name in ("live", "sealed"))
        assert after.pop("Sealed in").startswith("seals/2026-11-")
        assert after == before


def facts_of(path: Path) -> dict[str, str]:
    head = path.read_text().partition("<dl>")[2].partition("</dl>")[0]
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", head))


def test_a_failure_is_told_in_the_table_with_what_the_run_said(month: Path) -> None:
    rows = (month / "schedules" / "weather" / "2026-11.html").read_text()
    assert re.search(r"failed</span>.*?>no</td>", rows)


def test_a_pause_is_shown_as_such_and_coming_firings_too(tmp_path: Path) -> None:
    aws = an_aws()
    scheduled(aws, "cron(0 6 * * ? *)")
    until = START + 20 * DAY
    pause = Pause(until=format_time(until), who="ann", why="a new supplier", start="")
    begun = format_time(START + timedelta(hours=1))
    timing = Timing(
        "weather", "cron(0 6 * * ? *)", "UTC", "ENABLED", format_time(until), "", begun, pause=pause
    )
    snapshot = Snapshot(begun, (timing,))
    aws.objects[snapshot.key] = snapshot.to_json()
    prepared(aws, [a_run(0, "", DAY)])
    app = an_app(aws, START + 9.5 * DAY)
    found = site.write(app, SiteRequest(tmp_path, START - DAY))
    assert found.summary.total == {State.OK: 1, State.PAUSED: 9}
    page = (tmp_path / schedule_path("weather")).read_text()
    assert page.count("cell quiet") > 9
    assert "a new supplier" in (tmp_path / "schedules/weather/2026-11.html").read_text()


def test_a_deleted_apps_site_comes_from_its_bucket_and_says_how_to_look_further(
    tmp_path: Path,
) -> None:
    aws = a_month(["", "everything", ""])
    aws.stacks.clear()
    app = an_app(aws, START + 3 * DAY)
    app.kept_bucket = "bucket"
    site.write(app, SiteRequest(tmp_path, START - DAY, reports=0))
    page = Seen.of(tmp_path / run_path(RunId("weather", START))).text
    assert "toolkit validate weather-20261101T060000Z --bucket bucket" in page
    assert "toolkit logs" not in page


def test_a_seal_of_a_schedule_that_no_deployment_names_is_shown(tmp_path: Path) -> None:
    aws = a_month(["", ""])
    late = START + 5 * DAY
    assert seal_due_days(an_app(aws, late), late).keys
    for key in [key for key in aws.objects if key.startswith("deployments/")]:
        del aws.objects[key]
    found = site.write(an_app(aws, late), SiteRequest(tmp_path, START - DAY))
    assert found.summary.total[State.OK] == 2
    assert schedule_path("weather") in Seen.of(found.index).links()


def test_a_site_of_no_firing_says_so(tmp_path: Path) -> None:
    found = written(an_aws(), tmp_path)
    assert "No schedule was deployed" in Seen.of(found.index).text
    assert json.loads((tmp_path / "site.json").read_text())["format"] == "site/1"
