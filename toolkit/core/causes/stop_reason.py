"""A stopped reason taken apart: which step failed and why, whatever the things in it are called.

A reason nests: ``CannotPullContainerError: pull image manifest has been retried 1 time(s): failed
to resolve ref …: failed to do request: Head "https://…": dial tcp 10.0.0.1:443: i/o timeout``. The
outside says which step of the task's start failed, the inside says why. Both are looked up in
`stop_words.toml`, in pieces from which names, ARNs, references, addresses and URLs are cut out.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Self

from attrs import frozen

from toolkit.core.words import one_line, pieces, without_names

_RETRIES = re.compile(r"has been retried (\d+) times?(?:\(s\))?", re.IGNORECASE)
_STATUS = (
    re.compile(r"\bstatus ?code\b\W{0,4}(\d{3})\b", re.IGNORECASE),
    re.compile(r"(?:^|[:\]] )(\d{3}) (?=[A-Z][a-z]+)"),
    re.compile(r"\b(?:status|status of|response)\b\W{0,3}(\d{3})\b", re.IGNORECASE),
)
_ACTION = re.compile(r"\bperform\W{1,3}([a-z0-9-]+:[A-Za-z]+)")
_REF = re.compile(
    r"\b(?:resolve ref(?:erence)?|image|for|pull) ['\"]?"
    r"(?!application/)(\S+/\S+?)['\"]?:?(?=\s|,|$)"
)
_REGISTRY_URL = re.compile(r"https?://([\w.-]+(?::\d+)?)/v2/")
_ERROR_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*(?:Error|Exception|Failure|Fault|Violation)")
# An error class of EC2 or of a client has none of these endings: `AuthFailure`, `RequestCanceled`.
_ONE_WORD = re.compile(r"(?:[A-Z][a-z0-9]+){2,}(?:[A-Z]*)(?:\.[A-Z]\w+)*")
_SENTENCES = re.compile(r"(?<=[a-z)'\"])\.\s+(?=[A-Z])")
_ADVICE = re.compile(
    r"(?:also )?(?:check|verify|please|to fix|to resolve|make sure|ensure|confirm|try|retry|"
    r"add|create|increase|re-?authenticate) ",
    re.IGNORECASE,
)


@frozen
class StopReason:
    """What a reason says: the step that failed, the cause, and the parts that they were read from.

    ``step`` and ``cause`` are names of `stop_words.toml`; None where the reason does not say.
    ``errors`` are the error classes, the outermost first; ``chain`` is the text in pieces, the
    outermost first, as it was written.
    """

    text: str
    step: str | None = None
    cause: str | None = None
    errors: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    retries: int | None = None
    status: int | None = None
    ref: str | None = None
    action: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a reason apart. Any text has a `StopReason`; most say neither step nor cause."""
        text = one_line(text)
        chain = pieces(text)
        errors = tuple(piece for piece in chain if _is_error(piece))
        sentences = [row for piece in chain for row in _SENTENCES.split(piece)]
        words = [
            _Piece(without_names(row).lower(), _ADVICE.match(row) is not None) for row in sentences
        ]
        status = _status(text)
        step = _step(errors, words)
        action = _ACTION.search(text)
        retries, ref = _RETRIES.search(text), _REF.search(text)
        return cls(
            text=text,
            step=step or _step_of_action(action),
            cause=_cause(errors, words, status),
            errors=errors,
            chain=chain,
            retries=int(retries[1][:9]) if retries else None,
            status=status,
            ref=ref[1] if ref else None,
            action=action[1] if action else None,
        )

    @property
    def registry(self) -> str | None:
        """The host of the image's registry; None where the reason names none."""
        url = _REGISTRY_URL.search(self.text)
        first = (self.ref or "").partition("/")[0]
        named = "." in first or ":" in first
        return first if named else url[1] if url else "docker.io" if self.ref else None

    @property
    def elsewhere(self) -> bool:
        """Whether the image is in no private repository of ECR: endpoints and roles are no help."""
        return self.registry is not None and ".dkr.ecr." not in self.registry

    @property
    def known(self) -> bool:
        """Whether it says which step failed, or names a cause that needs no step."""
        return self.step is not None or self.cause in _causes_alone()


def step_of_stop_code(code: str | None) -> str | None:
    """The step that a task's stop code names; None for one that says only that it ended."""
    steps = _words()["step"]
    return next((row.name for row in steps if code is not None and row.stop_code == code), None)


@frozen
class _Piece:
    words: str
    advice: bool


def _is_error(piece: str) -> bool:
    return (_ERROR_CLASS.fullmatch(piece) or _ONE_WORD.fullmatch(piece)) is not None


def _status(text: str) -> int | None:
    """The last HTTP status; 400 and Docker's own "API error (500)" say nothing."""
    found = [int(code) for pattern in _STATUS for code in pattern.findall(text)]
    return next((code for code in reversed(found) if 401 <= code <= 599), None)


@frozen
class _Entry:
    """One row of `stop_words.toml`."""

    name: str
    errors: tuple[str, ...] = ()  # beginnings of error classes
    phrases: re.Pattern[str] | None = None
    status: tuple[int, ...] = ()
    actions: tuple[str, ...] = ()  # AWS services
    stop_code: str | None = None  # a step: says it where the reason does not
    refined: bool = False  # a step: words further inside say more precisely which
    decides: bool = False  # a cause: wherever it stands
    alone: bool = False  # a cause: says enough without a step

    def position(self, words: str) -> int | None:
        found = self.phrases.search(words) if self.phrases else None
        return found.start() if found else None

    def has_error(self, error: str) -> bool:
        return error.startswith(self.errors) if self.errors else False


def _step(errors: Sequence[str], pieces: Sequence[_Piece]) -> str | None:
    steps = _words()["step"]
    base = next((row for error in errors for row in steps if row.has_error(error)), None)
    if base is not None and not base.refined:
        return base.name
    # A container that could not be created or started is what every other failure looks like.
    for rows in ([row for row in steps if not row.refined], [row for row in steps if row.refined]):
        for piece in pieces:
            found = [(at, row) for row in rows if (at := row.position(piece.words)) is not None]
            if found and not piece.advice:
                return min(found, key=lambda each: each[0])[1].name
    return base.name if base else None


def _step_of_action(action: re.Match[str] | None) -> str | None:
    if action is None:
        return None
    service = action[1].partition(":")[0]
    return next((row.name for row in _words()["step"] if service in row.actions), None)


def _cause(errors: tuple[str, ...], pieces: list[_Piece], status: int | None) -> str | None:
    """The cause: one that decides wherever it stands, the HTTP status, then from the inside out.

    What AWS advises ("Check your network configuration") counts where nothing else speaks.
    """
    causes = _words()["cause"]
    facts = [piece for piece in reversed(pieces) if not piece.advice]
    advice = [piece for piece in reversed(pieces) if piece.advice]
    for row in (row for row in causes if row.decides):
        if any(map(row.has_error, errors)) or _any(row, facts) or status in row.status:
            return row.name
    for row in causes:
        if status in row.status:
            return row.name
    said = (_first(causes, piece.words) for piece in (*facts, *advice))
    return next(filter(None, said), None) or next(_of_errors(causes, errors), None)


def _any(row: _Entry, pieces: Iterable[_Piece]) -> bool:
    return any(row.position(piece.words) is not None for piece in pieces)


def _first(causes: Iterable[_Entry], words: str) -> str | None:
    """The cause that one piece names; of several the row that stands first."""
    spoken = (row.name for row in causes if row.position(words) is not None)
    return next(spoken, None) or next((row.name for row in causes if _names(row, words)), None)


def _names(row: _Entry, words: str) -> bool:
    """Whether a piece, which is in lower case, begins with one of the row's error classes."""
    return any(words.startswith(error.lower()) for error in row.errors)


def _of_errors(causes: Iterable[_Entry], errors: tuple[str, ...]) -> Iterator[str]:
    return (row.name for error in reversed(errors) for row in causes if row.has_error(error))


@cache
def _words() -> Mapping[str, tuple[_Entry, ...]]:
    text = resources.files("toolkit.core.causes").joinpath("stop_words.toml").read_text("utf-8")
    return {kind: tuple(map(_entry, rows)) for kind, rows in tomllib.loads(text).items()}


@cache
def _causes_alone() -> frozenset[str]:
    return frozenset(row.name for row in _words()["cause"] if row.alone)


def _entry(row: Mapping[str, object]) -> _Entry:
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    phrases = values.pop("phrases", ())
    return _Entry(**values, phrases=_pattern(phrases) if phrases else None)  # type: ignore[arg-type]


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Any of the phrases as whole words; one that ends with ``*`` as the beginning of a word."""
    words = (
        re.escape(phrase[:-1]) if phrase.endswith("*") else re.escape(phrase) + r"(?!\w)"
        for phrase in phrases
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})")
