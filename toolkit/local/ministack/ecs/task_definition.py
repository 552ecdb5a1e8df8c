"""RegisterTaskDefinition: what Fargate refuses.

- https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
- https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

import json
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecs

Json = dict[str, Any]

_GIB = 1024
# CPU units → the memory in MiB that may go with them
_SIZES = {
    256: [512, 1 * _GIB, 2 * _GIB],
    512: range(1 * _GIB, 4 * _GIB + 1, _GIB),
    1024: range(2 * _GIB, 8 * _GIB + 1, _GIB),
    2048: range(4 * _GIB, 16 * _GIB + 1, _GIB),
    4096: range(8 * _GIB, 30 * _GIB + 1, _GIB),
    8192: range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB),
    16384: range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB),
}
_LOG_OPTIONS = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix")
_LONGEST_STOP = 120


def install() -> None:
    """Mend ministack's RegisterTaskDefinition."""
    original = ecs._ACTION_MAP["RegisterTaskDefinition"]

    def register(data: Json) -> Any:
        for complaint in _complaints(data):
            return error_response_json("ClientException", complaint, 400)
        return original(data)

    ecs._ACTION_MAP["RegisterTaskDefinition"] = register


def described(reference: str) -> Json | None:
    """The task definition behind an ARN, a family or a revision; None if there is none."""
    request = {"taskDefinition": reference}
    status, _headers, content = ecs._ACTION_MAP["DescribeTaskDefinition"](request)
    found: Json | None = json.loads(content)["taskDefinition"] if status == 200 else None
    return found


def _complaints(data: Json) -> Iterator[str]:
    """What ClientException says of a Fargate task definition, the first that applies."""
    if "FARGATE" not in data.get("requiresCompatibilities", ()):
        return
    if data.get("networkMode") != "awsvpc":
        yield "Fargate only supports network mode \u2018awsvpc\u2019."
    cpu, memory = data.get("cpu"), data.get("memory")
    if not cpu or not memory:
        yield "Fargate requires that 'cpu' be defined at the task level."
    elif int(memory) not in _SIZES.get(int(cpu), ()):
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
