"""Open an app: find the project, read its config, and connect to the AWS that was asked for."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from attrs import evolve, frozen

from toolkit.adapters.aws import account
from toolkit.adapters.aws.session import Aws, Endpoint, redirections
from toolkit.adapters.embedded import engine
from toolkit.adapters.project.project import Project
from toolkit.app.app import App, Console
from toolkit.core.calls import AwsCall
from toolkit.core.deploying.config import DEFAULT, LOCAL, Config
from toolkit.core.deploying.executor import Executor
from toolkit.core.errors import ConfigError

# What `toolkit.toml` writes for the address of the embedded AWS's market feed.
_FEED = "ws://market-feed"


@frozen
class Offline:
    """What needs nothing of AWS: the project, its config and the time."""

    project: Project
    config: Config
    now: datetime


def open_app(
    directory: Path,
    console: Console,
    *,
    environment: str | None,
    local: bool,
    kept_bucket: str = "",
    executor: Executor | None = None,
    observe: Callable[[AwsCall], None] | None = None,
) -> App:
    """Find the project, read its config, and connect to the AWS that was asked for.

    With ``local``, the embedded AWS is started on demand; ``executor`` goes before the config's.
    With ``kept_bucket`` the app is read from that bucket alone. ``observe`` is told of every call.
    """
    if executor is not None and not local:
        raise ConfigError("--executor is for the embedded AWS", hint="add --local")
    offline = open_offline(directory, environment=environment, local=local)
    project, config = offline.project, offline.config
    if executor is not None:
        config = evolve(config, executor=executor)
    if not local:
        aws = Aws(Endpoint(region=config.region, profile=config.profile), observe)
        for redirection in redirections(config.profile):
            console.say(f"calls do not go to AWS: {redirection}")
        _check_account(aws, config)
        clock = partial(datetime.now, UTC)
        return App(project, config, aws, console, clock, local=False, kept_bucket=kept_bucket)
    info = engine.ensure_running(project.root, console.say, region=config.region or engine.REGION)
    client = engine.EngineClient(info)
    if config.names(_FEED):
        config = config.replacing(_FEED, client.feed_url())
    region = config.region or info.region  # environments of two regions stand side by side
    endpoint = Endpoint(region, info.endpoint_url, info.access_key, info.secret_key)
    aws = Aws(endpoint, observe)
    return App(project, config, aws, console, client.now, local=True, kept_bucket=kept_bucket)


def _check_account(aws: Aws, config: Config) -> None:
    """Refuse credentials of another account than the one that the environment is for."""
    if config.account is None:
        return
    who = account.identity(aws)
    if who.account != config.account:
        raise ConfigError(
            f"environment {config.environment} is for account {config.account}; "
            f"{who.arn} is of account {who.account}",
            hint="choose other credentials: AWS_PROFILE, or profile in toolkit.toml",
        )


def open_project(directory: Path) -> Project:
    """The project alone, for what comes before its config."""
    return Project.find(directory)


def open_offline(directory: Path, *, environment: str | None, local: bool) -> Offline:
    """The project and its config alone, by the machine's clock."""
    project = open_project(directory)
    config = project.config(environment or (LOCAL if local else DEFAULT))
    if local:
        config = evolve(config, audit=config.local_audit, embedded=True)
    if config.audit:
        project.add_audit()
    return Offline(project, config, datetime.now(UTC))
