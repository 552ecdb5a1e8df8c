"""The size of a workload's tasks in an environment, and what Fargate takes.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from toolkit.core.errors import ConfigError
from toolkit.core.fargate import SIZES
from toolkit.runtime.catalog import Workload

# What a workload's table in the catalog and in an environment says, and the template's parameter.
PARAMETERS = {
    "cpu": "Cpu",
    "memory": "Memory",
    "ephemeral_storage_gib": "EphemeralStorageGiB",
    "max_runtime_seconds": "MaxRuntimeSeconds",
}
# An environment's table may say this too.
ENVIRONMENT_PARAMETERS = {**PARAMETERS, "log_retention_days": "LogRetentionDays"}
SHAPE = dict.fromkeys(ENVIRONMENT_PARAMETERS, "a whole number")
_RANGES = {"ephemeral_storage_gib": (20, 200), "max_runtime_seconds": (1, 14 * 86_400)}
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)


def sized(
    workload: Workload, everywhere: Mapping[str, str], own: Mapping[str, Any], where: str
) -> Workload:
    """The workload with its size in an environment; raises ConfigError for what Fargate refuses.

    Args:
        workload: as its catalog has it.
        everywhere: the environment's template parameters for all workloads.
        own: the environment's table for this workload, which goes before them.
        where: what messages call the place that decides.
    """
    given = {key: everywhere[name] for key, name in PARAMETERS.items() if name in everywhere}
    given |= {key: value for key, value in own.items() if key in PARAMETERS}
    sizes: dict[str, Any] = {key: _whole(where, key, value) for key, value in given.items()}
    result = evolve(workload, **sizes)
    _check_ranges(where, result, own)
    _check_pair(where, result)
    return result


def _whole(where: str, key: str, value: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()):
        raise ConfigError(f"{where}: {key} = {value!r} is not a whole number")
    return int(text)


def _check_ranges(where: str, workload: Workload, own: Mapping[str, Any]) -> None:
    for key, (least, most) in _RANGES.items():
        value = getattr(workload, key)
        if type(value) is not int or not least <= value <= most:
            raise ConfigError(f"{where}: {key} = {value!r} is not from {least} to {most:,}")
    days = own.get("log_retention_days", _RETENTION[0])
    if days not in _RETENTION:
        raise ConfigError(
            f"{where}: log_retention_days = {days!r}: CloudWatch Logs keeps no log that long",
            hint=f"it takes {', '.join(map(str, _RETENTION))}",
        )


def _check_pair(where: str, workload: Workload) -> None:
    cpu, memory = workload.cpu, workload.memory
    fitting = SIZES.get(cpu)
    if fitting is None:
        raise ConfigError(
            f"{where}: Fargate has no size with cpu = {cpu!r}",
            hint=f"cpu is one of {', '.join(map(str, SIZES))}: 1024 units are a vCPU",
        )
    if memory not in fitting:
        raise ConfigError(
            f"{where}: Fargate has no size with cpu = {cpu} and memory = {memory!r}",
            hint=f"with cpu = {cpu}, memory is {_told(fitting)} (MiB)",
        )


def _told(fitting: range | tuple[int, ...]) -> str:
    if isinstance(fitting, range):
        return f"{fitting[0]} to {fitting[-1]} in steps of {fitting.step}"
    return ", ".join(map(str, fitting[:-1])) + f" or {fitting[-1]}"
