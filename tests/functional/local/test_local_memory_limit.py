"""The memory limit of a task: whom it ends, and what counts."""

from .rehearsal import Platform


def test_too_much_memory_is_the_end(platform: Platform) -> None:
    script = "keep = [bytearray(b'x' * 1_000_000) for _ in range(700)]\nimport time; time.sleep(30)"
    task, _ = platform.finished(script)
    container = task["containers"][0]
    assert container["exitCode"] == 137
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert task["stopCode"] == "EssentialContainerExited"


CHILD = """
import subprocess, sys
code = "keep = [bytearray(b'x' * 1_000_000) for _ in range(700)]; import time; time.sleep(60)"
subprocess.run([sys.executable, "-c", code])
print("the parent goes on")
"""


def test_a_child_that_takes_too_much_memory_leaves_the_exit_code_to_its_parent(
    platform: Platform,
) -> None:
    task, lines = platform.finished(CHILD)
    container = task["containers"][0]
    assert (container["exitCode"], lines) == (0, ["the parent goes on"])
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


FORKS = """
import os, time
keep = [bytearray(b"x" * 1_000_000) for _ in range(300)]
children = []
for _ in range(3):
    if (pid := os.fork()) == 0:
        time.sleep(0.5)
        os._exit(0)
    children.append(pid)
print([os.waitpid(pid, 0)[1] for pid in children])
"""


def test_memory_that_forks_share_counts_once(platform: Platform) -> None:
    task, lines = platform.finished(FORKS)
    assert lines == ["[0, 0, 0]"], task["containers"]
    assert "reason" not in task["containers"][0]
