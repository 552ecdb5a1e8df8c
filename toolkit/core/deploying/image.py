"""Images as data: their names, the tag that stands for their content, and why docker failed."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from attrs import frozen

from toolkit.core.errors import ImageError
from toolkit.core.words import one_line, pieces, without_names

# What `image/Dockerfile` is built from, as glob patterns: below the project's root, and of the
# installed toolkit. .dockerignore lets the same files through, and a test compares the two.
BUILD_INPUTS = (
    "image/Dockerfile",
    "image/*.lock",
    "image/*.py",
    "image/*.toml",
    "workloads/**/*",
)
RUNTIME_INPUTS = ("toolkit/__init__.py", "toolkit/runtime/**/*")
# What of it an image holds only where the audit is on.
AUDIT_INPUTS = tuple(
    f"toolkit/{room}/**/*.{kind}"
    for room in ("adapters", "app", "audit", "core")
    for kind in ("py", "toml")
)
# What a project has from the installed toolkit unless it has its own.
SHARED_INPUTS = (
    "image/Dockerfile",
    "image/build.lock",
    "image/bytecode.py",
    "image/imports.py",
    "image/prune.py",
    "image/rehearse.py",
)
# What of it the image holds at its import root.
IMPORT_ROOT = ("toolkit/", "workloads/")
_NO_INPUT = re.compile(r"(^|/)__pycache__/|\.py[co]$")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# https://github.com/distribution/reference: a first part with a dot, a colon or this name is a host
_LOCALHOST = "localhost"
_PUSHED = re.compile(r"\bdigest: (?P<digest>sha256:[0-9a-f]{64})\b")
_LAYER = re.compile(r"(?P<layer>[0-9a-f]{12}): (?P<state>[A-Z][A-Za-z ]*[a-z])")
_READ_LINES = 200  # of what docker wrote last
# What prune.py and rehearse.py say of the project, in the middle of what docker says.
# The classic builder colours it, so that no word boundary comes before it.
_OWN_ERROR = re.compile(r"error: (?P<words>(?:workloads[.\w]*|prune\.toml|catalog\.toml): .+)")
# The last step that a build began: pulling its base, or installing packages. The classic builder's
# words, then BuildKit's.
_STEP = re.compile(
    r"^Step \d+/\d+ : (?:(?P<base>FROM) |RUN .*pip install)|"
    r"(?P<buildkit>load metadata for|source metadata for)|RUN .*pip install"
)
# How the classic builder begins, whatever comes of it; it names the daemon.
_SENDING = "Sending build context to Docker daemon"
_LAYER_DONE = frozenset({"Pushed", "Layer already exists"})


@frozen
class ImageName:
    """An image's repository with its tag, its digest, or both.

    >>> name = ImageName.parse("localhost:5000/app/runs:1f2e")
    >>> name.host, name.path, name.tag
    ('localhost:5000', 'app/runs', '1f2e')
    """

    repository: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``[host/]path[:tag][@digest]``; raises ImageError when it is no such name."""
        name, _, digest = text.partition("@")
        head, slash, last = name.rpartition("/")
        last, _, tag = last.partition(":")
        if not last or (digest and _DIGEST.fullmatch(digest) is None):
            raise ImageError(f"{text!r} names no image", hint="write repository@sha256:…")
        return cls(f"{head}{slash}{last}", tag or None, digest or None)

    @property
    def host(self) -> str:
        """The registry; Docker Hub's for a name without one."""
        first, slash, _ = self.repository.partition("/")
        named = slash and ("." in first or ":" in first or first == _LOCALHOST)
        return first if named else "registry-1.docker.io"

    @property
    def path(self) -> str:
        """The repository's name in its registry."""
        return self.repository.removeprefix(f"{self.host}/")

    def at(self, digest: str) -> "ImageName":
        """The same repository by digest alone: the only way in which a task may name an image."""
        return ImageName(self.repository, digest=digest)


def is_build_input(path: str) -> bool:
    """Whether a file that matches BUILD_INPUTS is one: byte code is not."""
    return _NO_INPUT.search(path) is None


def content_tag(
    files: Iterable[tuple[str, bytes]],
    arguments: Mapping[str, str],
    programs: Iterable[str] = (),
) -> str:
    """The tag of the image that these files and build arguments give: 20 hexadecimal digits.

    The same inputs give the same tag on every machine, so a tag that stands in the registry needs
    neither build nor push. ``programs`` are the files that can be executed; other modes and times
    are no inputs, for the build levels them.

    >>> content_tag([("image/Dockerfile", b"FROM scratch")], {"BASE": "x"})
    '0b878548a25d4f6f7425'
    """
    total = hashlib.sha256()
    for path, content in sorted(files):
        total.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    for name, value in sorted(arguments.items()):
        total.update(f"{name}={value}\0".encode())
    for path in sorted(programs):
        total.update(f"{path} is executable\0".encode())
    return total.hexdigest()[:20]


@frozen
class PushProgress:
    """How many layers of a push are in the registry, of how many that were named so far."""

    done: int
    layers: int


class PushLog:
    """Reads the lines of `docker push`: which layers are done, and the digest at the end."""

    def __init__(self) -> None:
        self._states: dict[str, bool] = {}
        self.digest: str | None = None

    def read(self, line: str) -> PushProgress | None:
        """Take one line; returns the progress if it says anything of it."""
        pushed = _PUSHED.search(line)
        if pushed:
            self.digest = pushed["digest"]
            return None
        layer = _LAYER.match(line)
        if layer is None:
            return None
        self._states[layer["layer"]] = layer["state"].startswith("Mounted") or (
            layer["state"] in _LAYER_DONE
        )
        return PushProgress(sum(self._states.values()), len(self._states))


@frozen
class Failure:
    """A known way for docker to fail: what its output says, what that means, what to do.

    ``words`` are looked for in an error without its names. A failure that ``decides`` is seen
    wherever it stands in a line; of the others the innermost part of the line is heard first, so
    that a line is told by its cause and not by what was tried.
    """

    words: str
    summary: str
    hint: str
    decides: bool = False


# Of what talks to the engine itself, the socket or its pipe is the address.
_ENGINE = re.compile(
    r"docker\.sock|podman\.sock|docker_engine|dockerDesktop\w*Engine|docker daemon|dial unix|"
    r"docker desktop is|docker endpoint|docker API|error during connect",
    re.IGNORECASE,
)
ENGINE_FAILURES = (
    Failure(
        r"permission denied|access is denied|operation not permitted|eacces",
        "this user may not talk to the container engine",
        "sudo usermod -aG docker $USER, then log in again",
    ),
    Failure(
        r"deadline exceeded|timeout|timed out",
        "the container engine does not answer in time",
        "look whether it is busy or hangs: docker info; restart Docker",
    ),
    Failure(
        r"",
        "no container engine answers",
        "start Docker, or set DOCKER_HOST to an engine that runs",
    ),
)
# In order: of two that fit the same part, the first explains the failure.
FAILURES = (
    Failure(
        r"no space left on device|disk quota exceeded|not enough space",
        "the disk of the container engine is full",
        "docker system df shows what takes the room; docker system prune frees it",
        decides=True,
    ),
    Failure(
        r"(getting|storing|saving|erasing) credentials|credentials store|credential helper|"
        r"credsstore|credhelpers",
        "docker's credential helper fails",
        "install the helper that ~/.docker/config.json names, or remove credsStore and credHelpers "
        "from it and log in again",
        decides=True,
    ),
    Failure(
        r"toomanyrequests|too many requests|rate limit|rate exceeded",
        "the registry of the base image allows no more pulls for now",
        "wait, log in to that registry, or build with a copy: --build-arg BASE=…",
        decides=True,
    ),
    Failure(
        r"exec format error|no match for platform|no matching manifest|"
        r"does not match the (specified|detected|expected) .*platform|"
        r"does not provide the specified platform|multiple platforms feature is currently not|"
        r"build is not supported for the docker driver|cannot be used on this platform",
        "the image and the engine are of different platforms",
        "build with --platform linux/amd64 or linux/arm64, whichever the task definition names; "
        "another platform than the engine's needs buildx and QEMU",
        decides=True,
    ),
    Failure(
        r"hashes? (in|are required|mismatch)|do not match the hashes",
        "a package is not the one that was locked",
        "make locks, and read what changed in image/requirements.lock",
        decides=True,
    ),
    Failure(
        r"certificate|x509|ssl ?error",
        "the certificate of a server is not trusted",
        "behind a proxy with its own authority, build with --build-arg PIP_CERT=… and a BASE that "
        "holds its certificate",
        decides=True,
    ),
    Failure(
        r"failed to compute cache key|checksum of ref|failed to read dockerfile|prepare context",
        "a file that the build needs is missing",
        "restore it: git status shows what is gone from image/ and workloads/",
        decides=True,
    ),
    Failure(
        r"buildx component is missing|unknown flag|is not a docker command|unknown shorthand flag",
        "this docker has no buildx",
        "install docker-buildx, or build for one platform",
        decides=True,
    ),
    Failure(
        r"(source|load) metadata .*(unauthori[sz]ed|forbidden|authorize|not authorized|40[13]\b)",
        "the registry of the base image does not let this login in",
        "docker login to the registry of BASE in image/Dockerfile",
        decides=True,
    ),
    Failure(
        r"pull access denied|may require (authorization|'docker login')",
        "there is no such image, or its registry wants a login",
        "check its repository and tag, or docker login; the base stands in image/Dockerfile",
        decides=True,
    ),
    Failure(
        r"image does not exist locally|tag does not exist|no such image",
        "the engine holds no such image",
        "toolkit image build makes it",
    ),
    Failure(
        r"tag (invalid|is immutable)|imagetagalreadyexists|tag .* already exists",
        "the registry holds another image under this tag and its tags are immutable",
        "change what goes into the image, or delete the tag in the registry",
    ),
    Failure(
        r"repository .*does not exist|name unknown|repository name not known|repositorynotfound",
        "the registry has no such repository",
        "toolkit deploy --only platform makes it",
    ),
    Failure(
        r"no basic auth|unauthori[sz]ed|token has expired|\bdenied\b|authentication required|"
        r"forbidden|authorization failed|login attempt|incorrect username|not authorized|"
        r"failed to authorize|\b40[13]\b",
        "the registry does not let this login in",
        "check that the role may call ecr:GetAuthorizationToken and ecr:PutImage on the repository",
    ),
    Failure(
        r"no such host|dial tcp|timeout|timed out|network is unreachable|no route to host|"
        r"name resolution|connection (refused|reset)|deadline ?exceeded|server misbehaving|"
        r"request canceled|context canceled|exceeded while awaiting|client\.timeout|proxyconnect|"
        r"failed to do request|tls handshake|broken pipe",
        "a server could not be reached",
        "check the network, a proxy and the registry's name, then try again",
    ),
    Failure(
        r"\beof\b|\b50[234]\b|bad gateway|service unavailable|"
        r"gateway timeout|stream error|http2",
        "a server broke off",
        "try again: it passes by itself",
    ),
    Failure(
        r"manifest unknown|no such manifest|\b404\b|^(~ )?not found|"
        r"\b(manifest|image|repository|tag|reference)\b.* not found",
        "there is no such image",
        "check its repository, tag and digest; of the base, they stand in image/Dockerfile",
    ),
)


# What a build argument can lead around, if it is the base image or a package that fails.
_UNREACHED = frozenset(
    {"a server could not be reached", "a server broke off", "there is no such image"}
)


def explain(action: str, output: str) -> ImageError:
    """The error for a docker command that failed, from what it wrote.

    ``action`` says what was tried ("push localhost:5000/app:1f2e"). The last line that says a known
    cause explains it. Output that nobody knows is told by its last lines.
    """
    own = _OWN_ERROR.search(output)
    if own is not None:
        return ImageError(f"cannot {action}: {own['words']}")
    stripped = (line.strip() for line in output.splitlines())
    lines = [line for line in stripped if line and not line.startswith(_SENDING)]
    found = next(filter(None, map(_failure, reversed(lines[-_READ_LINES:]))), None)
    if found is not None:
        hint = _way_around(lines) if found.summary in _UNREACHED else None
        return ImageError(f"cannot {action}: {found.summary}", hint=hint or found.hint)
    return ImageError(f"cannot {action}: {' / '.join(lines[-3:]) or 'docker said nothing'}")


def _way_around(lines: Sequence[str]) -> str | None:
    """Which build argument names another server than the one that the last step did not reach."""
    steps = (step for step in map(_STEP.search, reversed(lines)) if step is not None)
    step = next(steps, None)
    if step is None:
        return None
    if step["base"] or step["buildkit"]:
        return 'name a base that this machine reaches: [default.build] BASE = "…" in toolkit.toml'
    return (
        'name an index that the build reaches: [default.build] PIP_INDEX_URL = "…" in toolkit.toml'
    )


def _failure(line: str) -> Failure | None:
    """What one line of docker says."""
    if _ENGINE.search(line):
        return next(row for row in ENGINE_FAILURES if re.search(row.words, line, re.IGNORECASE))
    whole = without_names(line)
    parts = [without_names(part) for part in reversed(pieces(one_line(line)))]
    deciding = (row for row in FAILURES if row.decides and _says(row, whole))
    others = (row for part in parts for row in FAILURES if not row.decides and _says(row, part))
    return next(deciding, None) or next(others, None)


def _says(failure: Failure, words: str) -> bool:
    return re.search(failure.words, words, re.IGNORECASE) is not None
