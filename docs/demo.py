"""The main job, end to end, on the embedded AWS: what `make demo` runs.

Every step is a `toolkit` command that is printed before it runs; nothing here calls AWS. The
project is a copy below .toolkit/demo, so the demo changes no file of yours. With --keep the
embedded AWS stays up afterwards; without it nothing is left running, also after Ctrl-C or a kill.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = Path(os.environ.get("TOOLKIT_DEMO", ROOT / ".toolkit" / "demo"))
PARTS = ("toolkit.toml", "templates", "schedules", "workloads")
EXPRESSION, ZONE = "cron(30 5 * * ? *)", "Europe/Berlin"
BOLD, RESET = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


def copy_project() -> None:
    """A fresh copy of the project; what the emulator has installed stays."""
    COPY.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        target = COPY / part
        if (ROOT / part).is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(ROOT / part, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / part, target)


def command(*arguments: str) -> list[str]:
    """A toolkit command of this environment."""
    return [sys.executable, "-m", "toolkit", *arguments]


def show(arguments: tuple[str, ...]) -> None:
    """Print a command as a person would type it."""
    text = " ".join(f'"{word}"' if " " in word else word for word in arguments)
    print(f"\n{BOLD}$ toolkit {text}{RESET}", flush=True)


def toolkit(*arguments: str) -> None:
    """Run one command in the open; its failure ends the demo."""
    show(arguments)
    subprocess.run(command(*arguments), cwd=COPY, check=True)


def answer(*arguments: str) -> dict[str, object]:
    """The JSON that one command prints."""
    done = subprocess.run(command(*arguments), cwd=COPY, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def demo() -> None:
    """Deploy, schedule, let it fire, follow, validate."""
    toolkit("deploy", "--local", "--yes", "--only", "weather")
    toolkit("schedule", "weather", EXPRESSION, "--timezone", ZONE, "--local", "--yes")
    firing = answer("schedule", "weather", "--local", "--json")["firings"][0]
    run_id, due = firing["run_id"], datetime.fromisoformat(firing["utc"])
    # The agent fires the deployed schedule when the clock gets there; nobody calls RunTask.
    advance = ("local", "advance", "--until", (due + timedelta(minutes=1)).isoformat())
    show((*advance, "&"))
    background = subprocess.Popen(command(*advance), cwd=COPY)
    try:
        toolkit("logs", run_id, "--follow", "--timeout", "60", "--local")
    finally:
        if background.wait() != 0:
            sys.exit("the clock could not be advanced")
    plots = str(COPY / "runs")
    toolkit(
        "validate", "--run-id", run_id, "--local", "--wait", "--timeout", "30", "--download", plots
    )


def main() -> int:
    """Start, run the demo, stop; returns the exit code."""
    parser = argparse.ArgumentParser(description="the main job on the embedded AWS")
    parser.add_argument("--keep", action="store_true", help="leave the embedded AWS running")
    keep = parser.parse_args().keep
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    copy_project()
    watch = () if keep else ("--while-pid", str(os.getpid()))
    try:
        toolkit("local", "start", *watch)
        toolkit("local", "reset", "--yes")
        demo()
    except KeyboardInterrupt:
        print("\ninterrupted", flush=True)
        return 130
    except subprocess.CalledProcessError as error:
        print(f"\nthe command above ended with exit code {error.returncode}", flush=True)
        return 1
    finally:
        if keep:
            print(f"\nThe embedded AWS is still up. In {COPY}: toolkit local status, or stop.")
        else:
            # A second Ctrl-C must not keep it from being stopped.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            toolkit("local", "stop")
    print(f"\n{BOLD}done in {time.monotonic() - began:.0f} s{RESET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
