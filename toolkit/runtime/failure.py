"""How a failure stands in the log and in the manifest."""

import traceback

from toolkit.runtime.contract import Json, Result
from toolkit.runtime.packages import explain_missing
from toolkit.runtime.task import RunInput

_TRACEBACK_LIMIT = 12_000


class ExpectedFailure(Exception):  # noqa: N818 - a kind of failures, each with a name of its own
    """A failure whose message says all: its traceback would tell of the runtime only."""


def so_far(error: BaseException) -> Result:
    """What was measured before an error: it may bring it, as a stream's does that was cut off."""
    result = getattr(error, "result", None)
    return result if isinstance(result, Result) else Result()


def described_failure(error: BaseException, task: RunInput) -> dict[str, Json]:
    """Type, message, hint and traceback, without secrets."""
    redact = task.redact
    missing = explain_missing(error, task.workload.name)
    message = f"{_words(error)}: {missing}" if missing else _words(error)
    described: dict[str, Json] = {"type": type(error).__name__, "message": redact(message)}
    hint = getattr(error, "hint", None)
    if hint:
        described["hint"] = redact(_words(hint))
    if isinstance(error, ExpectedFailure):
        return described
    try:
        text = redact("".join(traceback.format_exception(error)))
    except Exception as failure:  # noqa: BLE001 - an error's own methods may raise anything
        text = f"(the traceback cannot be told: {type(failure).__name__})"
    return {**described, "traceback": text[-_TRACEBACK_LIMIT:]}


def _words(thing: object) -> str:
    """Its text, whatever its own methods do."""
    try:
        return str(thing)[:_TRACEBACK_LIMIT]
    except Exception as failure:  # noqa: BLE001 - an error's own methods may raise anything
        return f"({type(thing).__name__} cannot be told: {type(failure).__name__})"
