"""The memory of a family of processes, members of which come and go while it is read."""

import inspect
import os
import signal
import subprocess
import sys

import pytest

from toolkit.local.agent.launcher import end_families
from toolkit.local.agent.memory import victims

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
_FORKING = "while :; do /bin/true & /bin/true & wait; done"


def test_children_that_end_while_they_are_counted_disturb_nobody() -> None:
    family = subprocess.Popen(["sh", "-c", _FORKING])
    try:
        assert [row for _ in range(5000) if (row := victims(family.pid, 1 << 60))] == []
    finally:
        family.kill()
        family.wait()


def test_a_process_that_has_ended_holds_nothing() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert victims(ended.pid, 0) == []


# A chain of processes, each the child of the one before; the last one says that it is there.
_CHAIN = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    if os.fork():
        time.sleep(600)
print("there", flush=True)
time.sleep(600)
"""


def start_chain(length: int) -> subprocess.Popen[bytes]:
    chain = subprocess.Popen(
        [sys.executable, "-c", _CHAIN, str(length)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert chain.stdout is not None
    assert chain.stdout.readline() == b"there\n"
    return chain


def end(chain: subprocess.Popen[bytes]) -> None:
    os.killpg(chain.pid, signal.SIGKILL)
    chain.communicate()


@LINUX
def test_the_largest_are_named_until_the_rest_fits() -> None:
    chain = start_chain(9)
    try:
        assert len(victims(chain.pid, 0)) == 10
        enough = next(1 << bits for bits in range(20, 60) if not victims(chain.pid, 1 << bits))
        # They hold more than half of that, and are about as large as one another.
        assert 1 < len(victims(chain.pid, enough // 4)) < 10
    finally:
        end(chain)


@LINUX
def test_a_chain_of_forks_longer_than_the_stack_ends() -> None:
    chain = start_chain(80)
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(len(inspect.stack()) + 60)
        found = len(victims(chain.pid, 0)), len(end_families(chain.pid))
    finally:
        sys.setrecursionlimit(limit)
        end(chain)
    assert found == (81, 1)
