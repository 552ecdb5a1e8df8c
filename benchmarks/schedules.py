"""What a thousand schedules cost on the embedded AWS: status, schedules and ledger.

    python benchmarks/schedules.py                    # 1,003 schedules
    python benchmarks/schedules.py --schedules 100

Deploys the schedules first, which takes some minutes; each command runs as a person would run it.
The calls are those that `--debug` shows. Needs the embedded AWS's emulator, which it installs below
.toolkit.
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

COMMANDS = (("status",), ("schedules",), ("ledger", "--since", "1d"))
_CALL = re.compile(r"^([a-z0-9-]+\.[A-Z]\w+) \d+ ms, ", re.MULTILINE)


def toolkit(root: Path, *words: str) -> tuple[float, Counter[str]]:
    """Seconds and calls of one command."""
    command = [sys.executable, "-m", "toolkit", "--local", "--debug", *words]
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    began = time.perf_counter()
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode not in {0, 1}:
        sys.exit(done.stderr[-2000:])
    return seconds, Counter(_CALL.findall(done.stderr))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1003)
    count = parser.parse_args().schedules
    with deployed_weather() as app:
        folder = app.project.root / "schedules"
        for number in range(count - 1):
            text = f'workload = "weather"\nexpression = "cron({number % 60} 6 1 1 ? *)"\n'
            (folder / f"weather-{number}.toml").write_text(text)
        seconds, calls = toolkit(app.project.root, "schedules", "apply", "--yes")
        print(
            f"deployed {count:,} schedules in {seconds:.0f} s, {calls.total():,} calls", flush=True
        )
        for words in COMMANDS:
            seconds, calls = toolkit(app.project.root, *words)
            print(f"{' '.join(words):<20} {seconds:6.1f} s   {calls.total():6,} calls")
            print(f"{'':20} {dict(calls.most_common())}", flush=True)


if __name__ == "__main__":
    main()
