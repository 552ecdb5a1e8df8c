"""Why a run went wrong: a table from what ECS and the contract say to what it means.

Rows are tried in order and the first that fits wins, so the particular stand before the general.
Sources: "Stopped tasks error codes" and "Amazon ECS API failure reasons" in the ECS guide,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
"""

import re

from attrs import frozen

from toolkit.core.lifecycle import Lifecycle, StopCode


@frozen
class Diagnosis:
    """What happened, what it means and what to do next."""

    name: str
    summary: str
    meaning: str
    hint: str


@frozen
class _Row:
    diagnosis: Diagnosis
    stop_code: str | None = None
    reason: str | None = None  # searched in stoppedReason and the container's reason
    exit_code: int | None = None
    never_started: bool = False

    def fits(self, stop_code: str | None, reason: str, exit_code: int | None) -> bool:
        return (
            (self.stop_code is None or self.stop_code == stop_code)
            and (self.reason is None or re.search(self.reason, reason, re.IGNORECASE) is not None)
            and (self.exit_code is None or self.exit_code == exit_code)
            and (not self.never_started or exit_code is None)
        )


def _row(name: str, summary: str, meaning: str, hint: str, **match: object) -> _Row:
    return _Row(Diagnosis(name, summary, meaning, hint), **match)  # type: ignore[arg-type]


_TABLE = (
    _row(
        "image-missing",
        "the image does not exist in the repository",
        "The digest in the task definition was deleted, or was never pushed.",
        "push it again and redeploy: toolkit deploy",
        reason=r"CannotPull.*(not found|manifest unknown|no such image|does not exist)",
    ),
    _row(
        "image-platform",
        "the image is built for another CPU architecture",
        "The task definition's CpuArchitecture has no match in the image.",
        "build for the platform of the task definition (X86_64 or ARM64) and redeploy",
        reason=r"(CannotPull.*platform|exec format error|descriptor matching platform)",
    ),
    _row(
        "image-permission",
        "the execution role may not pull the image",
        "ECR refused the execution role.",
        "redeploy the platform stack; check the repository policy if the image is elsewhere",
        reason=r"CannotPull.*(denied|forbidden|not authorized|AccessDenied)",
    ),
    _row(
        "image-unreachable",
        "the task could not reach the image repository",
        "No route from the subnet to ECR or to S3, where ECR keeps the layers.",
        "give the task a public IP, a NAT gateway, or VPC endpoints for ecr.api, ecr.dkr and s3",
        reason=r"CannotPull.*(timeout|deadline|dial tcp|i/o|connect|request canceled)",
    ),
    _row(
        "image-pull",
        "the image could not be pulled",
        "ECS stopped the task before its container started.",
        "read the reason above; then look at the repository and the network",
        reason=r"CannotPull",
    ),
    _row(
        "secrets-or-registry-auth",
        "ECS could not fetch the secrets or the registry's credentials",
        "The execution role or the network keeps the agent from Secrets Manager, SSM or ECR.",
        "check the execution role's permissions and the route to the endpoints",
        reason=r"ResourceInitializationError.*(secret|registry auth|ssm)",
    ),
    _row(
        "log-driver",
        "the log driver could not start",
        "The log group is missing, or the task cannot reach CloudWatch Logs.",
        "redeploy the workload's stack (it owns the log group) and check the route to Logs",
        reason=r"ResourceInitializationError.*(logging driver|log group|awslogs)",
    ),
    _row(
        "resource-initialization",
        "ECS could not prepare the task's resources",
        "Most often the network: the elastic network interface or a route.",
        "read the reason above; check subnets, security group and endpoints",
        reason=r"ResourceInitializationError",
    ),
    _row(
        "container-start",
        "the container could not be started",
        "The container runtime refused it: entry point, user, mount or architecture.",
        "run the image locally with the same settings: docker run --read-only IMAGE",
        reason=r"CannotStartContainer|CannotCreateContainer|ContainerRuntime",
    ),
    _row(
        "out-of-memory",
        "the container ran out of memory",
        "The kernel killed it. ECS may show exit code 137, or even 0.",
        "raise memory in workloads/catalog.toml, or give the run a smaller scale",
        reason=r"OutOfMemory",
    ),
    _row(
        "spot-interruption",
        "Fargate Spot took the capacity back",
        "Tasks on FARGATE_SPOT are stopped with two minutes' warning and are not replaced.",
        "run it again: toolkit run NAME; use FARGATE where a firing must not be lost",
        stop_code=StopCode.SPOT_INTERRUPTION,
    ),
    _row(
        "task-retirement",
        "AWS retired the task's host",
        "A standalone task is stopped and not replaced.",
        "run it again: toolkit run NAME",
        stop_code=StopCode.TERMINATION_NOTICE,
    ),
    _row(
        "infrastructure",
        "AWS found the underlying host unhealthy",
        "A standalone task is stopped and not replaced.",
        "run it again: toolkit run NAME",
        stop_code=StopCode.INFRASTRUCTURE_HEALTH,
    ),
    _row(
        "stopped-by-user",
        "somebody stopped the task",
        "StopTask was called; the reason above is what the caller gave.",
        "look for StopTask in CloudTrail; run it again: toolkit run NAME",
        stop_code=StopCode.USER_INITIATED,
    ),
    _row(
        "never-started",
        "the container never started",
        "The task stopped without an exit code. That is a failure, not a zero.",
        "read the stop reason; check image, roles and network",
        never_started=True,
    ),
    _row(
        "timed-out",
        "the run reached its maximum runtime",
        "The runtime ended it and saved what there was (exit code 124).",
        "give it more time (max_runtime_seconds in the catalog) or less work",
        exit_code=124,
    ),
    _row(
        "bad-settings",
        "the run refused its settings",
        "The environment did not fit the workload (exit code 64); nothing was written.",
        "read the problems in the log's run.refused event, correct the schedule's [env]",
        exit_code=64,
    ),
    _row(
        "interrupted",
        "the run was asked to stop",
        "It got SIGTERM, saved what there was and exited with 143.",
        "see the stop code for who asked; run it again: toolkit run NAME",
        exit_code=143,
    ),
    _row(
        "killed",
        "the container was killed",
        "SIGKILL (137): out of memory, or it did not end within the stop timeout.",
        "compare memory with the limit; look for a SIGTERM that was not obeyed",
        exit_code=137,
    ),
    _row(
        "segmentation-fault",
        "the container crashed",
        "SIGSEGV (139) in native code; no manifest could be written.",
        "look for the last log line; check the versions of the native libraries",
        exit_code=139,
    ),
    _row(
        "failed",
        "the workload failed",
        "It raised an error or missed a quality gate (exit code 1); the manifest says which.",
        "read the error above, or: toolkit logs RUN_ID",
        exit_code=1,
    ),
)


def diagnose(task: Lifecycle) -> Diagnosis | None:
    """The diagnosis of a stopped task; None for one that still runs or ended well.

    Out of memory is looked for first, because it may come with exit code 0.
    """
    if not task.stopped:
        return None
    reason = " ".join(filter(None, (task.stopped_reason, task.container_reason)))
    if task.exit_code == 0 and "OutOfMemory" not in reason:
        return None
    for row in _TABLE:
        if row.fits(task.stop_code, reason, task.exit_code):
            return row.diagnosis
    return Diagnosis(
        "exit-code",
        f"the container ended with exit code {task.exit_code}",
        "The execution contract knows no such exit code.",
        "toolkit logs RUN_ID shows its last lines",
    )
