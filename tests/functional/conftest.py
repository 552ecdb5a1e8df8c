"""One project on one embedded AWS per test process, deployed through the command line."""

import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
import tomlkit
from attrs import frozen

from tests import commands
from toolkit.adapters.embedded import emulator, engine
from toolkit.adapters.images import image_packages
from toolkit.adapters.images.image_tree import image_tree

ROOT = Path(__file__).parents[2]
PARTS = ("toolkit.toml", "templates", "image", "workloads")
SCHEDULE = """\
# Every morning.
workload = "weather"
expression = "cron(0 6 * * ? *)"
timezone = "Europe/Berlin"

[env]
MAX_ORDER = "3"  # enough for Seattle
"""

WAITING = "29"  # the MAX_ORDER with which a light `weather` does not end


@frozen
class Answer:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@frozen
class Project:
    """A copy of this project's files in a directory of its own."""

    root: Path

    def toolkit(self, *arguments: str, code: int | None = 0) -> Answer:
        """Run a command as a person would; by default it must succeed."""
        done = commands.run(arguments, self.root, {**os.environ, "PYTHONPATH": str(ROOT)})
        if code is not None:
            assert done.returncode == code, f"{arguments}: {done.stdout}\n{done.stderr}"
        return Answer(done.returncode, done.stdout, done.stderr)

    def aws(self, service: str) -> Any:
        """A plain client of the embedded AWS, as somebody else would use it."""
        info = engine.running(self.root)
        assert info is not None
        return boto3.client(
            service,
            endpoint_url=info.endpoint_url,
            region_name=info.region,
            aws_access_key_id=info.access_key,
            aws_secret_access_key=info.secret_key,
        )

    def outputs(self, stack: str) -> dict[str, str]:
        rows = self.aws("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return {row["OutputKey"]: row["OutputValue"] for row in rows}


def share_emulator(root: Path, *, audit: bool = False) -> None:
    """The emulator's virtual environment is the same for every project: install it once."""
    shared = ROOT / ".toolkit"
    shared.mkdir(exist_ok=True)
    emulator.ensure_installed(shared, lambda _: None)
    image_packages.ensure_packages(shared, image_tree(ROOT, audit=audit), lambda _: None)
    (root / ".toolkit").mkdir()
    for kind in ("emulator", "python"):
        for installed in shared.glob(f"{kind}-*"):
            (root / ".toolkit" / installed.name).symlink_to(installed)


def make_project(root: Path, *, audit: bool = False) -> Project:
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, root / part)
    # What an engine of this machine happens to hold shall not decide how the tests run.
    config = root / "toolkit.toml"
    more = 'executor = "process"\n' + ('audit = "rate(30 minutes)"\n' if audit else "")
    config.write_text(config.read_text().replace("[local]\n", f"[local]\n{more}"))
    (root / "schedules").mkdir()
    (root / "schedules" / "weather.toml").write_text(SCHEDULE)
    share_emulator(root, audit=audit)
    return Project(root)


def make_light(project: Project) -> None:
    """Let `weather` be a program that leaves small files of the same names.

    It ends at once; with MAX_ORDER=WAITING it waits to be killed. For tests that need many runs
    and not the forecast, whose plot takes two seconds of processor time.
    """
    file = project.root / "workloads" / "catalog.toml"
    catalog = tomlkit.parse(file.read_text())
    weather: dict[str, Any] = catalog["workloads"]["weather"]  # type: ignore[index, assignment]
    for key in ("entry_point", "events", "gates", "rules"):
        del weather[key]
    names = list(weather["artifacts"])
    weather["artifacts"] = {name: {"media_type": "text/plain"} for name in names}
    # {{}} in a command stands for {}.
    script = f'for name in {" ".join(names)}; do echo "{{{{}}}}" > "$ARTIFACTS/$name"; done'
    script += f'; test "$MAX_ORDER" != {WAITING} || sleep 600'
    weather["command"] = ["sh", "-c", script]
    file.write_text(tomlkit.dumps(catalog))


def make_quick(project: Project) -> None:
    """Let `weather` leave all that its catalog row asks for, without a forecast.

    The forecast and its plot take one and a half seconds of processor time. For tests of what
    becomes of a run; `test_main_job` runs the real one.
    """
    quick = ROOT / "tests" / "functional" / "quick_weather.py"
    shutil.copy2(quick, project.root / "workloads" / "batch" / "weather" / "__init__.py")


def start_at(project: Project, time: str) -> None:
    """Start the embedded AWS at that time of day, UTC, whatever this machine's is.

    Schedules of the tests fire at full hours. Without this, one would fire once more for a test
    that happens to run across its hour.
    """
    project.toolkit("local", "start")
    project.toolkit("local", "advance", f"tomorrow {time}", "--timezone", "UTC")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make_project(tmp_path_factory.mktemp("project"))
    make_quick(made)
    start_at(made, "16:05")
    made.toolkit("deploy", "--local", "--yes", "--only", "weather")
    yield made
    made.toolkit("local", "stop")


@pytest.fixture
def slow_station() -> Iterator[tuple[str, threading.Event]]:
    """A station's server that keeps its visitors waiting until it is told to let them go: 404."""
    release = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            release.wait(300)
            with suppress(ConnectionError):  # who was killed does not wait for an answer
                self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{{station}}.csv", release
    release.set()
    server.shutdown()
    server.server_close()
