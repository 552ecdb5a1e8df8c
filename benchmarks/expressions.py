"""Firings and first answers a second of CPU time: this engine beside the libraries, in one run.

    pip install croniter aws-croniter cronsim
    python benchmarks/expressions.py

Peers that are not installed are left out. A peer that gives other firings than this engine is
marked with an asterisk: its speed then belongs to another answer.
"""

import importlib.util
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from toolkit.core.expressions.expression import parse

SECONDS, CHECKED, WIDTH = 0.3, 25, 15
START = datetime(2026, 3, 20, tzinfo=UTC)  # Berlin's clock changes nine days later
# What it means, in AWS's fields, croniter's five and cronsim's five.
CASES = [
    ("every minute", "* * * * ? *", "* * * * *", "* * * * *"),
    ("every 15 minutes", "0/15 * * * ? *", "0/15 * * * *", "*/15 * * * *"),
    ("daily 06:00", "0 6 * * ? *", "0 6 * * *", "0 6 * * *"),
    ("daily 02:30", "30 2 * * ? *", "30 2 * * *", "30 2 * * *"),
    ("weekdays 06:00", "0 6 ? * MON-FRI *", "0 6 * * 1-5", "0 6 * * 1-5"),
    ("1st of the month", "0 6 1 * ? *", "0 6 1 * *", "0 6 1 * *"),
    ("last Friday", "0 6 ? * 6L *", "0 6 * * L5", "0 6 * * 5L"),
    ("29 February", "0 0 29 2 ? *", "0 0 29 2 *", "0 0 29 2 *"),
]
Stream = Callable[[datetime, str], Iterator[datetime]]


def ours(fields: str) -> Stream:
    return parse(f"cron({fields})").firings


def croniter(fields: str) -> Stream:
    from croniter import croniter as library

    def stream(after: datetime, zone: str) -> Iterator[datetime]:
        found = library(fields, after.astimezone(ZoneInfo(zone)))
        while True:
            yield found.get_next(datetime)

    return stream


def cronsim(fields: str) -> Stream:
    from cronsim import CronSim

    return lambda after, zone: CronSim(fields, after.astimezone(ZoneInfo(zone)))


def aws_croniter(fields: str) -> Stream:
    from aws_croniter import AwsCroniter

    library = AwsCroniter(fields)

    def stream(after: datetime, _utc_only: str) -> Iterator[datetime]:
        following: datetime | None = after
        while following := library.get_next(following)[0]:
            yield following

    return stream


def rate(work: Callable[[], int]) -> float:
    """How much of a repeated piece of work gets done in a second of CPU time."""
    done, begin = 0, time.process_time()
    while (spent := time.process_time() - begin) < SECONDS:
        done += work()
    return done / spent


def firings_a_second(stream: Stream, zone: str) -> float:
    def work() -> int:
        return sum(1 for _ in islice(stream(START, zone), 1000))

    return rate(work)


def first_answers_a_second(make: Callable[[str], Stream], fields: str, zone: str) -> float:
    """Parsing, and the first firing after a random moment: what a command line waits for."""
    moments = random.Random(7)

    def work() -> int:
        after = START + timedelta(minutes=moments.randrange(5_000_000))
        next(make(fields)(after, zone))
        return 1

    return rate(work)


def cell(make: Callable[[str], Stream], fields: str, zone: str, expected: list[datetime]) -> str:
    try:
        stream = make(fields)
        right = [t.astimezone(UTC) for t in islice(stream(START, zone), CHECKED)] == expected
        many, first = firings_a_second(stream, zone), first_answers_a_second(make, fields, zone)
    except Exception as error:  # a peer's crash is a result here
        return type(error).__name__[:16]
    return f"{many / 1000:,.0f}k /{first / 1000:3.0f}k{' ' if right else '*'}"


def main() -> None:
    peers = {"croniter": croniter, "cronsim": cronsim, "aws-croniter": aws_croniter}
    known = {name: make for name, make in peers.items() if find(name)}
    for name in peers.keys() - known.keys():
        print(f"{name} is left out: pip install {name}", file=sys.stderr)
    versions = ", ".join(f"{name} {version(name)}" for name in known)
    print(f"Python {sys.version.split()[0]}, {versions}")
    print("Firings a second / parses and first answers a second, of CPU time")
    for zone in ("UTC", "Europe/Berlin"):
        table(zone, {"ours": ours, **known})


def table(zone: str, makers: dict[str, Callable[[str], Stream]]) -> None:
    print(f"\n{zone:17}{''.join(f'{name:>{WIDTH}}' for name in makers)}")
    for title, fields, croniter_fields, cronsim_fields in CASES:
        spelling = {"croniter": croniter_fields, "cronsim": cronsim_fields}
        expected = list(islice(ours(fields)(START, zone), CHECKED))
        cells = [
            "-  "
            if name == "aws-croniter" and zone != "UTC"
            else cell(make, spelling.get(name, fields), zone, expected)
            for name, make in makers.items()
        ]
        print(f"{title:17}{''.join(f'{text:>{WIDTH}}' for text in cells)}", flush=True)


def find(name: str) -> bool:
    return importlib.util.find_spec(name.replace("-", "_")) is not None


if __name__ == "__main__":
    main()
