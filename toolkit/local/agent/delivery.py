"""Scheduler invokes a target: assume the schedule's role, RunTask, retry or dead-letter.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve, frozen

from toolkit.local.agent.aws import Emulator, RoleError
from toolkit.local.agent.deployed import DeployedSchedule
from toolkit.local.agent.journal import Journal
from toolkit.local.agent.target import Invocation, dead_letter, run_task_request

SERVICE = "scheduler.amazonaws.com"
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
_MOST_RETRIES, _OLDEST_SECONDS = 185, 86_400
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 60, 3600


@frozen
class Due:
    """One invocation that is to be attempted at a moment."""

    at: datetime
    schedule: DeployedSchedule
    scheduled_time: datetime
    execution_id: str
    attempt: int = 1


def first_attempt(schedule: DeployedSchedule, scheduled_time: datetime, at: datetime) -> Due:
    """The first attempt of a firing."""
    return Due(at, schedule, scheduled_time, secrets.token_hex(8))


class Delivery:
    """Makes attempts, and tells the journal what came of them."""

    def __init__(self, emulator: Emulator, journal: Journal) -> None:
        self._emulator = emulator
        self._journal = journal

    def attempt(self, due: Due, offset: float) -> Due | None:
        """Invoke the target at an offset of the clock; returns the retry to make, if any."""
        schedule = due.schedule
        invocation = Invocation(schedule.arn, due.scheduled_time, due.execution_id, due.attempt)
        request: dict[str, Any] = {}
        try:
            request = run_task_request(schedule.target, invocation)
            answer = self._client(schedule, "ecs", offset).run_task(**request)
        except Exception as error:  # whatever the target answers is the outcome
            failure = _code_and_message(error)
            return self._give_up_or_retry(due, invocation, request, failure, offset)
        self._journal.tell(
            "fired",
            schedule=schedule.key.name,
            scheduled_time=invocation.scheduled_text,
            attempt=due.attempt,
            tasks=[task["taskArn"] for task in answer["tasks"]],
            failures=[row.get("reason", "") for row in answer["failures"]],
        )
        return None

    def duplicated(self, due: Due) -> bool:
        """Whether this firing is delivered once more, as "at least once" allows (a fault)."""
        struck = {"kind": "duplicate", "schedule": due.schedule.key.name}
        answer: dict[str, Any] = self._emulator.call("POST", "/strike", struck)
        return answer["fault"] is not None

    def _client(self, schedule: DeployedSchedule, service: str, offset: float) -> Any:
        session = f"schedule-{schedule.key.name}"[:64]
        group = f"{schedule.arn.rsplit(':', 1)[0]}:schedule-group/{schedule.key.group}"
        role = self._emulator.assume_role(
            schedule.target["RoleArn"], SERVICE, session, group, offset
        )
        return self._emulator.client_as(role, service, schedule.key.region)

    def _give_up_or_retry(
        self,
        due: Due,
        invocation: Invocation,
        request: dict[str, Any],
        failure: tuple[str, str],
        offset: float,
    ) -> Due | None:
        retry, exhausted = next_attempt(due)
        self._journal.tell(
            "retrying" if retry else "dead-lettered",
            schedule=due.schedule.key.name,
            scheduled_time=invocation.scheduled_text,
            attempt=due.attempt,
            code=failure[0],
            message=failure[1],
        )
        if retry is None:
            letter = dead_letter(due.schedule.target, invocation, request, failure, exhausted)
            self._send(due.schedule, letter, offset)
        return retry

    def _send(self, schedule: DeployedSchedule, letter: dict[str, Any], offset: float) -> None:
        queue = schedule.target.get("DeadLetterConfig", {}).get("Arn")
        if not queue:
            return
        try:
            account, name = queue.split(":")[4:6]
            owner = self._emulator.client("sqs", schedule.key.region)
            url = owner.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
            self._client(schedule, "sqs", offset).send_message(QueueUrl=url, **letter)
        except Exception as error:  # such a letter is lost on AWS too
            code, message = _code_and_message(error)
            self._journal.tell(
                "dead-letter-lost", schedule=schedule.key.name, code=code, message=message
            )


def next_attempt(due: Due) -> tuple[Due | None, str | None]:
    """The retry that the schedule's policy allows, or which of its limits forbids it."""
    policy = due.schedule.target.get("RetryPolicy", {})
    if due.attempt > policy.get("MaximumRetryAttempts", _MOST_RETRIES):
        return None, "MaximumRetryAttempts"
    backoff = min(_FIRST_BACKOFF_SECONDS * 2 ** (due.attempt - 1), _LONGEST_BACKOFF_SECONDS)
    at = due.at + timedelta(seconds=backoff)
    oldest = timedelta(seconds=policy.get("MaximumEventAgeInSeconds", _OLDEST_SECONDS))
    if at > due.scheduled_time + oldest:
        return None, "MaximumEventAgeInSeconds"
    return evolve(due, at=at, attempt=due.attempt + 1), None


def _code_and_message(error: Exception) -> tuple[str, str]:
    """What the target said, in its own words where it is AWS."""
    if isinstance(error, RoleError):
        return error.code, str(error)
    details = (getattr(error, "response", None) or {}).get("Error", {})
    return details.get("Code", type(error).__name__), details.get("Message", str(error))
