"""Holds on to one container: ``python container_guard.py FD NAME``.

It starts the container and passes its output on. When the engine's end of the pipe closes before
that, the engine is gone, and so must the container be. Run by path, it imports nothing of ours.
"""

import os
import subprocess
import sys
import threading


def _remove_with_the_engine(descriptor: int, name: str) -> None:
    os.read(descriptor, 1)
    subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=False)
    os._exit(1)


def main() -> None:
    """Start, pass on, wait."""
    descriptor, name = int(sys.argv[1]), sys.argv[2]
    watch = threading.Thread(target=_remove_with_the_engine, args=(descriptor, name), daemon=True)
    watch.start()
    command = ["docker", "start", "--attach", name]
    code = subprocess.call(command)
    os._exit(code)  # the watching thread waits for a pipe that stays open


if __name__ == "__main__":
    main()
