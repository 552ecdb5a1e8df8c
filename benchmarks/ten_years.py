"""Ten years of daily schedules: ledger, verify and site, from seals.

    python benchmarks/ten_years.py                  # 10 schedules
    python benchmarks/ten_years.py --schedules 50

AWS is in memory and answers at once, as in `benchmarks/sealed_ledger.py`: the seconds are those of
the toolkit, and calls are counted as AWS would get them. Each reading has a process of its own.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attrs import frozen
from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed_ledger import GROUP, START, Client, Year, YearOnAws, listed, seal_year
from benchmarks.synthetic_runs import Made
from benchmarks.usage import cpu_seconds, peak_mb
from toolkit.adapters.project.project import Project
from toolkit.app.app import App, Quiet
from toolkit.app.proof import ledger, site, verify
from toolkit.core.platform import Platform
from toolkit.core.proof.ledger import State, Summary
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import RunId

DAILY = 24 * 60
_TICK = timedelta(microseconds=1)
Answer = dict[str, Any]


class DecadeClient(Client):
    """What verify and site ask besides."""

    def get_object(self, Bucket: str, Key: str) -> Answer:  # noqa: N803
        if Key.startswith("ledger/"):
            self.calls["GetObject"] += 1
            run_id = RunId.parse(Key.rpartition("/")[2].removesuffix(".succeeded.json"))
            made = Made(run_id, load().workload("weather"), "")
            return {"Body": SimpleNamespace(read=lambda _limit: made.manifest().to_json())}
        if not (self.folder / Key).is_file():
            self.calls["GetObject"] += 1
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return super().get_object(Bucket, Key)

    def list_objects_v2(self, Prefix: str, StartAfter: str = "", **asked: Any) -> Any:  # noqa: N803
        if "Delimiter" in asked:
            self.calls["list_objects_v2"] += 1
            return {"IsTruncated": False}  # nobody claimed a run on demand
        if "MaxKeys" in asked:
            self.calls["list_objects_v2"] += 1
            rows = [row for page in super().list_objects_v2(Prefix, StartAfter) for row in page]
            page = [row for row in rows if row["Key"] > StartAfter][: asked["MaxKeys"]]
            return {"Contents": page, "IsTruncated": True}
        if Prefix == "deployments/":
            paths = sorted(self.folder.glob("deployments/*"))
            return iter([[listed(f"deployments/{path.name}", 1, START) for path in paths]])
        return super().list_objects_v2(Prefix, StartAfter)

    def list_schedules(self, **_: Any) -> Iterator[list[Any]]:
        return iter([[]])

    def get_caller_identity(self) -> Answer:
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ann"}


class DecadeOnAws(YearOnAws):
    """An account of ten years."""

    region = "us-east-1"
    endpoint = SimpleNamespace(url="memory", region="us-east-1")

    @property
    def everything(self) -> DecadeClient:  # type: ignore[override]
        found = self.__dict__.setdefault("kept", DecadeClient(self.year, self.folder))
        assert isinstance(found, DecadeClient)
        return found


def opened(year: Year, folder: Path) -> tuple[App, DecadeClient]:
    outputs = {
        "ClusterName": "cluster",
        "BucketName": "bucket",
        "LifecycleLogGroupName": GROUP,
        "ScheduleGroupName": "app",
    }
    aws: Any = DecadeOnAws(year, folder)
    now = year.end - timedelta(minutes=1)  # no firing is left
    app = App.of_platform("app", Platform("app", outputs), aws, Quiet(lambda _: None), lambda: now)
    app.project = Project(Path(), load())
    return app, aws.everything


def read_ledger(app: App, year: Year, _folder: Path) -> str:
    summary = Summary()
    found = ledger.read(app, ledger.Period(START - _TICK, year.end - _TICK))
    for _ in summary.through(found.firings):
        pass
    assert dict(summary.total) == {State.OK: year.firings}, summary.total
    assert found.problems == []
    return f"{year.firings:,} firings"


def check_seals(app: App, year: Year, _folder: Path) -> str:
    found = verify.verify(app)
    assert (found.problems, found.firings) == ((), year.firings), found.problems[:3]
    return f"{found.seals:,} seals"


def write_site(app: App, year: Year, folder: Path) -> str:
    request = site.SiteRequest(folder / "site", START - _TICK, reports=0)
    found = site.write(app, request)
    assert found.summary.total[State.OK] >= year.firings
    return f"{found.files:,} files, {found.bytes / 1e6:.0f} MB"


READINGS: dict[str, Callable[[App, Year, Path], str]] = {
    "ledger": read_ledger,
    "verify": check_seals,
    "site": write_site,
}


@frozen
class Cost:
    """What one reading took."""

    what: str
    calls: dict[str, int]
    cpu: float
    wall: float
    mb: float


def cost_of(name: str, year: Year, folder: Path) -> Cost:
    app, client = opened(year, folder)
    before, wall, cpu = peak_mb(), time.perf_counter(), cpu_seconds()
    what = READINGS[name](app, year, folder)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    return Cost(what, dict(client.calls), cpu, wall, peak_mb() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10)
    parser.add_argument("--days", type=int, default=3652)
    parser.add_argument("--only", choices=READINGS, action="append", help="one of the readings")
    arguments = parser.parse_args()
    year = Year(arguments.schedules, DAILY, arguments.days)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name, context.Pool(1, maxtasksperchild=1) as pool:
        folder = Path(name)
        size = pool.apply(seal_year, (year, folder))
        (folder / "deployments").mkdir()
        shot = year.history_shot
        (folder / shot.key).write_bytes(shot.to_json())
        print(f"{year.firings:,} firings, {size / 1e6:.0f} MB of seals")
        for reading in arguments.only or READINGS:
            found = pool.apply(cost_of, (reading, year, folder))
            print(
                f"{reading:7} {sum(found.calls.values()):7,} calls {found.cpu:7.1f} CPU s "
                f"{found.wall:7.1f} s {found.mb:5.0f} MB   {found.what}"
            )
            print(f"  {json.dumps(found.calls)}", flush=True)


if __name__ == "__main__":
    main()
