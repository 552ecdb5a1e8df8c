"""Overlapping runs whose containers' clocks differ, against the embedded S3.

Each run is a process of its own, and all of its clocks (log, claim, signature of requests) are up
to a minute ahead or behind. S3 alone says how old the lease is.
"""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from attrs import frozen

from tests.functional.runtime.harness import Running, launch
from toolkit.local.agent.clock import SHIM, clock_variables
from toolkit.runtime.contract import Manifest, Outcome
from toolkit.runtime.lease import STALE_SECONDS

from .stage import Stage

_PACKAGES = str(Path(time_machine.__file__).parents[1])
_PATIENCE = 300.0


@frozen
class Runs:
    """The runs of one schedule in the embedded AWS's bucket."""

    stage: Stage
    schedule: str
    root: Path

    @contextmanager
    def start(self, minute: int, skew: float) -> Iterator[Running]:
        """A run of the firing of that minute, whose clock is ``skew`` seconds off S3's."""
        info = self.stage.info
        offset = self.stage.engine.now().timestamp() - time.time() + skew
        clocks = clock_variables(offset, {}, str(SHIM), packages=_PACKAGES)
        variables = {
            "BUCKET": self.stage.platform["BucketName"],
            "SCHEDULE": self.schedule,
            "SCHEDULED_TIME": f"2026-11-24T12:{minute:02}:00Z",
            "OVERLAP": "skip",
            "AWS_ENDPOINT_URL": info.endpoint_url,
            "AWS_DEFAULT_REGION": info.region,
            "AWS_ACCESS_KEY_ID": info.access_key,
            "AWS_SECRET_ACCESS_KEY": info.secret_key,
        }
        made = launch("works_until_told", self.root, patience=_PATIENCE, **variables, **clocks)
        with made as running:
            yield running

    def manifests(self, count: int) -> dict[str, Manifest]:
        """The manifests by run id, once there are so many."""
        s3, bucket = self.stage.aws("s3"), self.stage.platform["BucketName"]
        until = time.monotonic() + _PATIENCE
        while True:
            listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"ledger/{self.schedule}/")
            keys = [row["Key"] for row in listed.get("Contents", ())]
            if len(keys) >= count:
                break
            assert time.monotonic() < until, f"{len(keys)} of {count} have ended"
            time.sleep(0.2)
        bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
        return {found.run_id: found for found in map(Manifest.from_json, bodies)}

    def lease(self) -> Any:
        """The lease as it stands."""
        bucket = self.stage.platform["BucketName"]
        key = f"running/{self.schedule}.json"
        return json.loads(self.stage.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def spread(count: int) -> list[float]:
    """So many clocks, from a minute behind to a minute ahead, neighbours far apart."""
    clocks = [-60 + 120 * number / (count - 1) for number in range(count)]
    return clocks[::2] + clocks[1::2][::-1]


@pytest.mark.parametrize("count", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_of_many_with_clocks_a_minute_apart_one_works(
    stage: Stage, tmp_path: Path, count: int
) -> None:
    runs = Runs(stage, f"probe-skewed{count}", tmp_path)
    with ExitStack() as stack:
        started = [
            stack.enter_context(runs.start(minute, skew))
            for minute, skew in enumerate(spread(count))
        ]
        skipped = runs.manifests(count - 1)
        assert {found.outcome for found in skipped.values()} == {Outcome.SKIPPED}
        assert len(skipped) == count - 1
        holder = runs.lease()["run_id"]
        assert {found.lease.holder for found in skipped.values() if found.lease} == {holder}
        for running in started:
            running.send()
        assert {running.end().exit_code for running in started} == {0}
    found = runs.manifests(count)
    assert [name for name, row in found.items() if row.outcome is Outcome.SUCCEEDED] == [holder]
    # Their clocks really differed, by more than the processes took to start.
    begun = [datetime.fromisoformat(row.started_at) for row in found.values()]
    assert max(begun) - min(begun) > timedelta(seconds=30)


@pytest.mark.parametrize("skew", [-60.0, 60.0])
def test_the_lease_of_a_killed_holder_is_free_when_s3_says_so(
    stage: Stage, tmp_path: Path, skew: float
) -> None:
    runs = Runs(stage, f"probe-shot{'ahead' if skew > 0 else 'behind'}", tmp_path)
    with runs.start(0, skew) as first:
        first.wait_for("probe.waiting")
        first.send(signal.SIGKILL)
        first.end()
    # Nobody renews it: half stale by S3's clock, and more than stale by that of the contender.
    list(stage.engine.advance(seconds=STALE_SECONDS / 2))
    with runs.start(1, STALE_SECONDS):
        (refused,) = runs.manifests(1).values()
    assert (refused.outcome, refused.scheduled_time[11:16]) == (Outcome.SKIPPED, "12:01")
    list(stage.engine.advance(seconds=STALE_SECONDS))
    with ExitStack() as stack:
        late = [stack.enter_context(runs.start(2 + n, -60.0 + 120 * n)) for n in range(2)]
        found = runs.manifests(2)
        assert {row.outcome for row in found.values()} == {Outcome.SKIPPED}
        for running in late:
            running.send()
        assert {running.end().exit_code for running in late} == {0}
    outcomes = sorted(row.outcome for row in runs.manifests(3).values())
    assert outcomes == [Outcome.SKIPPED, Outcome.SKIPPED, Outcome.SUCCEEDED]
