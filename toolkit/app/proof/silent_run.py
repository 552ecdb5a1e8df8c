"""Why a run has no log."""

from collections.abc import Sequence

from toolkit.core.causes.diagnosis import diagnose
from toolkit.core.errors import RunError
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId


def why_silent(run_id: RunId, tasks: Sequence[Task]) -> RunError:
    """The error of a run without a line: it still runs, never started, or its lines are gone."""
    if not all(task.stopped for task in tasks):
        return RunError(f"{run_id}: nothing is logged yet", hint=f"toolkit logs {run_id} -f")
    never = [task for task in tasks if task.exit_code is None]
    if len(never) < len(tasks):
        text = "its task ran, and no line of its log is there (any more)"
        return RunError(f"{run_id}: {text}", hint=f"toolkit validate --run-id {run_id}")
    found = next(filter(None, map(diagnose, never)))
    reasons = dict.fromkeys(
        task.container_reason or task.stopped_reason or "no reason given" for task in never
    )
    return RunError(
        f"{run_id}: there is no log, because its task never started: {found.summary}\n"
        + "\n".join(reasons),
        hint=found.about(str(run_id), run_id.schedule).hint,
    )
