"""Hundreds of schedules on the embedded AWS, over a leap day and clock changes, firing by firing.

They go in through the Scheduler's own API. Their role may not run tasks, so every firing ends at
once as a dead letter, and nothing else slows the clock. What fires is compared with two oracles
that share no code with the engine: a minute-by-minute reading, and Quartz where Java is installed.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest
from attrs import frozen

from tests.brute_force import scan
from tests.policies import trust
from tests.quartz import MISSING, Generator, ask_quartz
from toolkit.adapters.embedded.engine import EngineClient, ensure_running

from .conftest import share_emulator

pytestmark = pytest.mark.slow
SEED, CRONS = 20280229, 80
ZONES = ["UTC", "Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kathmandu"]
PERIODS = {
    "leap-day": ("2028-02-28T12:00", "2028-03-01T12:00"),
    "spring": ("2028-03-25T18:00", "2028-03-26T18:00"),
    "autumn": ("2028-10-28T18:00", "2028-10-29T18:00"),
}


@frozen
class Asked:
    """One schedule that was deployed, and the period within its start and end dates."""

    name: str
    group: str
    expression: str
    zone: str
    start: datetime
    end: datetime


class Around(Generator):
    """Expressions that fire a few times a day, mostly in the hours in which clocks change."""

    def times(self, low: int, high: int) -> str:
        if high == 59:
            return self.pick(["0", "30", "59", str(self.number(0, 59)), str(self.number(0, 59))])
        night = str(self.number(0, 3))
        return self.pick([night] * 4 + ["1-3", "23-2", str(self.number(0, 23))])

    def day_of_month(self) -> str:
        return self.pick(
            ["*", "*", "*", "29", "L", "L-1", "LW", "1", "28,29", super().day_of_month()]
        )

    def years(self) -> str:
        return self.pick(["2028", "2028-2030", "2027", "2024/4"])


def asked() -> Iterator[Asked]:
    generator = Around(SEED)
    chance = random.Random(SEED)
    for group, (first, last) in PERIODS.items():
        start, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (first, last))
        for number in range(CRONS):
            yield Asked(
                f"cron-{number}", group, f"cron({generator.expression()})",
                chance.choice(ZONES), start, end,
            )  # fmt: skip
        for number in range(8):
            hours = chance.randrange(2, 12)
            yield Asked(f"rate-{number}", group, f"rate({hours} hours)", "UTC", start, end)
            zone = chance.choice(["UTC", "Asia/Kathmandu"])
            wall = start + timedelta(minutes=chance.randrange(24 * 60))
            text = f"at({wall.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:00})"
            yield Asked(f"at-{number}", group, text, zone, start, end)


def expected(one: Asked) -> list[datetime]:
    """The firings by the slow reading; start and end are included, at() has neither."""
    kind, _, body = one.expression.removesuffix(")").partition("(")
    if kind == "rate":
        step = timedelta(hours=int(body.split()[0]))
        count = (one.end - one.start) // step
        return [one.start + n * step for n in range(count + 1)]
    if kind == "at":
        return [datetime.fromisoformat(body).replace(tzinfo=ZoneInfo(one.zone)).astimezone(UTC)]
    return list(scan(body, one.zone, one.start - timedelta(minutes=1), one.end))


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[datetime]]]:
    """What the engine delivered, by group/name, in the order of delivery."""
    root = tmp_path_factory.mktemp("firings")
    share_emulator(root)
    info = ensure_running(root, print)
    engine = EngineClient(info)

    def client(service: str) -> Any:
        return boto3.client(
            service, endpoint_url=info.endpoint_url, region_name=info.region,
            aws_access_key_id=info.access_key, aws_secret_access_key=info.secret_key,
        )  # fmt: skip

    try:
        found: defaultdict[str, list[datetime]] = defaultdict(list)
        role = powerless_role(client("iam"))
        for group, (first, last) in PERIODS.items():
            before = datetime.fromisoformat(f"{first}:00Z") - timedelta(hours=1)
            list(engine.advance(until=before.isoformat()))
            deploy(client("scheduler"), role, [one for one in asked() if one.group == group])
            for event in engine.advance(until=f"{last}:30Z"):
                if event["event"] == "dead-lettered":
                    name = f"{group}/{event['schedule']}"
                    found[name].append(datetime.fromisoformat(event["scheduled_time"]))
            client("scheduler").delete_schedule_group(Name=group)
        yield found
    finally:
        engine.stop(root)


def powerless_role(iam: Any) -> str:
    document = json.dumps(trust("scheduler.amazonaws.com"))
    return str(
        iam.create_role(RoleName="powerless", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    )


def deploy(scheduler: Any, role: str, schedules: list[Asked]) -> None:
    account = role.split(":")[4]
    ecs = f"arn:aws:ecs:us-east-1:{account}"
    scheduler.create_schedule_group(Name=schedules[0].group)
    for one in schedules:
        bounds = {"StartDate": one.start, "EndDate": one.end}
        scheduler.create_schedule(
            Name=one.name,
            GroupName=one.group,
            ScheduleExpression=one.expression,
            ScheduleExpressionTimezone=one.zone,
            FlexibleTimeWindow={"Mode": "OFF"},
            **({} if one.expression.startswith("at(") else bounds),
            Target={
                "Arn": f"{ecs}:cluster/none",
                "RoleArn": role,
                "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
                "EcsParameters": {"TaskDefinitionArn": f"{ecs}:task-definition/none:1"},
            },
        )


def test_every_firing_is_that_of_the_slow_reading(fired: dict[str, list[datetime]]) -> None:
    wanted = {f"{one.group}/{one.name}": expected(one) for one in asked()}
    assert sum(map(bool, wanted.values())) > len(wanted) / 3, "too few of them fire at all"
    assert {name: fired.get(name, []) for name in wanted} == wanted


@pytest.mark.skipif(
    MISSING, reason="no Quartz: apt-get install libquartz2-java default-jdk-headless"
)
def test_every_firing_of_a_cron_is_that_of_quartz(fired: dict[str, list[datetime]]) -> None:
    crons = [one for one in asked() if one.expression.startswith("cron")]
    longest = max(map(len, fired.values()))
    questions = [
        (one.expression[len("cron(") : -1], one.zone, one.start - timedelta(seconds=1))
        for one in crons
    ]
    answers = ask_quartz(questions, longest + 1)
    wanted = {
        f"{one.group}/{one.name}": [time for time in times if time <= one.end]
        for one, times in zip(crons, answers, strict=True)
    }
    assert {name: fired.get(name, []) for name in wanted} == wanted


def test_the_periods_hold_what_they_are_named_for(fired: dict[str, list[datetime]]) -> None:
    days = {time.date().isoformat() for times in fired.values() for time in times}
    assert {"2028-02-29", "2028-03-26", "2028-10-29"} <= days
    berlin = ZoneInfo("Europe/Berlin")
    for group in ("spring", "autumn"):
        first, last = (datetime.fromisoformat(f"{text}+00:00") for text in PERIODS[group])
        assert first.astimezone(berlin).utcoffset() != last.astimezone(berlin).utcoffset()
