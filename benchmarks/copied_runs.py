"""Runs of schedules that fire every minute, each a copy of one run with other names and times."""

import base64
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from attrs import frozen

from benchmarks.synthetic_runs import Made
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import RunId

START, MINUTE = datetime(2026, 10, 1, tzinfo=UTC), timedelta(minutes=1)
RECORD_BYTES = 2_600  # of a state-change record, as ECS writes them

Row = dict[str, Any]


@frozen(slots=False)
class Template:
    """What one run left behind, made into that of any other by exchanging names and times."""

    name: str

    @cached_property
    def made(self) -> Made:
        return Made(RunId(self.name, START), load().workload("weather"), "")

    def of(self, text: str, run_id: RunId) -> str:
        due = run_id.scheduled_time
        text = text.replace(str(self.made.run_id), str(run_id))
        text = text.replace(f"{START + MINUTE:%Y-%m-%dT%H:%M:}", f"{due + MINUTE:%Y-%m-%dT%H:%M:}")
        text = text.replace(f"{START:%Y-%m-%dT%H:%M:}", f"{due:%Y-%m-%dT%H:%M:}")
        text = text.replace(self.made.arn, self.arn(run_id))
        return text.replace(f'"{self.name}"', f'"{run_id.schedule}"')

    def arn(self, run_id: RunId) -> str:
        number = int(run_id.schedule.rpartition("-")[2])
        minute = (run_id.scheduled_time - START) // MINUTE
        return f"{self.made.arn.rpartition('/')[0]}/{number:08x}{minute:024x}"

    def run_of_stream(self, stream: str) -> RunId:
        token = stream.rpartition("/")[2]
        number, minute = int(token[:8], 16), int(token[8:], 16)
        return RunId(f"weather-{number:03}", START + minute * MINUTE)

    @cached_property
    def objects(self) -> dict[str, str]:
        named = self.made.objects().items()
        return {key.removeprefix(self.made.run_id.prefix): text.decode() for key, text in named}

    @cached_property
    def heads(self) -> dict[str, Row]:
        return {
            artifact.name: {
                "ContentLength": artifact.bytes,
                "ContentType": artifact.media_type,
                "ChecksumSHA256": base64.b64encode(bytes.fromhex(artifact.sha256)).decode(),
            }
            for artifact in self.made.artifacts()
        }

    @cached_property
    def log(self) -> list[Row]:
        return self.made.log()

    @cached_property
    def records(self) -> list[Row]:
        rows = self.made.records()
        return [{**row, "message": row["message"].ljust(RECORD_BYTES)} for row in rows]
