"""What RegisterTaskDefinition refuses of a task definition for Fargate.

- https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
- https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from collections.abc import Container, Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_LOG_OPTIONS = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix")
_LONGEST_STOP = 120


def complaints(data: Json, sizes: Mapping[int, Container[int]]) -> Iterator[str]:
    """What ClientException says of a Fargate task definition, the first that applies.

    Args:
        data: the request.
        sizes: CPU units → the MiB of memory that may go with them.
    """
    if "FARGATE" not in data.get("requiresCompatibilities", ()):
        return
    if data.get("networkMode") != "awsvpc":
        yield "Fargate only supports network mode \u2018awsvpc\u2019."
    cpu, memory = data.get("cpu"), data.get("memory")
    if not cpu or not memory:
        yield "Fargate requires that 'cpu' be defined at the task level."
    elif int(memory) not in sizes.get(int(cpu), ()):
        yield f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory."
    for container in data.get("containerDefinitions", ()):
        yield from _container_complaints(container, data)
        yield from _secret_complaints(container, data)


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
