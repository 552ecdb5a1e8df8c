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
KEY = OUT / "signing-key.pem"
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


def forget(pattern: str) -> None:
    """Remove the folders of earlier evidence."""
    for folder in OUT.glob(pattern):
        shutil.rmtree(folder)


def week(walk: Walk) -> None:
    """Seven days of every schedule, and the two more after which all of them are sealed."""
    walk.toolkit("deploy", "--local", "--yes")
    walk.toolkit("local", "advance", "7d")
    walk.toolkit("ledger", "--local", "--since", "7d")
    latest = [walk.answer("validate", "--latest", name, "--local", "--json") for name in SCHEDULES]
    walk.toolkit("local", "advance", "2d")
    for name, verdict in zip(SCHEDULES, latest, strict=True):
        forget(f"{name}-*Z")
        walk.toolkit("evidence", str(verdict["run_id"]), "--local", "--output", str(OUT))
    keep_key(walk)
    for verdict in latest:
        folder = str(OUT / str(verdict["run_id"]))
        walk.toolkit("validate", "--evidence", folder, "--key", str(KEY))


def keep_key(walk: Walk) -> None:
    """Copy the public key from the bucket; raises AssertionError where there is not one of it."""
    (stored,) = (walk.copy / ".toolkit" / "local" / "s3").glob("**/seals/keys/*.pem")
    shutil.copyfile(stored, KEY)
    walk.toolkit("verify", "--local", "--key", str(KEY))


def start_stream(walk: Walk, seconds: int) -> str:
    """Start one stream of BNB in real time, as long as the shipped schedule has it."""
    wanted = ("-e", f"RUN_SECONDS={seconds}", "--local", "--json")
    run_id = str(walk.answer("run", "stream-bnb", *wanted)["run_id"])
    print(f"{run_id} streams for {seconds:,} s", flush=True)
    return run_id


def keep_stream(walk: Walk, run_id: str, seconds: int) -> None:
    """Wait for the stream, and keep it. It was on demand, so no firing of it is sealed."""
    patience = ("--wait", "--timeout", str(seconds + 300))
    walk.toolkit("validate", "--run-id", run_id, "--local", *patience)
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
            keep_stream(walk, start_stream(walk, seconds), seconds)
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
