"""Why a run went wrong: looked up in `diagnoses.toml`, which is the table and holds the words."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any, Self

from attrs import evolve, frozen

from toolkit.core.task import Task


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
        return evolve(self, hint=hint.replace("SCHEDULE", schedule))


@frozen
class _Row:
    """One row of the table; a condition that is None fits everything."""

    diagnosis: Diagnosis
    stop_code: str | None = None
    reason: str | None = None  # searched in stoppedReason and the container's reason
    exit_code: int | None = None
    never_started: bool = False
    code: str | None = None
    message: str | None = None

    def fits_task(self, task: Task, reason: str) -> bool:
        return (
            self.stop_code in (None, task.stop_code)
            and _found(self.reason, reason)
            and self.exit_code in (None, task.exit_code)
            and (not self.never_started or task.exit_code is None)
        )

    def fits_launch(self, code: str, message: str) -> bool:
        return _found(self.code, code) and _found(self.message, f"{code} {message}")


def diagnose(task: Task) -> Diagnosis | None:
    """The diagnosis of a stopped task; None for one that still runs or ended well.

    Out of memory is looked for first, because it may come with exit code 0.
    """
    if not task.stopped:
        return None
    reason = " ".join(filter(None, (task.stopped_reason, task.container_reason)))
    if task.exit_code == 0 and "OutOfMemory" not in reason:
        return None
    for row in _table()["task"]:
        if row.fits_task(task, reason):
            return row.diagnosis
    return Diagnosis(
        "exit-code",
        f"the container ended with exit code {task.exit_code}",
        "The execution contract knows no such exit code.",
        "toolkit logs RUN_ID shows its last lines",
    )


def diagnose_launch(code: str, message: str) -> Diagnosis:
    """The diagnosis of a refused launch.

    Args:
        code: RunTask's error code, the ``reason`` of its ``failures``, or a dead letter's
            ERROR_CODE.
        message: the error message, or the ``detail`` of a failure.
    """
    rows = _table()["launch"]
    return next(row.diagnosis for row in rows if row.fits_launch(code, message))


def explain(finding: str) -> Diagnosis:
    """The diagnosis of a finding, by its name; an outcome is explained as its exit code is."""
    rows = (*_table()["finding"], *_table()["task"])
    return next(row.diagnosis for row in rows if row.diagnosis.name == finding)


@cache
def _table() -> dict[str, list[_Row]]:
    text = resources.files("toolkit.core.proof").joinpath("diagnoses.toml").read_text("utf-8")
    return {kind: [_row(row) for row in rows] for kind, rows in tomllib.loads(text).items()}


def _row(row: dict[str, Any]) -> _Row:
    words = Diagnosis(*(row.pop(key) for key in ("name", "summary", "meaning", "hint")))
    return _Row(words, **row)


def _found(pattern: str | None, text: str) -> bool:
    return pattern is None or re.search(pattern, text, re.IGNORECASE) is not None
