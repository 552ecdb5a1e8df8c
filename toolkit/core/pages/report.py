"""A run's report: one self-contained page for people, years later and without a network."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from toolkit.core.causes.diagnosis import Diagnosis
from toolkit.core.checks import Check
from toolkit.core.cost import prices, run_cost
from toolkit.core.pages.html import Html, SitePlace, el, page, section
from toolkit.core.pages.manifest import manifest_sections, value_in_words
from toolkit.core.pages.origin import Origin
from toolkit.core.pages.timeline import timeline
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.log_digest import parse_event
from toolkit.core.proof.verdict import Verdict
from toolkit.runtime.contract import RunId, parse_time

_CLASSES = {"OK": "ok", "WARN": "unknown", "??": "unknown", "FAIL": "ng"}
_RULINGS = {"PASS": "ok", "FAIL": "ng", "INCONCLUSIVE": "unknown"}
_SPOKEN = {"OK": "passed", "WARN": "warning", "??": "unknown", "FAIL": "failed"}
_LOUD = ("failed", "refused", "lost", "detected", "stopped")


def report(
    evidence: Evidence,
    verdict: Verdict,
    lines: Sequence[tuple[int, str]] | None,
    images: Mapping[str, bytes],
    place: SitePlace | None = None,
) -> str:
    """The page.

    Args:
        evidence: what was gathered.
        verdict: what was judged from it.
        lines: the log, each line with its epoch milliseconds; None where it is too long for a page.
        images: the PNG artifacts by name.
        place: where the page stands in a site; without one it stands alone, with a script.
    """
    manifest = evidence.manifest
    due = RunId.parse(evidence.run_id).scheduled_time
    body = [
        place.trail if place else None,
        _header(evidence, verdict),
        el(
            "main",
            _diagnosis(verdict.diagnosis),
            section("Verdict", _tree(verdict.checks)),
            section("Timeline", timeline(due, evidence.known_tasks, evidence.owner)),
            _plots(images),
            manifest_sections(manifest) if manifest else None,
            _log(lines, searched=place is None),
        ),
        _footer(evidence, place),
    ]
    title = f"{verdict.ruling} {verdict.run_id}"
    return page(title, el("div", body), script="report.js", place=place)


def _header(evidence: Evidence, verdict: Verdict) -> Html:
    run_id, manifest = RunId.parse(evidence.run_id), evidence.manifest
    asked = "Scheduled" if run_id.token is None else "Requested"
    facts = [(asked, _when(run_id.scheduled_time.isoformat()))]
    if manifest is not None:
        took = parse_time(manifest.finished_at) - parse_time(manifest.started_at)
        facts += [
            ("Outcome", str(manifest.outcome)),
            ("Took", f"{took.total_seconds():,.1f} s"),
            ("Artifacts", str(len(manifest.artifacts))),
        ]
        if feed := manifest.settings.get("feed") or manifest.settings.get("source"):
            facts.append(("Data", str(feed)))
    summary = evidence.expectation.workload.summary if evidence.expectation else ""
    dollars = _cost(evidence)
    if dollars is not None:
        table = prices(evidence.known_tasks[0].region)
        whose = f" at the prices of {table.region}" if table.borrowed else ""
        facts.append(("Cost", f"${dollars:.4f}{whose}"))
    if evidence.logs is not None:
        facts.append(("Log", f"{evidence.logs.numbered:,} lines"))
    return el(
        "header",
        el("p", verdict.ruling, class_=f"ruling {_RULINGS[verdict.ruling]}"),
        el("h1", evidence.run_id),
        _origin(evidence).banner(),
        el("p", summary, class_="summary"),
        el("dl", [el("div", el("dt", name), el("dd", value)) for name, value in facts]),
    )


def _origin(evidence: Evidence) -> Origin:
    """The origin by the record of the task that owns the run, or else by claim and manifest."""
    manifest, task = evidence.manifest, evidence.owner or next(iter(evidence.known_tasks), None)
    feed = str((manifest.settings.get("feed") if manifest else None) or "")
    if task is not None:
        digest = (task.image or "").partition("@")[2] or task.image_digest
        return Origin.of_task(task.task_arn, image=digest or "", feed=feed)
    claimed = evidence.claim.task_arn if evidence.claim else ""
    image = manifest.image_digest if manifest else None
    return Origin.of_task(claimed, image=image or "", feed=feed, witnessed=False)


def _cost(evidence: Evidence) -> float | None:
    """What all tasks of the run cost, duplicates too; None while one of them cannot say."""
    costs = [run_cost(task, prices(task.region)) for task in evidence.tasks if task.region]
    known = [dollars for dollars in costs if dollars is not None]
    return sum(known) if known and len(known) == len(evidence.tasks) else None


def _diagnosis(found: Diagnosis | None) -> Html | None:
    if found is None:
        return None
    rows = [el("p", found.meaning), el("p", el("strong", "Next: "), found.hint)]
    head = el("h2", found.summary[:1].upper() + found.summary[1:], id="diagnosis")
    return el("section", head, *rows, class_="diagnosis", aria_labelledby="diagnosis")


def _tree(checks: Sequence[Check]) -> Html:
    return el("ul", [_branch(check) for check in checks], class_="tree")


def _branch(check: Check) -> Html:
    chip = el(
        "span",
        el("span", check.status, aria_hidden="true"),
        el("span", _SPOKEN[check.status], class_="spoken"),
        class_=f"chip {_CLASSES[check.status]}",
    )
    words = el("span", el("span", check.name, class_="name"), " ", check.detail)
    row = el("span", chip, words, class_="row")
    below = _tree(check.children) if check.children else None
    return el("li", row, below)


def _plots(images: Mapping[str, bytes]) -> Html | None:
    if not images:
        return None
    figures = [
        el(
            "figure",
            el(
                "img",
                src="data:image/png;base64," + base64.b64encode(content).decode(),
                alt=f"The plot {name} that the run saved",
            ),
            el("figcaption", name),
        )
        for name, content in images.items()
    ]
    return section("Plots", *figures)


def _log(lines: Sequence[tuple[int, str]] | None, *, searched: bool) -> Html:
    if lines is None:
        return section(
            "Log", el("p", "It is too long for this page: see ", el("code", "toolkit logs"))
        )
    rows = [_line(time, message) for time, message in lines]
    if not rows:
        return section("Log", el("p", "No line was found."))
    search = el(
        "p",
        el("label", "Search ", el("input", type="search", id="search", autocomplete="off")),
        el("output", f"{len(rows):,} lines", id="found", for_="search"),
        el("span", "times are UTC"),
        class_="search",
    )
    listed = el("ol", rows, class_="log", tabindex="0", aria_label="Log lines")
    return section("Log", search if searched else None, listed)


def _line(time: int, message: str) -> Html:
    clock = datetime.fromtimestamp(time / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    event = parse_event(message)
    if event is None:
        return el("li", el("time", clock), " ", el("span", message))
    hidden = ("seq", "time", "run_id", "event", "traceback")
    rest = "  ".join(f"{key}={value_in_words(v)}" for key, v in event.items() if key not in hidden)
    loud = any(word in event["event"] for word in _LOUD)
    trace = event.get("traceback")
    return el(
        "li",
        el("time", clock),
        " ",
        el("b", event["event"]),
        " ",
        el("span", rest),
        el("pre", trace) if trace else None,
        class_="loud" if loud else None,
    )


def _when(text: str) -> str:
    return parse_time(text).strftime("%Y-%m-%d %H:%M:%S UTC")


def _footer(evidence: Evidence, place: SitePlace | None) -> Html:
    command = place.again if place else "toolkit validate --evidence DIR"
    told = f"Judged from evidence gathered {_when(evidence.gathered_at)}. "
    return el("footer", told, el("code", command), " judges it again.")
