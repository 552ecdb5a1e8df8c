"""Judge one run with a long log, and print the ruling and this process's peak of memory in MB.

``python -m tests.long_log LINES``. The log is made page by page, as AWS sends it.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import define, evolve

from benchmarks.synthetic_runs import Made
from benchmarks.usage import peak_mb
from tests.fake_aws import CloudWatchLogs, FakeAws, Row, platform_stack
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.proof.validate import over_since, validate_all
from toolkit.core.deploying.config import Config
from toolkit.core.names import AppNames, log_stream
from toolkit.core.schedules.history import Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import Outcome, RunId, catalog_key, format_time

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
APP = "fargate-runs"
RECORDS = f"/aws/events/{APP}/lifecycle"
PAGE = 4_000  # about 1 MB


@define
class LongLogs(CloudWatchLogs):
    """CloudWatch Logs with one log that is never in memory as a whole."""

    made: Made
    lines: int

    def filter_log_events(self, **asked: Any) -> Row:
        if "logStreamNames" not in asked:
            return super().filter_log_events(**asked)
        self.count("FilterLogEvents")
        assert asked["logStreamNames"] == [log_stream(self.made.arn)]
        start = int(asked.get("nextToken", 0))
        end = min(start + PAGE, self.lines)
        name = log_stream(self.made.arn)
        events = [{**self._line(seq), "logStreamName": name} for seq in range(start + 1, end + 1)]
        return {"events": events} | ({"nextToken": str(end)} if end < self.lines else {})

    def _line(self, seq: int) -> Row:
        own = self.made.events()[:-1]
        event = own[seq - 1] if seq <= len(own) else {"event": "weather.noted"}
        event = {"event": "run.finished"} if seq == self.lines else event
        message = {"seq": seq, "run_id": str(self.made.run_id), **event, "note": "n" * 150}
        time = self.made.at(20 + 20 * seq / self.lines)
        return {"timestamp": int(time.timestamp() * 1000), "message": json.dumps(message)}


@define
class LongAws(FakeAws):
    """AWS with that log."""

    made: Made | None = None
    lines: int = 0

    def client(self, service: str) -> Any:
        assert self.made is not None
        return (
            LongLogs(self, self.made, self.lines) if service == "logs" else super().client(service)
        )


class Console:
    def say(self, _text: str) -> None:
        pass

    changes = event = confirm = say


def main(lines: int) -> None:
    """Judge the run as `validate --since` does."""
    made = Made(RunId("weather", START), load().workload("weather"), "")
    aws = LongAws(made=made, lines=lines)
    outputs = {
        "BucketName": "bucket",
        "ClusterName": "cluster",
        "DeadLetterQueueUrl": "queue",
        "LifecycleLogGroupName": RECORDS,
        "ScheduleGroupName": APP,
    }
    aws.stacks.append(platform_stack(outputs, APP, START))
    day = format_time(START - timedelta(days=1))
    timing = Timing("weather", "cron(0 6 * * ? *)", "UTC", "ENABLED", "", "", day)
    taken = Snapshot(day, (timing,))
    aws.objects[taken.key] = taken.to_json()
    aws.objects |= made.objects()
    manifest = evolve(made.manifest(), log_lines=lines)
    aws.objects[made.run_id.manifest_key(Outcome.SUCCEEDED)] = manifest.to_json()
    aws.modified = dict.fromkeys(aws.objects, made.at(50))
    aws.definitions[made.definition_arn] = made.definition()
    aws.objects[catalog_key(made.workload.digest)] = made.workload.row()
    aws.streams["/fargate-runs/weather", log_stream(made.arn)] = []
    aws.streams[RECORDS, "events"] = made.records()
    project, config = Project(Path(), load()), Config("local", AppNames(APP))
    now = START + timedelta(hours=2)
    app = App(project, config, aws, Console(), lambda: now, local=True)  # type: ignore[arg-type]
    over = over_since(app, START - timedelta(minutes=1))
    [found] = validate_all(app, over.run_ids)
    searches = aws.calls["FilterLogEvents"]
    told = {"ruling": found.verdict.ruling, "megabytes": round(peak_mb()), "searches": searches}
    problems = [] if not found.verdict.diagnosis else [found.verdict.diagnosis.summary]
    print(json.dumps({**told, "problems": problems}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
