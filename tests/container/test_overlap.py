"""Overlapping runs in the real image, whose clocks differ by a minute, against the embedded S3.

Every container is started alone by Docker; the embedded AWS is their S3, and its clock the one by
which a lease is old.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from tests.container.fargate import PATIENCE_SECONDS, Fargate
from tests.container.fargate import docker as command
from tests.functional.local.rehearsal import Rehearsal, make_project
from toolkit.adapters.embedded import engine
from toolkit.core.deploying.image import ImageName
from toolkit.local.agent.clock import SHIM, clock_variables
from toolkit.local.feed import Feed, Market, serving
from toolkit.runtime.contract import Manifest, Outcome
from toolkit.runtime.lease import STALE_SECONDS

BUCKET = "overlap"
CLOCK = "/toolkit-clock"
BEHIND, AHEAD = -30.0, 30.0


@frozen
class Tasks:
    """The tasks of one schedule: containers of the image, each with a clock of its own."""

    s3: Rehearsal
    image: ImageName
    folder: Path
    prefix: str
    own: dict[str, str]  # the image's variables
    feed: str
    containers: dict[str, Fargate] = field(factory=dict)

    def start(self, minute: int, skew: float) -> str:
        """Start the task of the firing of that minute; it works until it is stopped.

        Its clock is ``skew`` seconds off S3's. Returns its run id.
        """
        run_id = f"stream-20261124T12{minute:02}00Z"
        made = Fargate(self.image, self._name(run_id), self.folder)
        self.containers[run_id] = made
        offset = self.s3.engine.now().timestamp() - time.time() + skew
        settings = {
            "SCHEDULED_TIME": f"2026-11-24T12:{minute:02}:00Z",
            "OVERLAP": "skip",
            "FEED": "synthetic",
            "BASE_URL": self.feed,
            "RUN_SECONDS": "600",
            "BUCKET": BUCKET,
            "AWS_ENDPOINT_URL": self.s3.info.endpoint_url,
            "AWS_DEFAULT_REGION": self.s3.info.region,
            "AWS_ACCESS_KEY_ID": self.s3.info.access_key,
            "AWS_SECRET_ACCESS_KEY": self.s3.info.secret_key,
            **clock_variables(offset, self.own, CLOCK),
        }
        shim = (f"--volume={SHIM}:{CLOCK}:ro",)
        made.start("stream", settings, network="host", options=shim)
        return run_id

    def _name(self, run_id: str) -> str:
        return f"{self.prefix}-{run_id.lower()}"

    def kill(self, run_id: str) -> None:
        """SIGKILL; returns when the container is dead."""
        assert command("kill", self._name(run_id)).returncode == 0
        assert command("wait", self._name(run_id)).stdout.strip() == "137"

    def stop(self, run_id: str) -> None:
        self.containers[run_id].stop()

    def manifests(self, ready: Callable[[dict[str, Manifest]], bool]) -> dict[str, Manifest]:
        """The manifests by run id, once they are as they are waited for."""
        s3, until = self.s3.aws("s3"), time.monotonic() + PATIENCE_SECONDS
        while True:
            rows = s3.list_objects_v2(Bucket=BUCKET, Prefix="ledger/").get("Contents", ())
            bodies = [s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read() for row in rows]
            found = {row.run_id: row for row in map(Manifest.from_json, bodies)}
            if ready(found):
                return found
            names = (f"--filter=name={self.prefix}", "--filter=exited=1", "--filter=exited=64")
            assert command("ps", "--all", "--quiet", *names).stdout == "", "a task was refused"
            assert time.monotonic() < until, f"there are {list(found)} only"
            time.sleep(0.2)

    def lease(self) -> Any:
        answer = self.s3.aws("s3").get_object(Bucket=BUCKET, Key="running/stream.json")
        return json.load(answer["Body"])


@pytest.fixture
def tasks(image: ImageName, tmp_path: Path) -> Iterator[Tasks]:
    root = make_project(tmp_path / "engine")
    rehearsal = Rehearsal(engine.ensure_running(root, print), root)
    rehearsal.aws("s3").create_bucket(Bucket=BUCKET)
    (row,) = json.loads(command("image", "inspect", str(image)).stdout)
    own = dict(variable.split("=", 1) for variable in row["Config"]["Env"])
    with serving(Feed(Market(rate=20.0))) as feed:
        made = Tasks(rehearsal, image, tmp_path, f"toolkit-test-{time.time_ns()}", own, feed)
        yield made
    for container in made.containers.values():
        container.remove()
    rehearsal.engine.stop(root)


def test_of_two_tasks_with_clocks_a_minute_apart_one_works_and_a_killed_one_blocks_no_other(
    tasks: Tasks,
) -> None:
    pair = {tasks.start(0, BEHIND), tasks.start(1, AHEAD)}
    (refused,) = tasks.manifests(bool).values()
    (holder,) = pair - {refused.run_id}
    assert refused.outcome is Outcome.SKIPPED
    assert refused.lease is not None
    assert refused.lease.holder == tasks.lease()["run_id"] == holder

    tasks.kill(holder)
    # Nobody renews the lease. By a clock that is ahead it would be stale, by S3's it is not.
    list(tasks.s3.engine.advance(seconds=STALE_SECONDS / 2))
    early = tasks.start(2, STALE_SECONDS)
    found = tasks.manifests(lambda known: early in known)
    assert found[early].outcome is Outcome.SKIPPED
    assert tasks.lease()["run_id"] == holder

    list(tasks.s3.engine.advance(seconds=STALE_SECONDS))
    late = {tasks.start(3, BEHIND), tasks.start(4, AHEAD)}
    found = tasks.manifests(lambda known: bool(late & known.keys()))
    (second,) = late - found.keys()
    assert tasks.lease()["run_id"] == second
    tasks.stop(second)
    found = tasks.manifests(lambda known: second in known)
    outcomes = {name: row.outcome for name, row in found.items()}
    # Nothing is known of the one that was killed; the last to work was stopped.
    assert outcomes.pop(second) is Outcome.INTERRUPTED
    assert outcomes.keys() == {refused.run_id, early, *late} - {second}
    assert set(outcomes.values()) == {Outcome.SKIPPED}
    assert tasks.lease()["released"] is True
    # The first of each pair was behind: their clocks really differed.
    begun = [datetime.fromisoformat(found[name].started_at) for name in sorted(late)]
    assert begun[1] - begun[0] > timedelta(seconds=AHEAD)
