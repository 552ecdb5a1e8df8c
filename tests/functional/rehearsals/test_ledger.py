"""Every way to go wrong that can be provoked for real, told by its right name.

A task definition is registered with one thing spoiled, launched as somebody's mistake would be, and
judged with nothing but what it leaves behind.
"""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from toolkit.adapters import engine
from toolkit.adapters.engine import EngineClient

from .conftest import Project, make_project

APP = "fargate-runs"
Definition = dict[str, Any]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make_project(tmp_path_factory.mktemp("rehearsals"))
    made.toolkit("deploy", "--local", "--yes", "--only", "weather")
    yield made
    made.toolkit("local", "stop")


def no_image(container: Definition) -> None:
    container["image"] = container["image"].split("@")[0] + "@sha256:" + "0" * 64


def no_log_group(container: Definition) -> None:
    container["logConfiguration"]["options"]["awslogs-group"] = "/nobody/made/this"


def python(code: str) -> Callable[[Definition], None]:
    """Another program: the embedded AWS runs `python -m MODULE`, and timeit runs any code."""

    def spoil(container: Definition) -> None:
        container["entryPoint"] = ["python", "-m", "timeit", "-n", "1", "-r", "1", code]

    return spoil


def nothing(container: Definition) -> None:
    pass


ARTIFACT_ONLY = """
import os
import boto3
from workloads.contract import RunId, parse_time
run_id = RunId(os.environ["SCHEDULE"], parse_time(os.environ["SCHEDULED_TIME"]))
key = run_id.artifact_key("half.csv")
boto3.client("s3").put_object(
    Bucket=os.environ["BUCKET"], Key=key, Body=b"a", ChecksumAlgorithm="SHA256"
)
"""
SPOILED: dict[str, tuple[Callable[[Definition], None], dict[str, str]]] = {
    "image-missing": (no_image, {}),
    "log-driver": (no_log_group, {}),
    "nothing-left": (python("pass"), {}),
    "artifacts-without-manifest": (python(ARTIFACT_ONLY), {}),
    "segmentation-fault": (python("import os; os.kill(os.getpid(), 11)"), {}),
    "killed": (python("import os; os.kill(os.getpid(), 9)"), {}),
    "bad-settings": (nothing, {"MAX_ORDER": "nonsense"}),
    "failed": (nothing, {"SOURCE": "ghcn-daily", "STATION_URL": "http://127.0.0.1:9/{station}"}),
    "timed-out": (python("import os; os._exit(124)"), {}),
    "exit-code": (python("import os; os._exit(42)"), {}),
}


def launch(
    project: Project, due: datetime, spoil: Callable[[Definition], None], env: dict[str, str]
) -> str:
    """Register a spoiled task definition and start it for a firing; returns the task's ARN."""
    ecs = project.aws("ecs")
    stack = project.outputs(f"{APP}-workload-weather")
    platform = project.outputs(f"{APP}-platform")
    known = ecs.describe_task_definition(taskDefinition=stack["TaskDefinitionArn"])
    kept = (
        "family cpu memory networkMode requiresCompatibilities executionRoleArn taskRoleArn "
        "runtimePlatform volumes"
    )
    definition = {
        key: known["taskDefinition"][key] for key in kept.split() if key in known["taskDefinition"]
    }
    container = json.loads(json.dumps(known["taskDefinition"]["containerDefinitions"][0]))
    spoil(container)
    made = ecs.register_task_definition(**definition, containerDefinitions=[container])
    variables = {"SCHEDULE": "weather", "SCHEDULED_TIME": f"{due:%Y-%m-%dT%H:%M:%SZ}", **env}
    rows = [{"name": name, "value": value} for name, value in variables.items()]
    answer = ecs.run_task(
        cluster=platform["ClusterName"],
        taskDefinition=made["taskDefinition"]["taskDefinitionArn"],
        launchType="FARGATE",
        overrides={"containerOverrides": [{"name": "workload", "environment": rows}]},
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": platform["SubnetIds"].split(","),
                "securityGroups": [platform["SecurityGroupId"]],
            }
        },
    )
    return str(answer["tasks"][0]["taskArn"])


def now_of(project: Project) -> datetime:
    info = engine.running(project.root)
    assert info is not None
    return EngineClient(info).now().replace(microsecond=0)


@pytest.fixture(scope="module")
def verdicts(project: Project) -> dict[str, dict[str, Any]]:
    """All rehearsals at once, judged by one command."""
    start = now_of(project) - timedelta(minutes=len(SPOILED))
    runs = {}
    for number, (name, (spoil, env)) in enumerate(SPOILED.items()):
        due = start + timedelta(minutes=number)
        launch(project, due, spoil, env)
        runs[f"weather-{due:%Y%m%dT%H%M%SZ}"] = name
    options = [word for run_id in runs for word in ("--run-id", run_id)]
    answer = project.toolkit(
        "validate", *options, "--local", "--wait", "--timeout", "60", "--json", code=1
    )
    return {runs[row["run_id"]]: row for row in answer.json()}


@pytest.mark.parametrize("name", SPOILED)
def test_a_provoked_failure_fails_by_its_name(
    verdicts: dict[str, dict[str, Any]], name: str
) -> None:
    found = verdicts[name]
    assert (found["ruling"], found["diagnosis"]["name"]) == ("FAIL", name), found["checks"]
    assert found["diagnosis"]["hint"]


@pytest.fixture
def patient_station() -> Iterator[tuple[str, threading.Event]]:
    """A station's server that keeps its visitors waiting until it is told to let them go."""
    release = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            release.wait(60)
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{{station}}.csv", release
    release.set()
    server.shutdown()
    server.server_close()


def test_a_person_who_stops_a_task_is_named_and_the_task_finds_its_run(
    project: Project, patient_station: tuple[str, threading.Event]
) -> None:
    url, release = patient_station
    due = now_of(project) - timedelta(hours=1)
    env = {"SOURCE": "ghcn-daily", "STATION_URL": url}
    arn = launch(project, due, nothing, env)
    ecs, cluster = project.aws("ecs"), project.outputs(f"{APP}-platform")["ClusterName"]
    until = time.monotonic() + 60
    claim = f"runs/weather/weather-{due:%Y%m%dT%H%M%SZ}/claim.json"
    bucket = project.outputs(f"{APP}-platform")["BucketName"]
    while not project.aws("s3").list_objects_v2(Bucket=bucket, Prefix=claim)["KeyCount"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert f"weather-{due:%Y%m%dT%H%M%SZ}" in project.toolkit("status", "--local").out
    ecs.stop_task(cluster=cluster, task=arn, reason="wrong station")
    release.set()
    answer = project.toolkit(
        "validate", "--task", arn, "--local", "--wait", "--timeout", "60", "--json", code=1
    )
    found = answer.json()
    assert found["run_id"] == f"weather-{due:%Y%m%dT%H%M%SZ}"
    assert found["diagnosis"]["name"] == "stopped-by-user"
    assert any("wrong station" in check["detail"] for check in found["checks"])


def test_the_ledger_tells_what_became_of_every_firing(project: Project, tmp_path: Path) -> None:
    """A week: good, moved, refused, disabled, deleted by hand. Monday is judged by Monday's."""
    local = ("--local", "--yes")
    began = now_of(project)
    day = (began + timedelta(days=1)).replace(hour=0, minute=0, second=0)

    def until(days: int, hour: int) -> None:
        moment = day + timedelta(days=days, hours=hour)
        project.toolkit("local", "advance", "--until", moment.isoformat())

    project.toolkit("schedule", "weather", "cron(0 6 * * ? *)", "--timezone", "UTC", *local)
    until(0, 12)
    project.toolkit("schedule", "weather", "cron(0 9 * * ? *)", *local)
    until(1, 12)
    with without_pass_role(project):
        until(2, 12)
    project.toolkit("schedule", "weather", "--disable", *local)
    until(3, 12)
    project.toolkit("schedule", "weather", "--enable", *local)
    project.aws("scheduler").delete_schedule(Name="weather", GroupName=APP)
    until(4, 12)

    page = tmp_path / "calendar.html"
    since = ("--since", began.isoformat())
    answer = project.toolkit("ledger", "--local", *since, "--json", "--html", str(page), code=1)
    rows = [
        (row["scheduled_time"], row["state"]) for row in answer.json()["firings"] if row["expected"]
    ]
    times = ((0, 6, "ok"), (1, 9, "ok"), (2, 9, "dead-lettered"), (4, 9, "missed"))
    assert rows == [
        ((day + timedelta(days=days, hours=hour)).isoformat(), state) for days, hour, state in times
    ]
    assert "dead-lettered" in page.read_text()
    letters = [row["detail"] for row in answer.json()["firings"] if row["state"] == "dead-lettered"]
    assert "may not pass a role" in letters[0]

    def judged(days: int, code: int) -> Any:
        run_id = f"weather-{day + timedelta(days=days, hours=9):%Y%m%dT%H%M%SZ}"
        return project.toolkit(
            "validate", "--run-id", run_id, "--local", "--json", code=code
        ).json()

    assert judged(2, 1)["diagnosis"]["name"] == "pass-role"
    assert judged(2, 1)["diagnosis"]["name"] == "pass-role", "the dead letter was taken away"
    assert judged(3, 4)["diagnosis"]["name"] == "schedule-disabled"
    assert judged(4, 1)["diagnosis"]["name"] == "missed"
    latest = project.toolkit("validate", "--latest", "weather", "--local", "--json", code=1).json()
    assert latest["run_id"] == judged(4, 1)["run_id"]
    assert "need a look" in project.toolkit("ledger", "--local", *since, code=1).out


class without_pass_role:  # noqa: N801 - reads as what it does
    """The scheduler's role without iam:PassRole, for a while."""

    def __init__(self, project: Project) -> None:
        self._iam = project.aws("iam")
        arn = project.outputs(f"{APP}-platform")["SchedulerRoleArn"]
        self._role = arn.rsplit("/", 1)[-1]
        self._policies: dict[str, Any] = {}

    def __enter__(self) -> None:
        for name in self._iam.list_role_policies(RoleName=self._role)["PolicyNames"]:
            row = self._iam.get_role_policy(RoleName=self._role, PolicyName=name)
            self._policies[name] = row["PolicyDocument"]
            statements = [
                statement
                for statement in row["PolicyDocument"]["Statement"]
                if "iam:PassRole" not in statement["Action"]
            ]
            self._put(name, {**row["PolicyDocument"], "Statement": statements})

    def __exit__(self, *_: object) -> None:
        for name, document in self._policies.items():
            self._put(name, document)

    def _put(self, name: str, document: Any) -> None:
        self._iam.put_role_policy(
            RoleName=self._role, PolicyName=name, PolicyDocument=json.dumps(document)
        )


def test_a_kept_folder_is_judged_again_without_any_aws(project: Project, tmp_path: Path) -> None:
    run_id = project.toolkit("run", "weather", "--local", "--follow", "--json").json()["run_id"]
    report = tmp_path / "report.xml"
    project.toolkit("evidence", run_id, "--local", "--output", str(tmp_path))
    folder = str(tmp_path / run_id)
    again = project.toolkit("validate", "--evidence", folder, "--junit", str(report))
    assert again.out.startswith(f"PASS  {run_id}")
    assert 'failures="0"' in report.read_text()
    log = tmp_path / run_id / "execution-logs.csv"
    log.write_text(log.read_text().replace("run.started", "run.sparted"))
    answer = project.toolkit("validate", "--evidence", folder, code=3)
    assert "execution-logs.csv" in answer.err


def test_runs_cost_what_their_time_and_size_cost(project: Project) -> None:
    done = project.toolkit("run", "weather", "--local", "--follow", "--json").json()
    cost = project.toolkit("cost", done["run_id"], "--local", "--json").json()
    (task,) = cost["tasks"]
    assert 0.0004 < task["dollars"] < 0.01  # a minute is the least that is billed
    ahead = project.toolkit("cost", "--local", "--json").json()["schedules"]
    assert [row["schedule"] for row in ahead] == ["weather"]
    assert ahead[0]["dollars"] > 0
