"""`toolkit verify` finds what is not as it was sealed."""

from datetime import timedelta

import pytest
from attrs import evolve

from tests.fake_aws import FakeAws
from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.verify import verify
from toolkit.core.proof.seal import Link, Seal
from toolkit.runtime.contract import Outcome

from .sealing import Key, a_month, days_later, seals, sha256
from .spoiled_runs import (
    a_run,
    an_app,
)


def test_an_object_that_was_altered_or_is_gone_is_found() -> None:
    aws = a_month(["", "", ""])
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    run_id = a_run(1, "", timedelta(days=1)).run_id
    manifest = run_id.manifest_key(Outcome.SUCCEEDED)
    assert verify(an_app(aws, days_later(4)), deep=True).exit_code == 0
    aws.modified[manifest] = days_later(3)
    (problem,) = verify(an_app(aws, days_later(4))).problems
    assert "written again" in problem.text
    content = aws.objects.pop(manifest)
    (problem,) = verify(an_app(aws, days_later(4))).problems
    assert problem.text == f"{manifest} is gone"
    aws.objects[manifest] = content
    aws.modified[manifest] = a_run(1, "", timedelta(days=1)).at(50)
    aws.objects[run_id.artifact_key("weather.png")] += b"x"
    assert verify(an_app(aws, days_later(4))).exit_code == 0
    (problem,) = verify(an_app(aws, days_later(4)), deep=True).problems
    assert "weather.png is not what was sealed" in problem.text
    del aws.objects[run_id.artifact_key("weather.png")]
    found = verify(an_app(aws, days_later(4)), deep=True)
    assert (found.problems, found.gone) == ((), 1), "a lifecycle rule may delete artifacts"


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": "seal/2"}',
        b'{"format":"seal/1","app":"a","bucket":"bucket","day":"x","sealed_at":"x"}',
    ],
)
def test_what_is_no_seal_is_one_problem_and_is_not_written_over(spoiled: bytes) -> None:
    aws = a_month(["", "", ""])
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    key = seals(aws)[0]
    aws.objects[key] = spoiled
    found = verify(an_app(aws, days_later(4)))
    assert {problem.key for problem in found.problems} == {key}
    assert key not in seal_due_days(an_app(aws, days_later(5)), days_later(5)).keys
    assert aws.objects[key] == spoiled


@pytest.mark.parametrize("pem", [b"", b"garbled", Key().public.encode() * 2])
def test_a_public_key_in_the_bucket_that_is_none_is_a_problem_of_the_seals(pem: bytes) -> None:
    aws, key = a_month(["", "", ""]), Key()
    seal_due_days(an_app(aws, days_later(4)), days_later(4), key)
    (kept,) = [name for name in aws.objects if name.startswith("seals/keys/")]
    aws.objects[kept] = pem
    found = verify(an_app(aws, days_later(4)))
    assert {problem.key for problem in found.problems} == set(seals(aws))
    assert all(key.arn in problem.text for problem in found.problems)
    # Whoever has a copy of the key needs none in the bucket.
    assert verify(an_app(aws, days_later(4)), key.public.encode()).problems == ()


def forged(aws: FakeAws, previous: list[str], sealed_at: str) -> str:
    """An amendment that somebody without the key writes: the failed run was ok after all."""
    first = Seal.from_json(aws.objects["seals/2026-11-02.json"])
    (row,) = first.firings
    links = tuple(Link(key, sha256(aws.objects[key])) for key in previous)
    row = evolve(row, state="ok", ruling="PASS")
    made = evolve(first, previous=links, firings=(row,), number=1, sealed_at=sealed_at)
    aws.objects[made.key] = made.to_json()
    return made.key


@pytest.mark.parametrize("signed_from", [0, 3])
@pytest.mark.parametrize("noticed", [False, True], ids=["the last", "and audits went on"])
@pytest.mark.parametrize("previous", ["seals/2026-11-01.json", "seals/2026-11-04.json"])
@pytest.mark.parametrize("sealed_at", ["2026-11-03T00:10:00.000Z", "2027-11-03T00:10:00.000Z"])
def test_a_seal_that_was_added_without_the_key_is_found_with_it(
    signed_from: int, previous: str, sealed_at: str, *, noticed: bool
) -> None:
    aws, key = a_month(["", "failed", *[""] * 8]), Key()
    for number in range(2, 7):
        signer = key if number >= signed_from + 2 else None
        seal_due_days(an_app(aws, days_later(number)), days_later(number), signer)
    pem = key.public.encode()
    assert verify(an_app(aws, days_later(6)), pem).problems == ()
    added = forged(aws, [previous], sealed_at)
    if noticed:
        for number in (7, 8):
            seal_due_days(an_app(aws, days_later(number)), days_later(number), key)
    found = verify(an_app(aws, days_later(8)), pem)
    assert added in {problem.key for problem in found.problems if "not signed" in problem.text}
    assert found.exit_code == 1
