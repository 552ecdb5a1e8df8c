"""The checks that hold the pieces of evidence against each other.

A container writes the claim, the artifacts and the manifest: that is the run's word. ECS,
EventBridge, CloudFormation and S3 write the rest: these are witnesses. What stands in two places
must be the same, and a run passes only if a witness confirms its word.
"""

from collections.abc import Iterator
from datetime import timedelta

from toolkit.core.checks import Check, Status
from toolkit.core.proof.case import Case
from toolkit.core.proof.evidence import run_of
from toolkit.core.proof.statements import statements
from toolkit.runtime.contract import (
    RUN_TOKEN,
    ContractError,
    Manifest,
    Outcome,
    check_artifact_name,
    parse_time,
)

# S3, ECS and the container each have a clock.
_CLOCKS = timedelta(minutes=5)


def pieces(case: Case) -> Check | None:
    """Claim, manifest, keys, task, task definition and log name the same run."""
    evidence, manifest = case.evidence, case.evidence.manifest
    if evidence.claim is None and manifest is None:
        return None
    name = "pieces"
    conflicts = [conflict for row in statements(case) if (conflict := row.conflict)]
    conflicts += _strays(case)
    if conflicts:
        children = tuple(Check(name, Status.FAIL, text) for text in conflicts)
        return Check(name, Status.FAIL, conflicts[0], children[1:], finding="pieces-disagree")
    if manifest is not None and evidence.claim is None:
        unread = any(problem.startswith(case.run_id.claim_key) for problem in evidence.problems)
        if unread or case.launch is None:
            return Check(name, Status.UNKNOWN, "the claim is not known")
        text = "the run was committed, and its claim is gone"
        return Check(name, Status.FAIL, text, finding="claim-missing")
    agree = sum(row.shared for row in statements(case))
    return Check(name, Status.OK, f"{agree} facts stand in more than one piece, all the same")


def expectation(case: Case) -> Check | None:
    """What the run must have done is known, as it was deployed."""
    name, evidence = "expectation", case.evidence
    if not (case.tasks or evidence.claim or evidence.manifests):
        return None
    known, definition = evidence.expectation, evidence.task_definition
    label = definition.catalog_digest if definition is not None else _sealed_label(case)
    if known is None:
        text = "what was expected of the workload when the run was deployed is not known"
        return Check(name, Status.UNKNOWN, text, finding="expectation-unknown")
    if not known.assumed and known.digest != label:
        text = "the catalog row is not the one that the task definition names"
        return Check(name, Status.FAIL, text, finding="pieces-disagree")
    if known.assumed and label is not None:
        text = f"the catalog row {label[:12]}… that was deployed cannot be read"
        return Check(name, Status.UNKNOWN, text, finding="expectation-unknown")
    if known.assumed:
        return Check(name, Status.OK, "assumed: today's catalog; version 0.1 deployed the run")
    return Check(name, Status.OK, f"catalog row {known.digest[:12]}… as deployed")


def _sealed_label(case: Case) -> str | None:
    """The digest that the task definition named, where it is gone and its seal tells."""
    sealed = case.evidence.seal_witness
    label = sealed.row.facts.get("catalog") if sealed is not None else None
    return label if isinstance(label, str) else None


def _strays(case: Case) -> Iterator[str]:
    """Tasks, keys and artifacts of another run, and times outside of this one."""
    evidence, manifest = case.evidence, case.evidence.manifest
    for task in evidence.tasks:
        if run_of(task) != case.run_id:
            yield f"task {task.task_arn} was launched for another run"
    if case.launch is not None and case.launch.get(RUN_TOKEN) != case.run_id.token:
        yield "the launch has another RUN_TOKEN than the run id"
    if manifest is None:
        return
    if case.is_current and not (evidence.ledger and all(r.modified_at for r in evidence.ledger)):
        yield "where and when the manifest was stored is not known"
    if manifest.outcome is Outcome.SUCCEEDED and manifest.error:
        yield "the manifest says succeeded, and gives an error"
    if case.is_current and case.owner is not None and case.owner.task_definition_arn is None:
        yield f"{case.witness} names no task definition"
    yield from _artifact_strays(case, manifest)
    yield from _time_strays(case, manifest)


def _artifact_strays(case: Case, manifest: Manifest) -> Iterator[str]:
    names = [artifact.name for artifact in manifest.artifacts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the manifest lists {name} twice"
    gates = [gate.name for gate in manifest.gates]
    for name in sorted({name for name in gates if gates.count(name) > 1}):
        yield f"the manifest lists gate {name} twice"
    for artifact in manifest.artifacts:
        try:
            check_artifact_name(artifact.name)
        except ContractError as error:
            yield str(error)
            continue
        if artifact.key != case.run_id.artifact_key(artifact.name):
            yield f"the key of {artifact.name} is {artifact.key}, which is not this run's"
    logs = case.evidence.logs
    lost = sorted(set(logs.saved) - set(names)) if logs is not None else []
    if lost:
        yield f"the log says that {', '.join(lost)} was saved, and the manifest does not list it"


def _time_strays(case: Case, manifest: Manifest) -> Iterator[str]:
    """Times of the run's word must lie within the life of its task, as ECS tells it."""
    task = case.owner
    if task is None:
        return
    began, ended = task.times.get("createdAt"), task.times.get("stoppedAt")
    if task.stopped and not (began and ended):
        yield f"{case.witness} does not say when the task began and ended"
    claim = case.evidence.claim
    rows = {
        "the claim": claim.claimed_at if claim else None,
        "the start": manifest.started_at,
        "the manifest": manifest.finished_at,
        **{row.key: row.modified_at or None for row in case.evidence.ledger or ()},
    }
    for what, text in rows.items():
        if text is None:
            continue
        try:
            time = parse_time(text)
        except ContractError as error:
            yield f"{what}: {error}"
            continue
        early = began is not None and time < parse_time(began) - _CLOCKS
        late = ended is not None and time > parse_time(ended) + _CLOCKS
        if early or late:
            yield f"{what} is of {text}, outside the life of its task"
