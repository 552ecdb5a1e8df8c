"""The checks on what a run left in the bucket: manifest, artifacts, their content, its gates."""

import math

from toolkit.core.checks import Check, Status, worst
from toolkit.core.proof.case import Case
from toolkit.core.proof.content import Content
from toolkit.runtime.contract import OVERLAP, Artifact, LeaseState, Manifest, Outcome, OverlapPolicy


def manifest(case: Case) -> Check:
    """Exactly one was committed, and it tells of success."""
    name = "manifest"
    found = case.evidence.manifests
    if len(found) > 1:
        outcomes = ", ".join(manifest.outcome for manifest in found)
        text = f"more than one was committed: {outcomes}"
        return Check(name, Status.FAIL, text, finding="two-manifests")
    if not found:
        return _missing_manifest(case)
    if found[0].outcome is Outcome.SUCCEEDED:
        return Check(name, Status.OK, f"succeeded, committed {found[0].finished_at}")
    if found[0].outcome is Outcome.SKIPPED:
        return _skipped(case, found[0])
    error = found[0].error or {}
    text = f"{found[0].outcome}: {error.get('message', 'no reason recorded')}"
    return Check(name, Status.FAIL, text, finding=str(found[0].outcome))


def _skipped(case: Case, manifest: Manifest) -> Check:
    """The run did what it had to where its launch told it to skip and another run was named."""
    told = case.launch is None or case.launch.get(OVERLAP) == OverlapPolicy.SKIP
    refused = manifest.lease is not None and manifest.lease.state is LeaseState.REFUSED
    if case.owner is not None and not (told and refused):
        text = "skipped, and nothing told the run to"
        return Check("manifest", Status.FAIL, text, finding="pieces-disagree")
    holder = manifest.lease.holder if manifest.lease is not None else ""
    text = f"skipped: {holder or 'another run'} held the lease of the schedule"
    return Check("manifest", Status.WARN, text, finding="skipped")


def _missing_manifest(case: Case) -> Check:
    name = "manifest"
    if case.running:
        text = "not written yet: the task still runs"
        return Check(name, Status.UNKNOWN, text, finding="still-running")
    if case.owner is None and case.evidence.claim is None:
        status, text, finding = case.nothing()
        return Check(name, status, text, finding=finding)
    left = len(case.evidence.objects)
    if left:
        what = "1 artifact stands" if left == 1 else f"{left} artifacts stand"
        text = f"missing: {what} in the bucket, but the run was never committed"
        return Check(name, Status.FAIL, text, finding="artifacts-without-manifest")
    text = "missing: the run was claimed but never committed"
    if case.evidence.claim is None:
        text = "missing, and so is the claim: the task ended without a word"
    return Check(name, Status.FAIL, text, finding="nothing-left")


def artifacts(case: Case) -> Check:
    """What the manifest lists is in the bucket, unaltered, and what the catalog asks for."""
    listed = case.evidence.manifest
    if listed is None:
        status = Status.FAIL if case.over else Status.UNKNOWN
        return Check("artifacts", status, "no manifest lists them")
    checks = {artifact.name: _artifact(case, artifact) for artifact in listed.artifacts}
    if listed.outcome is Outcome.SUCCEEDED:
        for expected in case.workload.artifacts if case.workload else ():
            shortfall = expected.shortfall(listed.artifacts)
            if shortfall is not None:
                checks[expected.name] = Check(
                    expected.name, Status.FAIL, shortfall, finding="no-artifact"
                )
    if listed.outcome is Outcome.SKIPPED and not checks:
        return Check("artifacts", Status.OK, "none, as the run did no work")
    if not checks:
        return Check("artifacts", Status.FAIL, "the run left none", finding="no-artifact")
    good = sum(check.status is Status.OK for check in checks.values())
    detail = f"{good} of {len(checks)}, checksums match the manifest"
    if good < len(checks):
        detail = f"{good} of {len(checks)} as the manifest says"
    return _sum("artifacts", detail, tuple(checks.values()))


def content(case: Case) -> Check | None:
    """What was downloaded is what the manifest says, and can be read; only with `--deep`.

    In a kept folder, an artifact is either kept or named among those that were left out.
    """
    listed, contents = case.evidence.manifest, case.evidence.contents
    if listed is None or contents is None or not listed.artifacts:
        return None
    left_out = case.evidence.left_out
    checks = tuple(
        _content(artifact, contents[artifact.key])
        for artifact in listed.artifacts
        if artifact.key in contents
    )
    if left_out is not None:
        checks += tuple(
            Check(artifact.name, Status.FAIL, "not kept", finding="manifest-without-artifacts")
            for artifact in listed.artifacts
            if artifact.key not in contents and artifact.name not in left_out
        )
    good = sum(check.status is Status.OK for check in checks)
    return _sum("content", f"{good} of {len(checks)} read whole and recomputed", checks)


def _number(value: float) -> str:
    """A count in whole digits, another number in four.

    >>> _number(179777.0), _number(0.14893)
    ('179,777', '0.1489')
    """
    return f"{value:,.0f}" if math.isfinite(value) and float(value).is_integer() else f"{value:.4g}"


def quality(case: Case) -> Check | None:
    """The workload's own gates hold, and all that it always has are there."""
    listed = case.evidence.manifest
    if listed is None:
        return None
    children = [
        Check(
            gate.name,
            Status.OK if gate.passed else Status.FAIL,
            f"{_number(gate.value)} {gate.op} {_number(gate.limit)}",
        )
        for gate in listed.gates
    ]
    if case.workload and listed.outcome is Outcome.SUCCEEDED:
        children += [
            Check(name, Status.FAIL, "the manifest has no such gate", finding="gate-missing")
            for name in case.workload.missing_gates(listed.gates)
        ]
    if not children:
        return None
    good = sum(check.status is Status.OK for check in children)
    return _sum("quality", f"{good} of {len(children)} gates", tuple(children))


def _sum(name: str, detail: str, children: tuple[Check, ...]) -> Check:
    finding = next((c.finding for c in children if c.status is Status.FAIL and c.finding), None)
    return Check(name, worst(c.status for c in children), detail, children, finding)


def _artifact(case: Case, artifact: Artifact) -> Check:
    stored = case.evidence.objects.get(artifact.key)
    finding: str | None = "artifact-altered"
    if stored is None:
        finding, text = "manifest-without-artifacts", "listed in the manifest, not in the bucket"
    elif stored.bytes != artifact.bytes:
        text = f"{stored.bytes:,} bytes in the bucket, {artifact.bytes:,} in the manifest"
    elif stored.sha256 is None:
        text = "S3 holds no SHA-256: written by someone else"
    elif stored.sha256 != artifact.sha256:
        text = "its SHA-256 is not the manifest's: altered"
    else:
        rows = f", {artifact.rows:,} rows" if artifact.rows is not None else ""
        return Check(artifact.name, Status.OK, f"{artifact.bytes:,} bytes{rows}")
    return Check(artifact.name, Status.FAIL, text, finding=finding)


def _content(artifact: Artifact, found: Content) -> Check:
    name = artifact.name
    if found.sha256 != artifact.sha256:
        text = "the SHA-256 of what was downloaded is not the manifest's"
        return Check(name, Status.FAIL, text, finding="artifact-altered")
    if found.problem:
        text = f"not readable as {artifact.media_type}: {found.problem}"
        return Check(name, Status.FAIL, text, finding="artifact-unreadable")
    if found.rows is not None and artifact.rows is not None and found.rows != artifact.rows:
        text = f"{found.rows:,} rows, the manifest says {artifact.rows:,}"
        return Check(name, Status.FAIL, text, finding="artifact-unreadable")
    words = [f"sha256 {found.sha256[:12]}…"]
    if found.rows is not None:
        words.append(f"{found.rows:,} rows x {len(found.columns)} columns")
    if found.shape:
        words.append(f"decodes, {found.shape}")
    return Check(name, Status.OK, ", ".join(words))
