"""Validate a run: gather its evidence, judge it, and show where its artifacts are."""

import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from toolkit.actions.context import Context
from toolkit.actions.evidence import gather
from toolkit.actions.logs import workload_name
from toolkit.adapters.s3 import Bucket
from toolkit.core.evidence import Evidence
from toolkit.core.verdict import Ruling, Verdict, judge
from workloads.contract import RunId

_POLL_SECONDS = 5.0


@frozen
class Validation:
    """A verdict with the evidence under it."""

    verdict: Verdict
    evidence: Evidence


def validate(
    context: Context,
    run_id: RunId,
    *,
    wait: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Validation:
    """The verdict on a run; an inconclusive one is asked again for up to ``wait`` seconds."""
    workload = context.project.catalog.workload(workload_name(context, run_id))
    platform = context.platform()
    deadline = clock() + wait
    while True:
        evidence = gather(context, run_id, platform)
        verdict = judge(evidence, workload, context.now())
        if verdict.ruling is not Ruling.INCONCLUSIVE or clock() >= deadline:
            return Validation(verdict, evidence)
        sleep(min(1.0 if context.local else _POLL_SECONDS, max(0.1, deadline - clock())))


def fetch(context: Context, evidence: Evidence, directory: Path) -> list[Path]:
    """Download a run's artifacts into ``directory/<run-id>``; returns the files."""
    if evidence.manifest is None:
        return []
    target = directory / evidence.run_id
    target.mkdir(parents=True, exist_ok=True)
    bucket = Bucket(context.aws, context.platform()["BucketName"])
    files = []
    for artifact in evidence.manifest.artifacts:
        if artifact.key in evidence.objects:
            path = target / artifact.name
            bucket.download(artifact.key, str(path))
            files.append(path)
    return files
