"""A run's evidence as a folder: which files, what stands in them, and how they are read back.

claim.json, manifest.json   as the run wrote them
lifecycle.json              every task of the run, as ECS or its last record tells it
execution-logs.csv          the log, exactly as the CloudWatch console exports it
evidence.json               what else was gathered: what S3 said of the objects, and when
verdict.json                what was judged from all of that
artifacts/                  the artifacts, those of up to a size
report.html                 all of it on one page
SHA256SUMS                  of every file above; `sha256sum -c` checks them
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping

from attrs import evolve

from toolkit.core.errors import EvidenceError
from toolkit.core.proof.evidence import Evidence, digest
from toolkit.core.proof.verdict import Verdict

LOG, SUMS, REPORT = "execution-logs.csv", "SHA256SUMS", "report.html"
_ELSEWHERE = ("claim", "manifests", "tasks", "logs")


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
    except ValueError as error:
        raise EvidenceError(f"{LOG}: {error}") from error


def documents(
    evidence: Evidence, verdict: Verdict, lines: Iterable[tuple[int, str]] | None
) -> dict[str, bytes]:
    """The files of a folder by name, all but the artifacts, the report and the sums."""
    whole = evidence.to_json()
    rest = {key: value for key, value in whole.items() if key not in _ELSEWHERE}
    files = {"evidence.json": _json(rest), "verdict.json": _json(verdict.to_json())}
    files["lifecycle.json"] = _json(whole["tasks"])
    if evidence.claim is not None:
        files["claim.json"] = evidence.claim.to_json()
    for number, manifest in enumerate(evidence.manifests, 1):
        name = "manifest.json" if number == 1 else f"manifest-{number}.json"
        files[name] = manifest.to_json()
    if lines is not None:
        files[LOG] = log_csv(lines).encode()
    return files


def evidence_of(files: Mapping[str, bytes]) -> Evidence:
    """The evidence that a folder holds; the log is read and summed up anew."""
    try:
        rows = json.loads(files["evidence.json"])
        rows["tasks"] = json.loads(files["lifecycle.json"])
        rows["claim"] = json.loads(files["claim.json"]) if "claim.json" in files else None
        names = sorted(name for name in files if name.startswith("manifest"))
        rows["manifests"] = [json.loads(files[name]) for name in names]
        evidence = Evidence.from_json({**rows, "logs": None})
    except (ValueError, KeyError, TypeError) as error:
        raise EvidenceError(f"the folder does not hold a run's evidence: {error!r}") from error
    if LOG not in files:
        return evidence
    lines = read_log(files[LOG].decode())
    return evolve(evidence, logs=digest(message for _, message in lines))


def sums(files: Mapping[str, bytes]) -> str:
    """The SHA-256 of every file, as `sha256sum` prints and checks them."""
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(files.items())
    )


def altered(files: Mapping[str, bytes]) -> list[str]:
    """The files that are missing or not what SHA256SUMS says of them."""
    wrong = []
    for line in files.get(SUMS, b"").decode().splitlines():
        checksum, _, name = line.partition("  ")
        if hashlib.sha256(files.get(name, b"")).hexdigest() != checksum:
            wrong.append(name)
    return wrong


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"
