"""The processes that take the turns of the science workload, and the machine they run on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from workloads.batch.science import machine
from workloads.batch.science.chain import Turn
from workloads.batch.science.plan import Plan
from workloads.batch.science.workers import WorkerError, Workers

ROOT = Path(__file__).parents[2]
SMALL = Plan(size=48, samples=300, seed=3, temperatures=(1.8, 2.27, 3.0))


@pytest.fixture(scope="module")
def pair() -> Iterator[Workers]:
    with Workers(2) as workers:
        yield workers


def call(function, *arguments):
    """A turn of standard parts: a spawned process cannot import this module."""
    return SimpleNamespace(take=partial(function, *arguments))


class TestWorkers:
    def test_every_turn_and_what_follows_from_it_is_taken(self, pair):
        turns = [call(divmod, number, 3) for number in range(7)]
        outcomes = list(pair.each(turns, then=lambda o: call(divmod, -1, 5) if o[0] == 2 else None))
        expected = [divmod(number, 3) for number in range(7)] + [(-1, 4)]
        assert sorted(outcomes) == sorted(expected)

    def test_turns_run_in_as_many_processes(self, pair):
        pids = set(pair.each([call(os.getpid), call(os.getpid)]))
        assert len(pids) == 2
        assert os.getpid() not in pids

    def test_a_single_one_is_the_process_itself(self):
        with Workers(1) as workers:
            assert list(workers.each([call(os.getpid)])) == [os.getpid()]

    def test_processes_ignore_the_signals_that_their_parent_answers(self, pair):
        turns = [call(signal.getsignal, signal.SIGTERM), call(signal.getsignal, signal.SIGINT)]
        assert list(pair.each(turns)) == [signal.SIG_IGN, signal.SIG_IGN]

    def test_a_stop_request_does_not_wait_for_turns_that_are_being_taken(self):
        asked = count()
        with Workers(2) as workers:
            turns = [call(time.sleep, 600), call(time.sleep, 600)]
            stopped = list(workers.each(turns, stopping=lambda: next(asked) > 1))
        assert stopped == []
        assert not [worker for worker in workers._workers if worker.process.is_alive()]

    def test_a_process_that_ends_on_its_own_is_an_error(self):
        with Workers(2) as workers, pytest.raises(WorkerError, match="exit code 3"):
            list(workers.each([call(os._exit, 3)]))

    def test_a_killed_process_is_an_error_that_suspects_memory(self):
        with Workers(2) as workers, pytest.raises(WorkerError, match="out of memory"):
            list(workers.each([call(signal.raise_signal, signal.SIGKILL)]))

    def test_processes_end_with_a_parent_that_is_killed(self):
        script = (
            "import os, signal, workloads.batch.science.workers as w\n"
            "if __name__ == '__main__':\n"
            "    workers = w.Workers(2)\n"
            "    print(*(worker.process.pid for worker in workers._workers), flush=True)\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        ended = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False
        )
        assert ended.returncode == -signal.SIGKILL
        # capture_output waits until the last process that holds the pipe's other end is gone.
        for pid in map(int, ended.stdout.split()):
            assert not Path(f"/proc/{pid}").exists() or is_dead(pid)


def is_dead(pid: int) -> bool:
    """Whether only its entry in the process table is left, for its parent to collect."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


class TestMachine:
    @pytest.mark.parametrize(
        ("files", "expected"),
        [
            ({}, 2),
            ({"cpu.max": "max 100000"}, 2),
            ({"cpu.max": "25000 100000"}, 1),
            ({"cpu.max": "150000 100000"}, 2),
            ({"cpu.max": "800000 100000"}, 2),
            ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
            ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ],
    )
    def test_cores_are_the_affinity_within_the_quota(self, monkeypatch, tmp_path, files, expected):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 7})
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content + "\n")
        assert machine.cores(tmp_path) == expected

    def test_peak_memory_grows_with_what_is_held(self):
        before = machine.peak_memory()
        held = np.ones(before // 8 + 4_000_000)
        assert machine.peak_memory() > max(before, held.nbytes)


def test_turns_survive_the_way_to_a_process_and_back(pair):
    chains = [*SMALL.chains()]
    here = [chain.advance(5) for chain in SMALL.chains()]
    there = {p.chain.temperature: p for p in pair.each([Turn(chain, 5) for chain in chains])}
    for chain, expected in zip(chains, here, strict=True):
        assert (there[chain.temperature].samples == expected).all()
        assert chain.done == 0  # the process had a copy
        assert there[chain.temperature].chain.done == 5
