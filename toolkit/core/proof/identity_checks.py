"""The checks that hold the pieces of evidence against each other.

A container writes the claim, the artifacts and the manifest: that is the run's word. ECS,
EventBridge, CloudFormation and S3 write the rest: these are witnesses. What stands in two places
must be the same, and a run passes only if a witness confirms its word.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from attrs import frozen

from toolkit.core.checks import Check, Status
from toolkit.core.proof.case import Case
from toolkit.core.proof.evidence import run_of
from toolkit.core.proof.expectation import TaskDefinition
from toolkit.core.proof.log_digest import saved_words
from toolkit.runtime.contract import (
    ATTEMPT,
    BUCKET,
    CONTRACT_VARIABLES,
    EXECUTION_ID,
    IMAGE,
    MADE_GOOD_BY,
    MADE_GOOD_WHY,
    MAX_RUNTIME_SECONDS,
    RUN_TOKEN,
    WORKLOAD,
    ContractError,
    Manifest,
    Outcome,
    check_artifact_name,
    parse_time,
)
from toolkit.runtime.urls import REDACTED, hide_credentials

# What templates/workload.yaml sets in the task definition.
_OF_THE_DEFINITION = frozenset({WORKLOAD, BUCKET, IMAGE, MAX_RUNTIME_SECONDS})
# S3, ECS and the container each have a clock.
_CLOCKS = timedelta(minutes=5)


@frozen
class Statement:
    """One thing that several pieces say: ``values`` by the piece that says it.

    A piece that says nothing is passed over, unless the statement is ``strict``: then nothing is a
    value like any other.
    """

    name: str
    values: Mapping[str, str | None]
    strict: bool = False

    @property
    def conflict(self) -> str | None:
        """The disagreement in words; None where all that speak agree."""
        said = {
            piece: value for piece, value in self.values.items() if self.strict or value is not None
        }
        if len(set(said.values())) < 2:
            return None
        words = (f"{piece} has {value or 'nothing'}" for piece, value in said.items())
        return f"{self.name}: {', '.join(words)}"


def pieces(case: Case) -> Check | None:
    """Claim, manifest, keys, task, task definition and log name the same run."""
    evidence, manifest = case.evidence, case.evidence.manifest
    if evidence.claim is None and manifest is None:
        return None
    name = "pieces"
    conflicts = [conflict for row in _statements(case) if (conflict := row.conflict)]
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
    agree = len([row for row in _statements(case) if len(_told(row)) > 1])
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


def _told(row: Statement) -> list[str]:
    return [value for value in row.values.values() if value is not None]


def _statements(case: Case) -> Iterator[Statement]:
    """Everything that stands in more than one piece."""
    evidence, claim, manifest = case.evidence, case.evidence.claim, case.evidence.manifest
    owner, definition, workload = case.owner, evidence.task_definition, case.workload
    facts = evidence.logs.facts if evidence.logs is not None else {}
    launched = case.launch
    yield Statement(
        "run id",
        {
            "the request": evidence.run_id,
            "the claim": _said(claim, "run_id"),
            "the manifest": _said(manifest, "run_id"),
        },
    )
    yield Statement(
        "schedule",
        {
            "the run id": case.run_id.schedule,
            "the manifest": _said(manifest, "schedule"),
            "the log": facts.get("run.started.schedule"),
        },
    )
    yield Statement(
        "scheduled time",
        {
            "the run id": _second(case.due.isoformat()),
            "the manifest": _second(_said(manifest, "scheduled_time")),
            "the log": _second(facts.get("run.started.scheduled_time")),
        },
    )
    yield Statement(
        "workload",
        {
            "the task definition": _said(definition, "workload"),
            "the catalog row": _said(workload, "name"),
            "the manifest": _said(manifest, "workload"),
            "the log": facts.get("run.started.workload"),
        },
    )
    yield Statement(
        "task",
        {
            "the claim": _said(claim, "task_arn"),
            "the manifest": _said(manifest, "task_arn"),
            "the log": facts.get("run.started.task_arn"),
            case.witness: _said(owner, "task_arn"),
        },
    )
    yield Statement(
        "task definition",
        {
            case.witness: _said(owner, "task_definition_arn"),
            "its description": _said(definition, "arn"),
        },
    )
    for variable, field in ((EXECUTION_ID, "execution_id"), (ATTEMPT, "attempt")):
        said = {"the launch": launched.get(variable)} if launched is not None else {}
        said |= {"the claim": _said(claim, field)} if claim is not None else {}
        said |= {"the manifest": _said(manifest, field)} if manifest is not None else {}
        yield Statement(field.replace("_", " "), said, strict=True)
    if manifest is not None:
        yield from _of_manifest(case, manifest, facts)


def _of_manifest(case: Case, manifest: Manifest, facts: Mapping[str, str]) -> Iterator[Statement]:
    """What the manifest says that its key, the launch, the log and the exit code say, too."""
    evidence, owner, logs = case.evidence, case.owner, case.evidence.logs
    key = evidence.ledger[0].key if evidence.ledger else None
    yield Statement("key", {"S3": key, "the manifest": case.run_id.manifest_key(manifest.outcome)})
    code = owner.exit_code if owner is not None and owner.stopped else None
    ended = str(code) if code is not None and _about_success(manifest, code) else None
    yield Statement(
        "exit code",
        {
            "the manifest": str(manifest.outcome.exit_code),
            "the log": facts.get("run.finished.exit_code"),
            # Another way to fail, such as SIGKILL, has its own check.
            case.witness: ended,
        },
    )
    yield Statement(
        "image",
        {
            "the manifest": manifest.image,
            "its environment": manifest.environment.get(IMAGE),
            "the log": facts.get("run.started.image"),
            case.witness: _said(owner, "image"),
            "the task definition": _said(case.evidence.task_definition, "image") or None,
        },
    )
    named = manifest.environment.get(WORKLOAD)
    yield Statement("workload", {"the manifest": manifest.workload, "its environment": named})
    _, _, digest = manifest.image.partition("@")
    yield Statement(
        "image digest", {"the image": digest or None, "the manifest": manifest.image_digest}
    )
    yield Statement(
        "outcome",
        {"the manifest": manifest.outcome.value, "the log": facts.get("run.finished.outcome")},
    )
    yield from _made_good(case, manifest)
    yield from _environment(case, manifest)
    for artifact in manifest.artifacts:
        whole = logs is not None and logs.numbered == manifest.log_lines
        words = saved_words(artifact.sha256, artifact.bytes, artifact.rows)
        said: dict[str, str | None] = {"the manifest": words}
        said |= {"the log": logs.saved.get(artifact.name)} if logs is not None else {}
        yield Statement(f"content of {artifact.name}", said, strict=whole)
        stored = evidence.objects.get(artifact.key)
        if stored is not None:
            # Version 0.1 did not ask S3 for it.
            kind = {"the manifest": artifact.media_type, "S3": stored.media_type or None}
            yield Statement(f"media type of {artifact.name}", kind, strict=_is_new(case))
            yield Statement("key", {"the manifest": artifact.key, "S3": stored.key})


def _about_success(manifest: Manifest, code: int) -> bool:
    return (manifest.outcome.exit_code == 0) != (code == 0)


def _made_good(case: Case, manifest: Manifest) -> Iterator[Statement]:
    """Who made the firing good, and why, as the launch and the manifest have it."""
    made, launched = manifest.made_good, case.launch
    if launched is None:
        return
    for variable, name in ((MADE_GOOD_BY, "by"), (MADE_GOOD_WHY, "why")):
        said = _said(made, name) or None
        pieces = {"the launch": launched.get(variable) or None, "the manifest": said}
        yield Statement(f"made good: {name}", pieces, strict=True)
    if made is not None:
        late = (parse_time(manifest.started_at) - case.due).total_seconds()
        said = f"{made.late_seconds:.3f}"
        yield Statement("made good: late", {"the start": f"{late:.3f}", "the manifest": said})


def _environment(case: Case, manifest: Manifest) -> Iterator[Statement]:
    """The variables that the launch and the task definition set, as the manifest has them."""
    definition = case.evidence.task_definition
    if case.launch is not None:
        yield from _launched(case, manifest, case.launch, definition)
    if case.owner is not None:
        yield from _settings(case, manifest)


def _launched(
    case: Case,
    manifest: Manifest,
    launch: Mapping[str, str],
    definition: TaskDefinition | None,
) -> Iterator[Statement]:
    given = {**(definition.environment if definition else {}), **launch}
    settings = {variable.name for variable in case.workload.variables} if case.workload else set()
    names = (given.keys() & (CONTRACT_VARIABLES | settings)) | manifest.environment.keys()
    # What the task definition sets is not known where version 0.1 did not keep it.
    unknown = _OF_THE_DEFINITION if definition is None else frozenset()
    for name in sorted(names - (unknown - given.keys())):
        recorded, launched = manifest.environment.get(name), given.get(name)
        if recorded != REDACTED:
            launched = None if launched is None else hide_credentials(launched)
            said = {"the launch": launched, "the manifest": recorded}
            yield Statement(name, said, strict=True)


def _settings(case: Case, manifest: Manifest) -> Iterator[Statement]:
    """The settings are what the environment means to the workload as it was deployed."""
    expectation = case.evidence.expectation
    if expectation is None or expectation.assumed:
        return
    secret = {row.name.lower() for row in expectation.workload.variables if row.secret}
    try:
        meant = expectation.workload.settings(manifest.environment)
    except ContractError:
        return  # a secret's value is not in the manifest
    for name in sorted((meant.keys() | manifest.settings.keys()) - secret):
        said: dict[str, str | None] = {
            "the environment": hide_credentials(str(meant.get(name))),
            "the manifest": str(manifest.settings.get(name)),
        }
        yield Statement(f"setting {name}", said, strict=True)


def _is_new(case: Case) -> bool:
    """Whether all is there that a run of today leaves: version 0.1 left less."""
    expectation = case.evidence.expectation
    return expectation is not None and not expectation.assumed


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
    if _is_new(case) and not (evidence.ledger and all(r.modified_at for r in evidence.ledger)):
        yield "where and when the manifest was stored is not known"
    if manifest.outcome is Outcome.SUCCEEDED and manifest.error:
        yield "the manifest says succeeded, and gives an error"
    if _is_new(case) and case.owner is not None and case.owner.task_definition_arn is None:
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


def _said(piece: object, name: str) -> str | None:
    """What a piece says, or None where the piece is missing."""
    value: str | None = getattr(piece, name, None)
    return value


def _second(text: str | None) -> str | None:
    """A time to the second, in one form, or the text as it is when it is no time."""
    if text is None:
        return None
    try:
        return f"{parse_time(text):%Y-%m-%dT%H:%M:%SZ}"
    except ContractError:
        return text
