"""SQS: read the dead letters, and leave them where they are."""

from typing import TYPE_CHECKING, Any

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.errors import ToolkitError
from toolkit.core.proof.dead_letter import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_PAGE = 10
# Long enough to read a whole queue without meeting a message twice, short enough that a reader
# that was killed hides nothing for long.
_HIDDEN_SECONDS = 30


class DeadLetterQueue:
    """The dead-letter queue of an app."""

    def __init__(self, aws: Aws, url: str) -> None:
        self._client: SQSClient = aws.client("sqs")
        self._url = url
        # Long polling asks all of SQS's servers, so that none is missed; the embedded AWS is one.
        self._wait = 0 if aws.endpoint.url else 1

    def letters(self, limit: int = 1000) -> list[DeadLetter]:
        """The dead letters, oldest first as far as SQS tells; they stay visible to others.

        SQS has no way to look without receiving, so each message is received and given back.
        """
        letters: dict[str, DeadLetter | None] = {}
        held: dict[str, str] = {}
        with translated("the dead-letter queue"):
            try:
                while len(held) < limit and (fresh := self._receive(held)):
                    letters |= {row["MessageId"]: DeadLetter.parse(row) for row in fresh}
            finally:
                self._give_back(list(held.values()))
        return [letter for letter in letters.values() if letter is not None]

    def remove(self, message_ids: set[str]) -> int:
        """Delete these messages and leave all others; returns how many were deleted."""
        held: dict[str, str] = {}
        done: set[str] = set()
        with translated("the dead-letter queue"):
            try:
                while len(done) < len(message_ids) and self._receive(held):
                    wanted = {key: held[key] for key in held.keys() & message_ids - done}
                    self._delete(list(wanted.values()))
                    done |= wanted.keys()
            finally:
                self._give_back([handle for key, handle in held.items() if key not in done])
        return len(done)

    def _delete(self, handles: list[str]) -> None:
        for start in range(0, len(handles), _PAGE):
            batch = handles[start : start + _PAGE]
            answer = self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(batch)],
            )
            for row in answer.get("Failed", ()):
                raise ToolkitError(f"a dead letter was not deleted: {row.get('Message', '')}")

    def _receive(self, held: dict[str, str]) -> list[Any]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_PAGE,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=self._wait,
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        fresh = [message for message in messages if message["MessageId"] not in held]
        held.update({message["MessageId"]: message["ReceiptHandle"] for message in messages})
        return fresh

    def _give_back(self, handles: list[str]) -> None:
        for start in range(0, len(handles), _PAGE):
            self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for number, handle in enumerate(handles[start : start + _PAGE])
                ],
            )
