"""Synthetic runs, whole or spoiled: everything that a real one would have left on AWS."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from attrs import asdict, frozen

from toolkit.runtime.catalog import Workload
from toolkit.runtime.contract import (
    CATALOG_LABEL,
    Artifact,
    Claim,
    Gate,
    Manifest,
    Outcome,
    RunId,
    format_time,
)

DIGEST = "sha256:" + "5e" * 32
IMAGE = f"weather@{DIGEST}"
_NOTES = 16
_SAVED = ("name", "bytes", "sha256", "rows")
STATES = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEPROVISIONING", "STOPPED")
# What can be wrong with one: an artifact gone or altered, a log line lost, no manifest, nothing.
SPOILED = ("artifact", "altered", "log", "manifest", "everything")


@frozen
class Made:
    """One synthetic run, and how it is spoiled."""

    run_id: RunId
    workload: Workload
    spoiled: str
    revision: str = ""  # of the task definition, where it was registered

    @property
    def arn(self) -> str:
        token = hashlib.md5(str(self.run_id).encode(), usedforsecurity=False).hexdigest()
        return f"arn:aws:ecs:us-east-1:000000000000:task/fargate-runs/{token}"

    @property
    def definition_arn(self) -> str:
        if self.revision:
            return self.revision
        name = f"fargate-runs-{self.workload.name}"
        return f"arn:aws:ecs:us-east-1:000000000000:task-definition/{name}:1"

    def definition(self) -> dict[str, Any]:
        """The task definition that the run was launched with."""
        container = {
            "name": "workload",
            "image": IMAGE,
            "dockerLabels": {CATALOG_LABEL: self.workload.digest},
            "environment": [{"name": "WORKLOAD", "value": self.workload.name}],
        }
        return {"taskDefinitionArn": self.definition_arn, "containerDefinitions": [container]}

    def at(self, seconds: float) -> datetime:
        return self.run_id.scheduled_time + timedelta(seconds=seconds)

    def contents(self) -> dict[str, bytes]:
        size = {row.name: max(row.min_bytes, 400) for row in self.workload.artifacts}
        return {name: f"{self.run_id} {name} ".encode().ljust(size[name], b".") for name in size}

    def log(self) -> list[dict[str, Any]]:
        run_id = str(self.run_id)
        return [
            {
                "timestamp": ms(self.at(20 + seq)),
                "message": json.dumps({"seq": seq, "run_id": run_id, **event}),
            }
            for seq, event in enumerate(self.events(), 1)
            if not (self.spoiled == "log" and seq == 7)
        ]

    def events(self) -> list[dict[str, Any]]:
        """What the run logs, without the numbers."""
        names = [name for name in self.workload.events if name != "run.finished"]
        saved = [
            {"event": "artifact.saved", **asdict(row, filter=lambda a, _: a.name in _SAVED)}
            for row in self.artifacts()
        ]
        noted = [{"event": name} for name in (*names, *["weather.noted"] * _NOTES)]
        return [*noted, *saved, {"event": "run.finished"}]

    def artifacts(self) -> tuple[Artifact, ...]:
        return tuple(
            Artifact(
                row.name,
                self.run_id.artifact_key(row.name),
                len(self.contents()[row.name]),
                hashlib.sha256(self.contents()[row.name]).hexdigest(),
                row.media_type,
                row.min_rows,
            )
            for row in self.workload.artifacts
        )

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
            image=IMAGE,
            image_digest=DIGEST,
            environment={**self.environment(), "WORKLOAD": self.workload.name},
            settings=self.workload.settings({}),
            artifacts=self.artifacts(),
            metrics={"rows": 365},
            gates=tuple(
                Gate(pattern.replace("*", "synthetic"), 1.0, ">=", 0.5)
                for pattern in self.workload.gates
            ),
            log_lines=len(self.events()),
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

    def environment(self) -> dict[str, str]:
        """What the launch sets."""
        token = {"RUN_TOKEN": self.run_id.token} if self.run_id.token else {}
        return {
            "SCHEDULE": self.run_id.schedule,
            "SCHEDULED_TIME": f"{self.run_id.scheduled_time:%Y-%m-%dT%H:%M:%SZ}",
            **token,
        }

    def records(self) -> list[dict[str, Any]]:
        """The state changes of the task, as EventBridge writes them."""
        environment = [{"name": n, "value": text} for n, text in self.environment().items()]
        times = {"createdAt": 2, "startedAt": 20, "executionStoppedAt": 51, "stoppedAt": 60}
        found = []
        for version, state in enumerate(STATES, 1):
            seconds = 60 if state == "STOPPED" else 2 + version * 5
            stopped = state == "STOPPED"
            container: dict[str, Any] = {"name": "workload", "image": IMAGE}
            container |= {"imageDigest": DIGEST, "exitCode": 0} if stopped else {}
            detail = {
                "taskArn": self.arn,
                "taskDefinitionArn": self.definition_arn,
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
            found.append({"timestamp": ms(self.at(seconds)), "message": message})
        return found


def ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
