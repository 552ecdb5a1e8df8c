"""What every action works with: the project, its config, AWS and the clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from attrs import evolve

from toolkit.adapters import engine
from toolkit.adapters.cloudformation import CloudFormation
from toolkit.adapters.project import Project
from toolkit.adapters.session import Aws, Endpoint
from toolkit.core.deploying.config import DEFAULT, LOCAL, Config
from toolkit.core.deploying.executor import Executor
from toolkit.core.errors import ConfigError
from toolkit.core.stack import ChangeSet, StackEvent
from toolkit.runtime.catalog import load

# What `toolkit.toml` writes for the address of the embedded AWS's market feed.
_FEED = "ws://market-feed"


class Console(Protocol):
    """What an action may show while it works; results are returned, not shown."""

    def say(self, text: str) -> None:
        """A line of progress."""

    def changes(self, change_sets: list[ChangeSet]) -> None:
        """What is about to change."""

    def event(self, stack: str, event: StackEvent) -> None:
        """One event of a stack, live."""

    def confirm(self, question: str) -> bool:
        """Ask; a console without a person says no."""


class Context:
    """One call of the command line: where, as whom, when."""

    def __init__(
        self,
        project: Project,
        config: Config,
        aws: Aws,
        console: Console,
        clock: Callable[[], datetime],
        *,
        local: bool,
    ) -> None:
        self.project = project
        self.config = config
        self.aws = aws
        self.console = console
        self.local = local
        self._clock = clock

    def now(self) -> datetime:
        """The time by which schedules fire: on the embedded AWS, its virtual clock's."""
        return self._clock()

    @property
    def app(self) -> str:
        """The app's name."""
        return self.config.app.name

    def platform(self) -> dict[str, str]:
        """The outputs of the platform stack; ConfigError when it is not deployed."""
        return self.outputs(self.config.app.platform_stack)

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a deployed stack."""
        found = CloudFormation(self.aws).find(stack)
        if found is None:
            flag = " --local" if self.local else ""
            raise ConfigError(
                f"stack {stack} is not deployed", hint=f"deploy it first: toolkit deploy{flag}"
            )
        return dict(found.outputs)


def open_context(
    directory: Path,
    console: Console,
    *,
    environment: str | None,
    local: bool,
    executor: Executor | None = None,
) -> Context:
    """Find the project, read its config, and connect to the AWS that was asked for.

    With ``local``, the embedded AWS is started on demand; ``executor`` goes before the config's.
    """
    project, config = open_offline(directory, environment=environment, local=local)
    if executor is not None:
        if not local:
            raise ConfigError("--executor is for the embedded AWS", hint="add --local")
        config = evolve(config, executor=executor)
    if not local:
        aws = Aws(Endpoint(region=config.region, profile=config.profile))
        return Context(project, config, aws, console, lambda: datetime.now(UTC), local=False)
    info = engine.ensure_running(project.root, console.say, region=config.region or engine.REGION)
    client = engine.EngineClient(info)
    if config.names(_FEED):
        config = config.replacing(_FEED, client.feed_url())
    # Any well-formed key opens the emulator; its user is the root of its one account.
    endpoint = Endpoint(info.region, info.endpoint_url, access_key="test", secret_key="test")  # noqa: S106
    return Context(project, config, Aws(endpoint), console, client.now, local=True)


def open_project(directory: Path) -> Project:
    """The project alone, for what comes before its config."""
    return Project.find(directory, load())


def open_offline(
    directory: Path, *, environment: str | None, local: bool
) -> tuple[Project, Config]:
    """The project and its config alone, for what needs no AWS."""
    project = open_project(directory)
    return project, project.config(environment or (LOCAL if local else DEFAULT))
