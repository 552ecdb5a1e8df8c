"""The facts of a run's evidence that a seal keeps, and how later evidence is held against them.

One function takes the facts, when a day is sealed and whenever the run is judged afterwards. What
changes by itself is no fact: the time of gathering, what is deployed today, how long logs are kept,
when S3 restored an artifact.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import asdict

from toolkit.core.checks import Check, Status
from toolkit.core.proof.case import Case
from toolkit.core.proof.evidence import Evidence, StoredObject
from toolkit.core.proof.seal import canonical, digest_of
from toolkit.core.task import Task
from toolkit.runtime.contract import ContractError, RunId, parse_time
from toolkit.runtime.documents import bounded

# In place of the names of artifacts; no artifact has this name.
ALL = "*"
_ARTIFACTS = 1024 * 1024  # characters of canonical JSON: some thousand artifacts
_SHOWN = 3
_LONG = 80


def facts(evidence: Evidence) -> dict[str, Any]:
    """What a seal keeps of a run, as a JSON object; see docs/formats.md, `seal/1`."""
    log, definition = evidence.logs, evidence.task_definition
    found: dict[str, Any] = {
        "claim": evidence.claim_sha256,
        "manifests": [_manifest(stored) for stored in evidence.ledger or ()],
        "artifacts": dict(_artifacts(evidence)),
        "catalog": _catalog(evidence),
        "tasks": [_task(task) for task in evidence.tasks],
        "task_definition": None if definition is None else digest_of(asdict(definition)),
        "log": None if log is None else {"lines": log.numbered, "sha256": log.sha256},
        "dead_letters": sorted({digest_of(asdict(row)) for row in evidence.dead_letters}),
        "due": evidence.expected,
        "launch_window": evidence.launch_window,
    }
    # A folder is read back without what steers a terminal.
    known: dict[str, Any] = bounded(found)
    return {**known, "artifacts": _summed_up(known["artifacts"])}


def _manifest(stored: StoredObject) -> dict[str, Any]:
    return {
        "key": stored.key,
        "bytes": stored.bytes,
        "sha256": stored.sha256,
        "modified_at": stored.modified_at,
    }


def _artifacts(evidence: Evidence) -> Iterator[tuple[str, dict[str, Any]]]:
    """Size, SHA-256 and media type of each artifact, as S3 recorded them."""
    prefix = RunId.parse(evidence.run_id).prefix
    for key, stored in sorted(evidence.objects.items()):
        said = {"bytes": stored.bytes, "sha256": stored.sha256, "media_type": stored.media_type}
        yield key.removeprefix(prefix), said if stored.key == key else {**said, "key": stored.key}


def _summed_up(artifacts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Artifacts as they are; more than fit into a seal as one number and one digest.

    A run that never commits may leave any number of objects in its folder, and a seal that holds
    them all is one that no reader takes.
    """
    if len(canonical(artifacts)) <= _ARTIFACTS:
        return artifacts
    return {ALL: {"count": len(artifacts), "sha256": digest_of(artifacts)}}


def _catalog(evidence: Evidence) -> str | None:
    expectation = evidence.expectation
    return None if expectation is None or expectation.assumed else expectation.digest


def _task(task: Task) -> dict[str, Any]:
    """What people look for in a task, and the digest of all that is known of it."""
    known = {name: value for name, value in asdict(task).items() if name != "source"}
    return {
        "task_arn": task.task_arn,
        "task_definition": task.task_definition_arn,
        "image": task.image,
        "image_digest": task.image_digest,
        "exit_code": task.exit_code,
        "stop_code": task.stop_code,
        "times": dict(task.times),
        "sha256": digest_of(known),
    }


def sealed_task(facts: Mapping[str, Any]) -> Task | None:
    """The task of a sealed run, as far as the seal tells: of several, one that ended with 0.

    A value of another type than a seal has is left out.
    """
    rows = facts.get("tasks")
    tasks = rows if isinstance(rows, list | tuple) else ()
    known = [_read_task(row) for row in tasks if isinstance(row, Mapping)]
    return next((task for task in known if task.exit_code == 0), known[-1] if known else None)


def _read_task(row: Mapping[str, Any]) -> Task:
    code, times = row.get("exit_code"), row.get("times")
    moments = times.items() if isinstance(times, Mapping) else ()
    return Task(
        task_arn=_text(row, "task_arn") or "",
        last_status="STOPPED" if code is not None or row.get("stop_code") else "UNKNOWN",
        exit_code=code if isinstance(code, int) else None,
        stop_code=_text(row, "stop_code"),
        image=_text(row, "image"),
        image_digest=_text(row, "image_digest"),
        task_definition_arn=_text(row, "task_definition"),
        times={name: text for name, text in moments if _is_time(text)},
        source="seal",
    )


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def _is_time(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(parse_time(text))
    except ContractError:
        return False


def differences(sealed: Any, found: Any, path: str = "") -> Iterator[str]:
    """What is not as it was sealed, each in words."""
    if isinstance(sealed, Mapping) and isinstance(found, Mapping):
        for name in sorted({*sealed, *found}):
            below = f"{path} {name}".strip()
            yield from differences(sealed.get(name), found.get(name), below)
    elif isinstance(sealed, list) and isinstance(found, list) and len(sealed) == len(found):
        for number, (before, after) in enumerate(zip(sealed, found, strict=True), 1):
            below = f"{path} {number}" if len(sealed) > 1 else path
            yield from differences(before, after, below)
    elif canonical(sealed) != canonical(found):
        yield f"{path}: sealed {_short(sealed)}, found {_short(found)}"


def _short(value: Any) -> str:
    text = "nothing" if value in (None, [], {}) else canonical(value).strip('"')
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def seal(case: Case) -> Check | None:
    """The evidence is what was sealed; no check where the run was not sealed.

    What is not there any more cannot be held against the seal: it is UNKNOWN, not FAIL. Logs,
    records and artifacts are kept for a time, and a seal for ever.
    """
    sealed = case.evidence.sealed
    if sealed is None:
        return None
    found = facts(case.evidence)
    # A later version may seal more; it is not held against evidence of which this one knows less.
    wanted = {name: value for name, value in sealed.row.facts.items() if name in found}
    if isinstance(wanted.get("artifacts"), Mapping):
        wanted["artifacts"] = _summed_up(wanted["artifacts"])
    wrong = [f"{name}: not in the seal" for name in sorted(found.keys() - wanted.keys())]
    gone = list(_gone(case, wanted, found))
    wrong += differences(
        {name: _without(gone, name, value) for name, value in wanted.items()},
        {name: _without(gone, name, found[name]) for name in wanted},
    )
    if sealed.row.run_id != case.evidence.run_id:
        wrong.insert(0, f"the seal is of {sealed.row.run_id}")
    if wrong:
        children = tuple(Check("seal", Status.FAIL, text) for text in wrong[1:_SHOWN])
        return Check("seal", Status.FAIL, wrong[0], children)
    text = f"as sealed in {sealed.key}, {sealed.sealed_at[:19]}Z"
    if gone:
        more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
        text += f", but for what is gone: {', '.join(gone[:_SHOWN])}{more}"
    return Check("seal", Status.UNKNOWN if gone else Status.OK, text)


def _gone(case: Case, sealed: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """The facts whose evidence is not there any more, by name; of artifacts each with its own."""
    for name in ("claim", "catalog", "task_definition", "tasks"):
        if sealed.get(name) and not found[name]:
            yield name
    if sealed.get("log") and _lines(found["log"]) < (_lines(sealed["log"]) if case.expired else 1):
        yield "log"
    if isinstance(sealed.get("artifacts"), Mapping):
        yield from (f"artifacts {name}" for name in sealed["artifacts"].keys() - found["artifacts"])
    if not (found["tasks"] or found["claim"] or found["manifests"]):
        # Asked only where there is no trace of a run, as there was when it was sealed.
        asked = ("due", "launch_window")
        yield from (name for name in asked if sealed.get(name) is None and found[name] is not None)


def _lines(log: Any) -> int:
    count = log.get("lines") if isinstance(log, Mapping) else 0
    return count if isinstance(count, int) else 0


def _without(gone: Sequence[str], name: str, value: Any) -> Any:
    """A fact without what of it is gone."""
    if name in gone:
        return None
    if name != "artifacts" or not isinstance(value, Mapping):
        return value
    return {key: row for key, row in value.items() if f"artifacts {key}" not in gone}


def signature(case: Case) -> Check | None:
    """The key that somebody gave signed the seal; no check where nobody gave one."""
    found = case.evidence.key_check
    if found is None:
        return None
    if found.problem:
        return Check("signature", Status.FAIL, found.problem)
    # Not by its key id: anybody can write another one there, for DSSE signs none.
    return Check("signature", Status.OK, f"the given key ({found.key[:16]}…) signed the seal")
