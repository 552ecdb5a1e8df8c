"""The history of deployments: one small object in the bucket after each that changes a schedule."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from attrs import frozen

from toolkit.adapters.cloudformation import CloudFormation
from toolkit.adapters.s3 import Bucket
from toolkit.adapters.scheduler import Scheduler
from toolkit.app.context import Context
from toolkit.core.deploying.plans import deployed_schedules
from toolkit.core.errors import ToolkitError
from toolkit.core.schedules import history
from toolkit.core.schedules.drift import suspects
from toolkit.core.schedules.history import History, Snapshot
from toolkit.core.stack import Stack


def record(context: Context) -> None:
    """Keep how the schedules stand now; a failure is told and fails nothing else.

    What was deployed stands either way, and the next record makes good for a missed one as far as
    the schedules have not changed again.
    """
    try:
        stacks = CloudFormation(context.aws).owned(context.app)
        platform = next(s for s in stacks if s.name == context.config.app.platform_stack)
        taken = _present(context, stacks, dict(platform.outputs))
        bucket = Bucket(context.aws, platform.outputs["BucketName"])
        bucket.write(taken.key, taken.to_json(), "application/json")
    except ToolkitError as error:
        context.console.say(f"the deployment was not recorded for the ledger: {error.message}")


@frozen
class Deployments:
    """The history, and the outputs of the platform that it was read from."""

    history: History
    platform: dict[str, str]


def read(context: Context, since: datetime) -> Deployments:
    """The timings of all schedules from ``since`` on, the present included."""
    stacks = CloudFormation(context.aws).owned(context.app)
    name = context.config.app.platform_stack
    outputs = next((stack.outputs for stack in stacks if stack.name == name), None)
    platform = dict(outputs) if outputs is not None else context.platform()
    bucket = Bucket(context.aws, platform["BucketName"])
    keys = history.needed(bucket.keys(history.PREFIX), since)
    with ThreadPoolExecutor(8) as pool:
        contents = list(pool.map(bucket.read, keys))
    snapshots = [Snapshot.from_json(content) for content in contents if content is not None]
    return Deployments(History([*snapshots, _present(context, stacks, platform)]), platform)


def _present(context: Context, stacks: list[Stack], platform: dict[str, str]) -> Snapshot:
    """What is live: most of it by listing, and whole only where the stack may not say it all."""
    deployed = deployed_schedules(stacks)
    scheduler = Scheduler(context.aws, platform["ScheduleGroupName"])
    listed = {row.name: row for row in scheduler.listed()}
    doubtful = {*suspects(deployed, listed), *(set(listed) - set(deployed))}
    live = scheduler.find_all(sorted(doubtful))
    changed = {name: row.changed_at for name, row in listed.items()}
    return history.snapshot(context.now(), deployed, changed, live)
