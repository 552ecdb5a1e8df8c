"""Delete an app: its schedules first, so that nothing fires any more, and the platform last."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from toolkit.adapters.aws.belongings import Belongings
from toolkit.adapters.bucket.lock import DeployLock
from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.app.proof import dead_letters
from toolkit.app.schedules import history
from toolkit.core.deploying.plans import LOG, NOUN_TAG, PLATFORM, SCHEDULE, WORKLOAD
from toolkit.core.errors import RunError, StackError, ToolkitError
from toolkit.core.names import task_id
from toolkit.core.platform import Platform
from toolkit.core.stack import Stack

_ORDER = (SCHEDULE, WORKLOAD, LOG, PLATFORM)


@frozen
class Deletion:
    """What was deleted; ``bucket`` is the one that was kept, or empty."""

    stacks: tuple[str, ...] = ()
    revisions: int = 0
    bucket: str = ""
    declined: bool = False


def delete(app: App, *, yes: bool, data: bool) -> Deletion:
    """Delete everything that carries the app's tag; the bucket only with ``data``.

    An interrupted deletion can be run again.

    Raises:
        RunError: tasks still run; nothing was deleted.
        StackError: a stack could not be deleted; those after it in the order are still there.
    """
    deployed = app.stacks
    stacks = sorted(
        (stack for stack in deployed.all.values() if stack.tags.get(NOUN_TAG) in _ORDER),
        key=lambda stack: (_ORDER.index(stack.tags[NOUN_TAG]), stack.name),
    )
    belongings = Belongings(app.aws, app.name)
    earlier = kept_buckets(app, deployed.platform)
    if not stacks:
        app.console.say(f"nothing of {app.name} is deployed here")
        return _delete_kept(app, belongings, earlier, yes=yes, data=data)
    if deployed.platform is not None:
        _check_idle(app)
    bucket = deployed.platform.bucket_name if deployed.platform else ""
    doomed = [name for name in (bucket, *earlier) if name] if data else []
    if not _agreed(app, stacks, doomed, yes=yes):
        return Deletion(declined=True)
    families = [
        app.names.family(stack.parameters["WorkloadName"])
        for stack in stacks
        if stack.tags[NOUN_TAG] == WORKLOAD
    ]
    began = app.now()
    _upper_layers(app, stacks, bucket)
    revisions = [arn for family in families for arn in belongings.revisions(family)]
    for arn in revisions:
        belongings.deregister(arn)
    if deployed.platform is not None and not data:
        # ECS, SQS and CloudWatch forget; the bucket stays.
        _keep_end(app, began)
        lines = app.logs.everything(deployed.platform.lifecycle_log_group_name, app.now())
        app.console.say(f"{app.record_copies.keep(lines):,} state-change records kept in {bucket}")
    _delete_buckets(app, belongings, doomed)
    _layer(app, [s.name for s in stacks if s.tags[NOUN_TAG] == PLATFORM])
    names = tuple(stack.name for stack in stacks)
    return Deletion(names, len(revisions), "" if doomed else bucket)


def kept_buckets(app: App, platform: Platform | None) -> list[str]:
    """The buckets that earlier deployments of the app have left, as far as they are told."""
    try:
        names = Belongings(app.aws, app.name).buckets(app.names.platform_stack)
    except ToolkitError as error:
        app.console.say(f"buckets of earlier deployments are not known: {error.message}")
        return []
    return [name for name in names if platform is None or name != platform.bucket_name]


def _delete_kept(
    app: App, belongings: Belongings, buckets: list[str], *, yes: bool, data: bool
) -> Deletion:
    """Delete the buckets of earlier deployments, where that was asked for."""
    if not (buckets and data):
        for name in buckets:
            app.console.say(f"s3://{name} is kept: {app.command('delete --data')} deletes it")
        return Deletion(bucket=buckets[0] if buckets else "")
    if not _agreed(app, (), buckets, yes=yes):
        return Deletion(declined=True)
    _delete_buckets(app, belongings, buckets)
    return Deletion()


def _keep_end(app: App, began: datetime) -> None:
    """Keep what a later ledger needs; an interrupted deletion may have taken bucket or queue."""
    for keep in (history.record_end, dead_letters.read):
        try:
            keep(app, began)
        except ToolkitError as error:
            app.console.say(f"the end of the app was not kept for its ledger: {error.message}")


def _delete_buckets(app: App, belongings: Belongings, names: Sequence[str]) -> None:
    # Before their stack: from then on nothing but their tag would tell that they are the app's.
    for name in names:
        app.console.say(f"{belongings.delete_bucket(name):,} versions of objects deleted")


def _upper_layers(app: App, stacks: Sequence[Stack], bucket: str) -> None:
    """Delete schedules and workloads, under the lock that keeps deployments away."""
    if all(stack.tags[NOUN_TAG] == PLATFORM for stack in stacks):
        return  # an earlier deletion came this far, and may have taken the bucket
    lock = DeployLock(app.aws, bucket)
    if bucket:
        lock.acquire(app.console.say)
    try:
        for noun in _ORDER[:-1]:
            _layer(app, [s.name for s in stacks if s.tags[NOUN_TAG] == noun])
    finally:
        lock.release()


def _check_idle(app: App) -> None:
    running = app.ecs.running()
    if running:
        cluster = app.platform.cluster_name
        raise RunError(
            f"tasks still run in {cluster}: " + ", ".join(task_id(arn) for arn in running[:3]),
            hint="wait for their end, or stop them: "
            f"aws ecs stop-task --cluster {cluster} --task {task_id(running[0])}",
        )


def _agreed(app: App, stacks: Sequence[Stack], buckets: Sequence[str], *, yes: bool) -> bool:
    for stack in stacks:
        app.console.say(f"- {stack.name}")
    for bucket in buckets:
        app.console.say(f"- s3://{bucket} with ALL artifacts, manifests and releases")
    data = " AND THE DATA" if buckets else ""
    return yes or app.console.confirm(f"Delete these {len(stacks)} stacks{data} {app.place}?")


def _layer(app: App, names: Sequence[str]) -> None:
    """Delete independent stacks side by side; the first failure is raised when all have ended."""

    def one(name: str) -> StackError | None:
        try:
            app.formation.delete(name, app.console.event)
        except StackError as error:
            return error
        return None

    failures = [error for error in side_by_side(one, names) if error is not None]
    if failures:
        raise failures[0]
