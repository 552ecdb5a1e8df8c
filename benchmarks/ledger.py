"""The ledger against what everybody else does: one HEAD a run.

    python benchmarks/ledger.py             # 10,000 firings on the embedded AWS: calls and seconds
    python benchmarks/ledger.py --million   # the merge alone, 10,000 and 1,000,000: seconds, memory

The first needs the embedded AWS's emulator, which it installs below .toolkit when it is missing.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.embedded import counted, deployed_weather
from benchmarks.synthetic_runs import Made
from benchmarks.usage import peak_mb
from toolkit.adapters.aws.s3 import Bucket
from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.ledger import Committed, Summary, firings
from toolkit.core.schedules.history import Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.core.task import Task
from toolkit.runtime.contract import Outcome, RunId, format_time

FIRINGS = 10_000
HEADS = 1_000
RECORD_BYTES, PUT_BYTES = 2_600, 900_000
WELL = Task("arn", "STOPPED", exit_code=0)
MISSED, FAILED = range(1234, FIRINGS, 2000), range(777, FIRINGS, 500)


def embedded() -> None:
    """10,000 firings of a minutely schedule on the embedded AWS."""
    with deployed_weather() as app:
        measure(app)


def measure(app: App) -> None:
    now = app.now().replace(second=0, microsecond=0)
    times = [now - timedelta(minutes=FIRINGS - number) for number in range(FIRINGS)]
    bucket = app.bucket
    fill(bucket, times)
    witness(app, times)
    app, calls = counted(app)
    summary, began = Summary(), time.perf_counter()
    # Up to the minute before the real deployment, from which on another timing is in force.
    period = ledger.Period(times[0] - timedelta(seconds=1), times[-1])
    for _ in summary.through(ledger.read(app, period).firings):
        pass
    seconds = time.perf_counter() - began
    total = sum(summary.total.values())
    assert (total, summary.bad) == (FIRINGS, len(MISSED) + len(FAILED)), summary
    print(f"ledger        {total:,} firings   {sum(calls.values()):4} calls   {seconds:7.2f} s")
    print(f"              {dict(summary.total)}")
    print(f"              {json.dumps(calls)}")
    began = time.perf_counter()
    for due in times[:HEADS]:
        run = RunId("weather", due)
        bucket.heads([run.manifest_key(Outcome.SUCCEEDED)])
    each = (time.perf_counter() - began) / HEADS
    print(
        f"HEAD a run    {FIRINGS:,} firings {FIRINGS:6,} calls   {each * FIRINGS:7.2f} s ", end=""
    )
    print(f"({HEADS:,} measured, {each * 1000:.1f} ms each)")


def fill(
    bucket: Bucket,
    times: list[datetime],
    content: Callable[[RunId, Outcome], bytes] = lambda _run_id, _outcome: b"{}",
) -> None:
    """Manifests of all runs but a few, as the runtime would have left them."""
    timing = Timing(
        "weather",
        "cron(* * * * ? *)",
        "UTC",
        "ENABLED",
        "",
        "",
        format_time(times[0] - timedelta(minutes=1)),
    )
    past = Snapshot(format_time(times[0] - timedelta(minutes=1)), (timing,))
    bucket.write(past.key, past.to_json(), "application/json")
    outcomes = dict.fromkeys(range(FIRINGS), Outcome.SUCCEEDED)
    outcomes.update(dict.fromkeys(FAILED, Outcome.FAILED))
    for number in MISSED:
        del outcomes[number]

    def put(item: tuple[int, Outcome]) -> None:
        run_id, outcome = RunId("weather", times[item[0]]), item[1]
        bucket.write(run_id.manifest_key(outcome), content(run_id, outcome), "application/json")

    began = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, outcomes.items()))
    print(f"filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)


def witness(app: App, times: list[datetime]) -> None:
    """The state-change records of all tasks, each as large as ECS's own, in all states."""
    workload = app.project.catalog.workload("weather")
    logs, group = app.aws.client("logs"), app.platform.lifecycle_log_group_name
    logs.create_log_stream(logGroupName=group, logStreamName="synthetic")
    rows = []
    for number, due in enumerate(times):
        if number not in MISSED:
            for row in Made(RunId("weather", due), workload, "").records():
                rows.append({**row, "message": row["message"].ljust(RECORD_BYTES)})
    rows.sort(key=lambda row: row["timestamp"])
    began, batch = time.perf_counter(), PUT_BYTES // RECORD_BYTES
    for start in range(0, len(rows), batch):
        logs.put_log_events(
            logGroupName=group, logStreamName="synthetic", logEvents=rows[start : start + batch]
        )
    print(f"{len(rows):,} records in {time.perf_counter() - began:.0f} s", file=sys.stderr)


class Healthy:
    """Sightings where every run was committed, and its task seen to end well."""

    def witnesses(self, committed: Sequence[Committed]) -> Mapping[RunId, Task]:
        return {row.run_id: WELL for row in committed}

    def record_days(self) -> int | None:
        return None

    def launch_window(self, run_id: RunId) -> float | None:  # noqa: ARG002
        return None

    def duplicated(self, run_id: RunId) -> bool:  # noqa: ARG002 - as the protocol has it
        return False

    running = claimed = duplicated

    def dead_letter(self, run_id: RunId) -> DeadLetter | None:  # noqa: ARG002
        return None

    def launched(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Task]:  # noqa: ARG002
        return {}


def merge(count: int) -> None:
    """The merge of so many firings with as many manifests, every thousandth missing."""
    start = datetime(2020, 1, 1, tzinfo=UTC)

    def times() -> Iterator[datetime]:
        return (start + timedelta(minutes=number) for number in range(count))

    committed = (
        Committed(RunId("weather", due), Outcome.SUCCEEDED)
        for number, due in enumerate(times())
        if number % 1000
    )
    before = peak_mb()
    began, summary = time.perf_counter(), Summary()
    now = start + timedelta(days=10_000)
    for _ in summary.through(firings("weather", times(), committed, Healthy(), now)):
        pass
    seconds = time.perf_counter() - began
    after = peak_mb()
    assert sum(summary.total.values()) == count
    print(f"merge   {count:9,} firings   {seconds:6.2f} s   +{after - before:.1f} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true", help="the merge alone")
    if parser.parse_args().million:
        for count in (10_000, 1_000_000):
            merge(count)
    else:
        embedded()


if __name__ == "__main__":
    main()
