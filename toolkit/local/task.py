"""One Fargate task, from PROVISIONING to STOPPED.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

import shutil
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from toolkit.local.aws import Credentials, Emulator, RoleError
from toolkit.local.awslogs import LogDriverError, LogShipper
from toolkit.local.clock import at_offset
from toolkit.local.images import Image, Images, PullError
from toolkit.local.process import Process, StartError

SERVICE = "ecs-tasks.amazonaws.com"
_DEFAULT_STOP_SECONDS = 30
_LOG_DRAIN_SECONDS = 30
_MIB = 1024 * 1024
Definition = Mapping[str, Any]


class Endpoint(Protocol):
    """Where tasks find their metadata and credentials."""

    def open(self, task: "Task") -> Mapping[str, str]:
        """The environment variables that lead to it."""

    def close(self, task: "Task") -> None:
        """The task is gone."""


@frozen
class Surroundings:
    """What a task needs from the engine."""

    emulator: Emulator
    images: Images
    endpoint: Endpoint
    scratch: Path
    endpoint_url: str


class NeverStartedError(Exception):
    """The task cannot start; the message is its stoppedReason."""


class Task:
    """A task of the cluster and the thread that lives it."""

    def __init__(self, arn: str, offset: float, around: Surroundings) -> None:
        self.arn = arn
        self.offset = offset
        self._around = around
        self._ecs = around.emulator.client_at(offset, "ecs", self.region)
        self._stopping = threading.Event()
        self._processes: dict[str, Process] = {}
        self._lock = threading.Lock()
        self.description: dict[str, Any] = {}
        self.definition: Definition = {}

    @property
    def region(self) -> str:
        """The region that its ARN names."""
        return self.arn.split(":")[3]

    @property
    def task_id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def cluster(self) -> str:
        """The cluster that its ARN names."""
        return self.arn.split("/")[1]

    def stop(self) -> None:
        """Somebody wants it stopped: SIGTERM, and SIGKILL after each container's stop timeout."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
            running = list(self._processes.items())
        for name, process in running:
            process.stop(self._container(name).get("stopTimeout", _DEFAULT_STOP_SECONDS))

    def kill(self) -> None:
        """The host is gone."""
        with self._lock:
            self._stopping.set()
            for process in self._processes.values():
                process.kill()

    def live(self) -> dict[str, Any]:
        """Carry the task through its whole life; returns how it ended when it is STOPPED."""
        with ExitStack() as cleanup:
            self._describe()
            cleanup.callback(shutil.rmtree, self._scratch, ignore_errors=True)
            cleanup.callback(self._around.endpoint.close, self)
            containers: list[dict[str, Any]] = []
            reason = ""
            try:
                self._submit("PENDING")
                started = self._start()
                containers = self._wait(started)
            except NeverStartedError as error:
                reason = str(error)
                containers = [
                    {"containerName": row["name"], "status": "STOPPED"}
                    for row in self.definition["containerDefinitions"]
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

    def _describe(self) -> None:
        self.description = self.describe()
        self.definition = self._ecs.describe_task_definition(
            taskDefinition=self.description["taskDefinitionArn"]
        )["taskDefinition"]

    def _start(self) -> dict[str, tuple[Process, LogShipper | None]]:
        """Pull, initialise, start every container: the way from PENDING to RUNNING."""
        self._submit("ACTIVATING")
        execution = self._assume("executionRoleArn")
        begun = at_offset(self.offset)
        images = {row["name"]: self._pull(row, execution) for row in self._containers()}
        pulled = {"pullStartedAt": begun, "pullStoppedAt": at_offset(self.offset)}
        shippers = {row["name"]: self._log_driver(row, execution) for row in self._containers()}
        found = self._around.endpoint.open(self)
        with self._lock:
            if self._stopping.is_set():
                raise NeverStartedError(
                    "Task stopped before it started"
                )  # StopTask's reason stands
            for row in self._containers():
                process = self._launch(row, images[row["name"]], found)
                self._processes[row["name"]] = process
                shipper = shippers[row["name"]]
                if shipper is not None:
                    shipper.start(process.output)
        self._submit("RUNNING", containers=self._running(images), **pulled)
        return {name: (process, shippers[name]) for name, process in self._processes.items()}

    def _pull(self, container: Definition, execution: Credentials | None) -> Image:
        if execution is None:
            ecr = self._around.emulator.client("ecr", self.region)
        else:
            ecr = self._around.emulator.client_as(execution, "ecr", self.region)
        try:
            ecr.get_authorization_token()
        except ecr.exceptions.ClientError as error:
            raise NeverStartedError(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution "
                f"resource retrieval failed: unable to get registry auth from asm: {error}"
            ) from error
        try:
            return self._around.images.pull(container["image"], ecr)
        except PullError as error:
            raise NeverStartedError(f"CannotPullContainerError: {error}") from error

    def _log_driver(
        self, container: Definition, execution: Credentials | None
    ) -> LogShipper | None:
        configuration = container.get("logConfiguration") or {}
        if configuration.get("logDriver") != "awslogs":
            return None
        options = configuration["options"]
        region = options.get("awslogs-region", self.region)
        emulator = self._around.emulator
        logs = (
            emulator.client_at(self.offset, "logs", region)
            if execution is None
            else emulator.client_as(execution, "logs", region)
        )
        stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{self.task_id}"
        try:
            return LogShipper(logs, options, stream, self._now_ms)
        except LogDriverError as error:
            raise NeverStartedError(
                f"ResourceInitializationError: failed to initialize logging driver: {error}"
            ) from error

    def _launch(self, container: Definition, image: Image, found: Mapping[str, str]) -> Process:
        overrides = self._override(container["name"])
        entry_point = container.get("entryPoint") or image.entry_point
        command = overrides.get("command") or container.get("command") or image.command
        memory = container.get("memory") or int(self.description["memory"])
        try:
            return Process(
                image,
                [*entry_point, *command],
                {
                    # There is one difference from AWS that a task must know: where AWS is.
                    "AWS_ENDPOINT_URL": self._around.endpoint_url,
                    **found,
                    **self._environment(container, overrides),
                },
                scratch=self._scratch / container["name"],
                offset=self.offset,
                memory_bytes=memory * _MIB,
            )
        except StartError as error:
            raise NeverStartedError(f"CannotStartContainerError: {error}") from error

    def _environment(self, container: Definition, overrides: Definition) -> dict[str, str]:
        """The definition's variables under the override's; paths in a volume lead to the scratch.

        A process has no mounts, so what names a path below a mount point is told where that is.
        """
        rows = [*container.get("environment", []), *overrides.get("environment", [])]
        variables = {row["name"]: row["value"] for row in rows}
        for mount in container.get("mountPoints", []):
            path, volume = mount["containerPath"], self._scratch / "volumes" / mount["sourceVolume"]
            volume.mkdir(parents=True, exist_ok=True)
            for name, value in variables.items():
                if value == path or value.startswith(f"{path}/"):
                    variables[name] = f"{volume}{value.removeprefix(path)}"
        return variables

    def _running(self, images: Mapping[str, Image]) -> list[dict[str, Any]]:
        return [
            {
                "containerName": name,
                "status": "RUNNING",
                "imageDigest": image.digest,
                "runtimeId": f"{self.task_id}-{index}",
            }
            for index, (name, image) in enumerate(images.items())
        ]

    def _wait(
        self, started: Mapping[str, tuple[Process, LogShipper | None]]
    ) -> list[dict[str, Any]]:
        """Wait for the essential containers; the end of one ends the others."""
        ended: dict[str, int] = {}
        waiters = [
            threading.Thread(target=self._wait_for, args=(name, process, ended), daemon=True)
            for name, (process, _shipper) in started.items()
        ]
        for waiter in waiters:
            waiter.start()
        for waiter in waiters:
            waiter.join()
        for _process, shipper in started.values():
            if shipper is not None:
                shipper.finish(_LOG_DRAIN_SECONDS)
        return [
            {
                "containerName": name,
                "status": "STOPPED",
                "exitCode": ended[name],
                **({"reason": process.reason} if process.reason else {}),
            }
            for name, (process, _shipper) in started.items()
        ]

    def _wait_for(self, name: str, process: Process, ended: dict[str, int]) -> None:
        ended[name] = process.wait()
        if self._container(name).get("essential", True):
            for other, running in self._processes.items():
                if other != name:
                    running.stop(self._container(other).get("stopTimeout", _DEFAULT_STOP_SECONDS))

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

    def _assume(self, name: str) -> Credentials | None:
        role = self.role(name)
        if role is None:
            return None
        try:
            return self.assume(role)
        except RoleError as error:
            raise NeverStartedError(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution "
                f"role: {error}"
            ) from error

    def role(self, name: str) -> str | None:
        """``taskRoleArn`` or ``executionRoleArn``: the override's, or else the definition's."""
        overrides = self.description.get("overrides", {})
        found: str | None = overrides.get(name) or self.definition.get(name) or None
        return found

    def assume(self, role_arn: str) -> Credentials:
        """Credentials of one of its roles; raises RoleError."""
        account = self.arn.split(":")[4]
        source = f"arn:aws:ecs:{self.region}:{account}:*"
        return self._around.emulator.assume_role(
            role_arn, SERVICE, self.task_id, source, self.offset
        )

    def _now_ms(self) -> int:
        return int(at_offset(self.offset).timestamp() * 1000)

    def _containers(self) -> list[Definition]:
        return list(self.definition["containerDefinitions"])

    def _container(self, name: str) -> Definition:
        return next(row for row in self._containers() if row["name"] == name)

    def _override(self, name: str) -> Definition:
        rows = self.description.get("overrides", {}).get("containerOverrides", [])
        return next((row for row in rows if row.get("name") == name), {})

    @property
    def _scratch(self) -> Path:
        return self._around.scratch / self.task_id
