"""Ledger, status and verdict take a seal for a witness by one rule: all of them, or none."""

import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from tests.fake_aws import FakeAws
from toolkit.app.proof import ledger, status
from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.validate import over_since, validate
from toolkit.core.proof.ledger import State
from toolkit.core.proof.seal import Link, Seal
from toolkit.core.proof.verdict import Ruling
from toolkit.runtime.layout import signature_key

from .sealing import Key, a_month, days_later, seals, sha256
from .spoiled_runs import START, a_run, an_app
from .test_sealed_reading import record_expired

LATER = days_later(400)
DAY = timedelta(days=1)


def a_chain(signer: Key | None, last_signer: Key | None) -> FakeAws:
    """Four days with a run each, sealed one after the other, the last by somebody else."""
    aws = a_month(["", "", "", ""])
    for number, key in ((4, signer), (5, last_signer)):
        now = days_later(number)
        known = set(seals(aws))
        seal_due_days(an_app(aws, now), now, key)
        aws.modified |= dict.fromkeys(set(seals(aws)) - known, now)
    return aws


def confirmed(key: Key) -> FakeAws:
    aws = a_chain(key, key)
    seal_due_days(an_app(aws, days_later(8)), days_later(8), key)
    return aws


def unsigned_chain_that_goes_on(_key: Key) -> FakeAws:
    aws = a_chain(None, None)
    seal_due_days(an_app(aws, days_later(8)), days_later(8))
    return aws


def last_and_signed(key: Key) -> FakeAws:
    return a_chain(key, key)


def last_of_an_unsigned_chain(_key: Key) -> FakeAws:
    return a_chain(None, None)


def unsigned_after_signed_ones(key: Key) -> FakeAws:
    return a_chain(key, None)


def unsigned_between_signed_ones(key: Key) -> FakeAws:
    aws = a_chain(key, None)
    seal_due_days(an_app(aws, days_later(8)), days_later(8), key)
    return aws


def signed_by_another(key: Key) -> FakeAws:
    return a_chain(key, Key())


def signature_of_another_seal(key: Key) -> FakeAws:
    aws = a_chain(key, key)
    first, *_, last = seals(aws)
    one, other = (signature_key(sha256(aws.objects[seal])) for seal in (first, last))
    aws.objects[other] = aws.objects[one]
    return aws


def altered(key: Key) -> FakeAws:
    aws = confirmed(key)
    aws.objects[LAST_SEAL] = aws.objects[LAST_SEAL].replace(b'"detail":""', b'"detail":"-"')
    return aws


def unsigned_amendment(key: Key) -> FakeAws:
    """Somebody adds a row to a day that was sealed and signed."""
    aws = a_chain(key, key)
    first = Seal.from_json(aws.objects[LAST_SEAL])
    link = Link(first.key, sha256(aws.objects[first.key]))
    added = evolve(first, number=1, previous=(link,))
    aws.objects[added.key], aws.modified[added.key] = added.to_json(), days_later(9)
    return aws


RUN = a_run(3, "", DAY).run_id
LAST_SEAL = "seals/2026-11-04.json"
Way = Callable[[Key], FakeAws]
WITNESSES: tuple[Way, ...] = (confirmed, unsigned_chain_that_goes_on, last_and_signed)
NONE: tuple[Way, ...] = (
    last_of_an_unsigned_chain,
    unsigned_after_signed_ones,
    unsigned_between_signed_ones,
    signed_by_another,
    signature_of_another_seal,
    altered,
    unsigned_amendment,
)


def ledger_of(aws: FakeAws, now: datetime) -> tuple[State, list[str]]:
    """What the ledger says of the last run, and what is wrong with the seals."""
    period = ledger.Period(START - DAY, RUN.scheduled_time)
    found = ledger.read(an_app(aws, now), period)
    states = {row.run_id: row.state for row in found.firings}
    assert len(states) == 4
    return states[RUN], found.problems


def status_of(aws: FakeAws, now: datetime) -> State:
    found = status.runs(an_app(aws, now), START - DAY)
    return next(run.state for run in found if run.run_id == RUN)


@pytest.mark.parametrize("way", WITNESSES)
def test_what_is_a_witness_to_the_verdict_is_one_to_the_ledger(way: Way) -> None:
    aws = way(Key())
    assert LAST_SEAL in seals(aws)
    record_expired(aws)
    assert validate(an_app(aws, LATER), RUN).verdict.ruling is Ruling.PASS
    assert ledger_of(aws, LATER) == (State.OK, [])
    assert status_of(aws, LATER) is State.OK


@pytest.mark.parametrize("way", NONE)
def test_what_is_none_to_the_verdict_is_none_to_the_ledger(way: Way) -> None:
    aws = way(Key())
    assert LAST_SEAL in seals(aws)
    record_expired(aws)
    found = validate(an_app(aws, LATER), RUN).verdict
    assert found.ruling is Ruling.INCONCLUSIVE
    state, problems = ledger_of(aws, LATER)
    assert state is State.WITNESS_EXPIRED
    assert status_of(aws, LATER) is State.WITNESS_EXPIRED
    broken = "seal-broken" in {check.finding for check in found.checks}
    assert bool(problems) is broken
    assert bool(over_since(an_app(aws, LATER), START - DAY).problems) is broken


@pytest.mark.parametrize("way", [*WITNESSES, *NONE])
def test_the_rows_are_those_of_the_runs_while_their_records_are_there(way: Way) -> None:
    aws = way(Key())
    state, problems = ledger_of(aws, days_later(20))
    assert state is State.OK
    passed = validate(an_app(aws, days_later(20)), RUN).verdict.ruling is Ruling.PASS
    assert passed is not bool(problems)


def test_without_the_package_for_signatures_no_seal_is_called_unsigned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = confirmed(Key())
    record_expired(aws)
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    assert ledger_of(aws, LATER) == (State.OK, [])
    assert validate(an_app(aws, LATER), RUN).verdict.ruling is Ruling.PASS
