"""By what the embedded AWS runs tasks: as processes here, or as containers of the real image."""

from enum import StrEnum

from attrs import frozen

from toolkit.core.errors import ConfigError


class Executor(StrEnum):
    """What a task is on this machine; which image is deployed decides it."""

    PROCESS = "process"
    DOCKER = "docker"


@frozen
class Choice:
    """An executor, and why it was taken."""

    executor: Executor
    reason: str

    def __str__(self) -> str:
        return f"executor {self.executor}: {self.reason}"


def read_executor(where: str, text: str) -> Executor:
    """The executor of that name; raises ConfigError with those there are.

    >>> read_executor("--executor", "docker")
    <Executor.DOCKER: 'docker'>
    """
    try:
        return Executor(text)
    except ValueError:
        raise ConfigError(
            f"{where}: {text!r} is not an executor", hint=" or ".join(Executor)
        ) from None


def choose(wanted: Executor | None, *, tag: str, held: bool) -> Choice:
    """Take what was chosen; else containers where nothing must be built for them.

    Args:
        wanted: the choice of `--executor` or toolkit.toml, if there is one.
        tag: stands for the content of the project's image.
        held: whether an image of this content is at hand for this machine.
    """
    if wanted is not None:
        return Choice(wanted, "as chosen")
    if held:
        return Choice(Executor.DOCKER, f"Docker holds the image of this content ({tag})")
    return Choice(Executor.PROCESS, "Docker holds no such image (--executor docker builds it)")
