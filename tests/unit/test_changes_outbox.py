"""One key for each change, never none, maybe sent twice: whatever dies or overlaps, and when."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import define, field

from toolkit.audit.audit import Audit, AuditOptions
from toolkit.audit.outbox import LEASE, Outbox
from toolkit.core.changes.change import Change, ScheduleState, Told
from toolkit.core.changes.decision import Seen, changes
from toolkit.core.errors import EvidenceError, ToolkitError
from toolkit.runtime.contract import RunId

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SCHEDULES = ("hourly", "weather")


class Killed(BaseException):
    """The end of an audit between two calls."""


@define
class Aws:
    """A bucket and a topic; ``before`` is called before the call of each number, by audit."""

    objects: dict[str, tuple[bytes, datetime]] = field(factory=dict)
    mails: list[tuple[str, str]] = field(factory=list)
    events: list[Mapping[str, Any]] = field(factory=list)
    now: datetime = NOON
    created: Counter[str] = field(factory=Counter)


@define
class Client:
    """One audit's way to AWS: it counts the calls, and ``interrupt`` may end or delay any."""

    aws: Aws
    interrupt: Callable[[int, bool], None] = lambda _number, _done: None
    calls: int = 0

    def _call(self, effect: Callable[[], Any]) -> Any:
        self.calls += 1
        number = self.calls
        self.interrupt(number, False)
        result = effect()
        self.interrupt(number, True)
        return result

    def changes(self) -> Mapping[str, datetime]:
        found = self._call(lambda: {key: row[1] for key, row in self.aws.objects.items()})
        return dict(found)

    def create(self, key: str, content: bytes) -> bool:
        def effect() -> bool:
            if key in self.aws.objects:
                return False
            self.aws.objects[key] = (content, self.aws.now)
            self.aws.created[key] += 1
            return True

        return bool(self._call(effect))

    def read(self, key: str) -> bytes | None:
        found = self._call(lambda: self.aws.objects.get(key, (None, None))[0])
        assert found is None or isinstance(found, bytes)
        return found

    def mail(self, subject: str, body: str) -> None:
        self._call(lambda: self.aws.mails.append((subject, body)))

    def event(self, detail: Mapping[str, Any]) -> None:
        self._call(lambda: self.aws.events.append(detail))


def seen_at(now: datetime) -> list[Seen]:
    """Two schedules that miss a firing at noon, and are well from one o'clock on."""
    rows = [Seen(RunId(name, NOON), ScheduleState.MISSED) for name in SCHEDULES]
    if now > NOON + timedelta(hours=1):
        well = NOON + timedelta(hours=1)
        rows += [Seen(RunId(name, well), ScheduleState.WELL) for name in SCHEDULES]
    return rows


def audit(aws: Aws, interrupt: Callable[[int, bool], None] = lambda _n, _d: None) -> int:
    """One audit, in the order in which the real one works; returns its number of calls."""
    client = Client(aws, interrupt)
    outbox = Outbox(client, client)
    told = outbox.told()
    outbox.resend(told, aws.now)
    news = changes("app", told, seen_at(aws.now), aws.now)
    outbox.publish(news, aws.now)
    return client.calls


def check(aws: Aws) -> None:
    """Every change has one key, was told at least once, and always in the same words."""
    written = {key for key in aws.objects if not key.endswith(".sent.json")}
    sent = {key.removesuffix(".sent.json") for key in aws.objects if key.endswith(".sent.json")}
    assert set(aws.created.values()) == {1}
    assert sent == {key.removesuffix(".json") for key in written}
    ids = Counter(str(event["id"]) for event in aws.events)
    stored = {Change.from_json(aws.objects[key][0]) for key in written}
    assert set(ids) == {change.id for change in stored}
    assert {change.state for change in stored} == {ScheduleState.MISSED, ScheduleState.WELL}
    assert len(stored) == 2 * len(SCHEDULES)  # one message and one recovery each
    words = {(event["id"], str(event)) for event in aws.events}
    assert len(words) == len(ids)
    assert len(set(aws.mails)) == len(ids)
    assert all(body.count("Change ") == 1 for _, body in aws.mails)


def finish(aws: Aws) -> None:
    """What goes on undisturbed: an audit after the lease, another after the recovery."""
    aws.now = max(aws.now, NOON) + LEASE
    audit(aws)
    aws.now = NOON + timedelta(hours=2)
    audit(aws)
    aws.now += LEASE
    audit(aws)


CALLS = audit(Aws())


def test_an_audit_that_nobody_disturbs_sends_each_change_once() -> None:
    aws = Aws()
    audit(aws)
    audit(aws)
    finish(aws)
    check(aws)
    assert len(aws.mails) == len(aws.events) == 2 * len(SCHEDULES)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_an_audit_may_be_killed_at_every_call(number: int, done: bool) -> None:
    aws = Aws()

    def kill(call: int, after: bool) -> None:
        if (call, after) == (number, done):
            raise Killed

    with pytest.raises(Killed):
        audit(aws, kill)
    finish(aws)
    check(aws)
    assert max(Counter(event["id"] for event in aws.events).values()) <= 2


@pytest.mark.parametrize("first", range(1, CALLS + 1))
@pytest.mark.parametrize("dies", [False, True], ids=["both-live", "the-first-dies"])
@pytest.mark.parametrize("late", [timedelta(0), 2 * LEASE], ids=["at-once", "after-the-lease"])
def test_audits_may_overlap_at_every_call(first: int, dies: bool, late: timedelta) -> None:
    """The first stands still at a call while another works, which itself dies at every call."""
    for second in range(CALLS + 3):
        aws = Aws()

        def pause(call: int, after: bool, aws: Aws = aws, second: int = second) -> None:
            if call != first or after:
                return

            def kill(number: int, _after: bool) -> None:
                if number == second:
                    raise Killed

            aws.now += late
            with suppress(Killed):
                audit(aws, kill)
            if dies:
                raise Killed

        with suppress(Killed):
            audit(aws, pause)
        finish(aws)
        check(aws)


def test_a_recovery_that_comes_while_an_old_audit_sleeps_is_told_after_its_trouble() -> None:
    aws = Aws()

    def sleep(call: int, after: bool) -> None:
        if call == 2 and not after:  # it has listed, and decides on what it saw at noon
            aws.now = NOON + timedelta(hours=2)
            audit(aws)

    audit(aws, sleep)
    finish(aws)
    check(aws)


def test_a_key_of_something_else_is_no_change() -> None:
    aws = Aws()
    for key in ("changes/x.json", "changes/weather/weather-20261124T050000Z.1-great.json"):
        aws.objects[key] = (b"{}", NOON)
    client = Client(aws)
    assert Outbox(client, client).told() == []


def test_a_document_of_a_later_format_is_refused_by_name() -> None:
    change = changes("app", [], seen_at(NOON), NOON)[0]
    later = change.to_json().replace(b"change/1", b"change/2")
    with pytest.raises(EvidenceError, match="upgrade the toolkit"):
        Change.from_json(later)
    assert Change.from_json(change.to_json()) == change


def test_a_change_that_cannot_be_sent_keeps_no_other_back_and_is_sent_later() -> None:
    aws = Aws()

    class Refusing(Client):
        def mail(self, subject: str, body: str) -> None:
            if "hourly" in subject:
                raise ToolkitError("the topic refuses it")
            super().mail(subject, body)

    client = Refusing(aws)
    outbox = Outbox(client, client)
    sent = outbox.publish(changes("app", [], seen_at(NOON), NOON), NOON)
    assert [change.schedule for change in sent] == ["weather"]
    assert len(outbox.problems) == 1
    assert "hourly" in outbox.problems[0]
    finish(aws)
    check(aws)


def test_an_unreadable_change_keeps_no_other_back() -> None:
    aws = Aws()

    def kill(call: int, after: bool) -> None:
        if call == CALLS - 4 and not after:
            raise Killed

    with suppress(Killed):
        audit(aws, kill)
    first = min(key for key in aws.objects if "sent" not in key)
    aws.objects[first] = (b"[", NOON)
    aws.now += LEASE
    client = Client(aws)
    outbox = Outbox(client, client)
    sent = outbox.resend(outbox.told(), aws.now)
    assert len(sent) + len(outbox.problems) >= 1
    assert all("cannot be read" in problem for problem in outbox.problems)


def test_what_a_rule_has_mailed_is_an_event_and_no_second_mail() -> None:
    aws = Aws()
    client = Client(aws)
    reported = Seen(RunId("weather", NOON), ScheduleState.REPORTED)
    Outbox(client, client).publish(changes("app", [], [reported], NOON), NOON)
    assert aws.mails == []
    assert [event["state"] for event in aws.events] == ["reported"]


def test_an_audit_tells_of_trouble_whoever_sent_the_change() -> None:
    """Of two audits at once one sends the change; the exit code of both says what they saw."""
    missed = changes("app", (), [Seen(RunId("weather", NOON), ScheduleState.MISSED)], NOON)
    app: Any = None
    found = Audit(app, AuditOptions(), NOON, NOON, NOON, noticed=missed)
    assert found.troubles == {"weather": RunId("weather", NOON)}
    later = RunId("weather", NOON + timedelta(hours=1))
    told = [Told(missed[0].run_id, 1, ScheduleState.MISSED, NOON)]
    well = changes("app", told, [Seen(later, ScheduleState.WELL)], NOON)
    assert Audit(app, AuditOptions(), NOON, NOON, NOON, told=told, noticed=well).troubles == {}
