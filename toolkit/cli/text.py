"""Text as a terminal shows it."""

import re
import shutil
import sys
import textwrap
from itertools import takewhile
from typing import Any, TextIO, cast

_WIDEST = 100  # columns; longer lines of text are hard to read
_LONGEST = 60  # characters of a value in a comparison
_CONTEXT = 12
_GLUE = "\x00"
_COMMAND = re.compile(r"`[^`]*`|\b(?:toolkit|aws) [^;,`]*")


# What steers a terminal or turns text around, but for line breaks, tabs and colours (SGR).
_STEERING = re.compile(
    "\x1b(?!\\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class _Net:
    """A text stream that shows what would steer the terminal instead of sending it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text; raises TypeError for bytes, as a text stream does."""
        return self._stream.write(_STEERING.sub(_shown, text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def net(stream: TextIO) -> TextIO:
    """The stream behind a net: names, errors and log lines of others cannot steer the terminal."""
    return cast("TextIO", _Net(stream))


def _shown(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def plain(text: str) -> str:
    r"""Text of others on one line, as no terminal can take it for a command.

    >>> plain("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    shown = (char if char.isprintable() else repr(char)[1:-1] for char in " ".join(text.split()))
    return "".join(shown)


def wrapped(text: str, *, indent: int = 0, hang: str | None = None, err: bool = False) -> str:
    """Text broken at words for the terminal; as it is where no person reads it.

    The first line begins in column ``indent``, the others with ``hang`` (as many spaces). A command
    is not broken, so that it can be pasted.
    """
    if not (sys.stderr if err else sys.stdout).isatty():
        return text
    later = " " * indent if hang is None else hang
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += _broken(paragraph, later if lines else " " * indent, later)
    return "\n".join(lines)[indent:]


def cells(*texts: str, column: int = 0, hang: int = 4, err: bool = False) -> str:
    """Cells of a row after ``column`` columns; two spaces part them, the first from nothing.

    On a terminal, those that do not fit begin a new line in column ``hang``; where no person reads,
    a row is one line.
    """
    stream = sys.stderr if err else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else sys.maxsize
    row, used, gap = "", column, ""
    for text in texts:
        if used > hang and used + len(gap) + len(text.rstrip()) > width:
            row, used, gap = f"{row.rstrip()}\n{' ' * hang}", hang, ""
        shown = gap + (text if used != hang else text.lstrip())
        row += shown
        used += len(shown)
        gap = "  "
    return row.rstrip()


def _broken(paragraph: str, first: str, later: str) -> list[str]:
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    found = textwrap.wrap(
        _COMMAND.sub(lambda command: command[0].replace(" ", _GLUE), paragraph),
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_GLUE, " ") for line in found] or [first]


def pair(before: str, after: str) -> str:
    """A value and its new one; of long ones the part from shortly before where they differ.

    >>> pair("", "ENABLED")
    '(none) → ENABLED'
    >>> pair("x" * 90 + "/weather:7", "x" * 90 + "/weather:8")
    '…xxx/weather:7 → …xxx/weather:8'
    """
    equal = takewhile(lambda two: two[0] == two[1], zip(before, after, strict=False))
    same = sum(1 for _ in equal) - _CONTEXT
    if same > 0 and max(len(before), len(after)) > _LONGEST:
        before, after = "…" + before[same:], "…" + after[same:]
    return " → ".join(_cut(text) or "(none)" for text in (before, after))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
