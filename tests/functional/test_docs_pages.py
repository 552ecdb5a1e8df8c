"""The commands of the guides, typed on the embedded AWS in a project that has what they speak of.

A page writes its commands as on AWS, for runs of its own time. Here they get `--local`, and `--yes`
where they ask; run ids, releases, buckets and times are those of this project.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from attrs import frozen

from tests.functional.conftest import ROOT, WAITING, Project, make_light, make_project, start_at
from tests.unit.test_docs_commands import ON_EMBEDDED_AWS, WITH_COMMANDS, asks, typed
from toolkit.runtime.contract import RunId

pytestmark = pytest.mark.slow
ECOMMERCE = 'workload = "ecommerce"\nexpression = "cron(30 3 * * ? *)"\ntimezone = "UTC"\n'
PROD = """
[prod]
app = "nightly-prod"
env.weather.SOURCE = "vega-seattle"
schedules.weather.expression = "cron(0 5 * * ? *)"
"""
SECRETS = """
[workloads.sales.secrets]
DB_PASSWORD = "secretsmanager:prod/db:password"
API_TOKEN = "ssm:/prod/token"
"""
# Exit codes besides 0: a firing was missed; the log of a deleted app is gone; nobody signed a seal.
ENDS = {"audit": {1}, "ledger": {1}, "validate": {1, 4}, "verify": {1}}
# Commands that ask no AWS.
OFFLINE = {"add", "diagnose", "local", "next"}
# Files that a page names, and what stands for them in the project.
FILES = {
    "event.json": ROOT / "tests" / "payloads" / "image-missing.json",
    "task.json": ROOT / "tests" / "payloads" / "out-of-memory.json",
    "log.txt": ROOT / "LICENSE",
    "key.pem": ROOT / "evidence" / "signing-key.pem",
}
# Lines that other tests type: the README's first minutes are the tutorial's, what `next` prints is
# compared with its page, and `--guided` asks.
ELSEWHERE = re.compile(r"^toolkit (init|next|run hello)\b| --guided\b")


@frozen
class Stage:
    """The project, and what stands for the names that a page gives."""

    project: Project
    run: str
    missed: list[datetime]
    release: str
    bucket: str

    def line(self, line: str) -> str:
        """A line of a page with this project's names."""
        later = self.now + timedelta(days=3)
        missed = self.missed[0] if self.missed else later
        for pattern, here in {
            r"\bweather-\d{8}T\d{6}Z|\bRUN_ID\b": self.run,
            r"\bA B …": f"{self.run} {self.run}",
            r"(?<=--release )\w+": self.release[:8],
            r"(?<=--bucket )\S+": self.bucket,
            r"\b2026-11-24T05:00Z": f"{missed:%Y-%m-%dT%H:%MZ}",
            r"\b2026-12-01T06:00": f"{later:%Y-%m-%dT06:00}",
            r" --open\b": "",
            r"(?<=--evidence )DIR\b": str(next((ROOT / "evidence").glob("weather-*Z"))),
        }.items():
            line = re.sub(pattern, here, line)
        return line

    @property
    def now(self) -> datetime:
        answer = self.project.toolkit("local", "status", "--json").json()
        return datetime.fromisoformat(answer["now"])

    def running(self) -> str:
        """A run that has not ended."""
        ask = ("run", "weather", "--local", "-e", f"MAX_ORDER={WAITING}", "--json")
        return str(self.project.toolkit(*ask).json()["run_id"])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Four firings, of which RunTask refused two for want of capacity."""
    project = make_project(tmp_path_factory.mktemp("guides"))
    make_light(project)
    (project.root / "schedules" / "ecommerce.toml").write_text(ECOMMERCE)
    with (project.root / "toolkit.toml").open("a") as config:
        config.write(PROD)
    project.toolkit("add", "sales", "--command", "bin/sales")
    with (project.root / "workloads" / "catalog.toml").open("a") as catalog:
        catalog.write(SECRETS)
    start_at(project, "16:05")
    password = {"Name": "prod/db", "SecretString": '{"password": "horse"}'}
    project.aws("secretsmanager").create_secret(**password)
    project.aws("ssm").put_parameter(Name="/prod/token", Value="x", Type="SecureString")
    for name, source in FILES.items():
        shutil.copy(source, project.root / name)
    project.toolkit("deploy", "--local", "--yes")
    project.toolkit("local", "advance", "1d")
    fault = ("local", "fault", "add", "capacity", "--schedule", "weather", "--times", "2")
    project.toolkit(*fault)
    project.toolkit("local", "advance", "3d")
    rows = project.toolkit("ledger", "--local", "--json", "--since", "4d", code=1).json()["firings"]
    states = {row["run_id"]: row["state"] for row in rows if row["run_id"].startswith("weather-")}
    missed = [RunId.parse(run).scheduled_time for run, state in states.items() if state == "missed"]
    assert len(missed) == 2
    release = project.toolkit("package", "--local", "--json").json()["id"]
    bucket = project.outputs("fargate-runs-platform")["BucketName"]
    good = next(run for run, state in states.items() if state == "ok")
    yield Stage(project, good, missed, release, bucket)
    project.toolkit("local", "stop")


# In this order: a page that reads comes before those that change what it reads.
@pytest.mark.parametrize("page", ON_EMBEDDED_AWS)
def test_the_commands_of_a_page_do_what_it_says(stage: Stage, page: str) -> None:
    lines = [line for block in WITH_COMMANDS if block.page == page for line in typed(block)]
    ours = [line for line in lines if line.startswith("toolkit ") and not ELSEWHERE.search(line)]
    assert ours
    for line in ours:
        _, *words = shlex.split(stage.line(line), comments=True)
        if words[0] == "stop":
            words[1] = stage.running()
        if "--for" in words and "--dry-run" not in words:
            stage.missed.pop(0)  # it runs now, and the next page has another one
        local = [] if words[0] in OFFLINE or "--local" in words else ["--local"]
        yes = ["--yes"] if asks(words) and not {"--yes", "--dry-run"} & {*words} else []
        answer = stage.project.toolkit(*words, *local, *yes, code=None)
        assert answer.code in {0, *ENDS.get(words[0], ())}, (line, answer.out, answer.err)
        assert not answer.err.startswith("error:"), (line, answer.err)
