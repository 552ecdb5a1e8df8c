"""Many verdicts at once against one verdict at a time.

    python benchmarks/validate.py             # 1,000 runs on the embedded AWS: calls and seconds
    python benchmarks/validate.py --runs 300

The runs are synthetic and whole: claim, four artifacts with their SHA-256, manifest, the
state-change records of a task that ECS has forgotten, and a numbered log. Every twentieth is
spoiled in one of five ways. Needs the embedded AWS's emulator, which it installs below .toolkit.
"""

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import frozen

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.embedded import CountingAws, deployed_weather
from toolkit.actions.context import Context
from toolkit.actions.validate import validate, validate_all
from toolkit.adapters.s3 import Bucket
from toolkit.core.names import log_stream
from toolkit.core.verdict import Verdict
from workloads.catalog import Workload
from workloads.contract import Artifact, Claim, Manifest, Outcome, RunId, format_time

ONE_BY_ONE = 50
EVERY = timedelta(minutes=5)
SPOILED = ("artifact", "altered", "log", "manifest", "everything")
DIGEST = "sha256:" + "5e" * 32
STATES = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEPROVISIONING", "STOPPED")
PUT_BYTES = 900_000


@frozen
class Made:
    """One synthetic run, and how it is spoiled."""

    run_id: RunId
    workload: Workload
    spoiled: str

    @property
    def arn(self) -> str:
        token = hashlib.md5(str(self.run_id).encode(), usedforsecurity=False).hexdigest()
        return f"arn:aws:ecs:us-east-1:000000000000:task/fargate-runs/{token}"

    def at(self, seconds: float) -> datetime:
        return self.run_id.scheduled_time + timedelta(seconds=seconds)

    def contents(self) -> dict[str, bytes]:
        size = {row.name: max(row.min_bytes, 400) for row in self.workload.artifacts}
        return {name: f"{self.run_id} {name} ".encode().ljust(size[name], b".") for name in size}

    def log(self) -> list[dict[str, Any]]:
        names = [name for name in self.workload.events if name != "run.finished"]
        names += ["weather.noted"] * 20 + ["run.finished"]
        run_id = str(self.run_id)
        return [
            {
                "timestamp": _ms(self.at(20 + seq)),
                "message": json.dumps({"seq": seq, "event": name, "run_id": run_id}),
            }
            for seq, name in enumerate(names, 1)
            if not (self.spoiled == "log" and seq == 7)
        ]

    def manifest(self) -> Manifest:
        return Manifest(
            run_id=str(self.run_id),
            workload=self.workload.name,
            schedule=self.run_id.schedule,
            outcome=Outcome.SUCCEEDED,
            scheduled_time=format_time(self.run_id.scheduled_time),
            started_at=format_time(self.at(20)),
            finished_at=format_time(self.at(50)),
            task_arn=self.arn,
            image=f"weather@{DIGEST}",
            image_digest=DIGEST,
            environment={},
            settings={},
            artifacts=tuple(
                Artifact(
                    row.name,
                    self.run_id.artifact_key(row.name),
                    len(self.contents()[row.name]),
                    hashlib.sha256(self.contents()[row.name]).hexdigest(),
                    row.media_type,
                    row.min_rows,
                )
                for row in self.workload.artifacts
            ),
            metrics={"rows": 365},
            log_lines=len(self.workload.events) + 20,
        )

    def objects(self) -> dict[str, bytes]:
        if self.spoiled == "everything":
            return {}
        claim = Claim(str(self.run_id), self.arn, format_time(self.at(20)))
        found = {self.run_id.claim_key: claim.to_json()}
        for name, content in self.contents().items():
            key = self.run_id.artifact_key(name)
            found[key] = content.upper() if self.spoiled == "altered" else content
        if self.spoiled == "artifact":
            found.popitem()
        if self.spoiled != "manifest":
            found[self.run_id.manifest_key(Outcome.SUCCEEDED)] = self.manifest().to_json()
        return found

    def records(self) -> list[dict[str, Any]]:
        """The state changes of the task, as EventBridge writes them."""
        environment = [
            {"name": "SCHEDULE", "value": self.run_id.schedule},
            {"name": "SCHEDULED_TIME", "value": f"{self.run_id.scheduled_time:%Y-%m-%dT%H:%M:%SZ}"},
        ]
        times = {"createdAt": 2, "startedAt": 20, "executionStoppedAt": 51, "stoppedAt": 60}
        found = []
        for version, state in enumerate(STATES, 1):
            seconds = 60 if state == "STOPPED" else 2 + version * 5
            stopped = state == "STOPPED"
            container: dict[str, Any] = {"name": "workload", "image": f"weather@{DIGEST}"}
            container |= {"imageDigest": DIGEST, "exitCode": 0} if stopped else {}
            detail = {
                "taskArn": self.arn,
                "lastStatus": state,
                "desiredStatus": "STOPPED" if version > 4 else "RUNNING",
                "containers": [container],
                "overrides": {
                    "containerOverrides": [{"name": "workload", "environment": environment}]
                },
                "version": version,
                "cpu": "512",
                "memory": "1024",
                **{n: format_time(self.at(s)) for n, s in times.items() if s <= seconds},
            }
            if stopped:
                detail |= {"stopCode": "EssentialContainerExited"}
            message = json.dumps({"detail-type": "ECS Task State Change", "detail": detail})
            found.append({"timestamp": _ms(self.at(seconds)), "message": message})
        return found


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def fill(context: Context, runs: list[Made]) -> None:
    """Everything that the runs would have left."""
    platform = context.platform()
    bucket = Bucket(context.aws, platform["BucketName"])
    logs = context.aws.client("logs")
    began = time.perf_counter()

    def put(made: Made) -> None:
        for key, content in made.objects().items():
            bucket.write(key, content, "application/octet-stream")
        if made.spoiled != "everything":
            name = log_stream(made.arn)
            group = context.config.app.log_group(made.workload.name)
            logs.create_log_stream(logGroupName=group, logStreamName=name)
            logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=made.log())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, runs))
    group = platform["LifecycleLogGroupName"]
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


def measure(context: Context, count: int) -> None:
    now = context.now().replace(second=0, microsecond=0) - timedelta(hours=1)
    workload = context.project.catalog.workload("weather")
    runs = [
        Made(
            RunId("weather", now - EVERY * (count - number)),
            workload,
            SPOILED[number // 20 % len(SPOILED)] if number % 20 == 19 else "",
        )
        for number in range(count)
    ]
    fill(context, runs)
    run_ids = [made.run_id for made in runs]
    context.aws = counting = CountingAws(context.aws)
    validate(context, run_ids[0])  # the clients are made
    alone, each = _timed(counting, lambda: _one_by_one(context, run_ids[-ONE_BY_ONE:]))
    told("one by one", counting, ONE_BY_ONE, each)
    found, seconds = _timed(counting, lambda: _at_once(context, run_ids))
    told("at once", counting, count, seconds)
    assert found[-ONE_BY_ONE:] == alone, "another verdict"
    print(f"              {dict(Counter(str(verdict.ruling) for verdict in found))}")
    print(f"ratio         {each / ONE_BY_ONE / (seconds / count):.1f}x a run")


def _one_by_one(context: Context, run_ids: list[RunId]) -> list[Verdict]:
    return [validate(context, run_id).verdict for run_id in run_ids]


def _at_once(context: Context, run_ids: list[RunId]) -> list[Verdict]:
    return [each.verdict for each in validate_all(context, run_ids)]


def _timed(counting: CountingAws, work: Any) -> tuple[list[Verdict], float]:
    counting.calls.clear()
    began = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began


def told(name: str, counting: CountingAws, count: int, seconds: float) -> None:
    calls = sum(counting.calls.values())
    print(
        f"{name:<13} {count:5,} runs   {calls:6,} calls ({calls / count:5.2f} a run)   "
        f"{seconds:6.1f} s   {count / seconds:6.1f} runs/s"
    )
    print(f"              {json.dumps(counting.calls)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    with deployed_weather() as context:
        measure(context, parser.parse_args().runs)


if __name__ == "__main__":
    main()
