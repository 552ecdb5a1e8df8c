"""Why a run went wrong: looked up in `diagnoses.toml`, which is the table and holds the words."""

import re
import signal
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any, Self

from attrs import evolve, frozen

from toolkit.core.causes.stop_reason import StopReason, step_of_stop_code
from toolkit.core.task import StopCode, Task
from toolkit.core.words import without_names
from toolkit.runtime.contract import RunId

# The launch whose message no row knows.
_REFUSED = "launch-refused"
# boto3 and the AWS CLI: An error occurred (ClientException) when calling the RunTask operation: …
_PREFIX = re.compile(r"^\s*(TaskFailedToStart|stopped ?reason)\s*:\s*", re.IGNORECASE)
_CLI_ERROR = re.compile(r"\((\w+)\) when calling the")


@frozen
class Diagnosis:
    """What happened, what it means and what to do next."""

    name: str
    summary: str
    meaning: str
    hint: str

    def about(self, run_id: str, schedule: str) -> Self:
        """The same with the run's own names in the commands that the hint gives."""
        hint = self.hint.replace("RUN_ID", run_id).replace("NAME", schedule)
        if "FIRING" in hint:
            due = RunId.parse(run_id).scheduled_time
            hint = hint.replace("FIRING", f"{due:%Y-%m-%dT%H:%M:%SZ}")
        return evolve(self, hint=hint.replace("SCHEDULE", schedule))


@frozen
class _Row:
    """One row of the table; a condition that is None fits everything."""

    diagnosis: Diagnosis
    step: str | None = None
    cause: str | None = None
    elsewhere: bool = False  # only for an image that is in no private repository of ECR
    exit_code: int | None = None
    never_started: bool = False
    code: str | None = None
    message: str | None = None

    @property
    def of_reason(self) -> bool:
        """Whether the stopped reason decides, and not the exit code."""
        return self.step is not None or self.cause is not None

    def fits_reason(self, step: str | None, cause: str | None, *, elsewhere: bool) -> bool:
        return (
            self.of_reason
            and self.step in (None, step)
            and self.cause in (None, cause)
            and (elsewhere or not self.elsewhere)
        )

    def fits_end(self, task: Task) -> bool:
        return not self.of_reason and (
            task.exit_code is None if self.never_started else self.exit_code == task.exit_code
        )

    def fits_launch(self, code: str, message: str) -> bool:
        return _found(self.code, code) and _found(self.message, f"{code} {message}")


def diagnose(task: Task, log: Iterable[str] = ()) -> Diagnosis | None:
    """The diagnosis of a stopped task; None for one that still runs or ended well.

    The reason decides before the stop code, and both before the exit code: out of memory may come
    with exit code 0. A person's reason for StopTask is free text, so nothing is read from it.

    Args:
        task: the task.
        log: lines of its log that its program did not write as events. A program for another
            platform leaves its only word there.
    """
    if not task.stopped:
        return None
    reasons = [StopReason.parse(text) for text in _reasons(task)]
    if task.exit_code == 0:
        return _of("memory") if any(reason.cause == "memory" for reason in reasons) else None
    if task.exit_code is not None:
        reasons += [row for row in map(StopReason.parse, log) if row.cause == "platform"]
    known = (_of_reason(reason) for reason in reasons if reason.known)
    rows = (row.diagnosis for row in _table()["task"] if row.fits_end(task))
    found = next(known, None) or _of_stop_code(task) or _of_refusal(task) or next(rows, None)
    return found or _of_exit_code(task.exit_code)


def diagnose_reason(text: str) -> Diagnosis | None:
    """The diagnosis of a bare sentence: a stopped reason, or the words of a refused launch."""
    reason = StopReason.parse(text)
    return _of_reason(reason) if reason.known else _refusal(text)


def _reasons(task: Task) -> Iterator[str]:
    """The texts of AWS, the nearest to the container first."""
    if task.container_reason:
        yield task.container_reason
    if task.stopped_reason and task.stop_code != StopCode.USER_INITIATED:
        yield task.stopped_reason


def _of_reason(reason: StopReason) -> Diagnosis | None:
    found = _of(reason.cause, reason.step, elsewhere=reason.elsewhere)
    if found is None or reason.registry is None:
        return found
    return evolve(found, hint=found.hint.replace("REGISTRY", reason.registry))


def _of(cause: str | None, step: str | None = None, *, elsewhere: bool = False) -> Diagnosis | None:
    rows = (row for row in _table()["task"] if row.fits_reason(step, cause, elsewhere=elsewhere))
    return next((row.diagnosis for row in rows), None)


def _of_stop_code(task: Task) -> Diagnosis | None:
    step = step_of_stop_code(task.stop_code)
    return _of(None, step) if step else None


def _of_refusal(task: Task) -> Diagnosis | None:
    """ECS may refuse a task after RunTask has taken it, in RunTask's words."""
    if task.exit_code is not None or task.stop_code != StopCode.TASK_FAILED_TO_START:
        return None
    return _refusal(task.stopped_reason or "")


def _refusal(text: str) -> Diagnosis | None:
    """The diagnosis of a launch's message without its code; None where only a code could tell."""
    text = _PREFIX.sub("", text)
    said = _CLI_ERROR.search(text)
    words = text.split()
    bare = words[0] if len(words) == 1 else ""  # the reason of a failure, RESOURCE:MEMORY
    code = said[1] if said else next(iter(StopReason.parse(text).errors), bare)
    found = diagnose_launch(code, text)
    return None if found.name == _REFUSED else found


def _of_exit_code(code: int | None) -> Diagnosis:
    signal_name = _signal(code)
    if signal_name is not None:
        return Diagnosis(
            "exit-code",
            f"the container was ended by {signal_name}",
            f"Exit code {code} is 128 and the number of the signal.",
            "toolkit logs RUN_ID shows its last lines",
        )
    return Diagnosis(
        "exit-code",
        f"the container ended with exit code {code}",
        "The execution contract knows no such exit code.",
        "toolkit logs RUN_ID shows its last lines",
    )


def _signal(code: int | None) -> str | None:
    """The signal of a shell's exit code.

    >>> _signal(129), _signal(42)
    ('SIGHUP', None)
    """
    try:
        return signal.Signals(code - 128).name if code is not None and code > 128 else None
    except ValueError:
        return None


def diagnose_launch(code: str, message: str) -> Diagnosis:
    """The diagnosis of a refused launch.

    Args:
        code: RunTask's error code, the ``reason`` of its ``failures``, or a dead letter's
            ERROR_CODE.
        message: the error message, or the ``detail`` of a failure.
    """
    words = without_names(message)
    rows = _table()["launch"]
    return next(row.diagnosis for row in rows if row.fits_launch(code, words))


def explain(finding: str) -> Diagnosis:
    """The diagnosis of a finding, by its name; an outcome is explained as its exit code is."""
    rows = (*_table()["finding"], *_table()["task"])
    known = {row.diagnosis.name: row.diagnosis for row in reversed(rows)}
    return known[finding]


@cache
def _table() -> dict[str, list[_Row]]:
    text = resources.files("toolkit.core.causes").joinpath("diagnoses.toml").read_text("utf-8")
    return {kind: [_row(row) for row in rows] for kind, rows in tomllib.loads(text).items()}


def _row(row: dict[str, Any]) -> _Row:
    words = Diagnosis(*(row.pop(key) for key in ("name", "summary", "meaning", "hint")))
    return _Row(words, **row)


def _found(pattern: str | None, text: str) -> bool:
    return pattern is None or re.search(pattern, text, re.IGNORECASE) is not None
