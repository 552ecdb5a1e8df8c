"""Overlapping runs of one schedule that skips: one works, the others say which."""

import json
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.functional.runtime.harness import RUN_ID, Ended, launch, run_here
from toolkit.runtime.contract import LeaseReport, LeaseState, Manifest, Outcome
from toolkit.runtime.lease import STALE_SECONDS

LEASE = "running/probe.json"
SKIP = {"OVERLAP": "skip"}


def lease(root: Path) -> Any:
    return json.loads((root / LEASE).read_bytes())


def due(minute: int) -> str:
    return f"2026-11-24T12:{minute:02}:00Z"


def manifests(root: Path) -> list[Manifest]:
    return [Manifest.from_json(path.read_bytes()) for path in root.glob("ledger/probe/*.json")]


def leave_unrenewed(root: Path, seconds: int) -> None:
    """Let it look as if the holder had last renewed so long ago."""
    then = time.time() - seconds
    os.utime(root / LEASE, (then, then))


def test_a_run_without_overlap_takes_no_lease(tmp_path: Path) -> None:
    ended = run_here("two_artifacts", tmp_path)
    assert ended.manifest.lease is None
    assert LEASE not in ended.keys


def test_a_run_takes_the_lease_and_gives_it_back(tmp_path: Path) -> None:
    for minute in range(2):
        ended = run_here("two_artifacts", tmp_path, SCHEDULED_TIME=due(minute), **SKIP)
        assert (ended.exit_code, ended.events[-1]) == (0, "run.finished")
        assert lease(tmp_path)["released"] is True
    assert [row.lease for row in manifests(tmp_path)] == [LeaseReport(LeaseState.HELD)] * 2


@pytest.mark.parametrize("kind", ["batch", "stream"])
def test_the_run_that_comes_second_is_skipped_and_names_the_first(
    tmp_path: Path, kind: str
) -> None:
    with launch("ends_anyway", tmp_path, **SKIP) as first:
        first.wait_for("probe.waiting")
        probe = "two_artifacts" if kind == "batch" else "streams_until_stopped"
        second = run_here(probe, tmp_path, kind=kind, SCHEDULED_TIME=due(1), **SKIP)
        assert (second.exit_code, second.manifest.outcome) == (0, Outcome.SKIPPED)
        owner = lease(tmp_path)["task_arn"]
        assert second.manifest.lease == LeaseReport(LeaseState.REFUSED, RUN_ID, owner)
        assert second.manifest.artifacts == ()
        assert RUN_ID in second.line("run.skipped")["message"]
        assert "run.failed" not in second.events
        assert second.manifest.log_lines == len(second.lines)
        first.send()
        assert first.end().exit_code == 0
    third = run_here("two_artifacts", tmp_path, SCHEDULED_TIME=due(2), **SKIP)
    assert third.exit_code == 0
    outcomes = sorted(row.outcome for row in manifests(tmp_path))
    assert outcomes == ["skipped", "succeeded", "succeeded"]


@pytest.mark.parametrize("count", [2, 20])
def test_of_many_at_once_one_works(tmp_path: Path, count: int) -> None:
    with ExitStack() as stack:
        runs = [
            stack.enter_context(launch("ends_anyway", tmp_path, SCHEDULED_TIME=due(n), **SKIP))
            for n in range(count)
        ]
        until = time.monotonic() + 300
        while len(manifests(tmp_path)) < count - 1:
            assert time.monotonic() < until, "they do not end"
            time.sleep(0.1)
        skipped = manifests(tmp_path)
        assert {row.outcome for row in skipped} == {Outcome.SKIPPED}
        holder = lease(tmp_path)["run_id"]
        assert {row.lease.holder for row in skipped if row.lease} == {holder}
        for run in runs:
            run.send()
        ended = [run.end() for run in runs]
    assert {run.exit_code for run in ended} == {0}
    assert sum(row.outcome is Outcome.SUCCEEDED for row in manifests(tmp_path)) == 1


def test_the_lease_of_a_killed_run_is_taken_when_it_is_stale(tmp_path: Path) -> None:
    with launch("ends_anyway", tmp_path, **SKIP) as first:
        first.wait_for("probe.waiting")
        first.send(signal.SIGKILL)
        first.end()
    early = run_here("two_artifacts", tmp_path, SCHEDULED_TIME=due(1), **SKIP)
    assert early.manifest.outcome is Outcome.SKIPPED
    leave_unrenewed(tmp_path, STALE_SECONDS + 2)
    run_here("two_artifacts", tmp_path, SCHEDULED_TIME=due(2), **SKIP)
    outcomes = {row.run_id: row.outcome for row in manifests(tmp_path)}
    assert outcomes["probe-20261124T120200Z"] is Outcome.SUCCEEDED


def test_a_holder_that_lost_its_lease_goes_on_and_says_so(tmp_path: Path) -> None:
    with launch("ends_anyway", tmp_path, **SKIP) as first:
        first.wait_for("probe.waiting")
        leave_unrenewed(tmp_path, STALE_SECONDS + 2)
        second = run_here("two_artifacts", tmp_path, SCHEDULED_TIME=due(1), **SKIP)
        assert second.exit_code == 0
        first.send()
        ended: Ended = first.end()
    assert ended.exit_code == 0
    assert ended.line("lease.lost")["holder"] == "probe-20261124T120100Z"
    found = {row.run_id: row.lease for row in manifests(tmp_path)}[RUN_ID]
    assert found is not None
    assert (found.state, found.holder) == (LeaseState.LOST, "probe-20261124T120100Z")


def test_a_run_that_cannot_ask_for_the_lease_fails_and_does_no_work(tmp_path: Path) -> None:
    (tmp_path / "running").write_text("no directory")
    ended = run_here("two_artifacts", tmp_path, **SKIP)
    assert (ended.exit_code, ended.manifest.outcome) == (1, Outcome.FAILED)
    assert ended.manifest.error is not None
    assert ended.manifest.error["type"] == "LeaseFailed"
    assert ended.manifest.artifacts == ()


def test_an_overlap_that_is_no_policy_is_refused(tmp_path: Path) -> None:
    ended = run_here("two_artifacts", tmp_path, OVERLAP="queue")
    assert ended.exit_code == 64
    assert "OVERLAP='queue' is neither allow nor skip" in ended.line("run.refused")["problems"]
