"""What a task is to run: its description and its definition, read together. Pure."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

_DEFAULT_STOP_SECONDS = 30
_MIB = 1024 * 1024
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html
_ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}
Container = Mapping[str, Any]


@frozen
class TaskSpec:
    """DescribeTasks' and DescribeTaskDefinition's answers for one task.

    Overrides come before what the definition says:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
    """

    description: Mapping[str, Any]
    definition: Mapping[str, Any]

    @property
    def containers(self) -> Sequence[Container]:
        """The container definitions."""
        found: Sequence[Container] = self.definition["containerDefinitions"]
        return found

    def container(self, name: str) -> Container:
        """The container definition of that name."""
        return next(row for row in self.containers if row["name"] == name)

    @property
    def architecture(self) -> str:
        """The CPU architecture of the platform, in the words of an image: amd64 or arm64."""
        platform = self.definition.get("runtimePlatform") or {}
        return _ARCHITECTURES[platform.get("cpuArchitecture") or "X86_64"]

    def role(self, name: str) -> str | None:
        """The ARN behind ``taskRoleArn`` or ``executionRoleArn``."""
        found = self._overrides.get(name) or self.definition.get(name)
        return str(found) if found else None

    def stop_seconds(self, name: str) -> int:
        """From SIGTERM to SIGKILL."""
        seconds: int = self.container(name).get("stopTimeout", _DEFAULT_STOP_SECONDS)
        return seconds

    def essential(self, name: str) -> bool:
        """Whether the task ends with this container."""
        return bool(self.container(name).get("essential", True))

    def memory_bytes(self, container: Container) -> int:
        """The container's hard limit: its own, or the task's."""
        override = self._override(container["name"]).get("memory")
        return int(override or container.get("memory") or self.description["memory"]) * _MIB

    def command(
        self, container: Container, entry_point: Sequence[str], command: Sequence[str]
    ) -> list[str]:
        """What to execute, given what the image says.

        An entry point of its own drops the image's command, as with any container runtime.
        """
        own = container.get("entryPoint")
        override = self._override(container["name"]).get("command")
        arguments = override or container.get("command") or ([] if own else command)
        return [*(own or entry_point), *arguments]

    def environment(self, container: Container) -> dict[str, str]:
        """The variables of the definition, under those of the override."""
        override = self._override(container["name"])
        rows = [*container.get("environment", []), *override.get("environment", [])]
        return {row["name"]: row["value"] for row in rows}

    def unmounted(self, container: Container, volume: Callable[[str], Path]) -> dict[str, str]:
        """The variables, where a path below a mount point becomes one below ``volume(name)``.

        A process has no mounts, so what names such a path is told where that really is.
        """
        variables = self.environment(container)
        for mount in container.get("mountPoints", []):
            path = mount["containerPath"]
            for name, value in variables.items():
                if value == path or value.startswith(f"{path}/"):
                    variables[name] = f"{volume(mount['sourceVolume'])}{value.removeprefix(path)}"
        return variables

    @property
    def _overrides(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.description.get("overrides", {})
        return found

    def _override(self, name: str) -> Mapping[str, Any]:
        rows = self._overrides.get("containerOverrides", [])
        return next((row for row in rows if row.get("name") == name), {})
