"""Objects in the bucket that somebody else wrote: one clear error of each, and nothing is sent."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, evolve, field

from tests.fake_aws import FakeAws
from tests.unit import kept_runs
from toolkit.adapters.aws.s3 import Bucket
from toolkit.adapters.bucket.archive import Archive
from toolkit.audit import progress
from toolkit.audit.outbox import LEASE, Outbox
from toolkit.core.changes.change import Change, ScheduleState
from toolkit.core.errors import EvidenceError
from toolkit.core.schedules.history import History, Snapshot
from toolkit.core.schedules.timing import Pause, Timing
from toolkit.runtime.contract import Outcome, RunId, format_time

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
DUE = NOW - DAY
PAUSE = Pause("2026-11-20T00:00:00Z", "ada", "moved", "2026-11-01T00:00:00Z")
WEATHER = Timing(
    name="weather",
    expression="cron(0 6 * * ? *)",
    timezone="Europe/Berlin",
    state="ENABLED",
    start="2026-11-20T00:00:00Z",
    end="2027-11-20T00:00:00Z",
    changed_at="2026-11-02T00:00:00.000Z",
    pause=PAUSE,
)
RECORD = json.loads(Snapshot("2026-11-02T00:00:00.000Z", (WEATHER,)).to_json())
WRONG: tuple[Any, ...] = (
    *(None, True, -1, 0, 7, 2**63, 10**400, 1e308, float("nan"), [], {}, [None]),
    *("", "x", "\ud800", "\x1b[2J", "../../x", "x" * 100_000, "rate(99999999999 days)"),
    *("at(2026-03-29T02:30:00)", "cron(0 0 30 2 ? *)", "2026-11-24T05:00:00"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
)


def spoiled(document: Any) -> Iterator[Any]:
    """The document with each of its values, and of those within, exchanged for a wrong one."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(items):
        inner = spoiled(value) if isinstance(value, (dict, list)) else ()
        for other in (*WRONG, *inner):
            copy = document.copy()
            copy[key] = other
            yield copy


def use(history: History) -> None:
    """Ask everything that ledger, audit and site ask."""
    assert history.earliest is None or history.earliest <= datetime.max.replace(tzinfo=UTC)
    for name in (*history.names, *history.disabled):
        run_id = RunId(name, DUE)
        list(islice(history.firings(name, NOW - 9 * DAY, NOW), 100))
        history.next(name, NOW)
        history.latest(name, NOW)
        history.spent(name, NOW)
        history.pause_at(name, NOW)
        history.expects(run_id)
        history.paused(run_id)
        timedelta(seconds=history.launch_window(run_id) or 0)


def test_a_record_of_a_deployment_is_usable_or_refused() -> None:
    read = 0
    for document in spoiled(RECORD):
        with suppress(EvidenceError):
            snapshot = Snapshot.from_json(json.dumps(document).encode())
            read += 1
            use(History([snapshot]))
    assert read > 10


@pytest.mark.parametrize("kind", ["deployments", "dead-letters"])
def test_a_document_that_cannot_be_read_is_named_and_other_objects_are_left_out(kind: str) -> None:
    key = f"{kind}/20261124T050000123Z.json"
    aws: Any = FakeAws(objects={f"{kind}/notes.txt": b"hello", key: b"\xff"})
    found = Archive(Bucket(aws, "bucket"))
    read: Any = {"deployments": found.deployments, "dead-letters": found.dead_letters}[kind]
    with pytest.raises(EvidenceError, match=f"^{key} cannot be read: ") as error:
        read(DUE)
    assert "notes" not in error.value.message
    del aws.objects[key]
    assert read(DUE) == []


@define
class Post:
    """What was sent."""

    sent: list[Any] = field(factory=list)

    def mail(self, subject: str, body: str) -> None:
        self.sent.append((subject, body))

    def event(self, detail: Any) -> None:
        self.sent.append(detail)


CHANGE = Change(
    app="app",
    schedule="weather",
    scheduled_time=format_time(DUE),
    number=1,
    state=ScheduleState.MISSED,
    before=ScheduleState.WELL,
    noticed_at=format_time(NOW),
)


def resent(content: bytes) -> tuple[Post, list[str]]:
    """What an audit sends of a change that was left behind, and the problems that it has."""
    aws: Any = FakeAws(objects={CHANGE.key: content}, modified={CHANGE.key: NOW - LEASE})
    post = Post()
    outbox = Outbox(Archive(Bucket(aws, "bucket")), post)
    outbox.resend(outbox.told(), NOW)
    assert len(aws.objects) == 1 + len(post.sent) // 2
    return post, outbox.problems


def test_a_change_is_sent_or_is_a_problem_of_the_audit() -> None:
    assert len(resent(CHANGE.to_json())[0].sent) == 2
    for document in spoiled(CHANGE.to_detail()):
        post, problems = resent(json.dumps(document).encode())
        assert len(post.sent) == (0 if problems else 2)


def test_a_change_that_stands_at_the_key_of_another_is_not_sent() -> None:
    post, problems = resent(evolve(CHANGE, number=2).to_json())
    assert post.sent == []
    second = evolve(CHANGE, number=2)
    assert problems == [f"{CHANGE.id} was not sent: {CHANGE.key} holds {second.id}"]


def audits(*contents: bytes | None) -> dict[str, bytes]:
    """Audits of the last hours, the latest last; None stands for the manifest of a good one."""
    manifest = json.loads(kept_runs.new_run()["manifest.json"])
    objects = {}
    for hours, content in zip(range(len(contents), 0, -1), contents, strict=True):
        run_id = RunId("audit", NOW - timedelta(hours=hours))
        metrics = {progress.SETTLED: format_time(run_id.scheduled_time)}
        good = json.dumps({**manifest, "metrics": metrics}).encode()
        objects[run_id.manifest_key(Outcome.SUCCEEDED)] = content or good
    return objects


@pytest.mark.parametrize(
    ("contents", "since"),
    [
        ((None, None), NOW - timedelta(hours=1)),
        ((None, b"{"), NOW - timedelta(hours=2)),
        ((b"[" * 99, b'{"format": "manifest/9"}'), NOW - 16 * DAY),
        ((), NOW - DAY),
    ],
)
def test_an_audit_begins_where_the_last_one_ended_that_can_be_read(
    contents: tuple[bytes | None, ...], since: datetime
) -> None:
    aws: Any = FakeAws(objects=audits(*contents))
    said: list[str] = []
    app: Any = SimpleNamespace(
        archive=Archive(Bucket(aws, "bucket")), console=SimpleNamespace(say=said.append)
    )
    assert progress.read(app, NOW, 16 * DAY).since == since
    assert len(said) == sum(content is not None for content in contents)
