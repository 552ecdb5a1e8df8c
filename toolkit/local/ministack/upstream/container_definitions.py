"""What RegisterTaskDefinition refuses of containers and volumes.

- https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
- https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html

Where AWS's words are not known, they are ours.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,255}")
_IMAGE = re.compile(r"[a-zA-Z0-9_.:/@#-]{1,255}")
_MOST_CONTAINERS = 10
# Parameters that are not for networkMode awsvpc, with AWS's name for them.
_NOT_AWSVPC = {
    "links": "Links are",
    "hostname": "hostname is",
    "extraHosts": "Extra hosts are",
    "dnsServers": "DNS servers are",
    "dnsSearchDomains": "DNS search domains are",
}
_NOT_FARGATE = ("privileged", "dockerSecurityOptions")
_NOT_FARGATE_OF_LINUX = ("devices", "sharedMemorySize", "maxSwap", "swappiness")
_FARGATE_CAPABILITIES = frozenset({"SYS_PTRACE"})
_FARGATE_DRIVERS = ("awslogs", "splunk", "awsfirelens")


def complaints(data: Json) -> Iterator[str]:
    """What ClientException says, the first that applies."""
    containers, volumes = data.get("containerDefinitions") or (), data.get("volumes") or ()
    if not _NAME.fullmatch(data.get("family") or ""):
        yield "Family contains invalid characters."
    if len(containers) > _MOST_CONTAINERS:
        yield "Too many containers."
    if containers and not any(row.get("essential", True) for row in containers):
        yield "TaskDefinition must contain at least one essential container definition."
    for what, rows in (("Container", containers), ("volume", volumes)):
        names = [row.get("name") or "" for row in rows]
        if not all(map(_NAME.fullmatch, names)):
            yield f"{what}.name contains invalid characters."
        for name in (name for name, count in Counter(names).items() if count > 1):
            yield f"{what}.name must be unique: '{name}' is used more than once."
    for container in containers:
        yield from _container(container, data)
    yield from _sums(containers, data)


def _container(container: Json, data: Json) -> Iterator[str]:
    name = container["name"]
    if not _IMAGE.fullmatch(container.get("image") or ""):
        yield "Container.image contains invalid characters."
    volumes = {row["name"] for row in data.get("volumes") or ()}
    for mount in container.get("mountPoints") or ():
        if mount.get("sourceVolume") not in volumes:
            yield f"Unknown volume '{mount.get('sourceVolume')}'."
    others = {row["name"] for row in data["containerDefinitions"]} - {name}
    for dependency in container.get("dependsOn") or ():
        if dependency.get("containerName") not in others:
            other = dependency.get("containerName")
            yield f"Container '{name}' depends on '{other}', which names no other container."
    if data.get("networkMode") == "awsvpc":
        yield from _network(container)


def _network(container: Json) -> Iterator[str]:
    for parameter, words in _NOT_AWSVPC.items():
        if container.get(parameter):
            yield f"{words} not supported on container when networkMode=awsvpc."
    for mapping in container.get("portMappings") or ():
        if mapping.get("hostPort") not in (None, 0, mapping.get("containerPort")):
            yield (
                "When networkMode=awsvpc, the host ports and container ports in port mappings must "
                "match."
            )


def _sums(containers: Any, data: Json) -> Iterator[str]:
    """The limits of the containers together, and each one's reservation, within the task's."""
    for container in containers:
        memory, reserved = container.get("memory"), container.get("memoryReservation")
        if memory and reserved and reserved > memory:
            yield (
                f"Invalid setting for container '{container['name']}'. 'memoryReservation' must be "
                "less than or equal to 'memory'."
            )
    cpu = sum(row.get("cpu") or 0 for row in containers)
    memory = sum(row.get("memoryReservation") or row.get("memory") or 0 for row in containers)
    highest = max([row.get("memory") or 0 for row in containers], default=0)
    for kind, value in (("cpu", cpu), ("memory", max(memory, highest))):
        if data.get(kind) and value > int(data[kind]):
            yield (
                f"The sum of all container '{kind}' values cannot be greater than the value of the "
                f"task '{kind}'."
            )


def fargate_complaints(data: Json) -> Iterator[str]:
    """What containers and volumes of a task for Fargate may not have."""
    for volume in data.get("volumes") or ():
        if (volume.get("host") or {}).get("sourcePath"):
            yield _unsupported("sourcePath")
    for container in data.get("containerDefinitions") or ():
        linux = container.get("linuxParameters") or {}
        for name in (
            *(name for name in _NOT_FARGATE if container.get(name)),
            *(name for name in _NOT_FARGATE_OF_LINUX if linux.get(name)),
        ):
            yield _unsupported(name)
        added = (linux.get("capabilities") or {}).get("add") or ()
        for capability in sorted(set(added) - _FARGATE_CAPABILITIES):
            yield _unsupported(f"the capability {capability}")
        for limit in container.get("ulimits") or ():
            if limit.get("name") != "nofile":
                yield _unsupported(f"the ulimit {limit.get('name')}")
        driver = (container.get("logConfiguration") or {}).get("logDriver")
        if driver and driver not in _FARGATE_DRIVERS:
            yield f"Fargate supports the log drivers {', '.join(_FARGATE_DRIVERS)}, not {driver}."


def _unsupported(what: str) -> str:
    return f"Fargate compatible task definitions do not support {what}"
