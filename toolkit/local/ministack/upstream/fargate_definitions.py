"""What RegisterTaskDefinition refuses of a task definition for Fargate.

- https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
- https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any

from . import container_definitions

Json = dict[str, Any]

_LOG_OPTIONS = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix")
_LONGEST_STOP = 120
_STORAGE = range(21, 201)
# Size of a task → what it may be given in, and how many of its units that is.
_UNITS = {"cpu": ("vCPU", 1024), "memory": ("GB", 1024)}


def in_units(data: Json) -> Json:
    """The request, its sizes as AWS keeps them: ``.5 vCPU`` is 512 and ``1 GB`` is 1024.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size
    """
    return {**data, **{kind: _units(data[kind], kind) for kind in _UNITS if data.get(kind)}}


def _units(size: Any, kind: str) -> str:
    word, factor = _UNITS[kind]
    found = re.fullmatch(rf"(\d*\.?\d+)\s*{word}", str(size).strip(), re.IGNORECASE)
    return str(round(float(found[1]) * factor)) if found else str(size)


def complaints(data: Json, sizes: Mapping[int, Container[int]]) -> Iterator[str]:
    """What ClientException says of a Fargate task definition, the first that applies.

    Args:
        data: the request, its sizes in units.
        sizes: CPU units → the MiB of memory that may go with them.
    """
    for kind in _UNITS:
        if data.get(kind) and not str(data[kind]).isdigit():
            yield f"Invalid '{kind}' setting for task."
    yield from container_definitions.complaints(data)
    if "FARGATE" in (data.get("requiresCompatibilities") or ()):
        yield from _fargate_complaints(data, sizes)


def _fargate_complaints(data: Json, sizes: Mapping[int, Container[int]]) -> Iterator[str]:
    yield from _host_complaints(data)
    if data.get("networkMode") != "awsvpc":
        yield "Fargate only supports network mode \u2018awsvpc\u2019."
    cpu, memory = data.get("cpu"), data.get("memory")
    if not cpu or not memory:
        yield "Fargate requires that 'cpu' be defined at the task level."
    elif int(memory) not in sizes.get(int(cpu), ()):
        yield f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory."
    yield from container_definitions.fargate_complaints(data)
    for container in data.get("containerDefinitions", ()):
        yield from _container_complaints(container, data)
        yield from _secret_complaints(container, data)


def _host_complaints(data: Json) -> Iterator[str]:
    """What only a host of one's own has."""
    if data.get("ipcMode"):
        yield "Tasks using the Fargate launch type do not support ipcMode."
    if data.get("pidMode") not in (None, "", "task"):
        yield "Tasks using the Fargate launch type support the pidMode task only."
    if data.get("placementConstraints"):
        yield "Tasks using the Fargate launch type do not support placementConstraints."
    size = (data.get("ephemeralStorage") or {}).get("sizeInGiB")
    if size is not None and int(size) not in _STORAGE:
        yield "The size of ephemeralStorage must be between 21 and 200 GiB on Fargate."


def _container_complaints(container: Json, data: Json) -> Iterator[str]:
    if int(container.get("stopTimeout") or 2) not in range(2, _LONGEST_STOP + 1):
        yield "Container stopTimeout must be between 2 and 120 seconds on Fargate."
    logs = container.get("logConfiguration") or {}
    if logs.get("logDriver") != "awslogs":
        return
    missing = [name for name in _LOG_OPTIONS if name not in (logs.get("options") or {})]
    if missing:
        yield f"Log driver awslogs requires options: {', '.join(missing)}"
    if not data.get("executionRoleArn"):
        yield (
            "Fargate requires task definition to have execution role ARN to support log driver "
            "awslogs."
        )


def _secret_complaints(container: Json, data: Json) -> Iterator[str]:
    """What secrets need.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html
    """
    secrets = [row["name"] for row in container.get("secrets") or ()]
    if secrets and not data.get("executionRoleArn"):
        yield (
            "When you are specifying container secrets, you must also specify a value for "
            "'executionRoleArn'."
        )
    taken = {row["name"] for row in container.get("environment") or ()}
    for name in secrets:
        if name in taken:
            yield (
                "The secret name must be unique and not shared with any new or existing "
                f"environment variables set on the container, such as '{name}'."
            )
        taken.add(name)
