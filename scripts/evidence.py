"""Make `evidence/` again: a week of every shipped schedule on the embedded AWS, and a long stream.

What `make evidence` runs. Every step is a `toolkit` command that is printed before it runs. The
project is a copy below .toolkit/evidence; nothing is left running, also after Ctrl-C.

    python scripts/evidence.py                       # all of it: the stream takes its two hours
    python scripts/evidence.py --stream-seconds 0    # the week alone, about ten minutes
"""

import argparse
import shutil
import signal
import subprocess
import sys
import time

from walk import BOLD, RESET, ROOT, Walk

COPY, OUT = ROOT / ".toolkit" / "evidence", ROOT / "evidence"
SCHEDULES = ("ecommerce", "science", "stream-bnb", "stream-btc", "stream-eth", "weather")
# The embedded AWS rehearses in seconds. The runs that are kept are larger: what toolkit.toml says
# below [local.env], before and after. evidence/README.md tells of it.
LARGER = {
    "RUN_SECONDS = 20": "RUN_SECONDS = 30",
    "SCIENCE_SCALE = 0.01": "SCIENCE_SCALE = 1",
    "ORDERS = 200_000": "ORDERS = 10_000_000",
}


def enlarge() -> None:
    """Make the copy's runs larger."""
    config = COPY / "toolkit.toml"
    text = config.read_text()
    for before, after in LARGER.items():
        assert before in text, f"toolkit.toml has no {before!r} any more"
        text = text.replace(before, after)
    config.write_text(text)


def forget(pattern: str) -> None:
    """Remove the folders of earlier evidence."""
    for folder in OUT.glob(pattern):
        shutil.rmtree(folder)


def week(walk: Walk) -> None:
    """Seven days of every schedule; the latest run of each is kept, and the calendar of all."""
    walk.toolkit("deploy", "--local", "--yes")
    walk.toolkit("local", "advance", "7d")
    walk.toolkit("ledger", "--local", "--since", "7d")
    for name in SCHEDULES:
        latest = walk.answer("validate", "--latest", name, "--local", "--json")
        forget(f"{name}-*Z")
        walk.toolkit("evidence", str(latest["run_id"]), "--local", "--output", str(OUT))
        walk.toolkit("validate", "--evidence", str(OUT / str(latest["run_id"])))


def stream(walk: Walk, seconds: int) -> None:
    """One stream of BNB in real time, as long as the shipped schedule has it."""
    wanted = ("-e", f"RUN_SECONDS={seconds}", "--local", "--json")
    run_id = str(walk.answer("run", "stream-bnb", *wanted)["run_id"])
    print(f"{run_id} streams for {seconds:,} s", flush=True)
    walk.toolkit(
        "validate", "--run-id", run_id, "--local", "--wait", "--timeout", str(seconds + 300)
    )
    forget("stream-bnb-*Z-*")
    walk.toolkit("evidence", run_id, "--local", "--output", str(OUT))
    shutil.copy2(OUT / run_id / "execution-logs.csv", OUT / "stream-bnb-execution-logs.csv")


def main() -> int:
    """Start the embedded AWS, make the evidence, stop it."""
    parser = argparse.ArgumentParser(description="make evidence/ again")
    parser.add_argument("--stream-seconds", type=int, default=7200, help="0 leaves it out")
    seconds = parser.parse_args().stream_seconds
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    walk = Walk(COPY)
    walk.copy_project()
    enlarge()
    try:
        walk.toolkit("local", "start")
        walk.toolkit("local", "reset", "--yes")
        week(walk)
        if seconds:
            stream(walk, seconds)
        walk.toolkit("ledger", "--local", "--since", "8d", "--html", str(OUT / "index.html"))
    except subprocess.CalledProcessError as error:
        print(f"\nthe command above ended with exit code {error.returncode}", flush=True)
        return 1
    finally:
        walk.toolkit("local", "stop", check=False)
    print(f"\n{BOLD}done in {time.monotonic() - began:.0f} s{RESET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
