"""The static site of 10,000 firings on the embedded AWS: calls, seconds, files, bytes, memory.

    python benchmarks/site.py               # pages for the latest 1,000, as by default
    python benchmarks/site.py --runs 10000  # a page for each

The firings are those of `benchmarks/ledger.py`, whose emulator it takes, with whole manifests.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from attrs import evolve

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.embedded import counted, deployed_weather
from benchmarks.ledger import FAILED, FIRINGS, MISSED, fill, witness
from benchmarks.synthetic_runs import Made
from benchmarks.usage import cpu_seconds, peak_mb
from toolkit.app.app import App
from toolkit.app.proof import ledger, site
from toolkit.app.proof.site import SiteRequest
from toolkit.runtime.contract import Outcome, RunId


def measure(app: App, runs: int) -> None:
    now = app.now().replace(second=0, microsecond=0)
    times = [now - timedelta(minutes=FIRINGS - number) for number in range(FIRINGS)]
    workload = app.project.catalog.workload("weather")

    def manifest(run_id: RunId, outcome: Outcome) -> bytes:
        return evolve(Made(run_id, workload, "").manifest(), outcome=outcome).to_json()

    fill(app.bucket, times, manifest)
    witness(app, times)
    since = times[0] - timedelta(seconds=1)
    app, calls = counted(app)
    began = time.perf_counter()
    list(ledger.read(app, ledger.Period(since, times[-1])).firings)
    print(f"ledger  {sum(calls.values()):6,} calls  {time.perf_counter() - began:6.1f} s")
    app, calls = counted(app)
    with tempfile.TemporaryDirectory() as folder:
        before, began, spent = peak_mb(), time.perf_counter(), cpu_seconds()
        request = SiteRequest(Path(folder) / "site", since, runs=runs, reports=0)
        found = site.write(app, request)
        seconds, spent = time.perf_counter() - began, cpu_seconds() - spent
        assert found.summary.bad >= len(MISSED) + len(FAILED), found.summary
        sizes = {
            path.relative_to(found.folder).as_posix(): path.stat().st_size
            for path in found.folder.rglob("*.html")
        }
    print(f"site    {sum(calls.values()):6,} calls  {seconds:6.1f} s  {spent:.1f} CPU seconds")
    print(
        f"        {found.pages:,} pages of firings, {found.files:,} files, "
        f"{found.bytes / 1e6:.1f} MB, +{peak_mb() - before:.0f} MB of memory at most"
    )
    largest = sorted(sizes.items(), key=lambda row: -row[1])[:3]
    print(f"        largest: {', '.join(f'{name} {size:,}' for name, size in largest)}")
    print(f"        index: {sizes['index.html']:,} bytes; {json.dumps(calls)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="pages of firings")
    runs = parser.parse_args().runs
    with deployed_weather() as app:
        measure(app, runs)


if __name__ == "__main__":
    main()
