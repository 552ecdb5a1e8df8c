"""Deliveries that never came as far as their claim: each reason is shown."""

from attrs import evolve

from toolkit.core.proof.verdict import Ruling, Status, Verdict
from toolkit.core.task import Task

from .test_verdict import OTHER, TASK, detail, verdict

UNREACHABLE = "CannotPullContainerError: dial tcp 10.0.0.1:443: i/o timeout"
NO_ADDRESS = "Unexpected EC2 error: InsufficientFreeAddressesInSubnet"


def unstarted(arn: str, reason: str) -> Task:
    times = {name: time for name, time in TASK.times.items() if name != "startedAt"}
    return evolve(
        TASK,
        task_arn=arn,
        stop_code="TaskFailedToStart",
        stopped_reason=reason,
        exit_code=None,
        times=times,
    )


FIRST, SECOND = unstarted(TASK.task_arn, UNREACHABLE), unstarted(OTHER, NO_ADDRESS)
RUNNING = evolve(SECOND, last_status="PENDING", stop_code=None, stopped_reason=None)


def judged(*tasks: Task) -> Verdict:
    return verdict(claim=None, manifests=(), objects={}, logs=None, tasks=tasks)


def test_two_deliveries_that_both_could_not_start_show_their_reasons() -> None:
    found = judged(FIRST, SECOND)
    assert found.ruling is Ruling.FAIL
    status, text = detail(found, "lifecycle")
    assert status is Status.FAIL
    assert UNREACHABLE in text
    assert NO_ADDRESS in text
    assert found.diagnosis is not None
    assert found.diagnosis.name == "image-unreachable"


def test_one_of_two_that_may_yet_start_leaves_the_run_open() -> None:
    found = judged(FIRST, RUNNING)
    status, text = detail(found, "lifecycle")
    assert status is Status.UNKNOWN
    assert UNREACHABLE in text
    assert "PENDING: still runs" in text
    assert found.ruling is Ruling.INCONCLUSIVE


def test_a_task_that_ended_well_without_a_claim_proves_nothing() -> None:
    well = evolve(TASK, task_arn=OTHER)
    status, _ = detail(judged(FIRST, well), "lifecycle")
    assert status is Status.UNKNOWN
