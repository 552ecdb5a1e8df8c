"""Gather what is known of a run. Gathering never judges, and absence is recorded as absence."""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

from attrs import evolve

from toolkit.adapters.aws.logs import Line
from toolkit.adapters.bucket.archive import Archive
from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.app.proof import dead_letters
from toolkit.app.proof.run_logs import OwnLog, digests, whole
from toolkit.app.proof.sealed_runs import SealedRuns
from toolkit.app.proof.tasks import find_tasks
from toolkit.app.schedules.history import Deployments
from toolkit.core.errors import EvidenceError, RunError, ToolkitError
from toolkit.core.names import log_stream, workload_of
from toolkit.core.proof.content import Content, examine
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.evidence import Evidence, StoredObject
from toolkit.core.proof.expectation import Expectation, TaskDefinition
from toolkit.core.time_words import EPOCH
from toolkit.runtime.contract import (
    Artifact,
    ContractError,
    Manifest,
    RunId,
    catalog_key,
    format_time,
)


class Gatherer:
    """Gathers evidence of many runs; what they share is read once.

    What the seals say of a run is part of it, unless ``sealed`` is false. What could not be read is
    one of the run's problems; with ``strict`` it is an error.
    """

    def __init__(self, app: App, *, sealed: bool = True, strict: bool = False) -> None:
        self._app = app
        self._sealed = SealedRuns(app) if sealed else None
        self._strict = strict
        self._deployments = Deployments(app, app.now())
        self._definitions: dict[str, TaskDefinition | None] = {}
        self._rows: dict[str, Expectation | None] = {}
        self._letters: list[DeadLetter] = []
        self._letters_since: datetime | None = None
        self._images = {
            name: stack.parameters.get("ImageUri") for name, stack in app.stacks.workloads.items()
        }

    def gather(self, run_id: RunId, *, deep: bool = False) -> Evidence:
        """All evidence of one run; with ``deep`` the artifacts are downloaded and read."""
        return self.gather_all([run_id], deep=deep)[run_id]

    def gather_all(self, run_ids: Sequence[RunId], *, deep: bool = False) -> dict[RunId, Evidence]:
        """The same of many runs, each source asked for as many of them at once as it allows.

        The tasks are asked for before the manifests: a run that ends meanwhile counts as running,
        never as one that ended without a manifest.
        """
        gathered_at = format_time(self._app.now())
        archive = self._app.archive
        claims = archive.claims(run_ids)
        arns = {run_id: claim.task_arn for run_id, claim in claims.claims.items()}
        tasks = find_tasks(self._app, run_ids, arns)
        if self._strict and tasks.problems:
            raise RunError(next(iter(tasks.problems.values())))
        manifests = archive.manifests(run_ids)
        objects = self._objects(manifests.manifests)
        problems = {
            run_id: [
                *_given(claims.problems.get(run_id)),
                *_given(tasks.problems.get(run_id)),
                *manifests.problems.get(run_id, ()),
            ]
            for run_id in run_ids
        }
        gathered = {
            run_id: Evidence(
                run_id=str(run_id),
                gathered_at=gathered_at,
                claim=claims.claims.get(run_id),
                claim_sha256=claims.digests.get(run_id),
                manifests=tuple(manifests.manifests[run_id]),
                ledger=tuple(manifests.stored[run_id]),
                objects=objects[run_id],
                tasks=tasks.found[run_id],
                deployed_image=self._images.get(self._workload(run_id)),
                problems=tuple(problems[run_id]),
            )
            for run_id in run_ids
        }
        if deep:
            read = side_by_side(self._read, gathered.values())
            gathered = dict(zip(gathered, read, strict=True))
        # A seal may tell of tasks that nobody else knows any more: it leads to definition and log.
        found = self._with_expectations(self._with_seals(gathered))
        return self._with_reasons(self._with_logs(found))

    def lines(self, run_id: RunId, evidence: Evidence) -> list[Line] | None:
        """The log of the task that owns the run; None when there is no such task or log."""
        if evidence.owner is None or self._app.kept_bucket:
            return None
        group = self._log_group(run_id, evidence)
        return self._app.logs.lines(group, log_stream(evidence.owner.task_arn))

    def _log_group(self, run_id: RunId, evidence: Evidence) -> str:
        """Where a run logs: by its task definition, for a workload may leave the catalog."""
        definition = evidence.task_definition
        told = definition.workload if definition is not None else None
        return self._app.names.log_group(told or self._workload(run_id))

    def _workload(self, run_id: RunId) -> str:
        return workload_of(run_id.schedule, self._workloads) or run_id.schedule

    @cached_property
    def _workloads(self) -> Collection[str]:
        """The names of the workloads: the project's, or in a task of the app those with a log."""
        if self._app.project is not None:
            return self._app.project.catalog.workloads
        return {group.removeprefix(f"/{self._app.name}/") for group in self._log_groups}

    def _with_expectations(self, gathered: Mapping[RunId, Evidence]) -> dict[RunId, Evidence]:
        """What each run was to do, by the task definition that ECS ran; each is read once."""
        revisions = {run_id: _revision(found) for run_id, found in gathered.items()}
        wanted = {arn for arn in revisions.values() if arn is not None} - self._definitions.keys()
        described = side_by_side(self._app.ecs.task_definition, sorted(wanted))
        self._definitions |= zip(sorted(wanted), described, strict=True)
        found = {}
        for run_id, arn in revisions.items():
            definition = self._definitions[arn] if arn is not None else None
            known = evolve(gathered[run_id], task_definition=definition)
            try:
                found[run_id] = evolve(known, expectation=self._expectation(run_id, known))
            except ToolkitError as error:
                self._must_be_read(error)
                found[run_id] = evolve(known, problems=(*known.problems, error.message))
        return found

    def _expectation(self, run_id: RunId, evidence: Evidence) -> Expectation | None:
        definition, witness = evidence.task_definition, evidence.seal_witness
        if definition is None:
            digest = witness.row.facts.get("catalog") if witness is not None else None
            return self._row(digest) if isinstance(digest, str) else None
        if definition.catalog_digest is not None:
            return self._row(definition.catalog_digest)
        # Version 0.1 deployed it, and kept no row.
        project = self._app.project
        catalog = project.catalog.workloads if project is not None else {}
        workload = catalog.get(definition.workload or self._workload(run_id))
        return Expectation.assume(workload) if workload is not None else None

    def _row(self, digest: str) -> Expectation | None:
        """A catalog row; EvidenceError for one that is not what its key says."""
        if digest not in self._rows:
            row = self._app.archive.catalog_row(digest)
            self._rows[digest] = None if row is None else _expectation_of(digest, row)
        return self._rows[digest]

    def _with_logs(self, gathered: Mapping[RunId, Evidence]) -> dict[RunId, Evidence]:
        if self._app.kept_bucket:
            return {run_id: evolve(found, log_days=0) for run_id, found in gathered.items()}
        wanted = []
        for run_id, found in gathered.items():
            if found.owner is not None:
                group = self._log_group(run_id, found)
                wanted.append(OwnLog(run_id, group, found.owner, found.manifest))
        logs = digests(self._app.logs, wanted, self._app.now()) if wanted else {}
        read = {run_id: evolve(found, logs=logs.get(run_id)) for run_id, found in gathered.items()}
        for log in wanted:
            if log.task.stopped and not whole(logs[log.run_id], log.manifest):
                days = self._log_groups.get(log.group)
                read[log.run_id] = evolve(read[log.run_id], log_days=days)
        return read

    def _with_seals(self, gathered: dict[RunId, Evidence]) -> dict[RunId, Evidence]:
        """The same with what the seals say of each run."""
        if self._sealed is None:
            return gathered
        self._sealed.read(gathered, self._app.now())
        return {
            run_id: evolve(
                found,
                sealed=self._sealed.of(run_id),
                seal_confirmation=self._sealed.confirmation(run_id),
                seal_problems=self._sealed.problems(run_id),
            )
            for run_id, found in gathered.items()
        }

    @cached_property
    def _log_groups(self) -> dict[str, int | None]:
        """How long the app's log groups keep a line."""
        return self._app.logs.groups(f"/{self._app.name}/")

    def _with_reasons(self, gathered: Mapping[RunId, Evidence]) -> dict[RunId, Evidence]:
        """Why there may be nothing: a dead letter, or a schedule that was not to fire."""
        explained = dict(gathered)
        since = min((run_id.scheduled_time for run_id in gathered), default=EPOCH)
        for run_id, found in gathered.items():
            if run_id.token is None and not (found.tasks or found.claim or found.manifests):
                explained[run_id] = self._explained(run_id, found, since)
        return explained

    def _explained(self, run_id: RunId, evidence: Evidence, since: datetime) -> Evidence:
        try:
            letters = self._dead_letters(since)
            history = self._deployments.since(since)
            own = tuple(each for each in letters if each.run_id == run_id)
            return evolve(
                evidence,
                dead_letters=own,
                expected=history.expects(run_id),
                launch_window=history.launch_window(run_id),
            )
        except ToolkitError as error:
            self._must_be_read(error)
            return evolve(evidence, problems=(*evidence.problems, error.message))

    def _must_be_read(self, error: ToolkitError) -> None:
        """Raise what AWS refused, with ``strict``; a document that is broken stays so."""
        if self._strict and not isinstance(error, EvidenceError):
            raise error

    def _dead_letters(self, since: datetime) -> list[DeadLetter]:
        if self._letters_since is None or since < self._letters_since:
            self._letters = dead_letters.read(self._app, since)
            self._letters_since = since
        return self._letters

    def _objects(
        self, manifests: Mapping[RunId, list[Manifest]]
    ) -> dict[RunId, dict[str, StoredObject]]:
        """What S3 says of each artifact; without a manifest, what stands in the run's folder.

        A listing tells no checksum, so this is one HEAD for each artifact:
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
        """
        keys = {
            run_id: sorted({artifact.key for each in made for artifact in each.artifacts})
            for run_id, made in manifests.items()
        }
        heads = self._app.archive.heads(key for each in keys.values() for key in each)
        found = {
            run_id: {key: heads[key] for key in each if key in heads}
            for run_id, each in keys.items()
        }
        bare = [run_id for run_id, each in keys.items() if not each]
        found |= zip(bare, side_by_side(self._app.archive.artifacts, bare), strict=True)
        return found

    def _read(self, evidence: Evidence) -> Evidence:
        """The same with what stands in the artifacts."""
        artifacts = [each for manifest in evidence.manifests for each in manifest.artifacts]
        found: dict[str, Content] = {}
        with tempfile.TemporaryDirectory() as directory:
            for artifact, path in download(self._app.archive, evidence, artifacts, Path(directory)):
                with path.open("rb") as file:
                    found[artifact.key] = examine(file, artifact.media_type)
                path.unlink()
        return evolve(evidence, contents=found)


def _revision(evidence: Evidence) -> str | None:
    """The task definition of the task that owns a run, or of the only one there is."""
    owner = evidence.owner
    return owner.task_definition_arn if owner is not None else None


def _expectation_of(digest: str, row: bytes) -> Expectation:
    key = catalog_key(digest)
    try:
        expectation = Expectation.deployed(row)
    except ContractError as error:
        raise EvidenceError(f"{key}: {error}") from error
    if expectation.digest != digest:
        raise EvidenceError(f"{key} does not match the digest in its name: somebody changed it")
    return expectation


def download(
    archive: Archive, evidence: Evidence, artifacts: Iterable[Artifact], target: Path
) -> Iterator[tuple[Artifact, Path]]:
    """Copy those artifacts of a run that exist into a directory, one after the other.

    One whose name or key is not the run's own is left where it is: a manifest may say anything.
    """
    for artifact in artifacts:
        if artifact.key in evidence.objects and _is_own(evidence, artifact):
            path = target / artifact.name
            path.parent.mkdir(parents=True, exist_ok=True)
            archive.download(artifact.key, path)
            yield artifact, path


def _is_own(evidence: Evidence, artifact: Artifact) -> bool:
    try:
        return artifact.key == RunId.parse(evidence.run_id).artifact_key(artifact.name)
    except ContractError:
        return False


def _given(problem: str | None) -> list[str]:
    return [problem] if problem else []
