"""Hand-written fakes of AWS's clients, which answer as they are told."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

NOW = datetime(2026, 11, 24, 5, 0, 0, tzinfo=UTC)


class Client:
    """Answers of one client by the name of the call; an exception is raised."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        def call(**given: Any) -> Any:
            answer = self._answers[name]
            answer = answer(**given) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


class Aws:
    """The door to the fakes, by service."""

    region = "eu-west-1"

    def __init__(self, **services: Mapping[str, Any]) -> None:
        self._clients = {name.replace("_", "-"): Client(rows) for name, rows in services.items()}

    def client(self, service: str) -> Any:
        return self._clients[service]


def aws(**services: Mapping[str, Any]) -> Any:
    return Aws(**services)


def denied(action: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": f"no {action}"}}, action)


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Any")
