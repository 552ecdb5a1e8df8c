"""One new image for many workloads, each with its schedule, on the embedded AWS.

    python benchmarks/many_workloads.py                 # 60 of them
    python benchmarks/many_workloads.py --count 10

Deploys them once, then changes the image, then the size of one and the hour of another, at last the
image while calls are throttled, and prints how long each deployment takes, how many calls it makes,
how often it tried again and what a person sees. Also one by one (`--at-once 1`), to compare with.
"""

import argparse
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.embedded import ROOT, deployed_weather

_CALL = re.compile(r"^([a-z0-9-]+\.[A-Z]\w+) \d+ ms, (\d+) retr", re.MULTILINE)
_ROW = """
[workloads.report{number:02}]
summary = "One of many reports"
entry_point = "workloads.report:run"
cpu = 256
memory = 512
max_runtime_seconds = 600
"""
_JOB = '''"""One of many reports. {version}"""


def run(run):
    run.save("report.txt", b"x", media_type="text/plain")
'''


def write(root: Path, count: int, version: str) -> None:
    """The workloads and their schedules; ``version`` is in the image."""
    (root / "workloads" / "report.py").write_text(_JOB.format(version=version))
    catalog = root / "workloads" / "catalog.toml"
    text = catalog.read_text().partition("\n[workloads.report00]")[0]
    rows = "".join(_ROW.format(number=number) for number in range(count))
    catalog.write_text(text + rows)
    for number in range(count):
        text = f'expression = "cron({number % 60} 6 * * ? *)"\ntimezone = "UTC"\n'
        (root / "schedules" / f"report{number:02}.toml").write_text(text)


def deploy(root: Path, what: str, *, at_once: int) -> None:
    """Deploy and print what it took and what it showed."""
    program = (
        "import sys; from toolkit.app.deploying import layers; "
        f"layers.AT_ONCE = {at_once}; from toolkit.cli import main; sys.exit(main())"
    )
    words = ["deploy", "--local", "--yes", "--debug"]
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    command = [sys.executable, "-c", program, *words]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    calls = _CALL.findall(done.stderr)
    retried = sum(int(retries) for _, retries in calls)
    shown = [line for line in done.stderr.splitlines() if not _CALL.match(line)]
    print(f"{what}: {seconds:.1f} s, {len(calls):,} calls, {retried} retries, {at_once} at once")
    print(f"  {dict(Counter(name for name, _ in calls).most_common(6))}")
    print(f"  {len(shown)} lines on stderr, {len(done.stdout.splitlines())} on stdout:")
    print("\n".join(f"    {line}" for line in [*shown, *done.stdout.splitlines()][:40]), flush=True)


def throttle(root: Path, service: str, times: int) -> None:
    """Let the next calls of a service be throttled."""
    words = ["local", "fault", "add", "throttling", "--service", service, "--times", str(times)]
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    command = [sys.executable, "-m", "toolkit", *words]
    subprocess.run(command, cwd=root, env=env, capture_output=True, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--throttled", type=int, default=4, help="calls of each service")
    arguments = parser.parse_args()
    with deployed_weather() as app:
        root, count, at_once = app.project.root, arguments.count, arguments.at_once
        write(root, count, "one")
        deploy(root, f"{count} workloads and schedules made", at_once=at_once)
        write(root, count, "two")
        deploy(root, "a new image", at_once=at_once)
        write(root, count, "three")
        with (root / "toolkit.toml").open("a") as config:
            config.write("\n[local.workloads.report01]\ncpu = 512\nmemory = 1024\n")
            config.write('\n[local.schedules.report02]\nexpression = "cron(0 7 * * ? *)"\n')
        deploy(root, "an image, a size and an hour", at_once=at_once)
        deploy(root, "nothing", at_once=at_once)
        write(root, count, "four")
        for service in ("cloudformation", "s3"):
            throttle(root, service, arguments.throttled)
        deploy(root, f"an image, {arguments.throttled} calls throttled a service", at_once=at_once)


if __name__ == "__main__":
    main()
