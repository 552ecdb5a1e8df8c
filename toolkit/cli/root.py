"""What every command shares: where the project is, which environment, and the App that these name.

The shared options may stand before the command or behind it: `toolkit --local status` and
`toolkit status --local` are the same.
"""

import shlex
import threading
from collections.abc import Callable
from functools import partial, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from toolkit.cli.completing import environments

# Nothing of the toolkit is imported here before a command needs it: this module is part of every
# start, that of `toolkit --help` too.
if TYPE_CHECKING:
    from toolkit.app.app import App
    from toolkit.app.opening import Offline
    from toolkit.core.calls import AwsCall
    from toolkit.core.deploying.config import Config
    from toolkit.core.deploying.executor import Executor

_P = ParamSpec("_P")
_R = TypeVar("_R")
_C = TypeVar("_C", bound=Callable[..., Any])


# These deploy what the project says, all of it or nothing.
_REFUSING = frozenset({"deploy", "package"})


class Root:
    """The shared options of one call of the command line, and the App that they lead to."""

    def __init__(self) -> None:
        self.project = Path()
        self.config_env: str | None = None
        self.local = False
        self.kept_bucket = ""
        self.debug = False
        self.as_json = False  # where a group and its subcommands share --json
        self.executor: Executor | None = None
        self._app: App | None = None
        self._typed: set[str] = set()
        self._lock = threading.Lock()

    @property
    def app(self) -> "App":
        """The deployed app; opened when it is first asked for."""
        if self._app is None:
            from toolkit.app.opening import open_app
            from toolkit.cli.hints import with_flags
            from toolkit.cli.render import Terminal

            self._app = open_app(
                self.project,
                Terminal(),
                environment=self.config_env,
                local=self.local,
                kept_bucket=self.kept_bucket,
                executor=self.executor,
                observe=self.show_call if self.debug else None,
            )
            self._app.place_hint = partial(with_flags, flags=self.flags())
            self._warn(self._app.config)
        return self._app

    def offline(self) -> "Offline":
        """The project, its config and the time, for what asks nothing of AWS.

        With --local the time is the embedded AWS's, so that it is started on demand.
        """
        from toolkit.app.opening import Offline, open_offline

        if self.local:
            return Offline(self.app.project, self.app.config, self.app.now())
        offline = open_offline(self.project, environment=self.config_env, local=False)
        self._warn(offline.config)
        return offline

    def _warn(self, config: "Config") -> None:
        """Say once which tables of toolkit.toml have no effect; a deployment refuses them."""
        context = click.get_current_context(silent=True)
        command = context.find_root().invoked_subcommand if context else None
        from toolkit.cli.text import wrapped

        for stray in config.strays if command not in _REFUSING else ():
            for word, text in (("warning", stray.message), ("hint", stray.hint)):
                click.secho(f"{word}: ", fg="yellow", nl=False, err=True)
                click.echo(wrapped(text, indent=len(word) + 2, hang="", err=True), err=True)

    def keep(self, name: str, value: Any, source: click.core.ParameterSource | None) -> None:
        """Take in an option that was given; what was typed goes before the environment."""
        if source is click.core.ParameterSource.COMMANDLINE:
            self._typed.add(name)
        elif source is not click.core.ParameterSource.ENVIRONMENT or name in self._typed:
            return
        setattr(self, name, value)

    def flags(self) -> dict[str, str]:
        """The options that lead to where this command went, by name, as they are typed."""
        flags = {}
        if self.local:
            flags["--local"] = "--local"
        if self.config_env:
            flags["--config-env"] = f"--config-env {shlex.quote(self.config_env)}"
        if self.kept_bucket:
            flags["--bucket"] = f"--bucket {shlex.quote(self.kept_bucket)}"
        if self.project != Path():
            flags["--project"] = f"--project {shlex.quote(str(self.project))}"
        return flags

    def show_call(self, call: "AwsCall") -> None:
        """Print one call of AWS on stderr."""
        retries = "1 retry" if call.retries == 1 else f"{call.retries} retries"
        error = f", {call.error}" if call.error else ""
        line = f"{call.service}.{call.operation} {call.seconds * 1000:.0f} ms, {retries}{error}\n"
        with self._lock:  # several threads call AWS
            click.echo(line, nl=False, err=True)


pass_root = click.make_pass_decorator(Root, ensure=True)


def pass_app(
    command: "Callable[Concatenate[App, _P], _R]",
) -> Callable[_P, _R]:
    """Give the command the App that the shared options lead to."""

    @pass_root
    def call(root: Root, *args: Any, **kwargs: Any) -> Any:
        return command(root.app, *args, **kwargs)

    return update_wrapper(call, command)


def _kept(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Put an option that was given where the command finds it, whichever place it was given at."""
    name = param.name or ""
    ctx.ensure_object(Root).keep(name, value, ctx.get_parameter_source(name))


def kept_option(*names: str, **settings: Any) -> Callable[[_C], _C]:
    """An option that the root keeps, wherever on the command line it stands."""
    return click.option(*names, expose_value=False, callback=_kept, **settings)


project_option = kept_option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="TOOLKIT_PROJECT",
    help="The project's directory (the nearest one with a toolkit.toml).",
)
_SHARED = (
    project_option,
    kept_option(
        "--config-env",
        metavar="NAME",
        envvar="TOOLKIT_CONFIG_ENV",
        shell_complete=environments,
        help="The environment of toolkit.toml to use.",
    ),
    kept_option(
        "--local",
        is_flag=True,
        envvar="TOOLKIT_LOCAL",
        help="Use the embedded AWS; it is started on demand.",
    ),
    kept_option(
        "--debug",
        is_flag=True,
        envvar="TOOLKIT_DEBUG",
        help="Print every AWS call, and where an unexpected error comes from.",
    ),
)


def aws_options(command: _C) -> _C:
    """--local, --config-env, --project and --debug."""
    for option in reversed(_SHARED):
        command = option(command)
    return command
