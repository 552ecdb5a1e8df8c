"""What a seal says of a run's tasks, and who confirms that the seal is the one that was written."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from toolkit.core.task import Task
from toolkit.runtime.contract import ContractError, parse_time

# Where a task is known from a seal alone.
SEAL = "seal"


@frozen
class Confirmation:
    """What vouches for a seal: a later seal that names its SHA-256, or its signature.

    ``key`` and ``sha256`` are those of the seal; ``confirmed_by`` is the later seal's key, or the
    id of the key that signed.
    """

    key: str
    sha256: str
    confirmed_by: str


def sealed_tasks(facts: Mapping[str, Any]) -> tuple[Task, ...]:
    """The tasks of a sealed run, as far as the seal tells; no launch's environment is sealed.

    A value of another type than a seal has is left out.
    """
    rows = facts.get("tasks")
    tasks = rows if isinstance(rows, list | tuple) else ()
    return tuple(_read_task(row) for row in tasks if isinstance(row, Mapping))


def sealed_task(facts: Mapping[str, Any]) -> Task | None:
    """The task of a sealed run: of several, one that ended with 0."""
    known = sealed_tasks(facts)
    return next((task for task in known if task.exit_code == 0), known[-1] if known else None)


def _read_task(row: Mapping[str, Any]) -> Task:
    code, times = row.get("exit_code"), row.get("times")
    number = code if isinstance(code, int) and not isinstance(code, bool) else None
    moments = times.items() if isinstance(times, Mapping) else ()
    return Task(
        task_arn=_text(row, "task_arn") or "",
        last_status="STOPPED" if number is not None or row.get("stop_code") else "UNKNOWN",
        exit_code=number,
        stop_code=_text(row, "stop_code"),
        image=_text(row, "image"),
        image_digest=_text(row, "image_digest"),
        task_definition_arn=_text(row, "task_definition"),
        times={name: text for name, text in moments if _is_time(text)},
        source=SEAL,
    )


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def _is_time(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(parse_time(text))
    except ContractError:
        return False
