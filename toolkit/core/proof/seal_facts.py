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
from toolkit.core.proof.seal import Sealed, canonical, digest_of
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId
from toolkit.runtime.documents import bounded

# In place of the names of artifacts; no artifact has this name.
ALL = "*"
_ARTIFACTS = 1024 * 1024  # characters of canonical JSON: some thousand artifacts
_SHOWN = 3
_LONG = 80
# What a seal may stand for once it is gone, by the name of the fact.
_STANDS_FOR = {
    "tasks": "the record of the task",
    "task_definition": "the task definition",
    "log": "the log",
}


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
    records and artifacts are kept for a time, and a seal for ever: where the run passed when it was
    sealed, and something vouches for the seal, it stands for the record and the log.
    """
    sealed, problems = case.evidence.sealed, case.evidence.seal_problems
    if problems:
        more = tuple(Check("seal", Status.UNKNOWN, text) for text in problems[1:_SHOWN])
        return Check("seal", Status.UNKNOWN, problems[0], more, finding="seal-broken")
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
        return Check("seal", Status.FAIL, wrong[0], children, finding="seal-differs")
    return _as_sealed(case, sealed, gone)


def _as_sealed(case: Case, sealed: Sealed, gone: Sequence[str]) -> Check:
    """Nothing is other than it was sealed: what of it is gone, and what the seal stands for."""
    text = f"as sealed in {sealed.key}, {sealed.sealed_at[:19]}Z"
    if case.passed_when_sealed is not None:
        stands_for = [words for name, words in _STANDS_FOR.items() if name in gone]
        gone = [name for name in gone if name not in _STANDS_FOR]
        text += f", which stands for {' and '.join(stands_for)}" if stands_for else ""
    if not gone:
        return Check("seal", Status.OK, text)
    more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
    text += f", but for what is gone: {', '.join(gone[:_SHOWN])}{more}"
    if case.evidence.seal_witness is None:
        text += "; neither a later seal nor a signature confirms it"
    return Check("seal", Status.UNKNOWN, text)


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
