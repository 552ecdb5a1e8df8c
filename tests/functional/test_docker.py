"""The docker adapter against a docker of our own: a script that notes how it was called."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from toolkit.adapters.images import tags
from toolkit.adapters.images.docker import Docker
from toolkit.adapters.images.image_tree import image_tag, image_tree, staged
from toolkit.core.deploying.image import ImageName, PushProgress
from toolkit.core.errors import ImageError

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "0123456789abcdef" * 4
NAME = ImageName.parse("localhost:5000/app/runs:1f2e")

# Answers by the first words of the command; each is [exit code, stdout, stderr].
SCRIPT = """#!{python}
import json, os, sys
given = sys.argv[1:]
config = os.environ.get("DOCKER_CONFIG", "")
note = {{"arguments": given, "stdin": sys.stdin.read(), "config": config}}
note["settings"] = json.load(open(config + "/config.json")) if config else None
note["folders"] = sorted(os.listdir(config)) if config else None
note["environment"] = {{k: v for k, v in os.environ.items() if k in ("BASE", "PIP_INDEX_URL")}}
with open({notes!r}, "a") as file:
    file.write(json.dumps(note) + "\\n")
for words, (code, out, err) in json.load(open({answers!r})).items():
    if " ".join(given).startswith(words):
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(code)
sys.exit("the test has no answer for " + " ".join(given))
"""

Answers = dict[str, tuple[int, str, str]]


class FakeDocker:
    """A docker command that answers what the test says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes = folder / "notes.jsonl"
        self.program = folder / "docker"
        self.program.write_text(
            SCRIPT.format(
                python=sys.executable,
                notes=str(self._notes),
                answers=str(folder / "answers.json"),
            )
        )
        self.program.chmod(0o755)

    def answer(self, answers: Mapping[str, tuple[int, str, str]]) -> Docker:
        (self._folder / "answers.json").write_text(json.dumps(answers))
        return Docker(str(self.program))

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._notes.read_text().splitlines()]


@pytest.fixture
def fake(tmp_path: Path) -> FakeDocker:
    return FakeDocker(tmp_path)


VERSION = json.dumps({"Version": "28.0.1", "Os": "linux", "Arch": "arm64"})


@pytest.mark.parametrize("code", [0, 1])
def test_an_engine_tells_its_version_platform_and_buildx(code: int, fake: FakeDocker) -> None:
    docker = fake.answer({"version": (0, VERSION, ""), "buildx version": (code, "", "")})
    engine = docker.engine()
    assert (engine.version, engine.platform) == ("28.0.1", "linux/arm64")
    assert engine.buildx is (code == 0)


def test_no_engine_is_an_error_with_a_hint(fake: FakeDocker) -> None:
    words = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."
    docker = fake.answer({"version": (1, "null\n", words)})
    with pytest.raises(ImageError, match="no container engine answers") as caught:
        docker.engine()
    assert caught.value.hint is not None
    assert "start Docker" in caught.value.hint


@pytest.mark.parametrize("call", [lambda d: d.engine(), lambda d: d.push(NAME)])
def test_a_missing_docker_is_an_error_with_a_hint(call: Any, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is not installed") as caught:
        call(Docker(str(tmp_path / "docker")))
    assert caught.value.hint is not None


def test_a_build_argument_stands_on_no_command_line(fake: FakeDocker, tmp_path: Path) -> None:
    docker = fake.answer({"build": (0, "Step 1/2\nStep 2/2\n", "a warning\n")})
    lines: list[str] = []
    arguments = {"PIP_INDEX_URL": "https://user:secret@example.org", "BASE": "python-base"}
    docker.build(
        tmp_path,
        NAME,
        arguments=arguments,
        platform="linux/arm64",
        network="host",
        progress=lines.append,
    )
    [call] = fake.calls
    assert call["arguments"] == [
        "build",
        "--build-arg=BASE",
        "--build-arg=PIP_INDEX_URL",
        "--platform=linux/arm64",
        "--network=host",
        "--tag",
        str(NAME),
        "--file",
        str(tmp_path / "image/Dockerfile"),
        str(tmp_path),
    ]
    assert call["environment"] == arguments
    assert sorted(lines) == ["Step 1/2", "Step 2/2", "a warning"]


def test_a_failed_build_is_explained(fake: FakeDocker, tmp_path: Path) -> None:
    docker = fake.answer({"build": (1, "Step 1/2\n", "write /x: no space left on device\n")})
    with pytest.raises(ImageError, match=f"cannot build {NAME}: the disk of the"):
        docker.build(tmp_path, NAME)


PUSHED = f"9ca19eed7125: Preparing\n9ca19eed7125: Pushed\n1f2e: digest: {DIGEST} size: 1366\n"


def test_a_push_tells_its_progress_and_its_digest(fake: FakeDocker) -> None:
    known = json.dumps([f"localhost:5000/app/runs@{DIGEST}", f"other/runs@sha256:{'0' * 64}"])
    docker = fake.answer({"push": (0, PUSHED, ""), "image inspect": (0, known, "")})
    progress: list[PushProgress] = []
    assert docker.push(NAME, progress=progress.append) == DIGEST
    assert progress == [PushProgress(0, 1), PushProgress(1, 1)]


def test_a_digest_that_the_engine_does_not_know_is_refused(fake: FakeDocker) -> None:
    known = json.dumps([f"localhost:5000/app/runs@sha256:{'0' * 64}"])
    docker = fake.answer({"push": (0, PUSHED, ""), "image inspect": (0, known, "")})
    with pytest.raises(ImageError, match=f"was pushed as {DIGEST}, but"):
        docker.push(NAME)


@pytest.mark.parametrize(
    ("words", "summary"),
    [
        ("no basic auth credentials", "does not let this login in"),
        ("name unknown: The repository with name 'app/runs' does not exist", "no such repository"),
    ],
)
def test_a_refused_push_is_explained(words: str, summary: str, fake: FakeDocker) -> None:
    docker = fake.answer({"push": (1, "", words)})
    with pytest.raises(ImageError, match=summary):
        docker.push(NAME)


def test_an_image_for_another_platform_is_refused(fake: FakeDocker) -> None:
    docker = fake.answer({"pull": (0, "", ""), "image inspect": (0, "linux/amd64\n", "")})
    docker.pull(NAME, platform="linux/amd64")
    with pytest.raises(ImageError, match="different platforms"):
        docker.pull(NAME, platform="linux/arm64")


def test_a_login_leaves_nothing_behind(
    fake: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    own = home / ".docker"
    (own / "contexts").mkdir(parents=True)
    settings = {"currentContext": "rootless", "credsStore": "pass", "auths": {"a": {"auth": "b"}}}
    (own / "config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    docker = fake.answer(
        {"login": (0, "Login Succeeded\n", ""), "version": (0, VERSION, ""), "buildx": (0, "", "")}
    )
    with docker.logged_in("localhost:5000", "AWS", "s3cret") as inside:
        folder = Path(inside.environment["DOCKER_CONFIG"])
        assert folder.stat().st_mode & 0o077 == 0
        inside.engine()
    assert not folder.exists()
    assert json.loads((own / "config.json").read_text()) == settings
    login = fake.calls[0]
    assert login["arguments"] == [
        "login",
        "--username",
        "AWS",
        "--password-stdin",
        "localhost:5000",
    ]
    assert login["stdin"] == "s3cret"
    # No keychain, nobody else's passwords, but the engine that the user has chosen.
    assert login["settings"] == {"currentContext": "rootless", "auths": {"localhost:5000": {}}}
    assert login["folders"] == ["config.json", "contexts"]
    assert {call["config"] for call in fake.calls} == {str(folder)}
    assert not any("s3cret" in word for call in fake.calls for word in call["arguments"])


def test_a_refused_login_leaves_nothing_behind_either(fake: FakeDocker) -> None:
    words = "Error response from daemon: login attempt to http://x/v2/ failed with status: 401"
    docker = fake.answer({"login": (1, "", words)})
    with (
        pytest.raises(ImageError, match="cannot log in to localhost:5000") as caught,
        docker.logged_in("localhost:5000", "AWS", "s3cret"),
    ):
        raise AssertionError("the block must not be entered")
    assert "s3cret" not in str(caught.value)
    assert not Path(fake.calls[0]["config"]).exists()


def write(path: Path, content: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_the_content_tag_follows_the_files_that_are_built(tmp_path: Path) -> None:
    for name in ("image/Dockerfile", "image/prune.py", "workloads/batch/a.py", "README.md"):
        write(tmp_path / name)
    before = image_tag(tmp_path, {"BASE": "b"}, ["linux/amd64"])
    for name in ("README.md", "workloads/__pycache__/a.cpython-311.pyc", "tests/test_a.py"):
        write(tmp_path / name, "changed")
    assert image_tag(tmp_path, {"BASE": "b"}, ["linux/amd64"]) == before
    assert image_tag(tmp_path, {"BASE": "c"}, ["linux/amd64"]) != before
    assert image_tag(tmp_path, {"BASE": "b"}, ["linux/arm64"]) != before
    write(tmp_path / "workloads/batch/a.py", "changed")
    assert image_tag(tmp_path, {"BASE": "b"}, ["linux/amd64"]) != before


def test_the_content_tag_covers_what_the_dockerfile_copies() -> None:
    inputs = set(image_tree(ROOT))
    lines = (ROOT / "image/Dockerfile").read_text().splitlines()
    copied = [
        word
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert copied
    for word in copied:
        files = list((ROOT / word).rglob("*")) or [ROOT / word]
        names = {path.relative_to(ROOT).as_posix() for path in files if path.is_file()}
        # Of the toolkit the context holds the runtime alone, and the audit where it is on.
        names = {name for name in names if not name.startswith("toolkit/") or _is_let_through(name)}
        assert {name for name in names if "__pycache__" not in name} <= inputs


def _is_let_through(name: str) -> bool:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    prefixes = tuple(line.removeprefix("!") for line in lines if line.startswith("!"))
    return name.startswith(prefixes)


def test_the_build_context_is_what_the_content_tag_covers() -> None:
    let_through = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert let_through == {
        "image/*.lock",
        "image/*.py",
        "image/*.toml",
        "toolkit/__init__.py",
        "toolkit/runtime",
        "workloads",
    }


@pytest.fixture
def registry() -> Iterator[tuple[str, dict[str, tuple[int, str]], list[str]]]:
    """A registry: its host, its answers by path, and the logins that it saw."""
    answers: dict[str, tuple[int, str]] = {}
    logins: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            logins.append(self.headers.get("Authorization", ""))
            status, told = answers.get(self.path, (404, "MANIFEST_UNKNOWN"))
            self.send_response(status)
            if status == 200:
                self.send_header("Docker-Content-Digest", told)
            self.end_headers()
            self.wfile.write(told.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", answers, logins
        server.shutdown()


def test_a_tag_is_resolved_by_the_registry_itself(registry: Any) -> None:
    host, answers, logins = registry
    answers["/v2/app/runs/manifests/1f2e"] = (200, DIGEST)
    assert tags.resolve(ImageName(f"{host}/app/runs", "1f2e"), ("AWS", "token")) == DIGEST
    assert tags.resolve(ImageName(f"{host}/app/runs", "other")) is None
    assert logins == ["Basic QVdTOnRva2Vu", ""]


@pytest.mark.parametrize(
    ("status", "told", "summary"),
    [
        (404, '{"errors":[{"code":"NAME_UNKNOWN"}]}', "no such repository"),
        (401, '{"errors":[{"code":"UNAUTHORIZED"}]}', "does not let this login in"),
        (403, '{"errors":[{"code":"DENIED"}]}', "does not let this login in"),
        (500, "oops", "500 .*oops"),
    ],
)
def test_a_registry_that_refuses_is_explained(
    status: int, told: str, summary: str, registry: Any
) -> None:
    host, answers, _ = registry
    answers["/v2/app/runs/manifests/1f2e"] = (status, told)
    with pytest.raises(ImageError, match=summary):
        tags.resolve(ImageName(f"{host}/app/runs", "1f2e"))


def test_a_registry_that_nobody_runs_is_explained() -> None:
    with pytest.raises(ImageError, match=r"cannot look up 127\.0\.0\.1:9/app:1"):
        tags.resolve(ImageName("127.0.0.1:9/app", "1"))


def test_a_program_that_was_made_executable_gives_another_image(tmp_path: Path) -> None:
    """What hints at `chmod +x` would otherwise be met by the image that was built before."""
    program = tmp_path / "workloads" / "bin" / "report"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    before = image_tag(tmp_path, {}, [])
    program.chmod(0o600)
    assert image_tag(tmp_path, {}, []) == before
    program.chmod(0o755)
    assert image_tag(tmp_path, {}, []) != before


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_build_context_has_the_same_modes_for_everybody(mask: int, tmp_path: Path) -> None:
    folder = tmp_path / "workloads" / "bin"
    before = os.umask(mask)
    try:
        folder.mkdir(parents=True)
        (folder / "report").write_text("#!/bin/sh\n")
        (folder / "data.csv").write_text("a\n")
        (folder / "report").chmod(0o777 & ~mask)
        with staged(image_tree(tmp_path)) as context:
            modes = {
                path.relative_to(context).as_posix(): path.stat().st_mode & 0o777
                for path in context.rglob("*")
            }
    finally:
        os.umask(before)
    assert {modes[name] for name in ("workloads", "workloads/bin", "toolkit/runtime")} == {0o755}
    assert modes["workloads/bin/report"] == 0o755
    assert modes["workloads/bin/data.csv"] == 0o644
