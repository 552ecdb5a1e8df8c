"""Keep a run's evidence as a folder, and judge such a folder again, years later and offline."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import evolve, frozen

from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.proof.evidence import Gatherer, download
from toolkit.core.checks import Check, Status
from toolkit.core.errors import ConfigError, EvidenceError, RunError
from toolkit.core.names import workload_of
from toolkit.core.pages.report import report
from toolkit.core.proof import kept
from toolkit.core.proof.case import Case
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.expectation import Expectation
from toolkit.core.proof.log_digest import digest
from toolkit.core.proof.verdict import Ruling, Verdict, judge
from toolkit.runtime.contract import ContractError, RunId, parse_time

# What fits into a repository without regret, and every plot, which the report shows. A larger
# artifact stays in the bucket, and its digest, rows and columns in the folder.
_KEPT_BYTES = 512 * 1024
# What of a folder is read into memory at most; a log of a million lines has 300 MB.
_FOLDER_BYTES = 1024 * 1024 * 1024


@frozen
class Kept:
    """A folder that was written."""

    folder: Path
    verdict: Verdict
    left_out: tuple[str, ...]


def keep(app: App, run_id: RunId, directory: Path) -> Kept:
    """Write ``directory/<run-id>``: all evidence of a run, read whole, and its verdict."""
    gatherer = Gatherer(app)
    evidence = gatherer.gather(run_id, deep=True)
    if Case(evidence, parse_time(evidence.gathered_at)).traceless and evidence.expected != "due":
        raise RunError(f"there is no evidence of run {run_id}", hint=app.command("runs"))
    found = gatherer.lines(run_id, evidence)
    # What is judged is what is kept: a line may have arrived since the log was summed up.
    lines = None if found is None else [(line.timestamp, line.message) for line in found]
    summed = None if lines is None else digest(str(run_id), (message for _, message in lines))
    evidence = evolve(evidence, logs=summed)
    evidence = evolve(evidence, left_out=tuple(_left_out(evidence)))
    verdict = judge(evidence, parse_time(evidence.gathered_at))
    folder = directory / str(run_id)
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    _download(app, evidence, folder / "artifacts")
    written = [run_id.claim_key, *(stored.key for stored in evidence.ledger or ())]
    raw = app.archive.raw(written)
    for name, content in kept.documents(evidence, verdict, lines, raw).items():
        (folder / name).write_bytes(content)
    plots = folder / "artifacts"
    images = {
        path.relative_to(plots).as_posix(): path.read_bytes()
        for path in sorted(plots.rglob("*.png"))
    }
    for name, content in _seal_files(app, evidence).items():
        (folder / name).write_bytes(content)
    page = report(evidence, verdict.with_hint(app.place_hint), lines or [], images)
    (folder / kept.REPORT).write_text(page, "utf-8")
    files = {name: body for name, body in _read(folder).items() if name != kept.SUMS}
    (folder / kept.SUMS).write_text(kept.sums(files), "utf-8")
    return Kept(folder, verdict, evidence.left_out or ())


def _seal_files(app: App, evidence: Evidence) -> dict[str, bytes]:
    """The seal that tells of the run, and its signature, as the bucket has them."""
    if evidence.sealed is None:
        return {}
    seal = app.seals.raw([evidence.sealed.key]).get(evidence.sealed.key, b"")
    signature = app.seals.signature(seal)
    return {kept.SEAL: seal} | ({} if signature is None else {kept.SIGNATURE: signature})


def rejudge_all(
    folders: Sequence[Path], directory: Path, key: bytes | None = None
) -> Iterator[Verdict]:
    """The verdicts on kept folders; see `rejudge`.

    Of several, one that cannot be judged is INCONCLUSIVE and keeps no other from being judged.
    """
    for folder in folders:
        try:
            yield rejudge(folder, directory, key)
        except EvidenceError as error:
            if len(folders) == 1:
                raise
            unread = Check("evidence", Status.UNKNOWN, error.message)
            yield Verdict(folder.name, Ruling.INCONCLUSIVE, (unread,))


def rejudge(folder: Path, directory: Path, key: bytes | None = None) -> Verdict:
    """The verdict on a kept folder, as of when its evidence was gathered.

    A folder of version 0.1 does not say what was expected of its run: then the catalog of the
    project that the folder lies in, or else ``directory``, is taken for it. With a ``key``, the PEM
    of a public key, the folder's seal must bear that key's signature.

    Raises:
        ConfigError: the key is no public key on P-256.
        EvidenceError: a file was altered since, or the folder holds no evidence.
    """
    files = _read(folder)
    wrong = kept.altered(files)
    if wrong:
        raise EvidenceError(
            f"{folder}: files do not match {kept.SUMS}: {', '.join(wrong)}",
            hint="restore the files; evidence is never edited",
        )
    evidence = kept.evidence_of(files)
    definition = evidence.task_definition
    kept_none = evidence.ledger is None if definition is None else not definition.catalog_digest
    if evidence.expectation is None and kept_none:
        evidence = evolve(evidence, expectation=_assumed(evidence, folder, directory))
    try:
        RunId.parse(evidence.run_id)
        if key is not None:
            evidence = evolve(evidence, key_check=kept.key_check(files, key))
        return judge(evidence, parse_time(evidence.gathered_at))
    except ContractError as error:
        raise EvidenceError(f"{folder}: {error}") from error


def _assumed(evidence: Evidence, *directories: Path) -> Expectation | None:
    """The row of today's catalog in the first of these directories that lies in a project."""
    schedule = RunId.parse(evidence.run_id).schedule
    for directory in directories:
        with suppress(ConfigError):
            known = Project.find(directory).catalog.workloads
            workload = known.get(workload_of(schedule, known) or schedule)
            return Expectation.assume(workload) if workload is not None else None
    return None


def _left_out(evidence: Evidence) -> list[str]:
    """The artifacts that are too large to keep; plots are kept whatever their size."""
    artifacts = evidence.manifest.artifacts if evidence.manifest else ()
    return [
        artifact.name
        for artifact in artifacts
        if artifact.bytes > _KEPT_BYTES and artifact.media_type != "image/png"
    ]


def _download(app: App, evidence: Evidence, target: Path) -> None:
    artifacts = evidence.manifest.artifacts if evidence.manifest else ()
    chosen = [row for row in artifacts if row.name not in (evidence.left_out or ())]
    for _ in download(app.archive, evidence, chosen, target):
        pass


def _read(folder: Path) -> dict[str, bytes]:
    there = sorted(folder.rglob("*"))
    links = [str(path) for path in there if path.is_symlink()]
    if links:
        raise EvidenceError(f"{', '.join(links)}: a kept folder holds files, not links")
    strange = [str(path) for path in there if not (path.is_file() or path.is_dir())]
    if strange:
        raise EvidenceError(f"{', '.join(strange)}: a kept folder holds files only")
    paths = [path for path in there if path.is_file()]
    size = sum(path.stat().st_size for path in paths)
    if size > _FOLDER_BYTES:
        largest = max(paths, key=lambda path: path.stat().st_size)
        raise EvidenceError(
            f"{folder} holds {size:,} bytes, more than {_FOLDER_BYTES:,}; the largest is {largest}"
        )
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
