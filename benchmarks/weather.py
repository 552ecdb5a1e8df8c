"""How fast, and in how much memory, 8.76 million daily readings are read: this and its peers.

    python benchmarks/weather.py [--stations 100] [--rounds 5]

100 stations x 80 years of three elements, one CSV file a station in GHCN-Daily's long format, and
the same lines in one file. Every contestant runs in a process of its own, in turns, and must arrive
at the same number of rows and the same sum. CPU is user + system of the whole process, imports
included; RSS is its peak. Peers that are not installed are left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# numpy would start a thread a core for linear algebra that no contestant needs.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
NAMES = ["id", "date", "element", "value", "m", "q", "s", "time"]


def generate(folder: Path, stations: int) -> None:
    """Write the files: a season, a day, noise, and one reading in a thousand flagged."""
    import numpy as np

    rng = np.random.default_rng(20261124)
    days = np.arange("1942-01-01", "2022-01-01", dtype="datetime64[D]")[:29200]
    dates = np.repeat(np.char.replace(days.astype(str), "-", ""), 3).tolist()
    elements = ["TMAX", "TMIN", "PRCP"] * len(days)
    usual = 150 - 90 * np.cos(2 * np.pi * np.arange(len(days)) / 365.25)
    with (folder / "all.csv").open("w") as everything:
        for number in range(stations):
            name = f"USW{number:08}"
            high = usual + rng.normal(0, 30, len(days))
            rain = rng.exponential(30, len(days))
            tenths = np.column_stack([high, high - 80, rain]).round().astype(int).ravel().tolist()
            flags = np.where(rng.random(len(tenths)) < 0.001, "I", "").tolist()
            text = "".join(
                f"{name},{date},{element},{value},,{flag},W,2400\n"
                for date, element, value, flag in zip(dates, elements, tenths, flags, strict=True)
            )
            (folder / "stations").mkdir(exist_ok=True)
            (folder / "stations" / f"{name}.csv").write_text(text)
            everything.write(text)


CODES = (b"TMAX", b"TMIN", b"PRCP")


def ours(folder: Path) -> tuple[int, int]:
    """This parser, station by station: all fields checked, four columns typed."""
    from workloads.batch.weather import ghcn
    from workloads.batch.weather.ghcn_line import Format

    rows = total = 0
    for path in sorted((folder / "stations").iterdir()):
        with path.open("rb", buffering=0) as stream:
            columns = ghcn.parse(stream, Format(path.stem.encode(), CODES))
        assert columns.unreadable == 0
        rows += len(columns.slots)
        total += int(columns.tenths.sum())
    return rows, total


def ours_and_model(folder: Path) -> tuple[int, int]:
    """The same, then quality control, order, a year's forecasts of the maximum."""
    from workloads.batch.weather import ghcn, quality, skill
    from workloads.batch.weather.ghcn_line import Format
    from workloads.batch.weather.readings import Station, readings

    rows = total = 0
    for path in sorted((folder / "stations").iterdir()):
        with path.open("rb", buffering=0) as stream:
            columns = ghcn.parse(stream, Format(path.stem.encode(), CODES))
        series = [
            readings(path.stem, code.decode(), *columns.of(i)) for i, code in enumerate(CODES)
        ]
        checked = quality.check(Station(path.stem, "", "", tuple(series)))
        days, values = quality.daily(checked.series[0], "TMAX")
        split = skill.split_months(days, train=120, validation=12, test=12, end="")
        order, _ = skill.choose_order(days, values, split, harmonics=2, max_order=5)
        skill.forecast(days, values, split, harmonics=2, order=order, horizon=7, level=0.9)
        rows += len(columns.slots)
        total += int(columns.tenths.sum())
    return rows, total


def pandas_one_file(folder: Path) -> tuple[int, int]:
    """`pandas.read_csv` as it comes, one file."""
    import pandas as pd

    table = pd.read_csv(folder / "all.csv", header=None, names=NAMES)
    return len(table), int(table["value"].sum())


def pandas_dates(folder: Path) -> tuple[int, int]:
    """The same with ``parse_dates``."""
    import pandas as pd

    table = pd.read_csv(
        folder / "all.csv", header=None, names=NAMES, parse_dates=["date"], date_format="%Y%m%d"
    )
    return len(table), int(table["value"].sum())


def pandas_by_station(folder: Path) -> tuple[int, int]:
    """`pandas.read_csv` as it comes, station by station."""
    import pandas as pd

    rows = total = 0
    for path in sorted((folder / "stations").iterdir()):
        table = pd.read_csv(path, header=None, names=NAMES)
        rows += len(table)
        total += int(table["value"].sum())
    return rows, total


def pandas_typed(folder: Path) -> tuple[int, int]:
    """Station by station, only four columns, their types given."""
    import pandas as pd

    rows = total = 0
    kinds = {"date": "int32", "value": "int32", "time": "int16", "q": "str"}
    for path in sorted((folder / "stations").iterdir()):
        table = pd.read_csv(path, header=None, names=NAMES, usecols=list(kinds), dtype=kinds)
        rows += len(table)
        total += int(table["value"].sum())
    return rows, total


def polars_one_file(folder: Path) -> tuple[int, int]:
    """`polars.read_csv` as it comes, one file, all cores."""
    import polars as pl

    table = pl.read_csv(folder / "all.csv", has_header=False, new_columns=NAMES)
    return len(table), int(table["value"].sum())


def pyarrow_one_file(folder: Path) -> tuple[int, int]:
    """`pyarrow.csv.read_csv` as it comes, one file, all cores."""
    import pyarrow.compute as pc
    from pyarrow import csv

    options = csv.ReadOptions(column_names=NAMES)
    table = csv.read_csv(folder / "all.csv", read_options=options)
    return table.num_rows, pc.sum(table["value"]).as_py()


CONTESTANTS = {
    run.__name__: run
    for run in (
        ours,
        ours_and_model,
        pandas_one_file,
        pandas_dates,
        pandas_by_station,
        pandas_typed,
        polars_one_file,
        pyarrow_one_file,
    )
}


def child(name: str, folder: Path) -> None:
    """One contestant in this process: prints its answer and the seconds from import to answer."""
    if name != "pyarrow_one_file":
        sys.modules["pyarrow"] = None  # pandas would load it; the image has none
    start = time.perf_counter()
    rows, total = CONTESTANTS[name](folder)
    print(json.dumps([rows, total, time.perf_counter() - start]))


def measure(name: str, folder: Path) -> tuple[list[float], float, float] | None:
    """Answer and wall time, CPU seconds and peak MB of a process; None if not installed."""
    # This parent stays small: a child's peak RSS starts from that of the process that forked it.
    process = subprocess.Popen(
        [sys.executable, __file__, "--child", name, "--folder", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | ONE_THREAD,
    )
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if b"ModuleNotFoundError" in errors:
        return None
    if process.returncode:
        sys.exit(errors.decode())
    return json.loads(output), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compete(folder: Path, rounds: int) -> None:
    results: dict[str, list[tuple[list[float], float, float]]] = {}
    names = list(CONTESTANTS)
    for number in range(rounds):
        for name in list(names):
            result = measure(name, folder)
            if result is None:
                print(f"{name}: not installed", file=sys.stderr)
                names.remove(name)
                continue
            results.setdefault(name, []).append(result)
            print(f"round {number + 1}: {name} {result[1]:.2f} s CPU", file=sys.stderr)
    answers = {tuple(result[0][:2]) for each in results.values() for result in each}
    assert len(answers) == 1, f"the contestants disagree: {answers}"
    rows, _ = answers.pop()
    print(f"{rows:,} rows, medians of {rounds} interleaved rounds; every sum agrees\n")
    table = {
        name: [
            statistics.median(row)
            for row in zip(*((r[0][2], r[1], r[2]) for r in each), strict=True)
        ]
        for name, each in results.items()
    }
    own = table["ours"]
    print(f"{'':18} wall s  CPU s RSS MB   times ours: CPU, RSS")
    for name, (wall, cpu, rss) in table.items():
        ratios = f"{cpu / own[1]:10.1f} {rss / own[2]:8.1f}"
        print(f"{name:18} {wall:6.2f} {cpu:6.2f} {rss:6.0f}   {ratios}")
    print()
    for name in table:
        print(f"{name:18} {CONTESTANTS[name].__doc__}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stations", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child == "generate":
        generate(arguments.folder, arguments.stations)
    elif arguments.child:
        child(arguments.child, arguments.folder)
    else:
        with tempfile.TemporaryDirectory() as name:
            own = [sys.executable, __file__, "--stations", str(arguments.stations)]
            subprocess.run([*own, "--child", "generate", "--folder", name], check=True)
            compete(Path(name), arguments.rounds)


if __name__ == "__main__":
    main()
