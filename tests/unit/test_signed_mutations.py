"""A kept run under a signed seal: whatever is changed, left out, reordered or replayed, it fails.

Every checksum that somebody without the key can make is made anew, as in `test_mutations`. What may
change unnoticed says nothing of the run, and is listed in ``FREE`` with the reason.
"""

import copy
import csv
import io
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict, evolve

from toolkit.app.proof.keep import rejudge
from toolkit.core.errors import ConfigError, ToolkitError
from toolkit.core.proof import kept
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.seal import Link, Seal, SealedRow
from toolkit.core.proof.seal_facts import facts
from toolkit.core.proof.signature import Signature, pae
from toolkit.core.proof.verdict import Ruling, judge
from toolkit.runtime.contract import ContractError, parse_time

from . import kept_runs
from .kept_runs import Files
from .sealing import Key
from .test_mutations import mutants, resealed, spoiled_logs

ROOT = Path(__file__).parents[2]
KEY, OTHER = Key(), Key()
# FILE:path of what may change without notice, and why. Everything else must not pass.
FREE = {
    "evidence.json:gathered_at": "when the folder was made: the run is as it was sealed",
    "evidence.json:deployed_image": "what is deployed today; the task definition was sealed",
    "evidence.json:log_days": "how long the account keeps logs; only where lines are missing",
    "evidence.json:record_days": "how long it keeps records; only where no task is known",
    "evidence.json:problems": "empty, as if it were missing",
    "evidence.json:seal_problems": "empty, as if it were missing",
    "evidence.json:left_out": "a name that stands twice is one name",
    "evidence.json:contents/*": "of what was left out: its SHA-256 was sealed",
    "evidence.json:objects/*/modified_at": "a restored artifact is the same by its SHA-256",
    "evidence.json:ledger/*/media_type": "a listing does not tell it",
    "evidence.json:format": "its absence means version 0.1",
    "evidence.json:dead_letters": "empty, as if it were missing",
    "evidence.json:expected": "null, as if it were missing",
    "evidence.json:launch_window": "null, as if it were missing",
    "lifecycle.json:*/source": "ECS or its record: both are witnesses",
}


def sealed(files: Files, key: Key = KEY, *others: Files) -> Files:
    """The folder with the signed seal of its day, in which other runs stand, too."""
    rows = tuple(row_of(each) for each in (files, *others))
    seal = Seal(
        app="fargate-runs",
        bucket="bucket",
        day="2026-11-24",
        sealed_at="2026-11-26T00:10:00.000Z",
        previous=(Link("seals/2026-11-23.json", "ab" * 32),),
        firings=rows,
    ).to_json()
    return {**files, kept.SEAL: seal, kept.SIGNATURE: key.sign(seal).to_json()}


def row_of(files: Files) -> SealedRow:
    evidence = kept_runs.evidence_of(files)
    return SealedRow(evidence.run_id, "ok", facts=facts(evidence))


def with_claim(files: Files) -> Files:
    """As `toolkit evidence` notes the claim that it read."""
    document = json.loads(files["evidence.json"])
    document["claim_sha256"] = kept_runs.sha256(files["claim.json"])
    return {**files, "evidence.json": json.dumps(document).encode()}


def a_folder(hour: int = 6, workload: str = "weather") -> Files:
    return with_claim(kept_runs.new_run(hour, workload))


FOLDER, NEXT = a_folder(6), a_folder(7)
SIGNED = sealed(FOLDER, KEY, NEXT)


def ruling(files: Files, key: Key | None = KEY) -> Ruling | None:
    """The verdict on a folder with a key; None where it cannot be read."""
    try:
        evidence = kept_runs.evidence_of(files)
        if key:
            evidence = evolve(evidence, key_check=kept.key_check(files, key.public.encode()))
        return judge(evidence, parse_time(evidence.gathered_at)).ruling
    except (ToolkitError, ContractError):
        return None


def test_the_folder_as_it_was_sealed_passes() -> None:
    assert ruling(SIGNED) is Ruling.PASS
    assert ruling(sealed(a_folder(6, "science"))) is Ruling.PASS


@pytest.mark.parametrize("workload", ["weather", "science"])
def test_no_change_of_anything_about_the_run_passes(workload: str, record_property: Any) -> None:
    files, other = a_folder(6, workload), a_folder(7, workload)
    signed = sealed(files, KEY, other)
    fixed = {kept.SEAL: signed[kept.SEAL], kept.SIGNATURE: signed[kept.SIGNATURE]}
    tried: Counter[str] = Counter()
    survivors = set()
    for piece, path, way, mutant in mutants(files, other):
        if piece == kept.VERDICT:
            continue  # what was judged then; it is judged anew
        tried[way] += 1
        free = any(fnmatchcase(f"{piece}:{path}", pattern) for pattern in FREE)
        spoiled = {**mutant, **fixed}
        # A checksum that was changed and made anew is the true one again.
        spoiled_ways = [each for each in anew(spoiled) if parsed(each) != parsed(signed)]
        if not free and any(ruling(each) is Ruling.PASS for each in spoiled_ways):
            survivors.add(f"{way} {piece}:{path}")
    record_property("mutants", dict(tried))
    assert survivors == set()
    assert sum(tried.values()) > 500


def parsed(files: Files) -> dict[str, Any]:
    return {n: json.loads(body) if n.endswith(".json") else body for n, body in files.items()}


def anew(files: Files) -> Iterator[Files]:
    """With the checksums of manifest and claim made anew, as far as there are both."""
    if "evidence.json" not in files:
        yield files
        return
    yield resealed(files)
    if "claim.json" in files:
        yield with_claim(resealed(files))


def test_no_change_of_the_log_passes() -> None:
    rows, foreign = kept_runs.log_lines(FOLDER), kept_runs.log_lines(NEXT)
    log = kept_runs.with_log(SIGNED, rows)
    assert ruling(log) is Ruling.PASS
    ways = [*spoiled_logs(rows, foreign), *reworded(rows)]
    survivors = [way for way, spoiled in ways if passes_log(spoiled)]
    assert survivors == []
    assert len(ways) > 200


def passes_log(rows: list[list[str]]) -> bool:
    return ruling(kept_runs.with_log(SIGNED, rows)) is Ruling.PASS


def reworded(rows: list[list[str]]) -> Iterator[tuple[str, list[list[str]]]]:
    """Each line with one more word, which no other check looks at."""
    for number in range(1, len(rows)):
        time, message = rows[number]
        event = json.dumps({**json.loads(message), "note": "all was well"})
        yield f"line {number}", [*rows[:number], [time, event], *rows[number + 1 :]]


def spoiled_seals() -> Iterator[tuple[str, Files]]:
    """Everything that can be done to seal and signature without the key."""
    for name in (kept.SEAL, kept.SIGNATURE):
        yield f"no {name}", {key: body for key, body in SIGNED.items() if key != name}
        yield f"empty {name}", {**SIGNED, name: b""}
    bare = {key: body for key, body in SIGNED.items() if key not in (kept.SEAL, kept.SIGNATURE)}
    yield "neither", bare
    yield "another key's", sealed(FOLDER, OTHER, NEXT)
    forged = sealed(FOLDER, OTHER, NEXT)
    yield "another key's seal", {**SIGNED, kept.SEAL: forged[kept.SEAL] + b" "}
    replayed = sealed(NEXT, KEY)
    yield (
        "replayed of another run",
        {**SIGNED, **{n: replayed[n] for n in (kept.SEAL, kept.SIGNATURE)}},
    )
    yield "another signature", {**SIGNED, kept.SIGNATURE: replayed[kept.SIGNATURE]}
    document = json.loads(SIGNED[kept.SEAL])
    for way, changed in spoiled_documents(document):
        yield f"seal: {way}", {**SIGNED, kept.SEAL: json.dumps(changed).encode()}
    signature = json.loads(SIGNED[kept.SIGNATURE])
    for way, changed in spoiled_signatures(signature):
        yield f"signature: {way}", {**SIGNED, kept.SIGNATURE: json.dumps(changed).encode()}


def spoiled_documents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "the same, written otherwise", document
    yield "reordered", {**document, "firings": document["firings"][::-1]}
    yield "doubled", {**document, "firings": document["firings"] * 2}
    for name in document:
        yield f"without {name}", {key: value for key, value in document.items() if key != name}
    for name in ("app", "bucket", "day", "sealed_at"):
        yield f"another {name}", {**document, name: document[name].replace("2", "3") + "x"}
    for name in document["firings"][0]["facts"]:
        changed = copy.deepcopy(document)
        del changed["firings"][0]["facts"][name]
        yield f"without the fact {name}", changed


def spoiled_signatures(signature: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    one = signature["signatures"][0]
    yield "none", {**signature, "signatures": []}
    yield "two", {**signature, "signatures": [one, one]}
    yield "cut", {**signature, "signatures": [{**one, "sig": one["sig"][:-4]}]}
    yield "no base64", {**signature, "signatures": [{**one, "sig": "§"}]}
    yield "another type", {**signature, "payloadType": "application/vnd.in-toto+json"}
    yield "a later format", {**signature, "format": "signature/2"}


def test_no_change_of_seal_and_signature_passes() -> None:
    ways = list(spoiled_seals())
    assert [way for way, files in ways if ruling(files) is Ruling.PASS] == []
    assert len(ways) > 30


def moved(files: Files) -> Files:
    """A run that never happened: another's folder, every time in it an hour later."""
    shifted = {}
    for name, body in files.items():
        text = body.decode().replace("T060000Z", "T080000Z")
        for hour, later in (("T06:", "T08:"),):
            text = text.replace(hour, later)
        shifted[name] = text.encode()
    log = list(csv.reader(io.StringIO(shifted[kept.LOG].decode(), newline="")))
    rows = [log[0], *([str(int(time) + 7_200_000), message] for time, message in log[1:])]
    claimed = with_claim(kept_runs.with_log(shifted, rows))
    return resealed(claimed)


def test_a_run_that_never_happened_passes_without_a_key_and_fails_with_one() -> None:
    forged = moved(FOLDER)
    evidence = kept_runs.evidence_of(forged)
    assert evidence.run_id == "weather-20261124T080000Z"
    assert ruling(forged, None) is Ruling.PASS, "checksums protect against accidents only"
    assert ruling(forged) is Ruling.FAIL
    for name in ("the seal moved with it", "the seal as it was", "with a key of one's own"):
        extra = {
            "the seal moved with it": moved_seal(),
            "the seal as it was": {n: SIGNED[n] for n in (kept.SEAL, kept.SIGNATURE)},
            "with a key of one's own": sealed(forged, OTHER),
        }[name]
        assert ruling({**forged, **extra}) is not Ruling.PASS, name


def moved_seal() -> Files:
    text = SIGNED[kept.SEAL].decode().replace("T060000Z", "T080000Z").replace("T06:", "T08:")
    return {kept.SEAL: text.encode(), kept.SIGNATURE: SIGNED[kept.SIGNATURE]}


def test_every_field_of_the_evidence_is_sealed_or_named_as_free() -> None:
    """A field that is added later is sealed, or somebody says why it need not be."""
    evidence = kept_runs.evidence_of(FOLDER)
    named = {"run_id", "gathered_at", "sealed", "key_check", "contents", "left_out", "problems"}
    named |= {"deployed_image", "log_days", "record_days", "seal_confirmation", "seal_problems"}
    manifests = {"manifests"}  # by the SHA-256 in `ledger`
    sealed_fields = {
        field
        for field in asdict(evidence, recurse=False)
        if field not in named | manifests
        if changes_facts(evidence, field)
    }
    assert sealed_fields == set(asdict(evidence, recurse=False)) - named - manifests - {"claim"}


def changes_facts(evidence: Evidence, field: str) -> bool:
    others: dict[str, Any] = {
        "claim_sha256": "x",
        "expected": "due",
        "launch_window": 1.0,
        "dead_letters": (kept_runs.a_dead_letter(),),
        "expectation": None,
        "task_definition": None,
        "tasks": (),
        "objects": {},
        "ledger": (),
        "logs": None,
    }
    if field not in others:
        return False
    return facts(evolve(evidence, **{field: others[field]})) != facts(evidence)


@pytest.mark.parametrize(
    "pem", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_what_is_no_key_is_one_clear_error(pem: bytes) -> None:
    with pytest.raises(ConfigError, match="the key is not a public key"):
        kept.key_check(SIGNED, pem)


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    for private in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())):
        pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(ConfigError, match="P-256"):
            kept.key_check(SIGNED, pem)


def test_a_folder_on_disk_is_judged_with_the_key(tmp_path: Path) -> None:
    for name, body in {**SIGNED, kept.SUMS: kept.sums(SIGNED).encode()}.items():
        (tmp_path / name).write_bytes(body)
    verdict = rejudge(tmp_path, tmp_path, KEY.public.encode())
    assert verdict.ruling is Ruling.PASS
    assert [check.name for check in verdict.checks][-2:] == ["seal", "signature"]
    assert rejudge(tmp_path, tmp_path, OTHER.public.encode()).ruling is Ruling.FAIL


def test_the_signed_run_in_evidence_passes_with_the_key_beside_it_and_no_other() -> None:
    evidence = kept_runs.ROOT / "evidence"
    signed = [path.parent for path in evidence.glob("*/signature.json")]
    assert signed
    for folder in signed:
        key = (evidence / "signing-key.pem").read_bytes()
        assert rejudge(folder, kept_runs.ROOT, key).ruling is Ruling.PASS
        assert rejudge(folder, kept_runs.ROOT, OTHER.public.encode()).ruling is Ruling.FAIL


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize(("altered", "said"), [(False, "Verified OK"), (True, "failure")])
def test_openssl_alone_comes_to_the_same_answer(
    tmp_path: Path, said: str, *, altered: bool
) -> None:
    """As docs/proof.md shows it."""
    seal = SIGNED[kept.SEAL] + (b" " if altered else b"")
    signature = Signature.from_json(SIGNED[kept.SIGNATURE])
    (tmp_path / "seal.json").write_bytes(seal)
    (tmp_path / "signature.json").write_bytes(SIGNED[kept.SIGNATURE])
    (tmp_path / "key.pem").write_text(KEY.public)
    page = (ROOT / "docs" / "proof.md").read_text("utf-8")
    (script,) = re.findall(r"```sh\n(#!/bin/sh\ntype=.*?)```", page, re.DOTALL)
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.lower() in (done.stdout + done.stderr).lower()
    assert (done.returncode == 0) is not altered
    assert (tmp_path / "signed").read_bytes() == pae(seal)
    assert signature.keyid == KEY.arn
    ours = kept.key_check({**SIGNED, kept.SEAL: seal}, KEY.public.encode())
    assert bool(ours.problem) is altered
