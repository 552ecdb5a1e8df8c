"""The `secrets` of a container definition: read when the task starts, with its execution role.

- https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
- https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from toolkit.local.agent.task_spec import Container

Client = Callable[[str, str], Any]
_SECRETS_MANAGER = "secretsmanager"
_ARN_PARTS = 7  # arn:partition:secretsmanager:region:account:secret:name
_RETRIED = "service call has been retried 1 time(s)"


class SecretError(Exception):
    """A secret cannot be had; the message is the end of ResourceInitializationError's."""


def read_secrets(container: Container, region: str, client: Client) -> dict[str, str]:
    """The environment variables that a container's secrets become.

    Args:
        container: its definition.
        region: the task's; a parameter that is given by its name is in it.
        client: makes the client of a service in a region.

    Raises:
        SecretError: one is missing, or the role may not read it.
    """
    found = {}
    for row in container.get("secrets") or ():
        source = row["valueFrom"]
        parts = source.split(":")
        if parts[2:3] == [_SECRETS_MANAGER]:
            found[row["name"]] = _secret(parts, client(_SECRETS_MANAGER, parts[3]))
        else:
            where = parts[3] if parts[2:3] == ["ssm"] else region
            found[row["name"]] = _parameter(source, client("ssm", where))
    return found


def _parameter(source: str, ssm: Any) -> str:
    name = source
    if source.startswith("arn:"):
        path = source.partition(":parameter/")[2]
        name = f"/{path}" if "/" in path else path
    what = f"unable to retrieve secrets from ssm: {_RETRIED}"
    try:
        answer = ssm.get_parameters(Names=[name], WithDecryption=True)
    except ssm.exceptions.ClientError as error:
        raise SecretError(f"{what}: {_words(error)}") from error
    if answer["InvalidParameters"]:
        raise SecretError(f"{what}: invalid ssm parameters: {name}")
    return str(answer["Parameters"][0]["Value"])


def _secret(parts: list[str], manager: Any) -> str:
    """The secret that ``arn:json-key:version-stage:version-id`` names, or one key of it."""
    arn = ":".join(parts[:_ARN_PARTS])
    key, stage, version = [*parts[_ARN_PARTS:], "", "", ""][:3]
    what = f"unable to retrieve secret from asm: {_RETRIED}"
    chosen = {"VersionStage": stage, "VersionId": version}
    try:
        answer = manager.get_secret_value(
            SecretId=arn, **{name: value for name, value in chosen.items() if value}
        )
    except manager.exceptions.ClientError as error:
        text = f"failed to fetch secret {arn} from secrets manager: {_words(error)}"
        raise SecretError(f"{what}: {text}") from error
    text = str(answer.get("SecretString", ""))
    if not key:
        return text
    missing = f"{what}: retrieved secret from Secrets Manager did not contain json key {key}"
    try:
        document: Mapping[str, Any] = json.loads(text)
        value = document[key]
    except (ValueError, KeyError, TypeError) as error:
        raise SecretError(missing) from error
    return value if isinstance(value, str) else json.dumps(value)


def _words(error: Any) -> str:
    """The error as AWS's SDK for Go prints it."""
    told = error.response["Error"]
    return f"{told['Code']}: {told['Message']} status code: 400"
