"""A run's evidence as a folder: which files, what stands in them, and how they are read back.

claim.json, manifest.json   as the run wrote them
expectation.json            the catalog row by which the run is judged, as it was deployed
lifecycle.json              every task of the run, as ECS or its last record tells it
execution-logs.csv          the log, exactly as the CloudWatch console exports it
evidence.json               what else was gathered: what S3 said of the objects, and when
verdict.json                what was judged from all of that
artifacts/                  the artifacts, those of up to a size
report.html                 all of it on one page
seal.json, signature.json   the seal of the run's day and its signature, where there are any
SHA256SUMS                  of every file above; `sha256sum -c` checks them
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from toolkit.core.errors import EvidenceError
from toolkit.core.proof.content import Content, examine
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.expectation import Expectation
from toolkit.core.proof.log_digest import digest
from toolkit.core.proof.seal import Seal, Sealed
from toolkit.core.proof.signature import KeyCheck, Signature, fingerprint, problem
from toolkit.core.proof.verdict import Verdict
from toolkit.runtime.contract import Claim, Manifest, RunId
from toolkit.runtime.documents import check_keys, load

LOG, SUMS, REPORT = "execution-logs.csv", "SHA256SUMS", "report.html"
SEAL, SIGNATURE, VERDICT = "seal.json", "signature.json", "verdict.json"
_EXPECTATION = "expectation.json"
_ELSEWHERE = ("claim", "manifests", "tasks", "logs", "expectation")
_ARTIFACTS = "artifacts/"
_MANIFEST = re.compile(r"manifest(-\d+)?\.json")


def log_csv(lines: Iterable[tuple[int, str]]) -> str:
    r"""Log lines as the console exports them: epoch milliseconds and the message.

    >>> log_csv([(1795496400000, '{"seq": 1}')])
    'timestamp,message\n1795496400000,"{""seq"": 1}"\n'
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("timestamp", "message"))
    writer.writerows(lines)
    return out.getvalue()


def read_log(text: str) -> list[tuple[int, str]]:
    """The lines of an exported log; raises EvidenceError when it is none."""
    rows = csv.reader(io.StringIO(text, newline=""))
    if next(rows, None) != ["timestamp", "message"]:
        raise EvidenceError(f"{LOG} has no header timestamp,message")
    try:
        return [(int(time), message) for time, message in rows]
    except (ValueError, csv.Error) as error:
        raise EvidenceError(f"{LOG}: {error}") from error


def documents(
    evidence: Evidence,
    verdict: Verdict,
    lines: Iterable[tuple[int, str]] | None,
    raw: Mapping[str, bytes],
) -> dict[str, bytes]:
    """The files of a folder by name, all but the artifacts, the report and the sums.

    Args:
        evidence: what was gathered.
        verdict: what was judged from it.
        lines: the log, each line with its epoch milliseconds.
        raw: claim and manifests as they are in the bucket, by their keys.
    """
    whole = evidence.to_json()
    rest = {key: value for key, value in whole.items() if key not in _ELSEWHERE}
    files = {"evidence.json": _json(rest), VERDICT: _json(verdict.to_json())}
    files["lifecycle.json"] = _json(whole["tasks"])
    claim_key = RunId.parse(evidence.run_id).claim_key
    if claim_key in raw:
        files["claim.json"] = raw[claim_key]
    for number, key in enumerate(sorted(raw.keys() - {claim_key}), 1):
        name = "manifest.json" if number == 1 else f"manifest-{number}.json"
        files[name] = raw[key]
    if evidence.expectation is not None and not evidence.expectation.assumed:
        files[_EXPECTATION] = evidence.expectation.row
    if lines is not None:
        files[LOG] = log_csv(lines).encode()
    return files


def evidence_of(files: Mapping[str, bytes]) -> Evidence:
    """The evidence that a folder holds; log and kept artifacts are read and summed up anew.

    Raises EvidenceError when the folder does not hold a run's evidence.
    """
    try:
        for name in sorted(files):
            if name.endswith(".json") and not name.startswith(_ARTIFACTS):
                check_keys(files[name], name)
        rows = dict(_document(files, "evidence.json"))
        rows["tasks"] = _document(files, "lifecycle.json")
        rows |= {"claim": None, "manifests": [], "logs": None, "expectation": None}
        evidence = Evidence.from_json(rows)
        if "claim.json" in files:
            evidence = evolve(evidence, claim=Claim.from_json(files["claim.json"]))
        names = sorted(name for name in files if _MANIFEST.fullmatch(name))
        manifests = tuple(Manifest.from_json(files[name]) for name in names)
        evidence = evolve(evidence, manifests=manifests)
        if _EXPECTATION in files:
            evidence = evolve(evidence, expectation=Expectation.deployed(files[_EXPECTATION]))
    except (ValueError, TypeError) as error:
        raise EvidenceError(f"the folder does not hold a run's evidence: {error}") from error
    _check_manifests(evidence, [files[name] for name in names])
    _check_claim(evidence, files)
    evidence = evolve(evidence, sealed=_sealed(evidence, files))
    evidence = evolve(evidence, contents=_contents(evidence, files))
    if LOG not in files:
        return evidence
    try:
        lines = read_log(files[LOG].decode())
    except UnicodeDecodeError as error:
        raise EvidenceError(f"{LOG} is not UTF-8: {error}") from error
    return evolve(evidence, logs=digest(evidence.run_id, (message for _, message in lines)))


def _check_manifests(evidence: Evidence, manifests: list[bytes]) -> None:
    """Refuse manifests that are not byte for byte those that were read from the bucket."""
    if evidence.ledger is None:
        return  # version 0.1 did not note what it read
    noted = sorted(stored.sha256 or "" for stored in evidence.ledger)
    if noted != sorted(hashlib.sha256(content).hexdigest() for content in manifests):
        raise EvidenceError("the manifest is not the one that evidence.json says was read")


def _check_claim(evidence: Evidence, files: Mapping[str, bytes]) -> None:
    """Refuse a claim that is not byte for byte the one that was read from the bucket."""
    noted, claim = evidence.claim_sha256, files.get("claim.json")
    found = None if claim is None else hashlib.sha256(claim).hexdigest()
    if noted is not None and noted != found:
        raise EvidenceError("the claim is not the one that evidence.json says was read")


def _sealed(evidence: Evidence, files: Mapping[str, bytes]) -> Sealed | None:
    """What the folder's seal says of the run; EvidenceError for a seal that says nothing of it."""
    run_id, noted = evidence.run_id, evidence.seal_confirmation
    found = hashlib.sha256(files[SEAL]).hexdigest() if SEAL in files else ""
    if noted is not None and noted.sha256 != found:
        raise EvidenceError("the seal is not the one that evidence.json says was read")
    if SEAL not in files:
        return None
    try:
        seal = Seal.from_json(files[SEAL])
    except EvidenceError as error:
        raise EvidenceError(f"{SEAL}: {error.message}") from error
    row = seal.row(run_id)
    if row is None:
        raise EvidenceError(f"{SEAL}: the seal of {seal.day} says nothing of {run_id}")
    return Sealed(seal.key, seal.sealed_at, seal.bucket, row)


def key_check(files: Mapping[str, bytes], key: bytes) -> KeyCheck:
    """What a public key (PEM) says of the folder's seal; raises ConfigError for no such key."""
    name = fingerprint(key)
    missing = [file for file in (SEAL, SIGNATURE) if file not in files]
    if missing:
        text = f"the folder has no {' and no '.join(missing)}: nothing in it is signed"
        return KeyCheck(name, text)
    try:
        signature = Signature.from_json(files[SIGNATURE])
    except EvidenceError as error:
        return KeyCheck(name, f"{SIGNATURE}: {error.message}")
    wrong = problem(files[SEAL], signature, key)
    return KeyCheck(name, f"{SIGNATURE}: {wrong}" if wrong else "")


def _document(files: Mapping[str, bytes], name: str) -> Any:
    if name not in files:
        raise EvidenceError(f"the folder does not hold a run's evidence: it has no {name}")
    return load(files[name], name)


def _contents(evidence: Evidence, files: Mapping[str, bytes]) -> dict[str, Content] | None:
    """What stands in the artifacts: of those that were kept, read anew."""
    made = {
        artifact.name: artifact
        for manifest in evidence.manifests
        for artifact in manifest.artifacts
    }
    kept = {
        name.removeprefix(_ARTIFACTS): body
        for name, body in files.items()
        if name.startswith(_ARTIFACTS)
    }
    strangers = sorted(set(kept) - set(made))
    if strangers:
        raise EvidenceError(f"{', '.join(strangers)}: the manifest lists no such artifact")
    contents = dict(evidence.contents or {})
    for name, body in kept.items():
        contents[made[name].key] = examine(io.BytesIO(body), made[name].media_type)
    # Version 0.1 did not note what it left out.
    if evidence.ledger is not None and set(evidence.left_out or ()) != set(made) - set(kept):
        raise EvidenceError("artifacts are neither kept nor noted as left out")
    if evidence.ledger is not None and {row.key for row in made.values()} - contents.keys():
        raise EvidenceError("the contents of the artifacts that were left out are not recorded")
    return contents if contents or evidence.contents is not None else None


def sums(files: Mapping[str, bytes]) -> str:
    """The SHA-256 of every file, as `sha256sum` prints and checks them."""
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(files.items())
    )


def altered(files: Mapping[str, bytes]) -> list[str]:
    """The files that are missing, not what SHA256SUMS says of them, or not listed there."""
    if SUMS not in files:
        return [SUMS]
    listed = {}
    for line in files[SUMS].decode(errors="replace").splitlines():
        checksum, _, name = line.partition("  ")
        listed[name] = checksum
    actual = {
        name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name != SUMS
    }
    return sorted(
        name for name in {*listed, *actual} if listed.get(name) != actual.get(name, "missing")
    )


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"
