"""A day of many firings, and a run of many objects: no seal is too large for its readers."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.fake_aws import FakeAws
from toolkit.app.app import App
from toolkit.app.proof.seals import SealingLimits, seal_due_days
from toolkit.app.proof.validate import validate
from toolkit.app.proof.verify import verify
from toolkit.core.checks import Status
from toolkit.core.proof.evidence import Evidence, StoredObject
from toolkit.core.proof.ledger import State
from toolkit.core.proof.seal import PART_BYTES, Seal, SealedRow, in_parts
from toolkit.core.proof.seal_facts import facts
from toolkit.runtime.contract import Outcome, RunId, format_time
from toolkit.runtime.documents import MAX_BYTES
from toolkit.runtime.layout import seal_key

from .sealing import a_month, days_later, rows, seals
from .spoiled_runs import START, a_run, an_app, an_aws, prepared, scheduled

MINUTELY, MINUTE = 24 * 60, timedelta(minutes=1)


def a_busy_day(firings: int) -> FakeAws:
    """A schedule that fires every minute; of one day all runs are there, at the bare minimum."""
    aws = an_aws()
    scheduled(aws, "cron(* 0-23 2 11 ? 2026)")
    start = datetime(2026, 11, 2, tzinfo=UTC)
    for number in range(firings):
        due = start + timedelta(minutes=number)
        key = RunId("weather", due).manifest_key(Outcome.FAILED)
        aws.objects[key], aws.modified[key] = b"{}", due + timedelta(seconds=50)
    return aws


def test_a_day_of_many_firings_is_sealed_in_parts() -> None:
    made = [SealedRow(f"weather-20261101T{n // 60:02}{n % 60:02}00Z", "ok") for n in range(300)]
    parts = list(in_parts(made, limit=1000))
    assert len(parts) > 10
    assert [row for part in parts for row in part] == made
    assert list(in_parts([])) == [()]


class SlowAudits:
    """Audits to whom each seal takes a minute, and whose seals have a hundred firings at most."""

    def __init__(self, aws: FakeAws, now: datetime) -> None:
        self._aws = aws
        self._now = now

    def audit(self, minutes: int) -> list[str]:
        before = len(seals(self._aws))

        def clock() -> datetime:
            return self._now + timedelta(minutes=len(seals(self._aws)) - before)

        of_now = an_app(self._aws)
        app = App(of_now.project, of_now.config, self._aws, of_now.console, clock, local=True)  # type: ignore[arg-type]
        limits = SealingLimits(self._now + timedelta(minutes=minutes), part_bytes=64 * 1024)
        return list(seal_due_days(app, self._now, limits=limits).keys)


@pytest.mark.parametrize("minutes", [1, 3])
def test_an_audit_whose_time_is_over_leaves_the_rest_to_the_next(minutes: int) -> None:
    aws, now = a_busy_day(600), days_later(3)
    audits = SlowAudits(aws, now)
    written = []
    while found := audits.audit(minutes):
        assert len(found) <= minutes
        written.append(found)
    assert len(written) >= 3
    first, *keys = [key for found in written for key in found]
    assert first == "seals/2026-11-01.json"
    assert keys == [seal_key(date(2026, 11, 2), number) for number in range(len(keys))]
    stored = [Seal.from_json(aws.objects[key]) for key in keys]
    assert [seal.complete for seal in stored] == [*[False] * (len(keys) - 1), True]
    found = verify(an_app(aws, now))
    assert (found.problems, found.firings, found.waiting) == ((), MINUTELY, ())
    period = datetime(2026, 11, 2, tzinfo=UTC) - timedelta(seconds=1)
    assert Counter(row.state for row in rows(aws, now, period, period + timedelta(days=1))) == {
        State.FAILED: 600,
        State.MISSED: MINUTELY - 600,
    }


def test_what_changes_of_a_day_in_parts_is_amended_in_parts() -> None:
    aws, now = a_busy_day(600), days_later(3)
    audits = SlowAudits(aws, now)
    while audits.audit(10):
        pass
    parts = len(seals(aws))
    missed = 18 * 60 + 600
    prepared(aws, [a_run(missed + number, "", MINUTE) for number in range(300)])
    audits.audit(100)
    assert len(seals(aws)) == parts, "nothing is due, so nothing is looked at again"
    SlowAudits(aws, days_later(4)).audit(100)
    late = [key for key in seals(aws) if key.startswith("seals/2026-11-02.")]
    assert len(late) > parts + 2
    assert verify(an_app(aws, days_later(4))).problems == ()


def left_behind(count: int) -> dict[str, StoredObject]:
    """What stands in the folder of a run: as many objects as it likes, with the longest names."""
    prefix = RunId("weather", START).prefix
    keys = (f"{prefix}{number:06}{'x' * 194}" for number in range(count))
    return {key: StoredObject(key, 10, None, media_type="m" * 100) for key in keys}


@pytest.mark.parametrize("count", [0, 4, 3_000, 60_000])
def test_no_run_is_too_large_for_a_seal(count: int) -> None:
    run_id = str(RunId("weather", START))
    evidence = Evidence(run_id, format_time(START), objects=left_behind(count))
    row = SealedRow(run_id, State.NO_ARTIFACT, facts=facts(evidence))
    seal = Seal("app", "bucket", f"{START:%Y-%m-%d}", format_time(START), firings=(row,))
    assert len(seal.to_json()) < PART_BYTES < MAX_BYTES
    assert Seal.from_json(seal.to_json()).firings == (row,)


def test_of_many_objects_none_can_be_changed_under_its_seal() -> None:
    aws = a_month(["", "", ""])
    run_id = a_run(1, "", timedelta(days=1)).run_id
    for key in [key for key in aws.objects if str(run_id) in key and "/weather.png" not in key]:
        del aws.objects[key]
    many = [f"{run_id.prefix}{number:06}{'x' * 180}" for number in range(6_000)]
    aws.objects |= dict.fromkeys(many, b"left behind")
    seal_due_days(an_app(aws, days_later(4)), days_later(4))
    assert verify(an_app(aws, days_later(4)), deep=True).problems == ()
    last = validate(an_app(aws, days_later(4)), run_id).verdict.checks[-1]
    assert (last.name, last.status) == ("seal", Status.OK)
    aws.objects[many[7]] += b"!"
    last = validate(an_app(aws, days_later(4)), run_id).verdict.checks[-1]
    assert (last.name, last.status) == ("seal", Status.FAIL)
    assert "artifacts *" in last.detail
