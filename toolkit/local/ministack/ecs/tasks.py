"""ECS tasks as Fargate keeps them: RunTask places, an agent reports, ECS records and announces.

ministack starts containers itself. Here RunTask only places the task (PROVISIONING); the engine's
Fargate agent carries it through the lifecycle with SubmitTaskStateChange, the call that the real
container agent makes:

- https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
- https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SubmitTaskStateChange.html
"""

import threading
from typing import Any

from ministack.core.responses import error_response_json, json_response, request_scope
from ministack.services import ecs

from toolkit.local.ministack.entrance import changes
from toolkit.local.ministack.events import rules
from toolkit.local.ministack.iam import access
from toolkit.local.ministack.state import snapshots
from toolkit.local.ministack.upstream import faults, shifted_time

from . import run_task, task_definition, task_records

Json = dict[str, Any]

# "Stopped tasks are kept for at least one hour."
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
_REMEMBERED_SECONDS = 3600
# A task's version counts these states only, and each has its own event; see ministack's notes on a
# Fargate task that was polled through DescribeTasks.
_ANNOUNCED = frozenset({"PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"})
_MOMENTS = {"RUNNING": "startedAt", "STOPPING": "stoppingAt", "STOPPED": "stoppedAt"}
_TIMES = ("pullStartedAt", "pullStoppedAt", "executionStoppedAt")
_NO_CAPACITY = (
    "Capacity is unavailable at this time. Please try again later or in a different availability "
    "zone"
)
_OVER_QUOTA = "You've reached the limit on the number of vCPUs you can run concurrently"
_UNITS = 1024  # to a vCPU
_lock = threading.RLock()


def live_tasks() -> dict[str, Json]:
    """For the agent, every task that has not stopped: its clock and StopTask's wish."""
    with _lock:
        for (account, region, _arn), task in ecs._tasks.all_items():
            if task["lastStatus"] == "STOPPED" and "stoppedAt" not in task:
                with request_scope(account, region):
                    _bury(task)
        return {
            task["taskArn"]: {
                "offset": task["_offset"],
                "desired": task["desiredStatus"],
                "faults": task["_faults"],
            }
            for _key, task in ecs._tasks.all_items()
            if task["lastStatus"] != "STOPPED"
        }


def install() -> None:
    """Mend ministack's ECS."""
    ecs._ACTION_MAP.update(
        RegisterTaskDefinition=task_definition.register,
        RunTask=_run_task,
        StopTask=_stop_task,
        DescribeTasks=_remembering(ecs._ACTION_MAP["DescribeTasks"]),
        ListTasks=_remembering(ecs._ACTION_MAP["ListTasks"]),
        SubmitTaskStateChange=_submit_task_state_change,
    )


def interrupt(task: str, code: str, reason: str) -> Json:
    """The platform wants a task stopped, as StopTask does, for a reason of its own."""
    with _lock:
        for (account, region, arn), row in ecs._tasks.all_items():
            if arn == task and row["desiredStatus"] != "STOPPED":
                with request_scope(account, region):
                    row["stopCode"], row["stoppedReason"] = code, reason
                    _want_stopped(row)
    changes.announce()
    return {}


def schedule_of_session(name: str) -> str | None:
    """The schedule behind a role's session: its own name, or the group of the task it names."""
    if name.startswith("schedule-"):
        return name.removeprefix("schedule-")
    with _lock:
        for _key, task in ecs._tasks.all_items():
            if name and task["taskArn"].endswith(f"/{name}"):
                return str(task["group"])
    return None


def _run_task(data: Json) -> Any:
    try:
        plan = run_task.check(data)
    except run_task.RefusalError as refusal:
        return _error(refusal.code, str(refusal))
    if faults.strike("capacity", data.get("group")) is not None:
        return _failed(_NO_CAPACITY)
    if _beyond_quota(plan):
        return _failed(_OVER_QUOTA)
    with _lock:
        earlier = run_task.earlier(data)
        if earlier is not None:
            request, arns = earlier
            if request != data:
                message = "The clientToken is already in use with a different RunTask request."
                return _error("ConflictException", message)
            return _tasks_answer([ecs._tasks[arn] for arn in arns if arn in ecs._tasks])
        snapshots.settle()  # whatever is killed, a run that is committed finds what it came from
        tasks = [run_task.place(plan, shifted_time.offset()) for _ in range(plan.count)]
        for task in tasks:
            ecs._tasks[task["taskArn"]] = task
            if task["tags"]:
                ecs._tags[task["taskArn"]] = list(task["tags"])
            task_records.keep(task)
        run_task.remember(data, [task["taskArn"] for task in tasks])
        answer = _tasks_answer(tasks)
    for task in tasks:
        _announce(task)
    changes.announce()
    return answer


def _beyond_quota(plan: run_task.Plan) -> bool:
    """Whether these tasks would need more vCPUs than the account may use at once.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
    """
    limit = faults.quota("vcpu-quota")
    if limit is None:
        return False
    running = [task["cpu"] for task in ecs._tasks.values() if task["lastStatus"] != "STOPPED"]
    wanted = [plan.definition["cpu"]] * plan.count
    return sum(map(int, [*running, *wanted])) / _UNITS > limit


def _failed(reason: str) -> Any:
    return json_response({"tasks": [], "failures": [{"reason": reason}]})


def _tasks_answer(tasks: list[Json]) -> Any:
    shown = [{**_shown(task), "tags": task["tags"]} for task in tasks]
    return json_response({"tasks": shown, "failures": []})


def _shown(task: Json) -> Json:
    """What others see of a task: neither our own members nor those that have no value."""
    return {
        name: value
        for name, value in task.items()
        if not name.startswith("_") and value is not None
    }


def _named(data: Json) -> Json | None:
    """The task that a request names, by its ARN or its id, in the cluster that it names."""
    task = str(data.get("task", ""))
    place = f"{run_task.cluster_name(data)}/{task.rpartition('/')[2]}"
    arn = task if "/" in task else access.arn("ecs", f"task/{place}")
    return ecs._tasks.get(arn) if arn.endswith(f"/{place}") else None


def _stop_task(data: Json) -> Any:
    if not run_task.is_active(run_task.cluster_name(data)):
        return _error("ClusterNotFoundException", "Cluster not found.")
    with _lock:
        task = _named(data)
        if task is None:
            return _error("InvalidParameterException", "The referenced task was not found.")
        if task["desiredStatus"] != "STOPPED":
            task["stoppedReason"] = data.get("reason") or "Task stopped by user"
            task["stopCode"] = "UserInitiated"
            # StopTask takes the tags of a task away.
            task["tags"] = []
            ecs._tags.pop(task["taskArn"], None)
            _want_stopped(task)
        answer = json_response({"task": _shown(task)})
    changes.announce()
    return answer


def _submit_task_state_change(data: Json) -> Any:
    with _lock:
        task = _named(data)
        if task is None:
            return _error("ClientException", f"Task {data.get('task')} is not known.")
        _apply(task, data)
    return json_response({"acknowledgment": "ACCEPT"})


def _apply(task: Json, report: Json) -> None:
    status = report["status"]
    for name in _TIMES:
        if name in report:
            task[name] = report[name]
    for change in report.get("containers", []):
        _apply_to_container(task, change)
    ending = status in ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")
    if ending and task["desiredStatus"] != "STOPPED":
        task["stopCode"], task["stoppedReason"] = _why(task, report.get("reason", ""))
        _want_stopped(task)
    task["lastStatus"] = status
    if status in _MOMENTS:
        task.setdefault(_MOMENTS[status], shifted_time.now())
    if status == "RUNNING":
        task["connectivity"], task["connectivityAt"] = "CONNECTED", shifted_time.now()
    if status in _ANNOUNCED:
        task["version"] += 1
        _announce(task)
    task_records.keep(task)


def _why(task: Json, reason: str) -> tuple[str, str]:
    """A container that ran and ended stops its task; a task without one never started."""
    if any("exitCode" in container for container in task["containers"]) or "startedAt" in task:
        return "EssentialContainerExited", reason or "Essential container in task exited"
    return "TaskFailedToStart", reason


def _want_stopped(task: Json) -> None:
    task["desiredStatus"] = "STOPPED"
    task["version"] += 1
    _announce(task)
    task_records.keep(task)


def _apply_to_container(task: Json, change: Json) -> None:
    for container in task["containers"]:
        if container["name"] == change["containerName"]:
            container["lastStatus"] = change["status"]
            for name in ("exitCode", "reason", "runtimeId", "imageDigest"):
                if name in change:
                    container[name] = change[name]


def _bury(task: Json) -> None:
    """End a task whose engine was killed, at the task's own time.

    Where its containers had ended before, or StopTask had been called, that is why it stopped.
    """
    shifted_time.set_request_offset(task["_offset"])
    if task["desiredStatus"] != "STOPPED":
        task["stopCode"] = "InfrastructureHealth"
        task["stoppedReason"] = "The engine of the embedded AWS was killed while the task ran"
    for container in task["containers"]:
        container["lastStatus"] = "STOPPED"
    task["stoppedAt"] = shifted_time.now()
    task.setdefault("stoppingAt", task["stoppedAt"])
    _want_stopped(task)


def _announce(task: Json) -> None:
    """Send the task's state change event.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    """
    detail = {
        name: shifted_time.iso(value) if name.endswith("At") else value
        for name, value in {**_shown(task), "updatedAt": shifted_time.now()}.items()
        if name != "tags"
    }
    rules.publish("aws.ecs", "ECS Task State Change", [task["taskArn"]], detail)


def _remembering(original: Any) -> Any:
    """Forget tasks that stopped more than an hour ago, then answer."""

    def answer(data: Json) -> Any:
        horizon = shifted_time.now() - _REMEMBERED_SECONDS
        with _lock:
            for arn, task in list(ecs._tasks.items()):
                if task.get("stoppedAt", horizon) < horizon:
                    del ecs._tasks[arn]
                    ecs._tags.pop(arn, None)
                    task_records.forget(task)
            return original(data)

    return answer


def _error(code: str, message: str) -> Any:
    return error_response_json(code, message, 400)
