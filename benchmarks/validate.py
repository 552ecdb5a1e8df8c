"""Many verdicts at once against one verdict at a time.

    python benchmarks/validate.py             # 1,000 runs on the embedded AWS: calls and seconds
    python benchmarks/validate.py --runs 300

The runs are synthetic and whole: claim, four artifacts with their SHA-256, manifest, the
state-change records of a task that ECS has forgotten, and a numbered log. Every twentieth is
spoiled in one of five ways. Their objects are written now and not at the runs' times, so the check
`pieces` fails each; the calls are those of good runs. Needs the embedded AWS's emulator, which it
installs below .toolkit.
"""

import argparse
import json
import mimetypes
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.embedded import counted, deployed_weather
from benchmarks.synthetic_runs import SPOILED, Made
from toolkit.app.app import App
from toolkit.app.proof.validate import validate, validate_all
from toolkit.core.names import log_stream
from toolkit.core.proof.verdict import Verdict
from toolkit.runtime.contract import RunId, catalog_key

ONE_BY_ONE = 50
EVERY = timedelta(minutes=5)
PUT_BYTES = 900_000


def fill(app: App, runs: list[Made]) -> None:
    """Everything that the runs would have left."""
    bucket = app.bucket
    logs = app.aws.client("logs")
    began = time.perf_counter()

    def put(made: Made) -> None:
        for key, content in made.objects().items():
            kind, _ = mimetypes.guess_type(key)
            bucket.write(key, content, kind or "application/octet-stream")
        if made.spoiled != "everything":
            name = log_stream(made.arn)
            group = app.names.log_group(made.workload.name)
            logs.create_log_stream(logGroupName=group, logStreamName=name)
            logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=made.log())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, runs))
    group = app.platform.lifecycle_log_group_name
    logs.create_log_stream(logGroupName=group, logStreamName="synthetic")
    rows = [row for made in runs if made.spoiled != "everything" for row in made.records()]
    batch = PUT_BYTES // max(len(row["message"]) for row in rows)
    for start in range(0, len(rows), batch):
        logs.put_log_events(
            logGroupName=group,
            logStreamName="synthetic",
            logEvents=rows[start : start + batch],
        )
    print(f"filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)


def registered(app: App, made: Made) -> str:
    """Register the task definition of the runs, and leave its catalog row; returns its ARN."""
    app.bucket.write(catalog_key(made.workload.digest), made.workload.row(), "application/json")
    (container,) = made.definition()["containerDefinitions"]
    answer = app.aws.client("ecs").register_task_definition(
        family="fargate-runs-synthetic",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="512",
        memory="1024",
        containerDefinitions=[container],
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def measure(app: App, count: int) -> None:
    now = app.now().replace(second=0, microsecond=0) - timedelta(hours=1)
    workload = app.project.catalog.workload("weather")
    revision = registered(app, Made(RunId("weather", now), workload, ""))
    runs = [
        Made(
            RunId("weather", now - EVERY * (count - number)),
            workload,
            SPOILED[number // 20 % len(SPOILED)] if number % 20 == 19 else "",
            revision,
        )
        for number in range(count)
    ]
    fill(app, runs)
    run_ids = [made.run_id for made in runs]
    app, calls = counted(app)
    validate(app, run_ids[0])  # the clients are made
    alone, each = _timed(calls, lambda: _one_by_one(app, run_ids[-ONE_BY_ONE:]))
    show("one by one", calls, ONE_BY_ONE, each)
    found, seconds = _timed(calls, lambda: _at_once(app, run_ids))
    show("at once", calls, count, seconds)
    assert found[-ONE_BY_ONE:] == alone, "another verdict"
    print(f"              {dict(Counter(str(verdict.ruling) for verdict in found))}")
    print(f"ratio         {each / ONE_BY_ONE / (seconds / count):.1f}x a run")


def _one_by_one(app: App, run_ids: list[RunId]) -> list[Verdict]:
    return [validate(app, run_id).verdict for run_id in run_ids]


def _at_once(app: App, run_ids: list[RunId]) -> list[Verdict]:
    return [each.verdict for each in validate_all(app, run_ids)]


def _timed(calls: Counter[str], work: Any) -> tuple[list[Verdict], float]:
    calls.clear()
    began = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began


def show(name: str, calls: Counter[str], count: int, seconds: float) -> None:
    total = sum(calls.values())
    print(
        f"{name:<13} {count:5,} runs   {total:6,} calls ({total / count:5.2f} a run)   "
        f"{seconds:6.1f} s   {count / seconds:6.1f} runs/s"
    )
    print(f"              {json.dumps(calls)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    with deployed_weather() as app:
        measure(app, parser.parse_args().runs)


if __name__ == "__main__":
    main()
