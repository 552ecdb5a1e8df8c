"""The container engine, by its command line: build, log in, push, resolve."""

import json
import os
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from toolkit.core.deploying.image import (
    ImageName,
    PushLog,
    PushProgress,
    explain,
)
from toolkit.core.errors import ImageError

Lines = Callable[[str], None]
_DOCKERFILE = "image/Dockerfile"
_REMEMBERED_LINES = 60  # of a command that fails, to find the cause in
# What a temporary configuration keeps of the user's own: which engine to talk to, and how.
_KEPT_SETTINGS = ("currentContext", "proxies", "cliPluginsExtraDirs")
_KEPT_FOLDERS = ("contexts", "cli-plugins", "buildx")


@frozen
class ContainerEngine:
    """A container engine that answers: its version, its platform, and whether buildx is there."""

    version: str
    platform: str
    buildx: bool


@frozen
class Docker:
    """The docker command; ``environment`` is added to this process's own."""

    program: str = "docker"
    environment: Mapping[str, str] = field(factory=dict)

    def engine(self) -> ContainerEngine:
        """The engine that this command talks to; raises ImageError when none answers."""
        output = _run(self, "find a container engine", "version", "--format", "{{json .Server}}")
        server = json.loads(output.splitlines()[-1]) or {}
        buildx = _try(self, "buildx", "version").returncode == 0
        return ContainerEngine(server["Version"], f"{server['Os']}/{server['Arch']}", buildx)

    def build(
        self,
        context: Path,
        name: ImageName,
        *,
        arguments: Mapping[str, str] | None = None,
        platform: str | None = None,
        network: str | None = None,
        progress: Lines | None = None,
    ) -> None:
        """Build `image/Dockerfile` of the project in ``context`` under ``name``.

        Args:
            context: the project's root.
            name: what the engine is to call the image.
            arguments: build arguments, such as BASE.
            platform: such as linux/arm64; the engine's own when None.
            network: the network of the build's steps ("host"); the engine's default when None.
            progress: gets each line of the build.

        Raises:
            ImageError: the build failed, with the cause if it is a known one.
        """
        given = arguments or {}
        options = _options(given, platform, network)
        tagged = ("--tag", str(name), "--file", str(context / _DOCKERFILE), str(context))
        _follow(self._with(given), f"build {name}", ("build", *options, *tagged), progress)

    def tag(self, source: ImageName, target: ImageName) -> None:
        """Give an image of the engine one more name."""
        _run(self, f"tag {source}", "tag", str(source), str(target))

    def untag(self, name: ImageName) -> None:
        """Take a name from an image of the engine that has another."""
        _run(self, f"untag {name}", "image", "rm", "--no-prune", str(name))

    def push(
        self, name: ImageName, *, progress: Callable[[PushProgress], None] | None = None
    ) -> str:
        """Push an image by its tag; returns the digest under which the registry keeps it.

        Raises ImageError when the registry refuses, or names another digest than the engine.
        """
        log = PushLog()

        def read(line: str) -> None:
            done = log.read(line)
            if done is not None and progress is not None:
                progress(done)

        _follow(self, f"push {name}", ("push", str(name)), read)
        known = self.digests(name)
        if log.digest is None or log.digest not in known:
            raise ImageError(
                f"{name} was pushed as {log.digest}, but the engine knows it as {known}",
                hint="push again; if it stays, pull the image by its digest to see which is right",
            )
        return log.digest

    def pull(self, name: ImageName, *, platform: str | None = None) -> None:
        """Fetch an image; raises ImageError when it is none for ``platform``."""
        options = ("--platform", platform) if platform else ()
        _run(self, f"pull {name}", "pull", "--quiet", *options, str(name))
        # An image that is no index is given to whoever asks, whatever its platform.
        found = self.platform(name)
        if platform is not None and found != platform:
            raise explain(f"use {name}", f"no match for platform {platform}: it is for {found}")

    def digests(self, name: ImageName) -> list[str]:
        """The digests that an image of the engine has in the repository of ``name``."""
        found = self._inspect(name, "{{json .RepoDigests}}")
        named = (ImageName.parse(text) for text in json.loads(found) or ())
        return [n.digest for n in named if n.digest and n.repository == name.repository]

    def platform(self, name: ImageName) -> str:
        """The platform of an image of the engine, such as linux/amd64."""
        return self._inspect(name, "{{.Os}}/{{.Architecture}}").strip()

    def has(self, name: ImageName) -> bool:
        """Whether the engine holds the image."""
        return _try(self, "image", "inspect", "--format", "{{.Id}}", str(name)).returncode == 0

    @contextmanager
    def logged_in(self, host: str, username: str, password: str) -> Iterator["Docker"]:
        """A docker command that is logged in to a registry, for as long as the block lasts.

        The password goes by stdin into a configuration of its own, which is deleted: it stands
        neither on a command line nor in ~/.docker/config.json nor in a keychain.
        """
        with tempfile.TemporaryDirectory(prefix="toolkit-docker-") as folder:
            self._write_configuration(Path(folder), host)
            inside = self._with({"DOCKER_CONFIG": folder})
            login = ("login", "--username", username, "--password-stdin", host)
            _run(inside, f"log in to {host}", *login, given=password)
            yield inside

    def _write_configuration(self, folder: Path, host: str) -> None:
        own = Path(_environment(self).get("DOCKER_CONFIG") or Path.home() / ".docker")
        settings = {}
        if (own / "config.json").is_file():
            settings = json.loads((own / "config.json").read_text("utf-8"))
        kept = {key: settings[key] for key in _KEPT_SETTINGS if key in settings}
        # The empty entry keeps docker from choosing the machine's keychain for the password.
        content = json.dumps({**kept, "auths": {host: {}}})
        (folder / "config.json").write_text(content, "utf-8")
        for name in _KEPT_FOLDERS:
            if (own / name).is_dir():
                (folder / name).symlink_to(own / name)

    def _inspect(self, name: ImageName, form: str) -> str:
        return _run(self, f"look at {name}", "image", "inspect", "--format", form, str(name))

    def _with(self, more: Mapping[str, str]) -> "Docker":
        return Docker(self.program, {**self.environment, **more})


def _options(
    arguments: Mapping[str, str], platform: str | None, network: str | None
) -> tuple[str, ...]:
    # By name only: docker takes the value from the environment. An index may have a password.
    given = [f"--build-arg={name}" for name in sorted(arguments)]
    if platform is not None:
        given.append(f"--platform={platform}")
    if network is not None:
        given.append(f"--network={network}")
    return tuple(given)


def _not_installed(program: str) -> ImageError:
    return ImageError(
        f"{program} is not installed",
        hint="install Docker: https://docs.docker.com/engine/install/",
    )


def _environment(docker: Docker) -> dict[str, str]:
    return {**os.environ, **docker.environment}


def _run(docker: Docker, action: str, *arguments: str, given: str | None = None) -> str:
    done = _try(docker, *arguments, given=given)
    if done.returncode != 0:
        raise explain(action, done.stderr or done.stdout)
    return done.stdout


def _try(
    docker: Docker, *arguments: str, given: str | None = None
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            [docker.program, *arguments],
            env=_environment(docker),
            input=given or "",
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise _not_installed(docker.program) from error


def _follow(docker: Docker, action: str, arguments: Sequence[str], progress: Lines | None) -> None:
    """Run a long command and hand on its lines as they come; its stderr is among them."""
    last: deque[str] = deque(maxlen=_REMEMBERED_LINES)
    try:
        process = subprocess.Popen(
            [docker.program, *arguments],
            env=_environment(docker),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise _not_installed(docker.program) from error
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line)
            if progress is not None:
                progress(line.rstrip("\n"))
    if process.returncode != 0:
        raise explain(action, "".join(last))
