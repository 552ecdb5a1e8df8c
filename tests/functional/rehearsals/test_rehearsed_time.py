"""What a verdict may not hold against a run: that it is not over, or over for too long."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from toolkit.runtime.contract import RunId

from .stage import APP, WAITS, Stage, assert_told, rehearses, statuses


@contextmanager
def keeping_one_day(stage: Stage, group: str) -> Iterator[None]:
    """A log group that keeps its lines for a day, and then as long as it did."""
    logs = stage.aws("logs")
    (known,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    yield
    logs.put_retention_policy(logGroupName=group, retentionInDays=known["retentionInDays"])


@rehearses("still-running")
def test_a_run_that_goes_on_lacks_nothing_yet(stage: Stage, diagnosis: str) -> None:
    run_id = stage.launch("ongoing", WAITS)
    task = stage.claimed(run_id).task_arn
    (found,) = stage.judge([run_id], "--timeout", "0", code=4).values()
    stage.aws("ecs").stop_task(cluster=stage.platform["ClusterName"], task=task)
    assert_told(found, diagnosis, "INCONCLUSIVE")


@rehearses("not-launched-yet")
def test_a_firing_may_be_late(stage: Stage, diagnosis: str) -> None:
    due = stage.now() + timedelta(seconds=60)
    name = stage.schedule("awaited", ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})")
    stage.add_fault("capacity", "awaited")
    stage.settle()
    (found,) = stage.judge([RunId(name, due)], "--timeout", "0", code=4).values()
    assert_told(found, diagnosis, "INCONCLUSIVE")


@rehearses("log-expired", "task-forgotten")
def test_what_is_older_than_its_log_group_keeps_is_unknown(stage: Stage, diagnosis: str) -> None:
    run_id = stage.launch(diagnosis)
    (before,) = stage.judge([run_id], code=0).values()
    assert before["ruling"] == "PASS"
    groups = {
        "log-expired": f"/{APP}/weather",
        "task-forgotten": stage.platform["LifecycleLogGroupName"],
    }
    with keeping_one_day(stage, groups[diagnosis]):
        list(stage.engine.advance(seconds=2 * 86_400))
        (found,) = stage.judge([run_id], "--timeout", "0", code=4).values()
    assert_told(found, diagnosis, "INCONCLUSIVE")
    assert "FAIL" not in statuses(found).values()
    assert statuses(found)["artifacts"] == "OK"


@contextmanager
def without_records(stage: Stage) -> Iterator[None]:
    """EventBridge writes no state changes of tasks, as if every record got lost."""
    events = stage.aws("events")
    names = [row["Name"] for row in events.list_rules()["Rules"] if "LifecycleRule" in row["Name"]]
    for name in names:
        events.disable_rule(Name=name)
    yield
    for name in names:
        events.enable_rule(Name=name)


def state_of(stage: Stage, run_id: RunId) -> str:
    """What the ledger calls a firing."""
    since = (run_id.scheduled_time - timedelta(hours=1)).isoformat()
    words = ("ledger", "--local", "--json", "--since", since)
    rows = stage.project.toolkit(*words, code=None).json()["firings"]
    return next(row["state"] for row in rows if row["run_id"] == str(run_id))


def test_a_run_whose_record_is_lost_is_ok_while_ecs_remembers_it_and_unwitnessed_then(
    stage: Stage,
) -> None:
    name = stage.schedule("unseen")
    with without_records(stage):
        run_id = stage.fire(name)
        stage.committed(run_id)
        list(stage.engine.advance(seconds=120))
    assert state_of(stage, run_id) == "ok"
    list(stage.engine.advance(seconds=3 * 3600))
    assert state_of(stage, run_id) == "unwitnessed"
    with keeping_one_day(stage, stage.platform["LifecycleLogGroupName"]):
        list(stage.engine.advance(seconds=2 * 86_400))
        assert state_of(stage, run_id) == "ok (witness expired)"
