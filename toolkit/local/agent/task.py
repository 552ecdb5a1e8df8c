"""One Fargate task, from PROVISIONING to STOPPED.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from toolkit.local.agent.aws import Credentials
from toolkit.local.agent.clock import at_offset
from toolkit.local.agent.start import NeverStartedError, Running, Start, Surroundings
from toolkit.local.agent.task_spec import TaskSpec
from toolkit.local.feed.embedded import Branch

_LOG_DRAIN_SECONDS = 30
_CUT_AFTER = 1.0
# Stop code and reason of a task that AWS itself stops; SIGTERM comes first, as from StopTask.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-maintenance.html
_STOPPED_BY_AWS = {
    "spot-interruption": ("SpotInterruption", "Your Spot Task was interrupted."),
    "task-retirement": (
        "TerminationNotice",
        "ECS is performing maintenance on the underlying infrastructure hosting the task.",
    ),
}
Faults = Mapping[str, float | None]


class TaskThread:
    """A task of the cluster and the thread that lives it.

    Args:
        arn: it names region, cluster and id.
        offset: of its clock; all that it does, and all that is reported of it, happens there.
        around: what it needs from the engine.
        faults: what is to happen to it, by kind.
    """

    def __init__(self, arn: str, offset: float, around: Surroundings, faults: Faults) -> None:
        self.arn = arn
        self.region = arn.split(":")[3]
        self.cluster, self.task_id = arn.split("/")[1:]
        self.offset = offset
        self.spec = TaskSpec({}, {})
        self._around = around
        self._faults = faults
        self._ecs = around.emulator.client_at(offset, "ecs", self.region)
        self._stopping = threading.Event()
        self._running: dict[str, Running] = {}
        self._lock = threading.Lock()
        self._scratch = around.scratch / self.task_id
        self._branch: Branch | None = None

    @property
    def group(self) -> str:
        """Its group: the schedule's name for scheduled runs."""
        return str(self.spec.description.get("group", ""))

    @property
    def executor(self) -> str | None:
        """By what it runs; None until it does."""
        running = list(self._running.values())
        return running[0].process.executor if running else None

    def stop(self) -> None:
        """Somebody wants it stopped: SIGTERM, and SIGKILL after each container's stop timeout."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
            running = list(self._running.items())
        for name, container in running:
            container.process.stop(self.spec.stop_seconds(name))

    def kill(self) -> None:
        """SIGKILL, at once."""
        with self._lock:
            self._stopping.set()
            for container in self._running.values():
                container.process.kill()

    def live(self) -> dict[str, Any]:
        """Carry the task through its whole life; returns how it ended when it is STOPPED."""
        with ExitStack() as cleanup:
            self._describe()
            cleanup.callback(shutil.rmtree, self._scratch, ignore_errors=True)
            cleanup.callback(self._around.endpoint.close, self)
            cleanup.callback(self._close_branch)
            try:
                self._submit("PENDING")
                self._start()
                containers, reason = self._wait(), ""
            except NeverStartedError as error:
                reason = str(error)
                containers = [
                    {"containerName": row["name"], "status": "STOPPED"}
                    for row in self.spec.containers
                ]
            self._end(containers, reason)
            codes = {row["containerName"]: row.get("exitCode") for row in containers}
            return {"exit_codes": codes, "reason": reason}

    def fail(self, message: str) -> None:
        """The engine itself failed it: STOPPED, with a reason that says so."""
        self._submit("STOPPED", reason=f"InternalError: {message}")

    def describe(self) -> dict[str, Any]:
        """What ECS says of it now."""
        answer: dict[str, Any] = self._ecs.describe_tasks(cluster=self.cluster, tasks=[self.arn])
        found: dict[str, Any] = answer["tasks"][0]
        return found

    def credentials(self) -> Credentials | None:
        """What its code signs with: the task role's; raises RoleError."""
        role = self.spec.role("taskRoleArn")
        return None if role is None else self._around.assume(self, role)

    def _describe(self) -> None:
        description = self.describe()
        definition = self._ecs.describe_task_definition(
            taskDefinition=description["taskDefinitionArn"]
        )
        self.spec = TaskSpec(description, definition["taskDefinition"])

    def _start(self) -> None:
        """Pull, initialise, start every container: the way from PENDING to RUNNING.

        Where StopTask was quicker, its reason stands and ours is not heard.
        """
        self._submit("ACTIVATING")
        start = Start(self, self._around, self._faults, self._scratch)
        self._branch = start.branch
        begun = at_offset(self.offset)
        start.prepare()
        images = start.pull()
        pulled = {"pullStartedAt": begun, "pullStoppedAt": at_offset(self.offset)}
        start.open_logs()
        with self._lock:
            if self._stopping.is_set():
                raise NeverStartedError("Task stopped before it started")
            self._running.update(start.launch())
        rows = [
            {
                "containerName": name,
                "status": "RUNNING",
                "imageDigest": images[name].digest,
                "runtimeId": f"{self.task_id}-{index}",
            }
            for index, name in enumerate(self._running)
        ]
        self._submit("RUNNING", containers=rows, **pulled)
        self._arm_faults()

    def _arm_faults(self) -> None:
        arms: dict[str, Callable[[], None]] = {
            "killed": self._strike_dead,
            "network-cut": self._cut_off,
            **{kind: partial(self._reclaim, *why) for kind, why in _STOPPED_BY_AWS.items()},
        }
        for kind, strike in arms.items():
            if kind in self._faults:
                after = _CUT_AFTER if kind == "network-cut" else self._faults[kind]
                timer = threading.Timer(after or 0.0, strike)
                timer.daemon = True
                timer.start()

    def _cut_off(self) -> None:
        if self._branch is not None:
            self._branch.cut(self._faults["network-cut"] or 0.0)

    def _close_branch(self) -> None:
        if self._branch is not None:
            self._branch.close()

    def _strike_dead(self) -> None:
        for container in self._running.values():
            container.process.kill()

    def _reclaim(self, code: str, reason: str) -> None:
        self._around.emulator.call(
            "POST", "/interrupt", {"task": self.arn, "code": code, "reason": reason}
        )

    def _wait(self) -> list[dict[str, Any]]:
        """Wait for the containers to end; the end of an essential one ends the others."""
        codes: dict[str, int] = {}
        waiters = [
            threading.Thread(target=self._wait_for, args=(name, codes), daemon=True)
            for name in self._running
        ]
        for waiter in waiters:
            waiter.start()
        for waiter in waiters:
            waiter.join()
        for container in self._running.values():
            if container.logs is not None:
                container.logs.finish(_LOG_DRAIN_SECONDS)
        return [
            {
                "containerName": name,
                "status": "STOPPED",
                "exitCode": codes[name],
                **({"reason": container.process.reason} if container.process.reason else {}),
            }
            for name, container in self._running.items()
        ]

    def _wait_for(self, name: str, codes: dict[str, int]) -> None:
        codes[name] = self._running[name].process.wait()
        if self.spec.essential(name):
            for other, container in self._running.items():
                if other != name:
                    container.process.stop(self.spec.stop_seconds(other))

    def _end(self, containers: list[dict[str, Any]], reason: str) -> None:
        """From the last container's exit to STOPPED."""
        stopped: dict[str, Any] = {"containers": containers, "reason": reason}
        if not reason:
            stopped["executionStoppedAt"] = at_offset(self.offset)
        self._submit("DEACTIVATING", **stopped)
        for status in ("STOPPING", "DEPROVISIONING", "STOPPED"):
            self._submit(status)

    def _submit(self, status: str, **fields: Any) -> None:
        self._ecs.submit_task_state_change(
            cluster=self.cluster, task=self.arn, status=status, **fields
        )
