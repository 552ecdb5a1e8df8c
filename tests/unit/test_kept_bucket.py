"""The ledger of a deleted app, from what `toolkit delete` left in its bucket."""

import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from tests.fake_aws import FakeAws
from toolkit.app.proof import ledger
from toolkit.core.proof.ledger import State

from .sealing import a_month, days_later
from .spoiled_runs import RECORDS, START, an_app


def deleted(aws: FakeAws) -> None:
    """Copy the records by day, and let all else go with the app."""
    days: defaultdict[str, list[str]] = defaultdict(list)
    for row in aws.streams[RECORDS]:
        at = datetime.fromtimestamp(row["timestamp"] / 1000, UTC)
        days[f"{at:%Y-%m-%d}"].append(row["message"])
    for day, lines in days.items():
        aws.objects[f"records/{day}.jsonl.gz"] = gzip.compress("\n".join(lines).encode())
    aws.streams.clear()


def kept_states(aws: FakeAws) -> list[State]:
    app = an_app(aws, days_later(40))
    app.kept_bucket = "bucket"
    known = ledger.read(an_app(aws, days_later(40)), PERIOD).known
    return [row.state for row in ledger.read(app, PERIOD, known).firings]


PERIOD = ledger.Period(START - timedelta(minutes=1), days_later(4) - timedelta(minutes=1))


@pytest.mark.parametrize("others", [[""], ["failed"], ["duplicate"]])
def test_a_suppressed_duplicate_is_known_by_its_second_task(others: list[str]) -> None:
    aws = a_month(["", "duplicate", "", *others])
    deleted(aws)
    last = {"": State.OK, "failed": State.FAILED, "duplicate": State.DUPLICATE}[others[0]]
    assert kept_states(aws) == [State.OK, State.DUPLICATE, State.OK, last]


def test_a_record_that_was_copied_twice_is_one_task() -> None:
    aws = a_month(["", "", "", ""])
    aws.streams[RECORDS] *= 2
    deleted(aws)
    assert kept_states(aws) == [State.OK] * 4
