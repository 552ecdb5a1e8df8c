"""Every workload, in the real image, as Fargate would run it."""

import re
from collections.abc import Iterator

import pytest

from tests.container.fargate import Fargate
from toolkit.local.feed import Feed, Market, serving
from toolkit.runtime import catalog
from toolkit.runtime.contract import Outcome

# Settings with which a workload takes seconds and needs no network but the feed on this machine.
SMALL = {
    "weather": {"SOURCE": "vega-seattle", "TRAIN_MONTHS": "24"},
    "science": {"SCIENCE_SCALE": "0.01", "SCIENCE_PROCESSES": "2"},
    "ecommerce": {"ORDERS": "200000"},
    "stream": {"FEED": "synthetic", "RUN_SECONDS": "4"},
}
WORKLOADS = sorted(catalog.load().workloads)


@pytest.fixture
def feed() -> Iterator[str]:
    with serving(Feed(Market(rate=50.0))) as url:
        yield url


def start(fargate: Fargate, workload: str, url: str, *options: str, **more: str) -> None:
    settings = {**SMALL[workload], **more}
    if workload == "stream":
        settings["BASE_URL"] = url
    network = "host" if workload == "stream" else "none"
    fargate.start(workload, settings, network=network, options=options)


def test_every_workload_of_the_catalog_is_run_here() -> None:
    assert sorted(SMALL) == WORKLOADS


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_runs_whole(workload: str, fargate: Fargate, feed: str) -> None:
    start(fargate, workload, feed)
    ended = fargate.end()
    assert ended.exit_code == 0, ended.lines[-2:]
    assert ended.stderr == ""
    assert ended.manifest.outcome is Outcome.SUCCEEDED
    ended.assert_whole()
    declared = catalog.load().workload(workload)
    assert set(declared.events) <= set(ended.events)
    saved = {artifact.name: artifact for artifact in ended.manifest.artifacts}
    for expected in declared.artifacts:
        artifact = saved[expected.name]
        assert artifact.media_type == expected.media_type
        assert artifact.bytes >= expected.min_bytes
        assert expected.min_rows is None or (artifact.rows or 0) >= expected.min_rows


@pytest.mark.parametrize("workload", WORKLOADS)
def test_no_run_compiles_a_module(workload: str, fargate: Fargate, feed: str) -> None:
    start(fargate, workload, feed, "--env=PYTHONVERBOSE=1")
    ended = fargate.end()
    assert ended.exit_code == 0
    # Python quotes the path of kept bytecode only. A line may hold the messages of two processes.
    assert "code object from '" in ended.stderr
    assert re.findall(r"code object from ([^'].*)", ended.stderr) == []


@pytest.mark.parametrize(
    ("workload", "settings"),
    [("stream", {"RUN_SECONDS": "600"}), ("science", {"SCIENCE_SCALE": "50"})],
)
@pytest.mark.parametrize("init", [True, False])
def test_a_stopped_task_keeps_its_partial_work(
    workload: str, settings: dict[str, str], init: bool, fargate: Fargate, feed: str
) -> None:
    started = {"stream": "connection.opened", "science": "heat.converged"}[workload]
    start(fargate, workload, feed, f"--init={str(init).lower()}", **settings)
    fargate.wait_for(started)
    fargate.stop()
    ended = fargate.end()
    assert ended.exit_code == 143
    assert ended.manifest.outcome is Outcome.INTERRUPTED
    ended.assert_whole()
    assert ended.events[-2:] == ["run.stopped", "run.finished"]


def test_the_maximum_runtime_ends_a_run(fargate: Fargate, feed: str) -> None:
    start(fargate, "stream", feed, RUN_SECONDS="600", MAX_RUNTIME_SECONDS="3")
    ended = fargate.end()
    assert ended.exit_code == 124
    assert ended.manifest.outcome is Outcome.TIMED_OUT
    ended.assert_whole()


def test_bad_settings_are_refused_before_anything_is_written(fargate: Fargate) -> None:
    fargate.start("weather", {"SOURCE": "guess", "HORIZON": "0", "SCHEDULED_TIME": "now"})
    ended = fargate.end()
    assert (ended.exit_code, ended.events) == (64, ["run.refused"])
    assert len(ended.lines[0]["problems"]) == 3
    assert not ended.store.exists()


def test_a_scratch_that_belongs_to_root_is_refused(fargate: Fargate) -> None:
    fargate.start("weather", SMALL["weather"], scratch="tmpfs")
    ended = fargate.end()
    assert (ended.exit_code, ended.events) == (64, ["run.refused"])
    assert "No usable temporary directory" in ended.lines[0]["problems"][0]


def test_a_duplicate_delivery_is_suppressed(fargate: Fargate) -> None:
    twice = (
        "import subprocess, sys;"
        "run = [sys.executable, '-m', 'toolkit.runtime'];"
        "codes = [subprocess.run(run).returncode for _ in 'ab'];"
        "sys.exit(codes != [0, 0])"
    )
    fargate.start(
        "weather", SMALL["weather"], options=("--entrypoint=python",), command=("-c", twice)
    )
    ended = fargate.end()
    assert ended.exit_code == 0
    assert ended.events.count("run.started") == ended.events.count("run.duplicate") == 1
    assert ended.events[-1] == "run.duplicate"


def test_a_workload_that_needs_too_much_memory_is_killed(fargate: Fargate) -> None:
    greedy = "x = []\nwhile True: x.append(b'x' * (1 << 24))"
    fargate.start("weather", {}, options=("--entrypoint=python",), command=("-c", greedy))
    ended = fargate.end()
    assert ended.exit_code == 137
