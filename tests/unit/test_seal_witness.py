"""A seal stands for a record and a log that are gone, and never one that somebody touched."""

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tests.fake_aws import FakeAws
from toolkit.app.proof.keep import keep, rejudge
from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.validate import validate
from toolkit.core.checks import Status
from toolkit.core.errors import EvidenceError, ToolkitError
from toolkit.core.proof import kept
from toolkit.core.proof.ledger import State
from toolkit.core.proof.seal import Seal, canonical
from toolkit.core.proof.verdict import Ruling, Verdict
from toolkit.runtime.contract import RunId

from .sealing import Key, a_month, days_later, rows
from .spoiled_runs import RECORDS, a_run, an_app
from .test_mutations import at, changed, leaves
from .test_sealed_reading import everything_expired, log_and_record_expired

LATER = days_later(4000)
RUN = a_run(1, "", timedelta(days=1)).run_id
SEAL = "seals/2026-11-02.json"


def sealed(ways: tuple[str, ...] = ("", "", "", ""), key: Key | None = None) -> FakeAws:
    """Days that were sealed; then the records and the logs of their runs expired."""
    aws = a_month(list(ways))
    seal_due_days(an_app(aws, days_later(6)), days_later(6), key)
    log_and_record_expired(aws)
    return aws


def verdict(aws: FakeAws, run_id: RunId = RUN) -> Verdict:
    return validate(an_app(aws, LATER), run_id).verdict


def detail(found: Verdict, name: str) -> str:
    return next(check.detail for check in found.checks if check.name == name)


def test_a_sealed_run_passes_and_the_ledger_says_ok() -> None:
    found = verdict(sealed())
    assert found.ruling is Ruling.PASS
    assert "2.0 s late" in detail(found, "launch")
    assert "exit 0" in detail(found, "lifecycle")
    assert "by the seal" in detail(found, "logs")
    assert SEAL in detail(found, "seal")
    row = rows(sealed(), LATER, RUN.scheduled_time - timedelta(minutes=1), days_later(1.5))[0]
    assert (row.run_id, row.state) == (RUN, State.OK)


def test_without_a_seal_the_same_run_is_inconclusive_and_its_witness_expired() -> None:
    aws = a_month(["", "", "", ""])
    log_and_record_expired(aws)
    found = verdict(aws)
    assert found.ruling is Ruling.INCONCLUSIVE
    assert found.diagnosis is not None
    assert found.diagnosis.name == "task-forgotten"
    row = rows(aws, LATER, RUN.scheduled_time - timedelta(minutes=1), days_later(1.5))[0]
    assert row.state is State.WITNESS_EXPIRED


@pytest.mark.parametrize("way", ["failed", "two manifests", "manifest", "altered", "unsigned"])
def test_what_did_not_pass_when_it_was_sealed_never_does(way: str) -> None:
    assert verdict(sealed(("", way, "", ""))).ruling is Ruling.FAIL


@pytest.mark.parametrize("way", ["log", "garbled claim", "everything", "no record"])
def test_what_was_not_known_when_it_was_sealed_is_not_known_later(way: str) -> None:
    assert verdict(sealed(("", way, "", ""))).ruling is not Ruling.PASS


def test_a_duplicate_delivery_is_told_by_its_seal() -> None:
    found = verdict(sealed(("", "duplicate", "", "")))
    assert found.ruling is Ruling.PASS
    assert "duplicates suppressed" in detail(found, "launch")


def test_a_task_definition_that_is_gone_is_sealed_too() -> None:
    aws = sealed()
    aws.definitions.clear()
    found = verdict(aws)
    assert found.ruling is Ruling.PASS
    assert "the task definition" in detail(found, "seal")
    assert "by the seal" in detail(found, "image")


def test_what_contradicts_the_seal_fails() -> None:
    aws = sealed()
    claim = json.loads(aws.objects[RUN.claim_key])
    for change in ({"claimed_at": "2026-11-02T06:00:21.000Z"}, {"attempt": "2"}):
        aws.objects[RUN.claim_key] = json.dumps({**claim, **change}).encode()
        assert verdict(aws).ruling is Ruling.FAIL
    claim["task_arn"] = claim["task_arn"][:-1] + "x"
    aws.objects[RUN.claim_key] = json.dumps(claim).encode()
    assert verdict(aws).ruling is Ruling.FAIL


def spoiled(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each value of a seal changed, and each key left out."""
    for path in leaves(document):
        name = ".".join(map(str, path))
        other = copy.deepcopy(document)
        at(other, path[:-1])[path[-1]] = changed(at(document, path))
        if other != document:
            yield f"changed {name}", other
        other = copy.deepcopy(document)
        del at(other, path[:-1])[path[-1]]
        yield f"removed {name}", other


def written(document: dict[str, Any]) -> bytes:
    """A seal as `Seal.to_json` spells it, so that nothing but the change is another."""
    head = {key: value for key, value in document.items() if key != "firings"}
    lines = ",\n".join(canonical(row) for row in document.get("firings", ()))
    return f'{canonical(head)[:-1]},\n"firings":[\n{lines}\n]}}\n'.encode()


def survivors(aws: FakeAws) -> tuple[list[str], int]:
    """The changes of the seal that pass, and how many were tried."""
    whole = aws.objects[SEAL]
    document = json.loads(whole)
    assert written(document) == whole
    assert verdict(aws).ruling is Ruling.PASS
    passed, tried = [], 0
    for way, mutant in spoiled(document):
        aws.objects[SEAL], tried = written(mutant), tried + 1
        if verdict(aws).ruling is Ruling.PASS:
            passed.append(way)
    aws.objects[SEAL] = whole
    return passed, tried


def test_no_changed_seal_is_a_witness_where_another_was_made_after_it() -> None:
    passed, tried = survivors(sealed())
    assert passed == []
    assert tried > 80


def test_no_changed_seal_is_a_witness_where_it_is_the_last_and_signed() -> None:
    aws = sealed(("", ""), Key())
    for key in [key for key in aws.objects if key.startswith("seals/2026") and key > SEAL]:
        del aws.objects[key]
    passed, tried = survivors(aws)
    assert passed == []
    assert tried > 80


def test_a_seal_that_nothing_confirms_is_no_witness() -> None:
    aws = sealed()
    for key in [key for key in aws.objects if key.startswith("seals/2026") and key > SEAL]:
        del aws.objects[key]
    found = verdict(aws)
    assert found.ruling is Ruling.INCONCLUSIVE
    assert "neither a later seal nor a signature confirms it" in detail(found, "seal")


def test_a_seal_is_confirmed_by_the_one_that_was_written_next_whatever_its_day() -> None:
    aws = a_month(["", "running", "", "", ""])
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    assert SEAL not in aws.objects, "the day waits for a run, and the next ones do not"
    aws.tasks.clear()
    aws.objects |= a_run(1, "", timedelta(days=1)).objects()
    aws.streams[RECORDS] += a_run(1, "", timedelta(days=1)).records()
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    seal_due_days(an_app(aws, days_later(6)), days_later(6))
    log_and_record_expired(aws)
    assert verdict(aws).ruling is Ruling.PASS
    aws.objects[SEAL] = aws.objects[SEAL].replace(b'"sealed_at":"2026', b'"sealed_at":"2025')
    found = verdict(aws)
    assert found.ruling is Ruling.INCONCLUSIVE
    assert "it was altered" in detail(found, "seal")


def test_a_signature_that_does_not_hold_is_a_finding_and_no_witness() -> None:
    aws = sealed(key=Key())
    other = Key()
    (pem,) = [key for key in aws.objects if key.startswith("seals/keys/")]
    aws.objects[pem] = other.public.encode()
    found = verdict(aws)
    assert found.ruling is Ruling.INCONCLUSIVE
    assert "its signature does not hold" in detail(found, "seal")
    assert found.diagnosis is not None
    assert found.diagnosis.name == "seal-broken"


def test_a_seal_of_a_version_that_did_not_judge_is_no_witness_of_the_log() -> None:
    aws = sealed()
    document = json.loads(aws.objects[SEAL])
    for row in document["firings"]:
        del row["ruling"]
    aws.objects[SEAL] = written(document)
    follower = Seal.from_json(aws.objects["seals/2026-11-03.json"])
    link = evolve(follower.previous[0], sha256=kept_sha256(aws.objects[SEAL]))
    aws.objects[follower.key] = evolve(follower, previous=(link,)).to_json()
    del aws.objects["seals/2026-11-04.json"]
    found = verdict(aws)
    assert found.ruling is Ruling.INCONCLUSIVE
    assert "exit 0" in detail(found, "lifecycle")


def kept_sha256(content: bytes) -> str:
    return kept.sums({"seal": content}).split()[0]


def folder(aws: FakeAws, tmp_path: Path) -> Path:
    made = keep(an_app(aws, LATER), RUN, tmp_path)
    assert stands(made.verdict)
    assert rejudge(made.folder, tmp_path) == made.verdict, "offline as it was online"
    return made.folder


def stands(found: Verdict) -> bool:
    """Whether a folder passes but for its artifacts, which are no pictures and no tables here."""
    return all(check.status is Status.OK for check in found.checks if check.name != "content")


def resummed(where: Path) -> Path:
    """With SHA256SUMS made anew, as somebody would who wants it to pass."""
    files = {path.name: path.read_bytes() for path in where.iterdir() if path.is_file()}
    files |= {
        f"artifacts/{path.name}": path.read_bytes() for path in (where / "artifacts").iterdir()
    }
    files.pop(kept.SUMS)
    (where / kept.SUMS).write_text(kept.sums(files), "utf-8")
    return where


@pytest.mark.parametrize("signed", [False, True])
def test_a_kept_folder_comes_to_the_same_verdict(tmp_path: Path, *, signed: bool) -> None:
    key = Key()
    where = folder(sealed(key=key if signed else None), tmp_path)
    assert stands(rejudge(where, tmp_path, key.public.encode())) is signed
    assert not stands(rejudge(where, tmp_path, Key().public.encode()))


def test_no_changed_seal_of_a_kept_folder_passes(tmp_path: Path) -> None:
    key = Key()
    where = folder(sealed(key=key), tmp_path)
    document = json.loads((where / kept.SEAL).read_bytes())
    noted = json.loads((where / "evidence.json").read_bytes())
    passed, tried = [], 0
    assert stands(rejudge(where, tmp_path, key.public.encode()))
    for way, mutant in spoiled(document):
        tried += 1
        (where / kept.SEAL).write_bytes(written(mutant))
        for note in (noted["seal_confirmation"]["sha256"], kept_sha256(written(mutant))):
            noted["seal_confirmation"]["sha256"] = note
            (where / "evidence.json").write_text(json.dumps(noted))
            try:
                found = rejudge(resummed(where), tmp_path, key.public.encode())
            except ToolkitError:
                continue
            if stands(found):
                passed.append(way)
    assert passed == []
    assert tried > 80


def test_a_folder_whose_seal_was_exchanged_is_refused_without_a_key(tmp_path: Path) -> None:
    where = folder(sealed(), tmp_path)
    (where / kept.SEAL).write_bytes((where / kept.SEAL).read_bytes() + b"\n")
    with pytest.raises(EvidenceError, match="the seal is not the one"):
        rejudge(resummed(where), tmp_path)
    (where / kept.SEAL).unlink()
    with pytest.raises(EvidenceError, match="the seal is not the one"):
        rejudge(resummed(where), tmp_path)


def test_what_the_run_itself_wrote_is_no_matter_of_the_seal() -> None:
    aws = sealed()
    everything_expired(aws)
    assert verdict(aws).ruling is Ruling.INCONCLUSIVE, "the claim is gone"
    aws = sealed()
    del aws.objects[RUN.artifact_key("weather.png")]
    assert verdict(aws).ruling is Ruling.FAIL, "an artifact is gone"
    aws = sealed()
    for key in [key for key in aws.objects if key.startswith("catalog/")]:
        del aws.objects[key]
    assert verdict(aws).ruling is Ruling.INCONCLUSIVE, "what was expected is not known"


def test_a_source_that_does_not_answer_is_not_sealed_as_one_that_has_nothing() -> None:
    aws = a_month(["", "", ""])
    app = an_app(aws, days_later(4))
    aws.denied = {"DescribeTaskDefinition"}
    with pytest.raises(ToolkitError):
        seal_due_days(app, days_later(4))
    aws.denied = set()
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    assert validate(an_app(aws, days_later(4)), RUN).verdict.ruling is Ruling.PASS


@pytest.mark.parametrize("previous", [SEAL, "seals/2026-11-01.json"])
def test_a_seal_that_was_added_without_the_key_is_no_witness(previous: str) -> None:
    aws, key = a_month(["", "failed", *[""] * 6]), Key()
    # Later than that a day is not looked at again, and nothing amends what was added.
    for number in (2, 3, 4, 5, 33, 44):
        signer = key if number > 2 else None
        seal_due_days(an_app(aws, days_later(number)), days_later(number), signer)
    first = Seal.from_json(aws.objects[SEAL])
    row = evolve(first.firings[0], state="ok", ruling="PASS")
    link = evolve(first.previous[0], key=previous, sha256=kept_sha256(aws.objects[previous]))
    added = evolve(first, previous=(link,), firings=(row,), number=1)
    aws.objects[added.key] = added.to_json()
    for number in (45, 46):
        seal_due_days(an_app(aws, days_later(number)), days_later(number), key)
    # S3 says when a seal was written: so the one after it is found.
    aws.modified |= {key: days_later(46) for key in aws.objects if key > "seals/2026-12-14"}
    aws.modified[added.key] = days_later(44)
    log_and_record_expired(aws)
    found = verdict(aws)
    assert "it is not signed" in detail(found, "seal")
    assert "seal-broken" in {check.finding for check in found.checks}
    other = a_run(3, "", timedelta(days=1)).run_id
    assert verdict(aws, other).ruling is Ruling.PASS
