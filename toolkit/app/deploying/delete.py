"""Delete an app: its schedules first, so that nothing fires any more, and the platform last."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from attrs import frozen

from toolkit.adapters.belongings import Belongings
from toolkit.adapters.cloudformation import CloudFormation
from toolkit.adapters.ecs import Ecs
from toolkit.adapters.lock import DeployLock
from toolkit.app.context import Context
from toolkit.core.deploying.plans import NOUN_TAG, PLATFORM, SCHEDULE, WORKLOAD
from toolkit.core.errors import RunError, StackError
from toolkit.core.names import task_id
from toolkit.core.stack import Stack

_SIDE_BY_SIDE = 8
_ORDER = (SCHEDULE, WORKLOAD, PLATFORM)


@frozen
class Deletion:
    """What was deleted; ``bucket`` is the one that was kept, or empty."""

    stacks: tuple[str, ...] = ()
    revisions: int = 0
    bucket: str = ""
    declined: bool = False


def delete(context: Context, *, yes: bool, data: bool) -> Deletion:
    """Delete everything that carries the app's tag; the bucket only with ``data``.

    An interrupted deletion can be run again.

    Raises:
        RunError: tasks still run; nothing was deleted.
        StackError: a stack could not be deleted; those after it in the order are still there.
    """
    formation = CloudFormation(context.aws)
    stacks = sorted(
        (stack for stack in formation.owned(context.app) if stack.tags.get(NOUN_TAG) in _ORDER),
        key=lambda stack: (_ORDER.index(stack.tags[NOUN_TAG]), stack.name),
    )
    platform = next((s.outputs for s in stacks if s.tags[NOUN_TAG] == PLATFORM), {})
    if not stacks:
        context.console.say(f"nothing of {context.app} is deployed here")
        return Deletion()
    if "ClusterName" in platform:
        _check_idle(context, platform["ClusterName"])
    belongings = Belongings(context.aws, context.app)
    bucket = platform.get("BucketName", "")
    doomed = bucket if data else ""
    if not _agreed(context, stacks, doomed, yes=yes):
        return Deletion(declined=True)
    families = [
        context.config.app.family(stack.parameters["WorkloadName"])
        for stack in stacks
        if stack.tags[NOUN_TAG] == WORKLOAD
    ]
    _upper_layers(context, formation, stacks, bucket)
    revisions = [arn for family in families for arn in belongings.revisions(family)]
    for arn in revisions:
        belongings.deregister(arn)
    if doomed:
        # Before its stack: from then on nothing would tell that it is the app's.
        context.console.say(f"{belongings.delete_bucket(doomed):,} versions of objects deleted")
    _layer(context, formation, [s.name for s in stacks if s.tags[NOUN_TAG] == PLATFORM])
    names = tuple(stack.name for stack in stacks)
    return Deletion(names, len(revisions), "" if doomed else bucket)


def _upper_layers(
    context: Context, formation: CloudFormation, stacks: Sequence[Stack], bucket: str
) -> None:
    """Delete schedules and workloads, under the lock that keeps deployments away."""
    if all(stack.tags[NOUN_TAG] == PLATFORM for stack in stacks):
        return  # an earlier deletion came this far, and may have taken the bucket
    lock = DeployLock(context.aws, bucket)
    if bucket:
        lock.acquire(context.console.say)
    try:
        for noun in _ORDER[:-1]:
            _layer(context, formation, [s.name for s in stacks if s.tags[NOUN_TAG] == noun])
    finally:
        lock.release()


def _check_idle(context: Context, cluster: str) -> None:
    running = Ecs(context.aws, cluster).running()
    if running:
        raise RunError(
            f"tasks still run in {cluster}: " + ", ".join(task_id(arn) for arn in running[:3]),
            hint="wait for their end, or stop them: "
            f"aws ecs stop-task --cluster {cluster} --task {task_id(running[0])}",
        )


def _agreed(context: Context, stacks: Sequence[Stack], bucket: str, *, yes: bool) -> bool:
    for stack in stacks:
        context.console.say(f"- {stack.name}")
    if bucket:
        context.console.say(f"- s3://{bucket} with ALL artifacts, manifests and releases")
    question = f"Delete these {len(stacks)} stacks" + (" AND THE DATA?" if bucket else "?")
    return yes or context.console.confirm(question)


def _layer(context: Context, formation: CloudFormation, names: Sequence[str]) -> None:
    """Delete independent stacks side by side; the first failure is raised when all have ended."""

    def one(name: str) -> StackError | None:
        try:
            formation.delete(name, context.console.event)
        except StackError as error:
            return error
        return None

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        failures = [error for error in pool.map(one, names) if error is not None]
    if failures:
        raise failures[0]
