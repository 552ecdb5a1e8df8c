"""What this process may use of the machine, and what it has used."""

import math
import os
import resource
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_STATUS = Path("/proc/self/status")


def cores(cgroup: Path = _CGROUP) -> int:
    """Cores that this process may use: its CPU affinity, cut to the container's quota; at least 1.

    Fargate limits the task outside the container and shows a task below 2 vCPU two cores, so a
    small task may get more processes than cores. That costs memory, not time; what the processes
    really get is measured (see ``Pace.cpu_share``).
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, math.ceil(min(affinity or 1, _quota(cgroup))))


def peak_memory() -> int:
    """The most memory that this process has held so far, in bytes."""
    try:
        status = _STATUS.read_text("ascii")
    except OSError:
        # Without /proc: kilobytes, and a spawned process inherits its parent's peak.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]
    return int(kilobytes) * 1024


def _quota(cgroup: Path) -> float:
    """Cores that the cgroup's CPU bandwidth amounts to (version 2, then 1); else infinity.

    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    """
    sources = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
    for names in sources:
        try:
            quota, period = " ".join((cgroup / name).read_text("ascii") for name in names).split()
        except OSError:
            continue
        if quota not in ("max", "-1"):
            return int(quota) / int(period)
    return math.inf
