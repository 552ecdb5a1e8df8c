"""Images as data: names, content tags, and why docker failed."""

import pytest

from toolkit.core.deploying.image import (
    ENGINE_FAILURES,
    FAILURES,
    ImageName,
    PushLog,
    PushProgress,
    content_tag,
    explain,
    is_build_input,
)
from toolkit.core.errors import ImageError

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "host", "path", "tag", "digest"),
    [
        ("app:1", "registry-1.docker.io", "app", "1", None),
        ("library/app", "registry-1.docker.io", "library/app", None, None),
        ("localhost/app:1", "localhost", "app", "1", None),
        ("localhost:5000/app", "localhost:5000", "app", None, None),
        (f"localhost:5000/a/b:t@{DIGEST}", "localhost:5000", "a/b", "t", DIGEST),
        (
            f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/app/runs@{DIGEST}",
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
            "app/runs",
            None,
            DIGEST,
        ),
    ],
)
def test_an_image_name_is_read_as_docker_reads_it(
    text: str, host: str, path: str, tag: str | None, digest: str | None
) -> None:
    name = ImageName.parse(text)
    assert (name.host, name.path, name.tag, name.digest) == (host, path, tag, digest)
    assert str(name) == text


@pytest.mark.parametrize("text", ["", ":1", "app@sha256:12", "app@" + DIGEST.upper(), "a/"])
def test_what_names_no_image_is_refused(text: str) -> None:
    with pytest.raises(ImageError, match="names no image"):
        ImageName.parse(text)


def test_a_task_names_its_image_by_digest_alone() -> None:
    assert str(ImageName.parse("localhost:5000/app:1").at(DIGEST)) == f"localhost:5000/app@{DIGEST}"


FILES = [("workloads/a.py", b"a"), ("image/Dockerfile", b"FROM x")]


def test_the_same_inputs_give_the_same_tag_in_any_order() -> None:
    assert content_tag(FILES, {"A": "1", "B": "2"}) == content_tag(
        FILES[::-1], {"B": "2", "A": "1"}
    )


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ([("workloads/a.py", b"b"), FILES[1]], {"A": "1"}),
        ([("workloads/b.py", b"a"), FILES[1]], {"A": "1"}),
        ([*FILES, ("workloads/c.py", b"")], {"A": "1"}),
        (FILES[:1], {"A": "1"}),
        (FILES, {"A": "2"}),
        (FILES, {"B": "1"}),
        (FILES, {}),
    ],
)
def test_any_other_input_gives_another_tag(
    files: list[tuple[str, bytes]], arguments: dict[str, str]
) -> None:
    assert content_tag(files, arguments) != content_tag(FILES, {"A": "1"})


def test_that_a_file_can_be_executed_is_an_input() -> None:
    plain = content_tag(FILES, {"A": "1"})
    program = content_tag(FILES, {"A": "1"}, ["workloads/a.py"])
    assert len({plain, program, content_tag(FILES, {"A": "1"}, ["image/Dockerfile"])}) == 3
    assert content_tag(FILES, {"A": "1"}, []) == plain


def test_byte_code_is_no_input() -> None:
    assert is_build_input("workloads/batch/weather/plot.py")
    assert is_build_input("workloads/catalog.toml")
    assert not is_build_input("workloads/batch/__pycache__/plot.cpython-311.pyc")


PUSH = f"""The push refers to repository [localhost:5000/app/runs]
9ca19eed7125: Preparing
290cf05b8ef7: Preparing
082b49590e57: Waiting
082b49590e57: Pushing [==>                   ]  512B/90MB
9ca19eed7125: Layer already exists
290cf05b8ef7: Mounted from other/runs
082b49590e57: Pushed
1f2e: digest: {DIGEST} size: 1366
"""


def test_a_push_counts_its_layers_and_ends_with_the_digest() -> None:
    log = PushLog()
    progress = [step for step in map(log.read, PUSH.splitlines()) if step is not None]
    assert progress[0] == PushProgress(0, 1)
    assert progress[3] == PushProgress(0, 3)
    assert progress[-1] == PushProgress(3, 3)
    assert log.digest == DIGEST


@pytest.mark.parametrize(
    ("output", "summary"),
    [
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?",
            "no container engine answers",
        ),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///…",
            "may not talk to the container engine",
        ),
        (
            "denied: Your authorization token has expired. Reauthenticate and try again.",
            "does not let this login in",
        ),
        ("no basic auth credentials", "does not let this login in"),
        (
            "name unknown: The repository with name 'app/runs' does not exist in the registry",
            "no such repository",
        ),
        (
            "tag invalid: The image tag '1f2e' already exists and cannot be overwritten because …",
            "its tags are immutable",
        ),
        (
            "write /var/lib/docker/tmp/GetImageBlob1: no space left on device",
            "the disk of the container engine is full",
        ),
        ("exec /venv/bin/python: exec format error", "of different platforms"),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "of different platforms",
        ),
        (
            "pull access denied for nope, repository does not exist or may require 'docker login'",
            "no such image",
        ),
        ("toomanyrequests: You have reached your pull rate limit.", "no more pulls"),
        ("dial tcp: lookup nowhere.example on 10.0.0.2:53: no such host", "could not be reached"),
        ("ERROR: BuildKit is enabled but the buildx component is missing", "no buildx"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "not the one that was locked",
        ),
        ("An image does not exist locally with the tag: app/runs", "the engine holds no such"),
        ("certificate verify failed: self-signed certificate", "is not trusted"),
    ],
)
def test_a_known_failure_is_explained_and_has_a_hint(output: str, summary: str) -> None:
    error = explain("push app:1", f"a line before\n{output}\na line after")
    assert error.message.startswith("cannot push app:1: ")
    assert summary in error.message
    assert error.hint


SOURCE = "ERROR: failed to solve: {ref}: failed to resolve source metadata for {ref}: "
REF = "registry.example.com/library/python:3.12-slim"
HEAD = 'failed to do request: Head "https://registry.example.com/v2/": '
URL, SOCKET = "https://registry.example.com/v2/", "/var/run/docker.sock"
TOKEN = "unexpected status from GET request to https://auth.docker.io/token?service=x: "
LOOKUP = "lookup registry.example.com on 127.0.0.53:53: "
HELPER = 'exec: "docker-credential-desktop": executable file not found in $PATH, out: ``'
SCOPE = "server message: insufficient_scope: authorization failed"
# What stands behind "failed to resolve source metadata", and what it means.
# https://github.com/DrewThomasson/ebook2audiobook/issues/1605, IQSS/dataverse/issues/11239,
# fabiogra/moseca/issues/15, skjerns/3dprintedbrain_docker/issues/5
CAUSES = {
    f"{HEAD}dial tcp: {LOOKUP}no such host": "could not be reached",
    f"{HEAD}dial tcp: {LOOKUP}server misbehaving": "could not be reached",
    f"{HEAD}dial tcp 192.0.2.7:443: i/o timeout": "could not be reached",
    f"{HEAD}dial tcp 192.0.2.7:443: connect: connection refused": "could not be reached",
    f"{HEAD}proxyconnect tcp: dial tcp 192.0.2.9:7897: i/o timeout": "could not be reached",
    f"{HEAD}net/http: TLS handshake timeout": "could not be reached",
    f"{HEAD}context deadline exceeded": "could not be reached",
    "DeadlineExceeded: context deadline exceeded": "could not be reached",
    f"{HEAD}tls: failed to verify certificate: x509: certificate signed by unknown authority": (
        "is not trusted"
    ),
    f"{HEAD}EOF": "a server broke off",
    "unexpected status from HEAD request to https://r/v2/x: 503 Service Unavailable": (
        "a server broke off"
    ),
    f"failed to authorize: failed to fetch oauth token: {TOKEN}401 Unauthorized": (
        "base image does not let this login in"
    ),
    "unexpected status from HEAD request to https://public.ecr.aws/v2/x: 403 Forbidden": (
        "base image does not let this login in"
    ),
    f"error getting credentials - err: {HELPER}": "credential helper fails",
    "error getting credentials - err: exit status 1, out: ``": "credential helper fails",
    "no match for platform in manifest: not found": "of different platforms",
    "429 Too Many Requests - Server message: toomanyrequests: slow down": "no more pulls",
    f"{REF}: not found": "there is no such image",
    f"pull access denied, repository does not exist or may require authorization: {SCOPE}": (
        "no such image, or its registry wants a login"
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize(
    "ref", [REF, "not-found/denied:timeout", "data-platform:x509", "no-space-left/eof@sha256:ab"]
)
def test_a_base_image_that_cannot_be_resolved_is_told_by_its_cause(cause: str, ref: str) -> None:
    line = SOURCE.format(ref=ref) + cause.replace(REF, ref)
    for output in (line, line.removeprefix("ERROR: "), f"#1 [internal] load\n{line}\n\n"):
        assert CAUSES[cause] in explain("build app:1", output).message


@pytest.mark.parametrize(
    ("output", "summary"),
    [
        (
            f"error pulling image configuration: Get {URL}: net/http: request canceled",
            "could not be reached",
        ),
        (
            "Error response from daemon: Get https://r.example/v2/: context deadline exceeded",
            "could not be reached",
        ),
        (
            f"Got permission denied while trying to connect to the Docker daemon at unix://{SOCKET}",
            "may not talk to the container engine",
        ),
        (
            "dial unix /var/run/docker.sock: connect: no such file or directory",
            "no container engine answers",
        ),
        (
            "dial unix /run/user/1000/podman/podman.sock: connect: connection refused",
            "no container engine answers",
        ),
        (
            "open //./pipe/docker_engine: The system cannot find the file specified.",
            "no container engine answers",
        ),
        (
            f"failed to connect to the docker API at unix://{SOCKET}; check if the path is correct",
            "no container engine answers",
        ),
        (
            "error during connect: Post http://%2Fvar%2Frun%2Fdocker.sock/x: deadline exceeded",
            "does not answer in time",
        ),
        (
            "Error saving credentials: error storing credentials - err: exit status 1",
            "helper fails",
        ),
        ("Error: image library/nightly:latest not found", "there is no such image"),
        ("unable to prepare context: path 'x' not found", "a file that the build needs"),
        (
            'failed to calculate checksum of ref x::y: "/image/requirements.lock": not found',
            "a file that the build needs",
        ),
        ("Multi-platform build is not supported for the docker driver.", "different platforms"),
        ("unauthorized: authentication required", "does not let this login in"),
        ("denied: requested access to the resource is denied", "does not let this login in"),
        ("read tcp 10.0.0.1:5->1.2.3.4:443: read: connection reset by peer", "not be reached"),
        ("write tcp 10.0.0.1:5->1.2.3.4:443: write: broken pipe", "could not be reached"),
    ],
)
def test_deadlines_helpers_and_sockets_are_told(output: str, summary: str) -> None:
    error = explain("push data-platform:1", output)
    assert summary in error.message
    assert error.hint


def test_a_program_that_is_not_found_is_no_image() -> None:
    output = (
        'OCI runtime create failed: exec: "python": executable file not found in $PATH: unknown'
    )
    assert "executable file not found" in explain("start app:1", output).message


def test_the_last_line_that_says_a_cause_explains() -> None:
    output = "WARNING: Retrying: connection refused\nERROR: no space left on device\nexit status 1"
    assert "disk" in explain("build app:1", output).message


def test_an_unknown_failure_is_told_in_its_own_last_words() -> None:
    error = explain("build app:1", "one\ntwo\nthree\n\nfour\n")
    assert error.message == "cannot build app:1: two / three / four"
    assert error.hint is None
    assert explain("build app:1", "").message == "cannot build app:1: docker said nothing"


def test_no_hint_is_missing_or_said_twice() -> None:
    failures = (*FAILURES, *ENGINE_FAILURES)
    assert all(failure.hint and failure.summary for failure in failures)
    assert len({failure.summary for failure in failures}) == len(failures)


def test_the_first_line_of_the_classic_builder_says_nothing_of_the_engine() -> None:
    output = "Sending build context to Docker daemon  1.2MB\nStep 1/2 : RUN false\nit went wrong"
    assert "it went wrong" in explain("build app:1", output).message


@pytest.mark.parametrize("prefix", ["", "\x1b[91m", "#12 0.345 "])
@pytest.mark.parametrize(
    "words",
    [
        "workloads.hello: No module named 'pandas': the image holds no package pandas",
        "prune.toml: nothing to cut: test suites (**/tests)",
        "catalog.toml: services: AWS has no dynamo",
    ],
)
def test_what_the_build_says_of_the_project_is_the_error(prefix: str, words: str) -> None:
    output = f"Step 9/23 : RUN x\n{prefix}error: {words}\nreturned a non-zero code: 1"
    assert explain("build app:1", output).message == f"cannot build app:1: {words}"


_CLASSIC_BASE = "Step 1/23 : ARG BASE=python:3\nStep 2/23 : FROM ${BASE} AS build"
_NO_HOST = "dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host"


@pytest.mark.parametrize(
    ("output", "argument"),
    [
        (f'{_CLASSIC_BASE}\nGet "https://registry-1.docker.io/v2/": {_NO_HOST}', "BASE"),
        (
            f"#3 [internal] load metadata for docker.io/library/python:3\n#3 ERROR: {_NO_HOST}",
            "BASE",
        ),
        (f"{_CLASSIC_BASE}\nmanifest for python:3 not found: manifest unknown", "BASE"),
        (
            (
                f"{_CLASSIC_BASE}\nStep 7/23 : RUN python3 -m venv /venv && pip install -r x\n"
                "WARNING: Retrying after connection broken by 'connection refused'"
            ),
            "PIP_INDEX_URL",
        ),
    ],
)
def test_what_a_build_cannot_reach_is_named_by_an_argument(output: str, argument: str) -> None:
    error = explain("build app:1", output)
    assert f'[default.build] {argument} = "…" in toolkit.toml' in (error.hint or "")


def test_a_push_that_reaches_nothing_names_no_build_argument() -> None:
    hint = explain("push app:1", _NO_HOST).hint
    assert hint is not None
    assert "build" not in hint
