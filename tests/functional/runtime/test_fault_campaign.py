"""Every call of a run to AWS with every fault, against the real runtime and the real sink.

Each case is one delivery of a firing with a fault at one call, and a second delivery of the same
firing, without a fault, to another task. `violations` says what must never be.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from attrs import frozen
from botocore.config import Config

from tests.functional.runtime.campaign_driver import CATALOG
from tests.functional.runtime.faulty_s3 import (
    ALWAYS,
    BUCKET,
    READ_TIMEOUT_SECONDS,
    REFUSALS,
    Fault,
    FaultyS3,
    arn,
    serving,
)
from tests.functional.runtime.harness import PATIENCE_SECONDS, ROOT, RUN_ID
from tests.thorough import THOROUGH
from toolkit.runtime.contract import Claim, Manifest
from toolkit.runtime.runtime import execute
from toolkit.runtime.sink import S3Sink

PREFIX = f"runs/probe/{RUN_ID}/"
CLAIM = f"{PREFIX}claim.json"
REPEATS = 2 if THOROUGH else 1
KILLED = -9
# A run reads a claim or a manifest only when it does not know whether its own write arrived.
LOST = {"claim GET": "claim PUT", "manifest GET": "manifest PUT"}
CALLS = (
    "metadata GET",
    "claim PUT",
    "claim GET",
    "first PUT",
    "second PUT",
    "manifest PUT",
    "manifest GET",
)
CUTS = ("cut-before", "cut-after", "slow-before", "slow-after")
TRANSIENT = {*CUTS, "conflict", "busy"}
SIGNALS = ("SIGTERM-before", "SIGTERM-after", "SIGKILL-before", "SIGKILL-after")


@frozen
class Delivery:
    """What a task left that a firing was delivered to."""

    task: str
    exit_code: int
    lines: Sequence[Mapping[str, Any]]
    objects: Mapping[str, bytes]

    @property
    def last(self) -> str:
        return str(self.lines[-1]["event"]) if self.lines else ""

    @property
    def manifests(self) -> list[Manifest]:
        """The manifests of this firing that stand."""
        kept = [value for key, value in self.objects.items() if key.startswith("ledger/")]
        return [Manifest.from_json(content) for content in kept]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def faults(call: str, fault: Fault) -> dict[str, Fault]:
    """The fault at a call, and the one that makes the run come to that call."""
    lost = {LOST[call]: Fault("cut-after")} if call in LOST else {}
    return {**lost, call: fault}


def variables(store: FaultyS3, task: str) -> dict[str, str]:
    return {
        "WORKLOAD": "probe",
        "SCHEDULE": "probe",
        "SCHEDULED_TIME": "2026-11-24T12:00:00Z",
        "BUCKET": BUCKET,
        "IMAGE": "registry/app@sha256:0123",
        "ECS_CONTAINER_METADATA_URI_V4": f"{store.address}/metadata/{task}",
    }


def delivered(store: FaultyS3, task: str, code: int, lines: Sequence[str]) -> Delivery:
    store.settle()
    return Delivery(task, code, [json.loads(line) for line in lines], dict(store.objects))


def a_client(store: FaultyS3) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=store.address,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=READ_TIMEOUT_SECONDS),
    )


def deliver_here(store: FaultyS3, client: Any, task: str, *, patience: float) -> Delivery:
    """Run in this process."""
    stdout = io.StringIO()
    code = execute(
        variables(store, task),
        stdout,
        catalog=CATALOG,
        metadata_patience=patience,
        store=lambda name: S3Sink(
            name, client, patience_seconds=patience, sleep=lambda _seconds: None
        ),
    )
    return delivered(store, task, code, stdout.getvalue().splitlines())


def deliver(store: FaultyS3, task: str) -> Delivery:
    """Run in a process of its own, which the store knows."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.functional.runtime.campaign_driver"],
        cwd=ROOT,
        env={
            **variables(store, task),
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": store.address,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    store.pid = process.pid
    try:
        stdout, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    return delivered(store, task, process.returncode, stdout.splitlines())


def violations(run: Delivery) -> Iterator[str]:
    """What a delivery that claims the firing may never leave."""
    for key in run.objects:
        if not key.startswith((PREFIX, "ledger/probe/")):
            yield f"{key} is outside the run's prefix"
    if [line["seq"] for line in run.lines] != list(range(1, len(run.lines) + 1)):
        yield "the log's numbers have a gap"
    if run.exit_code == 0 and not run.manifests:
        yield "exit code 0 without a manifest"
    if len(run.manifests) > 1:
        yield "two manifests"
    for manifest in run.manifests:
        yield from _foreign(run, manifest)
        yield from _contradicted(run, manifest)


def _foreign(run: Delivery, manifest: Manifest) -> Iterator[str]:
    if CLAIM not in run.objects or Claim.from_json(run.objects[CLAIM]).task_arn != arn(run.task):
        yield "a manifest without its claim"
    if manifest.task_arn != arn(run.task):
        yield "the manifest is another task's"
    if f"ledger/probe/{RUN_ID}.{manifest.outcome}.json" not in run.objects:
        yield "the manifest's key names another outcome"


def _contradicted(run: Delivery, manifest: Manifest) -> Iterator[str]:
    killed = run.exit_code == KILLED
    if not killed and manifest.outcome.exit_code != run.exit_code and not undecided(run):
        yield f"exit code {run.exit_code}, but the manifest says {manifest.outcome}"
    lost = manifest.log_lines - len(run.lines)
    if lost < 0 or (lost and not killed):
        yield f"{len(run.lines)} log lines, but the manifest says {manifest.log_lines}"
    for artifact in manifest.artifacts:
        content = run.objects.get(artifact.key, b"")
        if hashlib.sha256(content).hexdigest() != artifact.sha256:
            yield f"{artifact.key} is not what the manifest says"


def undecided(run: Delivery) -> bool:
    """Whether the run never learnt if its manifest arrived: it ends as a failure, and says so.

    The manifest may stand all the same. No writer can tell, and ECS's exit code fails the verdict.
    """
    return run.last == "manifest.failed" and run.exit_code != 0


def second_violations(first: Delivery, second: Delivery) -> Iterator[str]:
    """What a second delivery may never do."""
    if CLAIM not in first.objects:
        yield from violations(second)
        if second.exit_code != 0 or second.last != "run.finished":
            yield "an unclaimed firing was not run"
    else:
        if second.objects != first.objects:
            yield "a second delivery changed something"
        if (second.exit_code, second.last) != (0, "run.duplicate"):
            yield f"a second delivery ended with {second.exit_code}, {second.last}"


def tell(record_property: Callable[[str, object], None], counts: Counter[str]) -> None:
    for name, count in sorted(counts.items()):
        record_property(name, count)
    print(dict(counts))


@pytest.mark.parametrize("call", CALLS)
def test_no_answer_of_aws_makes_a_run_contradict_itself(
    call: str, aws: None, record_property: Callable[[str, object], None]
) -> None:
    counts: Counter[str] = Counter()
    broken = []
    with serving(FaultyS3()) as store:
        client = a_client(store)
        for kind in (*CUTS, *REFUSALS):
            for times in (1, ALWAYS) * REPEATS:
                store.objects.clear()
                store.calls.clear()
                store.faults = faults(call, Fault(kind, times))
                patience = 60.0 if times == 1 else 0.0
                first = deliver_here(store, client, "first", patience=patience)
                assert store.calls[call], "the run never came to this call"
                store.faults = {}
                second = deliver_here(store, client, "second", patience=60.0)
                found = [*violations(first), *second_violations(first, second)]
                if times == 1 and kind in TRANSIENT and first.last != "run.finished":
                    found.append(f"one failure cost the run: {first.last}")
                broken += [f"{kind} {times}: {text}" for text in found]
                counts["deliveries"] += 2
                counts["undecided"] += undecided(first) and bool(first.manifests)
                counts[f"exit {first.exit_code}"] += 1
    counts["violations"] = len(broken)
    tell(record_property, counts)
    assert broken == []


@pytest.mark.parametrize("call", CALLS)
def test_no_signal_makes_a_run_contradict_itself(
    call: str, aws: None, record_property: Callable[[str, object], None]
) -> None:
    counts: Counter[str] = Counter()
    broken = []
    with ExitStack() as stack:
        stores = [
            stack.enter_context(serving(FaultyS3(faults=faults(call, Fault(kind)))))
            for kind in SIGNALS * REPEATS
        ]
        with ThreadPoolExecutor(2) as pool:
            runs = list(pool.map(lambda store: deliver(store, "first"), stores))
        for kind, store, first in zip(SIGNALS * REPEATS, stores, runs, strict=True):
            assert store.calls[call], "the run never came to this call"
            store.faults = {}
            second = deliver_here(store, a_client(store), "second", patience=60.0)
            found = [*violations(first), *second_violations(first, second)]
            expected = {KILLED} if kind.startswith("SIGKILL") else {0, 143}
            if first.exit_code not in expected:
                found.append(f"exit code {first.exit_code}")
            if kind.startswith("SIGTERM") and not first.manifests:
                found.append("no manifest of a run that was asked to stop")
            broken += [f"{kind}: {text}" for text in found]
            counts["deliveries"] += 2
            counts[f"exit {first.exit_code}"] += 1
    counts["violations"] = len(broken)
    tell(record_property, counts)
    assert broken == []
