"""The ledger and verdicts from seals are those from the runs themselves."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_aws import FakeAws
from toolkit.app.proof import ledger
from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.validate import over_since, validate, validate_all
from toolkit.core.checks import Status
from toolkit.core.errors import ToolkitError
from toolkit.core.proof.ledger import State
from toolkit.core.proof.verdict import Ruling
from toolkit.runtime.contract import RunId
from toolkit.runtime.layout import seal_key

from .sealing import a_month, days_later, rows, seals, sha256
from .spoiled_runs import (
    RECORDS,
    START,
    a_run,
    an_app,
)

FINAL = ("", "failed", "dead letter", "everything", "manifest", "two manifests", "log", "duplicate")


@settings(max_examples=25, deadline=None)
@given(
    ways=st.lists(st.sampled_from(FINAL), min_size=1, max_size=8),
    days=st.integers(0, 12),
    begin=st.integers(-2, 9),
    length=st.integers(1, 200),
)
def test_the_ledger_from_seals_is_the_ledger_without(
    ways: list[str], days: int, begin: int, length: int
) -> None:
    aws = a_month(ways)
    now = days_later(12)
    since = START + timedelta(days=begin, hours=-3)
    until = min(now, since + timedelta(hours=length))
    before = rows(aws, now, since, until)
    seal_due_days(an_app(aws, days_later(days)), days_later(days))
    assert rows(aws, now, since, until) == before


def test_a_sealed_day_stays_as_it_was_when_its_witnesses_are_gone() -> None:
    aws = a_month(["", "failed", ""])
    before = rows(aws, days_later(3), START - timedelta(hours=1), days_later(2.5))
    seal_due_days(an_app(aws, days_later(5)), days_later(5))
    aws.streams[RECORDS] = []
    aws.retention[RECORDS[0]] = 1
    after = rows(aws, days_later(400), START - timedelta(hours=1), days_later(2.5))
    assert after == before
    assert [row.state for row in after] == [State.OK, State.FAILED, State.OK]


def test_a_year_is_some_hundred_gets() -> None:
    aws = a_month([""] * 20)
    now = days_later(365)
    for _ in range(13):
        seal_due_days(an_app(aws, now), now)
    assert len(seals(aws)) == 364
    aws.calls.clear()
    found = rows(aws, now, START - timedelta(hours=1))
    assert len(found) == 366
    # A GET a day, and for what vouches for the last seal those of the same second.
    assert aws.calls["GetObject"] < 366 + 40
    assert sum(aws.calls.values()) - aws.calls["GetObject"] < 20


def test_every_firing_since_a_time_is_judged_from_the_seals_and_held_against_them() -> None:
    aws = a_month([""] * 5)
    seal_due_days(an_app(aws, days_later(8)), days_later(8))
    over = over_since(an_app(aws, days_later(5)), START - timedelta(hours=1))
    assert len(over.run_ids) == 6
    verdict = validate(an_app(aws, days_later(8)), over.run_ids[1]).verdict
    assert verdict.ruling is Ruling.PASS
    assert verdict.checks[-1].name == "seal"
    key = over.run_ids[1].artifact_key("weather.png")
    aws.objects[key] += b"more"
    verdict = validate(an_app(aws, days_later(8)), over.run_ids[1]).verdict
    assert verdict.ruling is Ruling.FAIL
    assert "artifacts weather.png" in verdict.checks[-1].detail


@pytest.mark.parametrize("number", [0, 14, 15, 16, 31, 34])
def test_the_ledger_says_which_seal_was_altered_and_ends_badly(number: int) -> None:
    """Wherever the day stands among those that are fetched at once, and at the period's end."""
    aws = a_month(["failed"] * 35)
    for _ in range(2):
        seal_due_days(an_app(aws, days_later(40)), days_later(40))
    key = seal_key(date(2026, 11, 1) + timedelta(days=number))
    aws.objects[key] = aws.objects[key].replace(b'"state":"failed"', b'"state":"ok"')
    found = ledger.read(
        an_app(aws, days_later(40)), ledger.Period(START - timedelta(hours=1), days_later(34.5))
    )
    states = [row.state for row in found.firings]
    assert states == [State.FAILED] * 35, "an altered day is read from the runs themselves"
    assert [key in problem and "altered" in problem for problem in found.problems] == [True]


def test_a_state_of_a_later_version_says_to_upgrade() -> None:
    aws = a_month(["", "", ""])
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    key, later = seals(aws)[-2:]
    before = sha256(aws.objects[key]).encode()
    aws.objects[key] = aws.objects[key].replace(b'"state":"ok"', b'"state":"dreamt"')
    after = sha256(aws.objects[key]).encode()
    aws.objects[later] = aws.objects[later].replace(before, after)
    with pytest.raises(ToolkitError, match="dreamt"):
        rows(aws, days_later(5), START - timedelta(hours=1))


def altered(content: bytes) -> bytes:
    return content.replace(b'"state":"ok"', b'"state":"missed"')


def emptied(_content: bytes) -> bytes:
    return b""


def of_another_bucket(content: bytes) -> bytes:
    return content.replace(b'"bucket":"bucket"', b'"bucket":"another"')


@pytest.mark.parametrize("change", [altered, emptied, of_another_bucket])
@pytest.mark.parametrize("number", [0, 2])
def test_a_run_under_a_seal_that_was_altered_does_not_pass(
    number: int, change: Callable[[bytes], bytes]
) -> None:
    aws = a_month([""] * 5)
    seal_due_days(an_app(aws, days_later(8)), days_later(8))
    run_id = RunId("weather", START + timedelta(days=number))
    key = seal_key(run_id.scheduled_time.date())
    aws.objects[key] = change(aws.objects[key])
    app = an_app(aws, days_later(8))
    verdict = validate(app, run_id).verdict
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert key in verdict.checks[-1].detail
    assert validate(app, RunId("weather", START + timedelta(days=4))).verdict.ruling is Ruling.PASS
    over = over_since(app, START - timedelta(hours=1))
    assert key in over.problems[0]


def test_a_year_is_judged_with_two_gets_of_each_seal() -> None:
    aws = a_month([""] * 365)
    now = days_later(370)
    for _ in range(13):
        seal_due_days(an_app(aws, now), now)
    assert len(seals(aws)) > 365
    aws.calls.clear()
    app = an_app(aws, now)
    over = over_since(app, START - timedelta(minutes=1))
    ledger_calls = aws.calls["GetObject"]
    found = list(validate_all(app, over.run_ids[:365]))
    assert {each.verdict.ruling for each in found} == {Ruling.PASS}
    assert {each.verdict.checks[-1].name for each in found} == {"seal"}
    assert ledger_calls < 366 + 40
    # Of each run claim and manifest, of each day the seal; one row of the catalog.
    assert aws.calls["GetObject"] - ledger_calls <= 365 * 3 + 3


def log_expired(aws: FakeAws) -> None:
    aws.retention["/fargate-runs/weather"] = 7
    for key in aws.streams.keys() - {RECORDS}:
        aws.streams[key] = []


def half_of_the_log_expired(aws: FakeAws) -> None:
    aws.retention["/fargate-runs/weather"] = 7
    for key in aws.streams.keys() - {RECORDS}:
        del aws.streams[key][:9]


def record_expired(aws: FakeAws) -> None:
    aws.retention[RECORDS[0]] = 30
    aws.streams[RECORDS] = []


def claims_expired(aws: FakeAws) -> None:
    for key in [key for key in aws.objects if key.endswith("/claim.json")]:
        del aws.objects[key]


def everything_expired(aws: FakeAws) -> None:
    log_expired(aws)
    record_expired(aws)
    claims_expired(aws)


def log_and_record_expired(aws: FakeAws) -> None:
    log_expired(aws)
    record_expired(aws)


@pytest.mark.parametrize(
    ("expired", "ruling", "said"),
    [
        (log_expired, Ruling.PASS, ", which stands for the log"),
        (half_of_the_log_expired, Ruling.PASS, ", which stands for the log"),
        (record_expired, Ruling.PASS, ", which stands for the record of the task"),
        (log_and_record_expired, Ruling.PASS, "the record of the task and the log"),
        (everything_expired, Ruling.INCONCLUSIVE, "but for what is gone: claim"),
    ],
)
def test_a_seal_stands_for_what_is_no_longer_kept_and_not_for_what_was_altered(
    expired: Callable[[FakeAws], None], ruling: Ruling, said: str
) -> None:
    aws = a_month(["", "", ""])
    seal_due_days(an_app(aws, days_later(5)), days_later(5))
    run_id = a_run(1, "", timedelta(days=1)).run_id
    expired(aws)
    much_later = an_app(aws, days_later(400))
    verdict = validate(much_later, run_id).verdict
    assert verdict.ruling is ruling
    assert verdict.checks[-1].name == "seal"
    assert said in verdict.checks[-1].detail
    assert "seals/2026-11-02.json" in verdict.checks[-1].detail
    aws.objects[run_id.artifact_key("weather.png")] += b"more"
    verdict = validate(much_later, run_id).verdict
    assert verdict.ruling is Ruling.FAIL
    assert verdict.checks[-1].status is Status.FAIL
    assert "weather.png" in verdict.checks[-1].detail


def test_a_firing_without_a_trace_is_sealed_with_what_was_due() -> None:
    aws = a_month(["", "everything", "failed"])
    seal_due_days(an_app(aws, days_later(5)), days_later(5))
    everything_expired(aws)
    missed = validate(an_app(aws, days_later(400)), a_run(1, "", timedelta(days=1)).run_id).verdict
    assert missed.ruling is Ruling.FAIL
    assert missed.checks[-1].status is Status.OK
    failed = validate(an_app(aws, days_later(400)), a_run(2, "", timedelta(days=1)).run_id).verdict
    assert failed.checks[-1].status is Status.UNKNOWN
