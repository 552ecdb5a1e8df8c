"""Text as a terminal shows it."""

import re
import shutil
import sys
import textwrap

_WIDEST = 100  # columns; longer lines of text are hard to read
_GLUE = "\x00"
_COMMAND = re.compile(r"`[^`]*`|\b(?:toolkit|aws) [^;,`]*")


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
