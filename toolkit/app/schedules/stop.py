"""Stop a run, with a reason that names who asked for it."""

from attrs import frozen

from toolkit.app.app import App
from toolkit.app.proof.ledger import running_tasks
from toolkit.core.errors import ConfigError
from toolkit.core.proof.make_good import check_text
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId


@frozen
class Stopping:
    """The task of a run that is to stop, and the reason as ECS will record it."""

    run_id: RunId
    task: Task
    reason: str


def plan(app: App, run_id: RunId, reason: str) -> Stopping:
    """Find the task of a run; ConfigError when none runs."""
    check_text("--reason", reason)
    task = running_tasks(app).get(run_id)
    if task is None:
        hint = f"see what runs: {app.command('status')}"
        raise ConfigError(f"no task of {run_id} runs", hint=hint)
    return Stopping(run_id, task, f"{app.caller}: {reason}")


def stop(app: App, wanted: Stopping) -> None:
    """SIGTERM; the run saves what it has and commits ``interrupted``."""
    app.ecs.stop(wanted.task.task_arn, wanted.reason)
