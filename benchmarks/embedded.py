"""The embedded AWS under load: a month of runs, and a task that logs as fast as it can.

    python benchmarks/embedded.py                     # 30 days of 60 schedules, 1,800 runs
    python benchmarks/embedded.py --lines 300000      # lines of log from one task
    python benchmarks/embedded.py --lines 300000 --pace 10000     # so many a second, at most

A run claims, saves one artifact and commits. CPU seconds are those of the emulator, of the engine,
and of the tasks; memory is that of engine and emulator after each day. Lines are read back with
FilterLogEvents, and each must stand in its place. Other benchmarks take the project of this module,
on an embedded AWS of its own, and clients that count their calls.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from toolkit.adapters.aws.session import Aws  # noqa: E402
from toolkit.adapters.embedded.engine import EngineClient, EngineInfo, running  # noqa: E402
from toolkit.app.app import App  # noqa: E402
from toolkit.app.opening import open_app  # noqa: E402

_SPENDERS = ("engine", "emulator", "tasks")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WORKLOAD = """
[workloads.small]
summary = "One artifact, and lines of log"
entry_point = "workloads.small:run"
cpu = 256
memory = 512
max_runtime_seconds = 600
events = ["run.started", "run.finished"]

[workloads.small.variables]
LINES = { type = "int", default = 0, minimum = 0, maximum = 10000000, meaning = "Lines to log" }
PACE = { type = "int", default = 0, minimum = 0, maximum = 1000000, meaning = "Lines a second" }

[workloads.small.artifacts]
"small.txt" = { media_type = "text/plain" }
"""
_LINE = "line {:08d} of a log, as long as most lines of most logs"
_CODE = f"""
import sys
import time

from toolkit.runtime import Result


def run(settings, run):
    began = time.monotonic()
    for number in range(settings["lines"]):
        if settings["pace"] and number % 100 == 0:
            sys.stdout.flush()
            time.sleep(max(0.0, began + number / settings["pace"] - time.monotonic()))
        sys.stdout.write("{_LINE}\\n".format(number))
    sys.stdout.flush()
    run.event("lines.written", seconds=time.monotonic() - began)
    run.save("small.txt", b"small", media_type="text/plain")
    return Result()
"""


def counted(app: App) -> tuple[App, Counter[str]]:
    """The same app, of which nothing is known yet, and the calls that it makes from now on."""
    calls: Counter[str] = Counter()
    aws = Aws(app.aws.endpoint, lambda call: calls.update([call.operation]))
    return App(app.project, app.config, aws, app.console, app.now, local=app.local), calls


class Console:
    def say(self, text: str) -> None:
        print(text, file=sys.stderr)

    changes = event = confirm = say


@contextmanager
def deployed_weather() -> Iterator[App]:
    """The weather workload with a daily schedule, deployed; gone again at the end."""
    with _deployed("weather", 'expression = "cron(0 6 * * ? *)"\n') as app:
        yield app


@contextmanager
def _deployed(workload: str, schedule: str, more: str = "") -> Iterator[App]:
    """A workload with a schedule, deployed; ``more`` is added to the catalog."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for part in ("toolkit.toml", "templates", "image", "workloads"):
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, root / part)
        (root / "schedules").mkdir()
        (root / "schedules" / f"{workload}.toml").write_text(schedule)
        with (root / "workloads" / "catalog.toml").open("a") as catalog:
            catalog.write(more)
        (root / "workloads" / "small.py").write_text(_CODE)
        (root / ".toolkit").mkdir()
        for installed in (ROOT / ".toolkit").glob("[ep]*-*"):
            (root / ".toolkit" / installed.name).symlink_to(installed)
        try:
            _toolkit(root, "deploy", "--local", "--yes", "--only", workload)
            yield open_app(root, Console(), environment=None, local=True)  # type: ignore[arg-type]
        finally:
            _toolkit(root, "local", "stop")


def measured(pid: int) -> tuple[float, float, int]:
    """Of a process: its CPU seconds, those of its children that ended, and its MB in memory."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, children = (sum(map(int, fields[start : start + 2])) / _TICKS for start in (11, 13))
    return own, children, int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE >> 20


def emulator_of(pid: int) -> int:
    """The emulator among the engine's children."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"toolkit.local.ministack" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise SystemExit("the engine has no emulator")


def month(app: App, days: int, schedules: int) -> None:
    """Deploy daily schedules of the small workload, and let days pass."""
    folder = app.project.root / "schedules"
    for number in range(schedules - 1):
        text = f'workload = "small"\nexpression = "cron({number % 60} 7 * * ? *)"\n'
        (folder / f"small-{number}.toml").write_text(text)
    began = time.perf_counter()
    _toolkit(app.project.root, "schedules", "apply", "--local", "--yes")
    print(f"deployed {schedules} schedules in {time.perf_counter() - began:.1f} s", flush=True)
    info = _engine(app)
    spent_in_all: Counter[str] = Counter()
    memory: list[float] = []
    for day in range(1, days + 1):
        before, began = usage(info.pid), time.perf_counter()
        events = Counter(event["event"] for event in EngineClient(info).advance(seconds=86_400))
        seconds, after = time.perf_counter() - began, usage(info.pid)
        spent = {name: round(after[name] - before[name], 1) for name in _SPENDERS}
        spent_in_all.update({"seconds": seconds, "runs": events["stopped"], **spent})
        memory.append(after["engine MB"] + after["emulator MB"])
        print(
            f"day {day:2}: {seconds:5.1f} s, CPU seconds {spent}, "
            f"memory {after['engine MB']} + {after['emulator MB']} MB, {dict(events)}",
            flush=True,
        )
    runs = spent_in_all["runs"]
    each = {name: round(spent_in_all[name] / runs, 3) for name in _SPENDERS}
    growth = (memory[-1] - memory[0]) / max(1, days - 1)
    print(
        f"{runs:,} runs in {spent_in_all['seconds']:.0f} s, CPU seconds a run {each}, "
        f"memory grew by {growth:.1f} MB a day"
    )


def lines(app: App, count: int, pace: int) -> None:
    """Let one task log so many lines, and look for each of them in its place."""
    info = _engine(app)
    before = usage(info.pid)
    settings = ("--env", f"LINES={count}", "--env", f"PACE={pace}")
    _toolkit(app.project.root, "run", "small", "--local", *settings, "--follow")
    after = usage(info.pid)
    kept = late = 0
    for event in _logged(app, '"of a log"'):
        kept += event["message"] == _LINE.format(kept)
        late = max(late, event["ingestionTime"] - event["timestamp"])
    (written,) = _logged(app, '{ $.event = "lines.written" }')
    seconds = json.loads(written["message"])["seconds"]
    spent = {name: round(after[name] - before[name], 1) for name in _SPENDERS}
    print(
        f"{kept:,} of {count:,} lines in their places, written in {seconds:.1f} s "
        f"({count / seconds:,.0f} a second), each kept {late} ms after it at most, "
        f"CPU seconds {spent}, memory {after['engine MB']} + {after['emulator MB']} MB"
    )


def _logged(app: App, pattern: str) -> Iterator[dict[str, Any]]:
    """The log of all runs, in the order of time."""
    pages = app.aws.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName="/fargate-runs/small", filterPattern=pattern):
        yield from page["events"]


def _engine(app: App) -> EngineInfo:
    info = running(app.project.root)
    if info is None:
        raise SystemExit("the engine has ended")
    return info


def usage(pid: int) -> dict[str, float]:
    """CPU seconds and memory of engine, emulator and the tasks that ended."""
    own, children, memory = measured(pid)
    emulator = measured(emulator_of(pid))
    return {
        "engine": own,
        "tasks": children,
        "emulator": emulator[0],
        "engine MB": memory,
        "emulator MB": emulator[2],
    }


def _toolkit(root: Path, *words: str) -> None:
    command = [sys.executable, "-m", "toolkit", *words]
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--schedules", type=int, default=60)
    parser.add_argument("--lines", type=int, default=0)
    parser.add_argument("--pace", type=int, default=0)
    arguments = parser.parse_args()
    with _deployed("small", 'expression = "cron(0 6 * * ? *)"\n', _WORKLOAD) as app:
        if arguments.lines:
            lines(app, arguments.lines, arguments.pace)
        else:
            month(app, arguments.days, arguments.schedules)


if __name__ == "__main__":
    main()
