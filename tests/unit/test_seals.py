"""Days are sealed once they are final, and what was sealed can be read, checked and amended."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_aws import FakeAws
from toolkit.app.proof import ledger
from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.validate import over_since, validate
from toolkit.app.proof.verify import verify
from toolkit.core.errors import EvidenceError, ToolkitError
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.proof.seal import Link, Seal, SealedRow, in_parts
from toolkit.core.proof.seal_chain import due_days, verify_chain
from toolkit.core.proof.verdict import Ruling
from toolkit.runtime.contract import Outcome, RunId, format_time
from toolkit.runtime.layout import seal_key

from .sealing import Key, a_month, days_later, sha256
from .test_validate_many import (
    RECORDS,
    START,
    a_run,
    an_app,
    an_aws,
    no_record,
    prepared,
    scheduled,
)

FINAL = ("", "failed", "dead letter", "everything", "manifest", "two manifests", "log", "duplicate")
MONTH = days_later(30)


def seals(aws: FakeAws) -> list[str]:
    return sorted(key for key in aws.objects if key.startswith("seals/2") and key.endswith(".json"))


def contents(aws: FakeAws) -> dict[str, bytes]:
    return {key: aws.objects[key] for key in seals(aws)}


def rows(
    aws: FakeAws, now: datetime, since: datetime, until: datetime | None = None
) -> list[Firing]:
    period = ledger.Period(since, until or now)
    return list(ledger.read(an_app(aws, now), period).firings)


# --- when a day is sealed -------------------------------------------------------------------------


@given(
    minutes=st.integers(0, 60 * 24 * 60),
    hours=st.integers(0, 24 * 70),
    done=st.sets(st.integers(0, 70)),
)
def test_a_day_is_due_a_day_after_its_end_and_once(
    minutes: int, hours: int, done: set[int]
) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    now = first + timedelta(hours=hours)
    sealed = {first.date() + timedelta(days=day) for day in done}
    due = due_days(first, sealed, now)
    every = [first.date() + timedelta(days=day) for day in range(80)]
    over = {
        day
        for day in every
        if datetime(day.year, day.month, day.day, tzinfo=UTC) + 2 * timedelta(days=1) <= now
    }
    assert due == sorted(over - sealed)


def test_a_day_waits_until_its_last_run_is_over() -> None:
    aws = a_month(["", "running", ""])
    written = seal_due_days(an_app(aws, days_later(4)), days_later(4))
    # 1 November has a firing, too: the first.
    assert written.keys == ("seals/2026-11-01.json", "seals/2026-11-03.json")
    assert written.waiting == (date(2026, 11, 2),)
    stopped = a_run(1, "", timedelta(days=1))
    aws.tasks.clear()
    prepared(aws, [stopped])
    again = seal_due_days(an_app(aws, days_later(4)), days_later(4))
    assert again.keys == ("seals/2026-11-02.json",)
    assert not verify(an_app(aws, MONTH)).problems


def test_a_day_without_firings_is_sealed_too() -> None:
    aws = an_aws()
    scheduled(aws, "cron(0 6 ? * MON *)")
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    assert [len(Seal.from_json(body).firings) for body in contents(aws).values()] == [0, 1, 0]


def test_where_nothing_was_ever_deployed_nothing_is_sealed() -> None:
    aws = an_aws()
    assert seal_due_days(an_app(aws), MONTH).keys == ()
    assert verify(an_app(aws)).exit_code == 4


# --- what a seal says -----------------------------------------------------------------------------


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
    assert aws.calls["GetObject"] < 370
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


# --- what changes later ---------------------------------------------------------------------------


def test_a_record_that_comes_later_is_an_amendment() -> None:
    aws = a_month(["", "", ""])
    late = a_run(1, "", timedelta(days=1))
    no_record(aws, late)
    seal_due_days(an_app(aws, days_later(3)), days_later(3))
    assert rows(aws, days_later(6), START + timedelta(hours=1))[0].state is State.UNWITNESSED
    aws.streams[RECORDS] += late.records()
    written = seal_due_days(an_app(aws, days_later(6)), days_later(6))
    assert "seals/2026-11-02.1.json" in written.keys
    (row,) = Seal.from_json(aws.objects["seals/2026-11-02.1.json"]).firings
    assert (row.run_id, row.state) == (str(late.run_id), State.OK)
    assert rows(aws, days_later(6), START + timedelta(hours=1))[0].state is State.OK
    assert not verify(an_app(aws, MONTH)).problems
    assert seal_due_days(an_app(aws, days_later(7)), days_later(7)).keys == (
        "seals/2026-11-06.json",
    )


def test_a_second_manifest_after_the_seal_is_an_amendment() -> None:
    aws = a_month(["", ""])
    seal_due_days(an_app(aws, days_later(3)), days_later(3))
    made = a_run(0, "", timedelta(days=1))
    aws.objects[made.run_id.manifest_key(Outcome.FAILED)] = made.manifest().to_json()
    (problem,) = verify(an_app(aws, MONTH)).problems
    assert "failed.json was written after its day was sealed" in problem.text
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    assert "seals/2026-11-01.1.json" in seals(aws)
    assert not verify(an_app(aws, MONTH)).problems


def test_records_that_expire_amend_nothing() -> None:
    aws = a_month([""] * 8)
    seal_due_days(an_app(aws, days_later(6)), days_later(6))
    aws.streams[RECORDS] = []
    aws.retention[RECORDS[0]] = 1
    seal_due_days(an_app(aws, days_later(20)), days_later(20))
    assert [key for key in seals(aws) if ".1." in key] == []


# --- an audit that ends, and two at once ----------------------------------------------------------


class EndingError(Exception):
    """The audit's own end, at any write."""


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("last", range(10))
def test_an_audit_that_ends_at_any_write_is_made_good_by_the_next(
    last: int, *, signed: bool
) -> None:
    aws = a_month(["", "failed", "", ""])
    key = Key() if signed else None

    class Bound(dict[str, bytes]):
        left = last

        def __setitem__(self, name: str, content: bytes) -> None:
            if Bound.left == 0:
                raise EndingError
            Bound.left -= 1
            super().__setitem__(name, content)

    whole = dict(aws.objects)
    aws.objects = Bound(whole)
    with contextlib.suppress(EndingError):
        seal_due_days(an_app(aws, days_later(5)), days_later(5), key)
    Bound.left = -1
    aws.objects = dict(aws.objects)
    seal_due_days(an_app(aws, days_later(5)), days_later(5), key)
    found = verify(an_app(aws, days_later(5)), key.public.encode() if key else None)
    assert (found.problems, found.days, found.waiting) == ((), 4, ())
    assert found.unsigned == (0 if signed else found.seals)


def test_what_two_audits_wrote_at_once_is_joined_by_the_next() -> None:
    aws = a_month(["", "", "", ""])
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    # Another audit amended the first day and did not see the third.
    second = seal_key(date(2026, 11, 2))
    link = Link(second, sha256(aws.objects[second]))
    row = Seal.from_json(aws.objects[seal_key(date(2026, 11, 1))]).firings[0]
    at = format_time(days_later(4))
    other = Seal("fargate-runs", "bucket", "2026-11-01", at, (link,), (row,), number=1)
    aws.objects[other.key] = other.to_json()
    assert len(verify_chain(contents(aws), "bucket", whole=True).heads) == 2
    seal_due_days(an_app(aws, days_later(5)), days_later(5))
    found = verify_chain(contents(aws), "bucket", whole=True)
    assert (len(found.heads), found.problems) == (1, ())
    newest = Seal.from_json(aws.objects[found.heads[0].key])
    assert len(newest.previous) == 2


def test_an_audit_that_comes_second_goes_on_from_what_the_first_wrote() -> None:
    aws = a_month(["", "", "", ""])
    seal_due_days(an_app(aws, days_later(3)), days_later(3))

    class Overtaken(dict[str, bytes]):
        """Shows the next seal only to whoever writes it."""

        hidden = True

        def __iter__(self) -> Iterator[str]:
            names = list(super().__iter__())
            return iter([name for name in names if not (self.hidden and "11-03" in name)])

    first = dict(aws.objects)
    winner = a_month(["", "", "", ""])
    winner.objects |= first
    seal_due_days(an_app(winner, days_later(4)), days_later(4) - timedelta(minutes=1))
    aws.objects = Overtaken(winner.objects)
    written = seal_due_days(an_app(aws, days_later(5)), days_later(5))
    assert written.keys == ("seals/2026-11-04.json",)
    stored = {key: aws.objects[key] for key in [*seals(winner), *written.keys]}
    assert not verify_chain(stored, "bucket", whole=True).problems
    assert Seal.from_json(stored["seals/2026-11-04.json"]).previous[0].key.endswith("11-03.json")


def test_a_day_of_many_firings_is_sealed_in_parts() -> None:
    made = [SealedRow(f"weather-20261101T{n // 60:02}{n % 60:02}00Z", "ok") for n in range(300)]
    parts = list(in_parts(made, limit=1000))
    assert len(parts) > 10
    assert [row for part in parts for row in part] == made
    assert list(in_parts([])) == [()]


# --- the chain ------------------------------------------------------------------------------------


def a_chain() -> dict[str, bytes]:
    aws = a_month(["", "failed", "", ""])
    seal_due_days(an_app(aws, days_later(3)), days_later(3))
    made = a_run(0, "", timedelta(days=1))
    aws.objects[made.run_id.manifest_key(Outcome.FAILED)] = made.manifest().to_json()
    seal_due_days(an_app(aws, days_later(6)), days_later(6))
    return contents(aws)


CHAIN = a_chain()
LAST = max(CHAIN, key=lambda key: (Seal.from_json(CHAIN[key]).sealed_at, key))


def test_a_chain_that_nobody_touched_holds() -> None:
    assert verify_chain(CHAIN, "bucket", whole=True).problems == ()
    assert len(CHAIN) == 6


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_byte_of_a_seal_can_be_changed(data: st.DataObject) -> None:
    heads = {link.key for link in verify_chain(CHAIN, "bucket", whole=True).heads}
    key = data.draw(st.sampled_from(sorted(CHAIN.keys() - heads)))
    content = bytearray(CHAIN[key])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    found = verify_chain({**CHAIN, key: bytes(content)}, "bucket", whole=True)
    assert any(problem.key == key for problem in found.problems)
    part = verify_chain({**CHAIN, key: bytes(content)}, "bucket", whole=False)
    assert any(problem.key == key for problem in part.problems)


def test_no_seal_can_be_taken_away_but_the_last() -> None:
    heads = {link.key for link in verify_chain(CHAIN, "bucket", whole=True).heads}
    for key in CHAIN.keys() - heads:
        rest = {name: body for name, body in CHAIN.items() if name != key}
        assert verify_chain(rest, "bucket", whole=True).problems, key


def test_no_seal_passes_for_another() -> None:
    for key in CHAIN:
        for other in CHAIN.keys() - {key}:
            swapped = {**CHAIN, key: CHAIN[other]}
            assert verify_chain(swapped, "bucket", whole=True).problems, (key, other)


def test_seals_of_another_bucket_are_refused() -> None:
    found = verify_chain(CHAIN, "mine", whole=True)
    assert {problem.key for problem in found.problems} >= CHAIN.keys()


def test_a_chain_that_was_begun_anew_is_seen() -> None:
    rows = json.loads(CHAIN[LAST])
    assert verify_chain(
        {**CHAIN, LAST: json.dumps({**rows, "previous": []}).encode()}, "bucket", whole=True
    ).problems


def test_the_ledger_says_which_seal_was_altered_and_ends_badly() -> None:
    aws = a_month(["", "failed", ""])
    seal_due_days(an_app(aws, days_later(6)), days_later(6))
    key = seal_key(date(2026, 11, 2))
    aws.objects[key] = aws.objects[key].replace(b'"state":"failed"', b'"state":"ok"')
    found = ledger.read(
        an_app(aws, days_later(6)), ledger.Period(START - timedelta(hours=1), days_later(6))
    )
    states = [row.state for row in found.firings]
    assert states[1] is State.FAILED, "an altered day is read from the runs themselves"
    assert [key in problem and "altered" in problem for problem in found.problems] == [True]


# --- verify ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "facts",
    [
        {"manifests": 1},
        {"manifests": [1]},
        {"manifests": [{"key": 1}]},
        {"artifacts": []},
        {"artifacts": {"a": 1}},
        {"artifacts": {"a": {"sha256": 1}}},
        {"claim": 1},
    ],
)
def test_facts_of_another_type_are_no_seal(facts: dict[str, object]) -> None:
    row = SealedRow("weather-20261101T060000Z", "ok", facts=facts)
    seal = Seal("a", "bucket", "2026-11-01", format_time(START), firings=(row,))
    with pytest.raises(EvidenceError, match="the facts of weather-20261101T060000Z"):
        Seal.from_json(seal.to_json())


def test_firings_of_another_day_are_no_seal() -> None:
    row = SealedRow("weather-20261102T060000Z", "ok")
    seal = Seal("a", "bucket", "2026-11-01", format_time(START), firings=(row,))
    with pytest.raises(EvidenceError, match="of another day"):
        Seal.from_json(seal.to_json())


def test_a_state_of_a_later_version_says_to_upgrade() -> None:
    aws = a_month(["", "", ""])
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    key = seals(aws)[-1]
    aws.objects[key] = aws.objects[key].replace(b'"state":"ok"', b'"state":"dreamt"')
    with pytest.raises(ToolkitError, match="dreamt"):
        rows(aws, days_later(5), START - timedelta(hours=1))


def test_a_run_on_demand_is_no_firing_and_is_not_sealed() -> None:
    aws = a_month(["", ""])
    run_id = RunId("weather", START + timedelta(hours=1), "abc123")
    aws.objects[run_id.manifest_key(Outcome.SUCCEEDED)] = b"{}"
    seal_due_days(an_app(aws, days_later(3)), days_later(3))
    assert not any(str(run_id).encode() in body for body in contents(aws).values())
    assert not verify(an_app(aws, days_later(3))).problems
