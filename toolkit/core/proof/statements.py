"""Everything that stands in more than one piece of a run's evidence, side by side."""

from collections.abc import Iterator, Mapping

from attrs import frozen

from toolkit.core.proof.case import Case
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
    WORKLOAD,
    ContractError,
    Manifest,
    parse_time,
)
from toolkit.runtime.urls import REDACTED, hide_credentials

# What templates/workload.yaml sets in the task definition.
_OF_THE_DEFINITION = frozenset({WORKLOAD, BUCKET, IMAGE, MAX_RUNTIME_SECONDS})


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

    @property
    def shared(self) -> bool:
        """Whether more than one piece says something."""
        return len([value for value in self.values.values() if value is not None]) > 1


def statements(case: Case) -> Iterator[Statement]:
    """Everything that stands in more than one piece."""
    yield from _of_the_run(case)
    yield from _of_its_task(case)
    if case.evidence.manifest is not None:
        yield from _of_manifest(case, case.evidence.manifest)
        yield from _made_good(case, case.evidence.manifest)
        yield from _environment(case, case.evidence.manifest)
        yield from _artifacts(case, case.evidence.manifest)


def _logged(case: Case, name: str) -> str | None:
    """What the log's first or last line says."""
    return case.evidence.logs.facts.get(name) if case.evidence.logs is not None else None


def _of_the_run(case: Case) -> Iterator[Statement]:
    """Which run it is, and what it runs."""
    evidence, claim, manifest = case.evidence, case.evidence.claim, case.evidence.manifest
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
            "the log": _logged(case, "run.started.schedule"),
        },
    )
    yield Statement(
        "scheduled time",
        {
            "the run id": _second(case.due.isoformat()),
            "the manifest": _second(_said(manifest, "scheduled_time")),
            "the log": _second(_logged(case, "run.started.scheduled_time")),
        },
    )
    yield Statement(
        "workload",
        {
            "the task definition": _said(evidence.task_definition, "workload"),
            "the catalog row": _said(case.workload, "name"),
            "the manifest": _said(manifest, "workload"),
            "the log": _logged(case, "run.started.workload"),
        },
    )


def _of_its_task(case: Case) -> Iterator[Statement]:
    """Which task ran it, and what Scheduler told that."""
    claim, manifest, launched = case.evidence.claim, case.evidence.manifest, case.launch
    definition = case.evidence.task_definition
    yield Statement(
        "task",
        {
            "the claim": _said(claim, "task_arn"),
            "the manifest": _said(manifest, "task_arn"),
            "the log": _logged(case, "run.started.task_arn"),
            case.witness: _said(case.owner, "task_arn"),
        },
    )
    yield Statement(
        "task definition",
        {
            case.witness: _said(case.owner, "task_definition_arn"),
            "its description": _said(definition, "arn"),
        },
    )
    for variable, field in ((EXECUTION_ID, "execution_id"), (ATTEMPT, "attempt")):
        said = {"the launch": launched.get(variable)} if launched is not None else {}
        said |= {"the claim": _said(claim, field)} if claim is not None else {}
        said |= {"the manifest": _said(manifest, field)} if manifest is not None else {}
        yield Statement(field.replace("_", " "), said, strict=True)


def _of_manifest(case: Case, manifest: Manifest) -> Iterator[Statement]:
    """What the manifest says that its key, the log, the image and the exit code say, too."""
    evidence, owner = case.evidence, case.owner
    key = evidence.ledger[0].key if evidence.ledger else None
    yield Statement("key", {"S3": key, "the manifest": case.run_id.manifest_key(manifest.outcome)})
    code = owner.exit_code if owner is not None and owner.stopped else None
    ended = str(code) if code is not None and _about_success(manifest, code) else None
    yield Statement(
        "exit code",
        {
            "the manifest": str(manifest.outcome.exit_code),
            "the log": _logged(case, "run.finished.exit_code"),
            # Another way to fail, such as SIGKILL, has its own check.
            case.witness: ended,
        },
    )
    yield Statement(
        "image",
        {
            "the manifest": manifest.image,
            "its environment": manifest.environment.get(IMAGE),
            "the log": _logged(case, "run.started.image"),
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
        {"the manifest": manifest.outcome.value, "the log": _logged(case, "run.finished.outcome")},
    )


def _artifacts(case: Case, manifest: Manifest) -> Iterator[Statement]:
    """What the log and S3 say of the artifacts that the manifest lists."""
    evidence, logs = case.evidence, case.evidence.logs
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
            yield Statement(f"media type of {artifact.name}", kind, strict=case.is_current)
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
