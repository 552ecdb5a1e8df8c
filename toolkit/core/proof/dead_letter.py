"""A launch that EventBridge Scheduler gave up, as its message in the dead-letter queue tells it.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html

SQS forgets a message after fourteen days at the latest, so whoever reads new letters leaves them in
the bucket as ``dead-letters/<time>.json``.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Self

from attrs import asdict, frozen

from toolkit.core.errors import EvidenceError
from toolkit.runtime import documents
from toolkit.runtime.contract import ContractError, RunId, parse_time
from toolkit.runtime.documents import FORMAT, DocumentError


@frozen
class DeadLetter:
    """One dead letter; ``scheduled_time`` is ISO 8601, or empty where the message had none."""

    error_code: str
    error_message: str
    schedule_arn: str = ""
    attempts: int = 0
    scheduled_time: str = ""
    exhausted: str = ""
    message_id: str = ""

    @classmethod
    def parse(cls, message: Mapping[str, Any]) -> Self | None:
        """Read a message as ReceiveMessage gives it; None for one that no Scheduler sent."""
        attributes = {
            name: str(row.get("StringValue", ""))
            for name, row in message.get("MessageAttributes", {}).items()
        }
        if "ERROR_CODE" not in attributes or "SCHEDULE_ARN" not in attributes:
            return None
        return cls(
            error_code=attributes["ERROR_CODE"],
            error_message=attributes.get("ERROR_MESSAGE", ""),
            schedule_arn=attributes["SCHEDULE_ARN"],
            attempts=_retries(attributes.get("RETRY_ATTEMPTS", "0")) + 1,
            scheduled_time=attributes.get("SCHEDULED_TIME", "") or _time(message.get("Body", "")),
            exhausted=attributes.get("EXHAUSTED_RETRY_CONDITION", ""),
            message_id=str(message.get("MessageId", "")),
        )

    @property
    def schedule(self) -> str:
        """The schedule's name, the last part of its ARN."""
        return self.schedule_arn.rsplit("/", 1)[-1]

    @property
    def run_id(self) -> RunId | None:
        """The run that never came to be; None when the message does not say when it was due."""
        try:
            time = parse_time(self.scheduled_time)
        except ContractError:
            return None
        return RunId(self.schedule, time) if self.schedule else None


@frozen
class _Letters:
    """A stored document of dead letters."""

    letters: tuple[DeadLetter, ...]


def to_json(letters: Iterable[DeadLetter]) -> bytes:
    """Letters as UTF-8 JSON."""
    document = {FORMAT: "dead-letters/1", "letters": [asdict(letter) for letter in letters]}
    return json.dumps(document, indent=1).encode() + b"\n"


def from_json(content: bytes) -> list[DeadLetter]:
    """Read what `to_json` wrote; raises EvidenceError when it is something else."""
    try:
        document = documents.load(content, "dead-letters")
        if isinstance(document, list):  # version 0.1 wrote the bare list
            document = {"letters": document}
        return list(documents.read(_Letters, document, "dead-letters").letters)
    except DocumentError as error:
        raise EvidenceError(str(error)) from error


def _retries(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _time(body: str) -> str:
    """The scheduled time in the request that was given up, for a message without the attribute."""
    try:
        request = json.loads(body)
        rows = request["overrides"]["containerOverrides"][0]["environment"]
        return str({row["name"]: row["value"] for row in rows}["SCHEDULED_TIME"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
