"""Days are sealed once they are final, and amended by what became of them later."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.verify import verify
from toolkit.core.proof.ledger import State
from toolkit.core.proof.seal import Link, Seal
from toolkit.core.proof.seal_chain import due_days
from toolkit.runtime.contract import Outcome, RunId, format_time
from toolkit.runtime.layout import seal_key

from .sealing import Key, a_month, checked_chain, contents, days_later, rows, seals, sha256
from .spoiled_runs import (
    RECORDS,
    START,
    a_run,
    an_app,
    an_aws,
    no_record,
    prepared,
    scheduled,
)

MONTH = days_later(30)


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
    assert len(checked_chain(contents(aws)).heads) == 2
    seal_due_days(an_app(aws, days_later(5)), days_later(5))
    found = checked_chain(contents(aws))
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
    assert not checked_chain(stored).problems
    assert Seal.from_json(stored["seals/2026-11-04.json"]).previous[0].key.endswith("11-03.json")


def test_a_run_on_demand_is_no_firing_and_is_not_sealed() -> None:
    aws = a_month(["", ""])
    run_id = RunId("weather", START + timedelta(hours=1), "abc123")
    aws.objects[run_id.manifest_key(Outcome.SUCCEEDED)] = b"{}"
    seal_due_days(an_app(aws, days_later(3)), days_later(3))
    assert not any(str(run_id).encode() in body for body in contents(aws).values())
    assert not verify(an_app(aws, days_later(3))).problems
