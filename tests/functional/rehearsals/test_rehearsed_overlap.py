"""Overlapping runs of one schedule on the embedded AWS, and what the proof says of them."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from toolkit.runtime.contract import LeaseState, RunId
from toolkit.runtime.lease import HeldLease, new_lease
from toolkit.runtime.sink import S3Sink

from .stage import APP, WAITS, Stage, assert_told, detail, rehearses

SKIP = {"OVERLAP": "skip"}


@pytest.fixture(scope="module")
def overlapping(stage: Stage) -> Iterator[list[RunId]]:
    """A run that waits, and one that comes while it does, due a minute later."""
    first = stage.launch("lapped", WAITS, SKIP)
    arn = stage.claimed(first).task_arn
    second = stage.launch("lapped", env=SKIP, ahead=timedelta(minutes=1))
    stage.committed(second)
    yield [first, second]
    stage.aws("ecs").stop_task(cluster=stage.platform["ClusterName"], task=arn, reason="over")
    stage.committed(first)


@rehearses("skipped")
def test_the_second_run_is_skipped_and_passes_by_name(
    stage: Stage, overlapping: list[RunId], diagnosis: str
) -> None:
    first, second = overlapping
    (verdict,) = stage.judge([second], code=0).values()
    assert_told(verdict, diagnosis, "PASS")
    assert detail(verdict, "manifest") == f"skipped: {first} held the lease of the schedule"


def test_a_run_that_skips_itself_unasked_fails(stage: Stage, overlapping: list[RunId]) -> None:
    _, second = overlapping
    bucket, s3 = stage.platform["BucketName"], stage.aws("s3")
    forged = stage.launch("forged")
    stage.committed(forged)
    key = f"ledger/{second.schedule}/{second}.skipped.json"
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    manifest |= {"run_id": str(forged), "schedule": forged.schedule}
    own = f"ledger/{forged.schedule}/{forged}"
    s3.delete_object(Bucket=bucket, Key=f"{own}.succeeded.json")
    body = json.dumps(manifest).encode()
    s3.put_object(Bucket=bucket, Key=f"{own}.skipped.json", Body=body, IfNoneMatch="*")
    (verdict,) = stage.judge([forged], code=1).values()
    assert detail(verdict, "manifest") == "skipped, and nothing told the run to"
    period = ("--since", "1h", "--schedule", forged.schedule)
    rows = stage.project.toolkit("runs", "--local", "--json", *period).json()
    assert {row["state"] for row in rows} == {"failed"}


def test_of_twenty_at_once_one_takes_the_lease_in_the_bucket(stage: Stage) -> None:
    reports: list[LeaseState] = []
    ready = threading.Barrier(20)
    held = []

    def take(number: int) -> None:
        sink = S3Sink(stage.platform["BucketName"], stage.project.aws("s3"))
        lease = HeldLease(
            sink, "running/weather-twenty.json", new_lease(str(number), "", ""), print
        )
        ready.wait()
        reports.append(lease.take().state)
        if reports[-1] is LeaseState.HELD:
            held.append(lease)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reports) == [LeaseState.HELD, *[LeaseState.REFUSED] * 19]
    held[0].check()
    held[0].release()
    assert held[0].report.state is LeaseState.HELD


def test_a_schedule_says_so_and_its_firings_take_the_lease(stage: Stage) -> None:
    path = stage.project.root / "schedules" / "weather.toml"
    before = path.read_text()
    shown = stage.project.toolkit(
        "schedule",
        "weather",
        "--overlap",
        "skip",
        "--env",
        "SOURCE=vega-seattle",
        "--local",
        "--yes",
    ).out
    assert "overlap: allow → skip" in shown
    assert "skipped while another run goes on" in shown
    assert 'overlap = "skip"' in path.read_text()
    live = stage.aws("scheduler").get_schedule(Name="weather", GroupName=APP)
    assert '{"name":"OVERLAP","value":"skip"}' in live["Target"]["Input"]
    rows = stage.project.toolkit("schedules", "diff", "--local", "--json", code=None).json()
    assert {row["name"]: row["kind"] for row in rows}["weather"] == "unchanged"
    run_id = stage.fire("weather")
    stage.committed(run_id)
    (verdict,) = stage.judge([run_id], code=0).values()
    assert verdict["ruling"] == "PASS"
    back = ("schedule", "weather", "--overlap", "allow", "--local", "--yes")
    stage.project.toolkit(*back)
    assert 'overlap = "allow"' in path.read_text()
    path.write_text(before)
    stage.project.toolkit("schedules", "apply", "--local", "--yes")
