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
from datetime import UTC, datetime, timedelta

from walk import BOLD, RESET, ROOT, Walk

COPY, OUT = ROOT / ".toolkit" / "evidence", ROOT / "evidence"
KEY = OUT / "signing-key.pem"
LONG = "stream-bnb-hours"
SCHEDULES = ("ecommerce", "science", "stream-bnb", "stream-btc", "stream-eth", "weather")
# The embedded AWS rehearses in seconds. The runs that are kept are larger: what toolkit.toml says
# below [local.env], before and after. evidence/README.md tells of it.
LARGER = {
    "RUN_SECONDS = 20": "RUN_SECONDS = 30",
    "SCIENCE_SCALE = 0.01": "SCIENCE_SCALE = 1",
    "ORDERS = 200_000": "ORDERS = 10_000_000",
}


# With an audit and a key, so that the folders are sealed and signed.
AUDIT = """
[local.audit_parameters]
SigningKey = "true"
"""


def enlarge() -> None:
    """Make the copy's runs larger, and let an audit seal them."""
    config = COPY / "toolkit.toml"
    text = config.read_text()
    for before, after in LARGER.items():
        assert before in text, f"toolkit.toml has no {before!r} any more"
        text = text.replace(before, after)
    text = text.replace("[local]\n", '[local]\naudit = "rate(1 hour)"\n', 1)
    config.write_text(text + AUDIT)


def week(walk: Walk) -> None:
    """Seven days of every schedule, and the two more after which all of them are sealed."""
    walk.toolkit("local", "advance", "7d")
    walk.toolkit("ledger", "--local", "--since", "7d")
    latest = [walk.answer("validate", "--latest", name, "--local", "--json") for name in SCHEDULES]
    walk.toolkit("local", "advance", "2d")
    keep_key(walk)
    for name, verdict in zip(SCHEDULES, latest, strict=True):
        keep(walk, name, str(verdict["run_id"]))


def keep(walk: Walk, schedule: str, run_id: str) -> None:
    """Put a sealed run in the place of the one that was kept of its schedule, and prove it."""
    for folder in OUT.glob(f"{schedule}-2*Z"):
        shutil.rmtree(folder)
    walk.toolkit("evidence", run_id, "--local", "--output", str(OUT))
    walk.toolkit("validate", "--evidence", str(OUT / run_id), "--key", str(KEY))


def keep_key(walk: Walk) -> None:
    """Copy the public key from the bucket; raises AssertionError where there is not one of it."""
    (stored,) = (walk.copy / ".toolkit" / "local" / "s3").glob("**/seals/keys/*.pem")
    shutil.copyfile(stored, KEY)
    walk.toolkit("verify", "--local", "--key", str(KEY))


def long_stream(walk: Walk, seconds: int) -> None:
    """One firing of BNB in real time, as long as the shipped schedule's; raises if it fails."""
    firing = (datetime.now(UTC) + timedelta(minutes=3)).replace(second=0, microsecond=0)
    settings = ("-e", "SYMBOL=BNBUSDT", "-e", f"RUN_SECONDS={seconds}")
    at = ("--at", f"{firing:%Y-%m-%dT%H:%M:%S}", "--workload", "stream")
    walk.toolkit("schedule", LONG, *at, *settings, "--local", "--yes")
    run_id = f"{LONG}-{firing:%Y%m%dT%H%M%SZ}"
    print(f"{run_id} streams for {seconds:,} s", flush=True)
    walk.toolkit("validate", run_id, "--local", "--wait", "--timeout", str(seconds + 600))


def keep_long_stream(walk: Walk) -> None:
    """Keep the long stream, and its log in a place that does not change."""
    run_id = str(walk.answer("validate", "--latest", LONG, "--local", "--json")["run_id"])
    keep(walk, LONG, run_id)
    shutil.copy2(OUT / run_id / "execution-logs.csv", OUT / "stream-bnb-execution-logs.csv")


def main() -> int:
    """Start the embedded AWS, make the evidence, stop it."""
    parser = argparse.ArgumentParser(description="make evidence/ again")
    parser.add_argument("--stream-seconds", type=int, default=7200, help="0 leaves it out")
    parser.add_argument(
        "--after-stream", action="store_true", help="go on where an earlier call was ended"
    )
    options = parser.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    walk = Walk(COPY)
    try:
        if options.after_stream:
            walk.toolkit("deploy", "--local", "--yes")  # what the project is by now
        else:
            begin(walk, options.stream_seconds)
        week(walk)
        if options.stream_seconds:
            keep_long_stream(walk)
        walk.toolkit("ledger", "--local", "--since", "10d", "--html", str(OUT / "index.html"))
    except subprocess.CalledProcessError as error:
        print(f"\nthe command above ended with exit code {error.returncode}", flush=True)
        return 1
    finally:
        walk.toolkit("local", "stop", check=False)
    print(f"\n{BOLD}done in {time.monotonic() - began:.0f} s{RESET}")
    return 0


def begin(walk: Walk, stream_seconds: int) -> None:
    """A new copy of the project, deployed; then the long stream, if it is wanted."""
    walk.copy_project()
    enlarge()
    walk.toolkit("local", "start")
    walk.toolkit("local", "reset", "--yes")
    walk.toolkit("deploy", "--local", "--yes")
    if stream_seconds:
        long_stream(walk, stream_seconds)


if __name__ == "__main__":
    sys.exit(main())
