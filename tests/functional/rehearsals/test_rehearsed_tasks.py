"""Tasks that go wrong: before they start, while they run, and how they end.

Each has its cause, made as it is made in life, and is judged by nothing but what it leaves behind.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping

import pytest
from attrs import field, frozen

from toolkit.adapters.embedded import engine

from .images import push_index
from .stage import (
    WAITS,
    Definition,
    Spoil,
    Stage,
    Verdict,
    assert_told,
    container,
    detail,
    python,
    rehearses,
    rehearses_all,
    statuses,
    unspoiled,
    workload,
)


@frozen
class Case:
    """A spoiled task definition, an environment or a fault, and the diagnosis that is to come."""

    diagnosis: str
    spoil: Spoil = unspoiled
    env: Mapping[str, str] = field(factory=dict)
    fault: str | None = None


def image(change: Callable[[str], str]) -> Spoil:
    """Another image."""

    def spoil(_stage: Stage, definition: Definition) -> None:
        container(definition)["image"] = change(container(definition)["image"])

    return spoil


def built_for(architecture: str, wanted: str) -> Spoil:
    """An image for one architecture, and a task definition that wants another."""

    def spoil(stage: Stage, definition: Definition) -> None:
        found = container(definition)
        token = stage.aws("ecr").get_authorization_token()["authorizationData"][0]
        login = token["authorizationToken"]
        found["image"] = push_index(stage.info.endpoint_url, login, found["image"], architecture)
        definition["runtimePlatform"]["cpuArchitecture"] = wanted

    return spoil


def execution_role(name: str, *actions: str) -> Spoil:
    """An execution role that may do this and no more."""

    def spoil(stage: Stage, definition: Definition) -> None:
        statement = {"Action": list(actions)}
        definition["executionRoleArn"] = stage.role(name, "ecs-tasks", statement)

    return spoil


def secret(source: str) -> Spoil:
    """A secret from there."""

    def spoil(_stage: Stage, definition: Definition) -> None:
        container(definition)["secrets"] = [{"name": "TOKEN", "valueFrom": source}]

    return spoil


def no_log_group(_stage: Stage, definition: Definition) -> None:
    container(definition)["logConfiguration"]["options"]["awslogs-group"] = "/nobody/made/this"


def no_program(_stage: Stage, definition: Definition) -> None:
    container(definition)["entryPoint"] = ["pyhton", "-m", "toolkit.runtime"]


# A third more than its memory, and then it waits to be found.
GREEDY = "import time; keep = [bytearray(b'x' * 1_000_000) for _ in range(1400)]; time.sleep(600)"
GREEDY_CHILD = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {GREEDY!r}])
from toolkit.runtime.runtime import main
sys.exit(main())
"""
TERMINATED = """
import signal
os.kill(os.getpid(), signal.SIGTERM)
run.wait(600)
raise Interrupted
"""
# What the kernel's refusal of a program for another CPU leaves in the log of its task.
NO_PLATFORM = "print('exec /usr/local/bin/python: exec format error'); raise SystemExit(1)"
NO_STATION = {"SOURCE": "ghcn-daily", "STATION_URL": "http://127.0.0.1:9/{station}"}
CASES = {
    # First, as they strike after a while.
    "spot": Case("spot-interruption", WAITS, fault="spot-interruption"),
    "retired": Case("task-retirement", WAITS, fault="task-retirement"),
    "no-digest": Case(
        "image-missing", image(lambda uri: f"{uri.partition('@')[0]}@sha256:{'0' * 64}")
    ),
    "for-arm": Case("image-platform", built_for("arm64", "X86_64")),
    "for-intel": Case("image-platform", built_for("amd64", "ARM64")),
    "no-pull": Case("image-permission", execution_role("no-pull", "ecr:GetAuthorizationToken")),
    "no-route": Case("image-unreachable", fault="no-route"),
    "no-service": Case("image-pull", fault="pull-fails"),
    "no-token": Case("secrets-or-registry-auth", execution_role("no-token", "logs:*")),
    "no-secret": Case("secrets-or-registry-auth", secret("/nobody/may/read/this")),
    "no-interface": Case("network-interface", fault="no-interface"),
    "no-log-group": Case("log-driver", no_log_group),
    "no-program": Case("container-start", no_program),
    "greedy": Case("out-of-memory", python(GREEDY)),
    "greedy-child": Case("out-of-memory", python(GREEDY_CHILD)),
    "killed": Case("killed", WAITS, fault="killed"),
    "slow": Case("timed-out", WAITS, {"MAX_RUNTIME_SECONDS": "1"}),
    "terminated": Case("interrupted", workload(TERMINATED)),
    "crashed": Case("segmentation-fault", python("import ctypes; ctypes.string_at(0)")),
    "aborted": Case("crashed", python("import os; os.abort()")),
    "no-platform": Case("image-platform", python(NO_PLATFORM)),
    "settings": Case("bad-settings", env={"MAX_ORDER": "nonsense"}),
    "no-station": Case("failed", env=NO_STATION),
    "gate": Case("failed", env={"MIN_SKILL_PERSISTENCE": "1"}),
    "unknown": Case("exit-code", python("import os; os._exit(42)")),
}


@pytest.fixture(scope="module")
def verdicts(stage: Stage) -> dict[str, Verdict]:
    """All cases at once, judged by one command."""
    runs = []
    for label, case in CASES.items():
        if case.fault is not None:
            stage.add_fault(case.fault, label)
        runs.append(stage.launch(label, case.spoil, case.env))
    return stage.judge(runs)


@rehearses_all(CASES)
def test_a_task_fails_by_its_name(verdicts: dict[str, Verdict], label: str, diagnosis: str) -> None:
    assert_told(verdicts[label], diagnosis)


def test_what_never_started_has_no_exit_code(verdicts: dict[str, Verdict]) -> None:
    for label in ("no-digest", "for-arm", "no-route", "no-secret", "no-log-group", "no-program"):
        assert "TaskFailedToStart, no exit code" in detail(verdicts[label], "lifecycle")


def test_an_image_says_which_platform_it_lacks(verdicts: dict[str, Verdict]) -> None:
    for label, platform in (("for-arm", "linux/amd64"), ("for-intel", "linux/arm64")):
        words = f"does not contain descriptor matching platform '{platform}'"
        assert words in detail(verdicts[label], "lifecycle")


def test_out_of_memory_fails_a_run_that_is_good_in_all_else(verdicts: dict[str, Verdict]) -> None:
    found = verdicts["greedy-child"]
    assert "exit 0" in detail(found, "lifecycle")
    assert {name for name, status in statuses(found).items() if status != "OK"} == {"lifecycle"}


@pytest.mark.parametrize(
    ("label", "outcome"),
    [
        ("slow", "timed-out"),
        ("spot", "interrupted"),
        ("retired", "interrupted"),
        ("gate", "failed"),
    ],
)
def test_a_run_that_could_still_speak_left_its_manifest(
    verdicts: dict[str, Verdict], label: str, outcome: str
) -> None:
    assert detail(verdicts[label], "manifest").startswith(f"{outcome}: ")


def test_a_missed_gate_is_named(verdicts: dict[str, Verdict]) -> None:
    assert "wanted >= 1" in detail(verdicts["gate"], "manifest")


@rehearses("stopped-by-user")
def test_a_person_who_stops_a_task_is_named_and_the_task_finds_its_run(
    stage: Stage, slow_station: tuple[str, threading.Event], diagnosis: str
) -> None:
    url, release = slow_station
    patient = {"SOURCE": "ghcn-daily", "STATION_URL": url, "FETCH_SECONDS": "600"}
    run_id = stage.launch("stopped", env=patient)
    arn = stage.claimed(run_id).task_arn
    assert str(run_id) in stage.project.toolkit("status", "--local").out
    stop = ("stop", str(run_id), "--local", "--reason", "wrong station")
    caller = stage.aws("sts").get_caller_identity()["Arn"]
    shown = " ".join(stage.project.toolkit(*stop, "--dry-run").out.split())
    assert f"would stop {run_id}" in shown
    assert f"{caller}: wrong station" in shown
    assert stage.project.toolkit(*stop, code=1).out == "", "nobody said yes"
    assert str(run_id) in stage.project.toolkit("status", "--local").out
    answer = stage.project.toolkit(*stop, "--yes", "--json").json()
    assert (answer["task_arn"], answer["stopped"]) == (arn, True)
    release.set()
    options = ("--task", arn, "--local", "--wait", "--timeout", "300", "--json")
    found = stage.project.toolkit("validate", *options, code=1).json()
    assert found["run_id"] == str(run_id)
    assert_told(found, diagnosis)
    assert f"{caller}: wrong station" in detail(found, "lifecycle")
    assert "no task of" in stage.project.toolkit(*stop, "--yes", code=2).err


@rehearses("infrastructure")
def test_a_task_whose_host_died_is_no_success(stage: Stage, diagnosis: str) -> None:
    """The host of a task is the engine here: it is killed, and started again."""
    run_id = stage.launch("host", WAITS)
    stage.claimed(run_id)
    os.kill(stage.info.pid, signal.SIGKILL)
    until = time.monotonic() + 300
    while engine.running(stage.project.root) is not None:
        assert time.monotonic() < until, "the engine lives"
        time.sleep(0.1)
    stage.project.toolkit("local", "start")
    (found,) = stage.judge([run_id]).values()
    assert_told(found, diagnosis)
