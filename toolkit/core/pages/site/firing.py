"""The page of a firing: what manifest, witness and a kept cause say. Nothing is judged."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from toolkit.core.causes.missed import Cause
from toolkit.core.pages.html import Html, el, page, section
from toolkit.core.pages.manifest import manifest_sections
from toolkit.core.pages.site.amounts import dollars_in_words, span_in_words
from toolkit.core.pages.site.index import About, footer
from toolkit.core.pages.site.places import below_schedule
from toolkit.core.pages.site.record import SiteRow
from toolkit.core.pages.states import chip
from toolkit.core.pages.timeline import timeline
from toolkit.core.proof.ledger import State
from toolkit.runtime.contract import Gate, Manifest

_RAN = "what its manifest and its task's record say; they were not held against each other here"


@frozen
class FiringFacts:
    """What was read of a firing; ``commands`` are those that look further, by what they do."""

    row: SiteRow
    manifests: tuple[Manifest, ...] = ()
    problems: tuple[str, ...] = ()
    cause: Cause | None = None
    commands: Mapping[str, str] = field(factory=dict)


def firing(about: About, facts: FiringFacts) -> str:
    """The page."""
    run_id = facts.row.firing.run_id
    place = below_schedule(about.app, run_id.schedule)
    task = facts.row.firing.task
    body = [
        place.trail,
        _header(about, facts),
        el(
            "main",
            _cause(facts.cause),
            _further(facts),
            section("Timeline", timeline(run_id.scheduled_time, [task], task)) if task else None,
            [_manifest(manifest) for manifest in facts.manifests],
        ),
        footer(about),
    ]
    return page(str(run_id), el("div", body), place=place)


def _header(about: About, facts: FiringFacts) -> Html:
    firing, measures = facts.row.firing, facts.row.measures
    asked = "Scheduled" if firing.run_id.token is None else "Requested"
    rows = [(asked, f"{firing.run_id.scheduled_time:%Y-%m-%d %H:%M:%S} UTC")]
    if measures.delay is not None:
        rows.append(("Delay", span_in_words(measures.delay)))
    if measures.seconds is not None:
        rows.append(("Duration", span_in_words(measures.seconds)))
    if measures.dollars is not None:
        rows.append(("Cost", dollars_in_words(measures.dollars)))
    if firing.seal:
        rows.append(("Sealed in", firing.seal))
    return el(
        "header",
        el("p", chip(firing.state), class_="state"),
        el("h1", str(firing.run_id)),
        about.origin.banner(),
        el("p", facts.row.note, class_="summary") if facts.row.note else None,
        el("dl", [el("div", el("dt", name), el("dd", words)) for name, words in rows]),
        [el("p", text, class_="problem") for text in facts.problems],
    )


def _cause(cause: Cause | None) -> Html | None:
    if cause is None:
        return None
    asked = f"By CloudTrail's event history, asked {cause.asked_at[:19]}Z."
    return section("Why", el("p", cause.summary), el("p", asked, class_="summary"))


def _further(facts: FiringFacts) -> Html | None:
    if not facts.commands:
        return None
    rows = [
        el("div", el("dt", name), el("dd", el("code", text)))
        for name, text in facts.commands.items()
    ]
    ran = facts.row.firing.state not in {State.MISSED, State.DEAD_LETTERED}
    told = el("p", f"This page shows {_RAN}.", class_="summary") if ran else None
    return section("Look further", told, el("dl", rows, class_="commands"))


def _manifest(manifest: Manifest) -> Html:
    return el("div", _error(manifest), _gates(manifest.gates), manifest_sections(manifest))


def _error(manifest: Manifest) -> Html | None:
    error = manifest.error
    if not error:
        return None
    texts = {name: str(error[name]) for name in ("type", "message", "hint") if error.get(name)}
    trace = error.get("traceback")
    head = f"{texts.get('type', 'Error')}: {texts.get('message', '')}"
    return section(
        "Error",
        el("p", head),
        el("p", texts["hint"]) if "hint" in texts else None,
        el("details", el("summary", "Traceback"), el("pre", str(trace))) if trace else None,
    )


def _gates(gates: Sequence[Gate]) -> Html | None:
    if not gates:
        return None
    rows = [
        el(
            "tr",
            el("th", gate.name, scope="row"),
            el(
                "td",
                el(
                    "span",
                    "passed" if gate.passed else "failed",
                    class_="chip ok" if gate.passed else "chip ng",
                ),
            ),
            el("td", f"{gate.value:.6g}", class_="number"),
            el("td", f"{gate.op} {gate.limit:.6g}", class_="number"),
        )
        for gate in gates
    ]
    names = (("Gate", None), ("", None), ("Value", "number"), ("Limit", "number"))
    head = [el("th", name, scope="col", class_=css) for name, css in names]
    return section("Gates", el("table", el("thead", el("tr", head)), el("tbody", rows)))
