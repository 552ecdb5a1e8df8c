"""The main job, end to end, on the embedded AWS: what `make demo` runs.

Every step is a `toolkit` command that is printed before it runs; nothing here calls AWS. The
project is a copy below .toolkit/demo, so the demo changes no file of yours. With --keep the
embedded AWS stays up afterwards; without it nothing is left running, also after Ctrl-C or a kill.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from walk import BOLD, RESET, ROOT, Walk

COPY = Path(os.environ.get("TOOLKIT_DEMO", ROOT / ".toolkit" / "demo"))
EXPRESSION, ZONE = "cron(30 5 * * ? *)", "Europe/Berlin"
SEEN = """
{bold}What you saw{reset}
  A job was deployed and scheduled, its time came, EventBridge Scheduler started the task,
  the task saved its artifacts and exited, and `validate` proved from them that it happened.
  All of it ran on the embedded AWS on this machine. {left}
  The kept run:  {copy}/evidence/*/report.html

{bold}What to try next{reset}
  source .venv/bin/activate               # or call .venv/bin/toolkit
  toolkit init ~/my-app && cd ~/my-app    # a project with a job of your own
  toolkit deploy --local                  # on the embedded AWS
  toolkit local advance 1d                # let a day pass
  toolkit status --local

{bold}done in {seconds:.0f} s{reset}"""


def demo(walk: Walk) -> None:
    """Deploy, schedule, let it fire, follow, validate, account for it, keep it."""
    walk.toolkit("deploy", "--local", "--yes", "--only", "weather")
    walk.toolkit("schedule", "weather", EXPRESSION, "--timezone", ZONE, "--local", "--yes")
    firing = walk.answer("schedule", "weather", "--local", "--json")["firings"][0]
    run_id, due = firing["run_id"], datetime.fromisoformat(firing["utc"])
    # The agent fires the deployed schedule when the clock gets there; nobody calls RunTask.
    until = f"{due + timedelta(minutes=1):%Y-%m-%dT%H:%MZ}"
    background = walk.background("local", "advance", "--until", until)
    try:
        walk.toolkit("logs", run_id, "--follow", "--timeout", "60", "--local")
    finally:
        if background.wait() != 0:
            sys.exit("the clock could not be advanced")
    patience = ("--wait", "--timeout", "30")
    walk.toolkit("validate", "--run-id", run_id, "--local", *patience)
    walk.toolkit("ledger", "--since", "2d", "--local")
    walk.toolkit("evidence", run_id, "--local", "--output", str(walk.copy / "evidence"))


def main() -> int:
    """Start, run the demo, stop; returns the exit code."""
    parser = argparse.ArgumentParser(description="the main job on the embedded AWS")
    parser.add_argument("--keep", action="store_true", help="leave the embedded AWS running")
    keep = parser.parse_args().keep
    began = float(os.environ.get("BEGAN") or time.time())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    walk = Walk(COPY)
    walk.copy_project()
    watch = () if keep else ("--while-pid", str(os.getpid()))
    try:
        walk.toolkit("local", "start", *watch)
        walk.toolkit("local", "reset", "--yes")
        demo(walk)
    except KeyboardInterrupt:
        print("\ninterrupted", flush=True)
        return 130
    except subprocess.CalledProcessError as error:
        print(f"\nthe command above ended with exit code {error.returncode}", flush=True)
        return 1
    finally:
        if not keep:
            # A second Ctrl-C must not keep it from being stopped.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            walk.toolkit("local", "stop")
    left = (
        f"It still runs: cd {COPY} && toolkit local status" if keep else "Nothing is left running."
    )
    seconds = time.time() - began
    print(SEEN.format(seconds=seconds, left=left, bold=BOLD, reset=RESET, copy=COPY))
    return 0


if __name__ == "__main__":
    sys.exit(main())
