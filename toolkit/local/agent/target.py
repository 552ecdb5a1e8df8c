"""What Scheduler makes of a firing that it gives up: a message for the dead-letter queue.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
"""

import json
from collections.abc import Mapping
from typing import Any

from toolkit.core.schedules.invocation import Invocation, run_task_request, substitute

__all__ = ["Invocation", "dead_letter", "run_task_request", "substitute"]

_ATTRIBUTE_LIMIT = 1024


def dead_letter(
    target: Mapping[str, Any],
    invocation: Invocation,
    request: Mapping[str, Any],
    error: tuple[str, str],
    exhausted: str | None,
) -> dict[str, Any]:
    """SendMessage's body and attributes for an invocation that is given up.

    Args:
        target: the schedule's target.
        invocation: the last attempt.
        request: what the target was sent; it is the message's body.
        error: the target's error code and message.
        exhausted: "MaximumRetryAttempts" or "MaximumEventAgeInSeconds" where a limit of the retry
            policy ended it.
    """
    code, message = error
    attributes = {
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message[:_ATTRIBUTE_LIMIT],
        "EXECUTION_ID": invocation.execution_id,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(invocation.attempt - 1),
        "SCHEDULED_TIME": invocation.scheduled_text,
        "SCHEDULE_ARN": invocation.schedule_arn,
        "TARGET_ARN": target["Arn"],
    }
    if exhausted:
        attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
    return {
        "MessageBody": json.dumps(request),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }
