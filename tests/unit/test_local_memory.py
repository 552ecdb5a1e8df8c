"""The memory of a family of processes, members of which come and go while it is read."""

import subprocess

from toolkit.local.agent.memory import victim

_FORKING = "while :; do /bin/true & /bin/true & wait; done"


def test_children_that_end_while_they_are_counted_disturb_nobody() -> None:
    family = subprocess.Popen(["sh", "-c", _FORKING])
    try:
        assert {victim(family.pid, 1 << 60) for _ in range(5000)} == {None}
    finally:
        family.kill()
        family.wait()


def test_a_process_that_has_ended_holds_nothing() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert victim(ended.pid, 0) is None
