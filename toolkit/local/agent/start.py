"""How a task starts: image, log driver and process of each container, with AWS's words if not.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from toolkit.adapters.images.registry import Login, ecr_login
from toolkit.local.agent import container as docker
from toolkit.local.agent import sandbox
from toolkit.local.agent.aws import Credentials, Emulator, RoleError
from toolkit.local.agent.awslogs import LogDriverError, LogShipper
from toolkit.local.agent.clock import at_offset
from toolkit.local.agent.images import Images, PulledImage, PullError
from toolkit.local.agent.launcher import landlock_version
from toolkit.local.agent.process import Process, StartError
from toolkit.local.agent.sensitive_data import SecretError, read_secrets
from toolkit.local.agent.task_spec import Container, TaskSpec
from toolkit.local.feed.embedded import Branch

SERVICE = "ecs-tasks.amazonaws.com"
_ATTEMPTS, _LOG_ATTEMPTS = 3, 10
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
_NO_SECRETS = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed"
)
_NO_INTERFACE = (
    "ResourceInitializationError: failed to configure ENI: failed to setup regular eni: context "
    "deadline exceeded"
)
_NOWHERE = "192.0.2.1"  # of the block that is reserved for documentation


class NeverStartedError(Exception):
    """The task cannot start; the message is its stoppedReason."""


class TaskIdentity(Protocol):
    """What is known of a task when it starts."""

    arn: str
    region: str
    task_id: str
    offset: float
    spec: TaskSpec


class MetadataEndpoint(Protocol):
    """Where tasks find their metadata and credentials."""

    def open(self, task: Any) -> Mapping[str, str]:
        """The environment variables that lead to it."""

    def close(self, task: Any) -> None:
        """The task is gone."""


@frozen
class Surroundings:
    """What a task needs from the engine."""

    emulator: Emulator
    images: Images
    endpoint: MetadataEndpoint
    scratch: Path
    branch_of_feed: Callable[[], Branch | None]

    def assume(self, task: TaskIdentity, role: str) -> Credentials:
        """Credentials of one of the task's roles; raises RoleError."""
        source = f"arn:aws:ecs:{task.region}:{task.arn.split(':')[4]}:*"
        return self.emulator.assume_role(role, SERVICE, task.task_id, source, task.offset)


@frozen
class Running:
    """A container that runs, and its log driver if it has one."""

    process: Process | docker.Container
    logs: LogShipper | None


class Start:
    """The steps from PENDING to RUNNING, in order; each may raise NeverStartedError."""

    def __init__(
        self,
        task: TaskIdentity,
        around: Surroundings,
        faults: Mapping[str, float | None],
        scratch: Path,
    ) -> None:
        self._task = task
        self._around = around
        self._faults = faults
        self._scratch = scratch
        self._execution = self._execution_role()
        self.branch = around.branch_of_feed() if "network-cut" in faults else None
        self._login: Login = ("", "")
        self._images: dict[str, PulledImage] = {}
        self._secrets: dict[str, Mapping[str, str]] = {}
        self._logs: dict[str, LogShipper | None] = {}

    def _execution_role(self) -> Credentials | None:
        role = self._task.spec.role("executionRoleArn")
        try:
            return None if role is None else self._around.assume(self._task, role)
        except RoleError as error:
            raise NeverStartedError(_no_resources(error)) from error

    def _client(self, service: str, region: str, attempts: int = _ATTEMPTS) -> Any:
        emulator = self._around.emulator
        if self._execution is None:
            return emulator.client_at(self._task.offset, service, region)
        return emulator.client_as(self._execution, service, region, attempts=attempts)

    def prepare(self) -> None:
        """The network interface, the registry's credentials and the secrets, in this order."""
        if "no-interface" in self._faults:
            raise NeverStartedError(_NO_INTERFACE)
        ecr = self._client("ecr", self._task.region)
        try:
            self._login = ecr_login(ecr.get_authorization_token())
        except ecr.exceptions.ClientError as error:
            raise NeverStartedError(_no_resources(error)) from error
        for container in self._task.spec.containers:
            self._secrets[container["name"]] = self._read_secrets(container)

    def _read_secrets(self, container: Container) -> Mapping[str, str]:
        try:
            return read_secrets(container, self._task.region, self._client)
        except SecretError as error:
            raise NeverStartedError(f"{_NO_SECRETS}: {error}") from error

    def pull(self) -> Mapping[str, PulledImage]:
        """Pull the image of each container with the execution role."""
        ecr = self._client("ecr", self._task.region)
        for container in self._task.spec.containers:
            self._images[container["name"]] = self._pull(container["image"], ecr)
        return self._images

    def _pull(self, reference: str, ecr: Any) -> PulledImage:
        try:
            if "no-route" in self._faults:
                raise PullError(_no_route(reference))
            if "pull-fails" in self._faults:
                raise PullError(
                    f"pull image manifest has been retried 5 time(s): failed to resolve ref "
                    f"{reference}: unexpected status code: 503 Service Unavailable"
                )
            images, spec = self._around.images, self._task.spec
            return images.pull(reference, ecr, self._login, spec.architecture)
        except PullError as error:
            raise NeverStartedError(f"CannotPullContainerError: {error}") from error

    def open_logs(self) -> None:
        """Open the log stream of each container that has the awslogs driver."""
        for container in self._task.spec.containers:
            self._logs[container["name"]] = self._log_driver(container)

    def _log_driver(self, container: Container) -> LogShipper | None:
        configuration = container.get("logConfiguration") or {}
        if configuration.get("logDriver") != "awslogs":
            return None
        options = configuration["options"]
        logs = self._client("logs", options.get("awslogs-region", self._task.region), _LOG_ATTEMPTS)
        stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{self._task.task_id}"
        try:
            return LogShipper(logs, options, stream, self._now_ms)
        except LogDriverError as error:
            raise NeverStartedError(
                f"ResourceInitializationError: failed to initialize logging driver: {error}"
            ) from error

    def launch(self) -> Mapping[str, Running]:
        """Start the containers."""
        found = {
            # There is one difference from AWS that a task must know: where AWS is.
            "AWS_ENDPOINT_URL": self._around.emulator.endpoint,
            **self._around.endpoint.open(self._task),
        }
        running: dict[str, Running] = {}
        try:
            for container in self._task.spec.containers:
                name = container["name"]
                process, logs = self._launch(container, self._images[name], found), self._logs[name]
                running[name] = Running(process, logs)
                if logs is not None:
                    logs.start(process.output)
        except NeverStartedError:
            for other in running.values():
                other.process.kill()
                other.process.wait()
            raise
        return running

    def _launch(
        self, container: Container, image: PulledImage, found: Mapping[str, str]
    ) -> Process | docker.Container:
        try:
            if image.reference is None:
                return self._launch_process(container, image, found)
            return self._launch_container(container, image, found)
        except StartError as error:
            raise NeverStartedError(f"CannotStartContainerError: {error}") from error

    def _launch_process(
        self, container: Container, image: PulledImage, found: Mapping[str, str]
    ) -> Process:
        spec, name = self._task.spec, container["name"]
        return Process(
            image,
            spec.command(container, image.entry_point, image.command),
            {
                **found,
                **self._led(spec.unmounted(container, self._volume)),
                **self._secrets[name],
            },
            scratch=self._scratch / name,
            offset=self._clock_offset,
            memory_bytes=spec.memory_bytes(container),
            readable=self._readable(container),
            writable=self._writable(container, image),
        )

    def _readable(self, container: Container) -> list[Path]:
        """What it may read beside its image; empty where nothing can keep it from the rest."""
        if not landlock_version():
            return []
        read_only = bool(container.get("readonlyRootFilesystem"))
        volumes = [self._volume(row["sourceVolume"]) for row in container.get("mountPoints", [])]
        return [*sandbox.readable(self._around.scratch.parent, read_only=read_only), *volumes]

    def _writable(self, container: Container, image: PulledImage) -> list[Path]:
        """What it may write: its own folders and, without a read-only root, its image."""
        if not landlock_version():
            return []
        mounts = [row for row in container.get("mountPoints", []) if not row.get("readOnly")]
        volumes = [self._volume(row["sourceVolume"]) for row in mounts]
        own = [self._scratch / container["name"], *volumes]
        if container.get("readonlyRootFilesystem"):
            return own
        return [*own, image.working_directory, *sandbox.temporary(self._around.scratch.parent)]

    def _launch_container(
        self, container: Container, image: PulledImage, found: Mapping[str, str]
    ) -> docker.Container:
        spec, name = self._task.spec, container["name"]
        return docker.Container(
            image,
            container,
            spec.command(container, image.entry_point, image.command),
            {**found, **self._led(spec.environment(container)), **self._secrets[name]},
            name=f"toolkit-{self._task.task_id}-{name}",
            offset=self._clock_offset,
            cpu=int(container.get("cpu") or spec.description["cpu"]),
            memory_bytes=spec.memory_bytes(container),
        )

    def _led(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        return environment if self.branch is None else self.branch.lead(environment)

    @property
    def _clock_offset(self) -> float:
        return self._task.offset + (self._faults.get("clock-skew") or 0.0)

    def _volume(self, name: str) -> Path:
        path = self._scratch / "volumes" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _now_ms(self) -> int:
        return int(at_offset(self._task.offset).timestamp() * 1000)


def _no_resources(error: Exception) -> str:
    return (
        f"{_NO_SECRETS}: unable to retrieve ecr registry auth: service call has been retried 1 "
        f"time(s): {error}"
    )


def _no_route(reference: str) -> str:
    """What containerd says when nobody answers.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
    """
    repository, _, version = reference.partition("@")
    host, _, name = repository.partition("/")
    return (
        f"pull image manifest has been retried 5 time(s): failed to resolve ref {reference}: "
        f'failed to do request: Head "https://{host}/v2/{name}/manifests/{version}": dial tcp '
        f"{_NOWHERE}:443: i/o timeout"
    )
