"""Kept runs as files: a whole one in the present format, and those of version 0.1 in evidence/."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve

from benchmarks.synthetic_runs import Made
from toolkit.core.proof import kept
from toolkit.core.proof.content import examine
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.evidence import Evidence, StoredObject
from toolkit.core.proof.expectation import Expectation, TaskDefinition
from toolkit.core.proof.log_digest import digest
from toolkit.core.proof.verdict import judge
from toolkit.core.task import Task
from toolkit.runtime.catalog import Catalog
from toolkit.runtime.contract import Claim, Outcome, RunId, format_time, parse_time

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
Files = dict[str, bytes]


def old_catalog() -> Catalog:
    """The catalog of version 0.1, by which the runs were deployed that it kept."""
    return Catalog.parse((GOLDEN / "0.1" / "catalog.toml").read_text("utf-8"))


def present_catalog() -> Catalog:
    return Catalog.parse((ROOT / "workloads" / "catalog.toml").read_text("utf-8"))


def folders() -> list[Path]:
    """Two runs that version 0.1 kept, and those in evidence/."""
    kept_there = (*(GOLDEN / "0.1" / "kept").iterdir(), *(ROOT / "evidence").iterdir())
    return sorted(path for path in kept_there if (path / "evidence.json").is_file())


def is_old(files: Files) -> bool:
    """Whether version 0.1 kept it."""
    return "format" not in json.loads(files["evidence.json"])


def read(folder: Path) -> Files:
    """The documents of a folder and its log; its artifacts count as left out."""
    names = ("claim.json", "manifest.json", "evidence.json", "lifecycle.json", kept.LOG)
    files = {name: (folder / name).read_bytes() for name in names}
    if is_old(files):
        return files
    evidence, manifest = (json.loads(files[f"{name}.json"]) for name in ("evidence", "manifest"))
    evidence["left_out"] = [row["name"] for row in manifest["artifacts"]]
    for name in ("expectation.json", kept.SEAL):
        files[name] = (folder / name).read_bytes()
    return {**files, "evidence.json": json.dumps(evidence).encode()}


def new_run(hour: int = 6, workload: str = "weather") -> Files:
    """A whole run as `toolkit evidence` keeps it today; another ``hour`` is another run."""
    row = present_catalog().workload(workload)
    made = Made(RunId(workload, datetime(2026, 11, 24, hour, tzinfo=UTC)), row, "")
    objects = made.objects()
    manifest_key = made.run_id.manifest_key(Outcome.SUCCEEDED)
    raw = {key: objects[key] for key in (made.run_id.claim_key, manifest_key)}
    manifest = made.manifest()
    stored = {
        row.key: StoredObject(
            row.key, row.bytes, row.sha256, format_time(made.at(49)), row.media_type
        )
        for row in manifest.artifacts
    }
    lines = [(line["timestamp"], line["message"]) for line in made.log()]
    task = Task.parse(json.loads(made.records()[-1]["message"])["detail"], source="record")
    content = raw[manifest_key]
    evidence = Evidence(
        run_id=str(made.run_id),
        gathered_at=format_time(made.at(3600)),
        claim=Claim.from_json(raw[made.run_id.claim_key]),
        manifests=(manifest,),
        ledger=(
            StoredObject(
                manifest_key,
                len(content),
                hashlib.sha256(content).hexdigest(),
                format_time(made.at(50)),
            ),
        ),
        objects=stored,
        tasks=(task,),
        logs=digest(str(made.run_id), (message for _, message in lines)),
        expectation=Expectation.deployed(row_bytes(made)),
        task_definition=TaskDefinition.parse(made.definition()),
        contents={
            row.key: examine(io.BytesIO(made.contents()[row.name]), "application/octet-stream")
            for row in manifest.artifacts
        },
        left_out=tuple(row.name for row in manifest.artifacts),
    )
    verdict = judge(evidence, parse_time(evidence.gathered_at))
    return kept.documents(evidence, verdict, lines, raw)


def row_bytes(made: Made) -> bytes:
    return made.workload.row()


def evidence_of(files: Files) -> Evidence:
    """What a folder holds; one of version 0.1 gets the row that it was deployed with."""
    evidence = kept.evidence_of(files)
    if evidence.ledger is None and evidence.expectation is None:
        catalog = old_catalog().workloads
        name = next(name for name in catalog if evidence.run_id.startswith(name))
        evidence = evolve(evidence, expectation=Expectation.assume(catalog[name]))
    return evidence


def log_lines(files: Files) -> list[list[str]]:
    return list(csv.reader(io.StringIO(files[kept.LOG].decode(), newline="")))


def with_log(files: Files, rows: list[list[str]]) -> Files:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return {**files, kept.LOG: out.getvalue().encode()}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def a_dead_letter() -> DeadLetter:
    return DeadLetter("AccessDeniedException", "no")
