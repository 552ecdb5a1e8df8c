"""What a manifest says, as sections of a page."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from toolkit.core.pages.html import Html, el, scrolling, section
from toolkit.runtime.contract import Manifest

_LEAST_MILLISECONDS = 10**12  # 2001; no count of anything here comes near it


def manifest_sections(manifest: Manifest) -> Html:
    """Artifacts, metrics, settings and identity, as the run wrote them."""
    rows = [
        el(
            "tr",
            el("th", artifact.name, scope="row"),
            el("td", f"{artifact.bytes:,}", class_="number"),
            el("td", "" if artifact.rows is None else f"{artifact.rows:,}", class_="number"),
            el("td", el("code", artifact.sha256)),
        )
        for artifact in manifest.artifacts
    ]
    head = [
        el("th", "Artifact", scope="col"),
        el("th", "Bytes", scope="col", class_="number"),
        el("th", "Rows", scope="col", class_="number"),
        el("th", "SHA-256", scope="col"),
    ]
    table = el("table", el("thead", el("tr", head)), el("tbody", rows))
    listed = scrolling(table, "Artifacts") if rows else el("p", "None.")
    return el(
        "div",
        section("Artifacts", listed),
        section("Metrics", _pairs(manifest.metrics)),
        section("Settings", _pairs(manifest.settings)),
        section(
            "Identity",
            _pairs(
                {
                    "task": manifest.task_arn,
                    "image": manifest.image,
                    "execution id": manifest.execution_id,
                    "started": manifest.started_at,
                    "finished": manifest.finished_at,
                },
                css="pairs wide",
            ),
        ),
    )


def _pairs(values: Mapping[str, object], css: str = "pairs") -> Html:
    deep = {name: value for name, value in values.items() if isinstance(value, (dict, list))}
    rows = [
        el("div", el("dt", name), el("dd", _when_or_value(name, value)))
        for name, value in values.items()
        if name not in deep and value is not None
    ]
    folded = [
        el("details", el("summary", name), el("pre", json.dumps(value, indent=1)))
        for name, value in deep.items()
    ]
    if not rows and not folded:
        return el("p", "None.")
    return el("div", el("dl", rows, class_=css) if rows else None, folded)


def _when_or_value(name: str, value: object) -> str:
    """A value as text; a moment that is told in epoch milliseconds, as exchanges do, as a time."""
    if name.endswith("_time") and isinstance(value, int) and value > _LEAST_MILLISECONDS:
        with suppress(OverflowError, ValueError, OSError):
            return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return value_in_words(value)


def value_in_words(value: object) -> str:
    """A value of JSON as text."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
