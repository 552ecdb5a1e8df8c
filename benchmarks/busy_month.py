"""50 schedules that fire every minute, for a month: what audits must do until all of it is sealed.

    python benchmarks/busy_month.py                          # 50 schedules, 30 days
    python benchmarks/busy_month.py --schedules 5 --days 3   # fewer

First audits seal one day, with the evidence of every run. Then all days of the month are sealed
alike, some of their missed firings are made good, and audits look at the month again until nothing
of it is left to amend.

AWS is in memory (`benchmarks/busy_account.py`), and its clock goes on as an audit's would. Every
audit begins anew, as a task does, and stops sealing after eight minutes.
"""

import argparse
import json
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import define

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.busy_account import APP, DAY, LIFECYCLE, Account
from benchmarks.copied_runs import START
from benchmarks.usage import cpu_seconds, peak_mb
from toolkit.app.app import App, Quiet
from toolkit.app.proof.seal_writer import SealingLimits
from toolkit.app.proof.seals import SealsWritten, seal_due_days
from toolkit.core.platform import Platform
from toolkit.core.schedules.history import Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.contract import format_time
from toolkit.runtime.layout import sealed

EVERY, SEALING = timedelta(minutes=30), timedelta(minutes=8)


@define
class Audits:
    """Audits one after the other, each anew, and what they took together."""

    account: Account
    amended: datetime | None = None
    done: int = 0
    seals: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    cpu: float = 0.0

    def audit(self) -> SealsWritten:
        account = self.account
        account.kinds.clear()
        account.begun, account.answering = cpu_seconds(), 0.0
        outputs = {
            "BucketName": "bucket",
            "ClusterName": "cluster",
            "DeadLetterQueueUrl": "queue",
            "LifecycleLogGroupName": LIFECYCLE,
            "ScheduleGroupName": APP,
        }
        aws: Any = account
        app = App.of_platform(APP, Platform(APP, outputs), aws, Quiet(print), account.now)
        limits = SealingLimits(account.at + SEALING)
        written = seal_due_days(app, account.at, None, limits, self.amended)
        took = (account.now() - account.at).total_seconds()
        self.amended = written.amended
        self.done += 1
        self.seals += len(written.keys)
        self.seconds += took
        self.longest = max(self.longest, took)
        self.cpu += account.cpu
        account.at += EVERY
        return written

    def report(self, what: str) -> None:
        calls = sum(self.account.calls.values())
        print(
            f"{what}: {self.done} audits, {self.seals} seals, {self.seconds:,.0f} s in all, "
            f"{self.longest:.0f} s at most, {self.cpu:.1f} CPU s, {calls:,} calls, "
            f"{peak_mb():.0f} MB"
        )
        print(f"  {json.dumps(self.account.calls)}", flush=True)


def deployed(account: Account) -> None:
    """The record of the deployment that made the schedules."""
    at = format_time(START)
    rows = (Timing(name, "rate(1 minute)", "UTC", "ENABLED", "", "", at) for name in account.names)
    taken = Snapshot(at, tuple(rows))
    (account.folder / "deployments").mkdir()
    (account.folder / taken.key).write_bytes(taken.to_json())


def seal_a_day(schedules: int, folder: Path) -> None:
    """Audits that seal the first day, from its evidence."""
    account = Account(schedules, folder, START + 2 * DAY)
    deployed(account)
    audits = Audits(account)
    due = START.date()
    while True:
        written = audits.audit()
        print(f"  audit {audits.done}: {written.keys}", file=sys.stderr, flush=True)
        seals = [json.loads(_head(path)) for path in sorted((folder / "seals").glob(f"{due}*"))]
        if any(seal["complete"] for seal in seals) or not written.keys:
            break
    audits.report("a day sealed")
    (folder / "first").mkdir()
    for path in (folder / "seals").glob(f"{due}*"):
        _, number = sealed(f"seals/{path.name}") or (due, 0)
        path.rename(folder / "first" / f"{number:06}")


def _head(path: Path) -> str:
    with path.open() as file:
        return file.readline().rstrip(",\n") + "}"


def look_again(schedules: int, folder: Path, days: int) -> None:
    """Audits that look at a sealed month again, in which missed firings were made good."""
    for path in (folder / "seals").glob("*"):
        path.unlink()
    account = Account(schedules, folder, START + (days + 1) * DAY + DAY - EVERY, alike=days)
    account.made_good = True
    audits = Audits(account, amended=START)
    while audits.amended is not None:
        audits.audit()
        print(f"  audit {audits.done}: up to {audits.amended}", file=sys.stderr, flush=True)
    audits.report(f"{days} days looked at again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=50)
    parser.add_argument("--days", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        seal_a_day(arguments.schedules, Path(name))
        look_again(arguments.schedules, Path(name), arguments.days)


if __name__ == "__main__":
    main()
