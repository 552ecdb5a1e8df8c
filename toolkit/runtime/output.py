"""What a program writes, as log events: one a line, as it comes, nothing lost.

A pipe holds 64 KiB: a program that writes faster than the log takes it waits. Memory is bounded by
a piece of a line for each stream.
"""

import json
import selectors
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from toolkit.runtime.urls import REDACTED

_READ_BYTES = 1 << 16
# A longer line comes in pieces. With its head and its escapes an event stays below 16 KiB, where
# container engines split a line.
_PIECE_BYTES = 8192
_JSON_CHARACTERS = 12_000
_IDLE_SECONDS = 1.0
_LONGEST_CHARACTER = 4  # bytes of UTF-8


class Output:
    """Reads both streams of a program in a thread of its own, until it has ended."""

    def __init__(
        self,
        stdout: IO[bytes] | None,
        stderr: IO[bytes] | None,
        event: Callable[..., None],
        secrets: Sequence[str],
    ) -> None:
        assert stdout is not None
        assert stderr is not None
        self._event = event
        self._ended = threading.Event()
        self._files = {"stdout": stdout, "stderr": stderr}
        self._lines = {name: Lines(secrets) for name in self._files}
        self._bytes = dict.fromkeys(self._files, 0)
        self._last_error = ""
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="output", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> dict[str, Any]:
        """Bytes of each stream."""
        return {f"{name}_bytes": count for name, count in self._bytes.items()}

    @property
    def last_error(self) -> str:
        """The last line, or piece of one, of stderr that is not blank."""
        return self._last_error

    def finish(self) -> None:
        """Read what is still in the pipes; call it when the program has ended."""
        self._ended.set()
        self._thread.join()
        for file in self._files.values():
            file.close()
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                for name, file in self._files.items():
                    selector.register(file, selectors.EVENT_READ, name)
                self._pump(selector)
            for name in self._files:
                self._tell(name, self._lines[name].rest())
        except BaseException as error:  # noqa: BLE001 - raised again by finish
            self._error = error
            for file in self._files.values():  # the program must not wait for us for ever
                file.close()

    def _pump(self, selector: selectors.BaseSelector) -> None:
        while selector.get_map():
            ended = self._ended.is_set()
            ready = selector.select(0 if ended else _IDLE_SECONDS)
            if not ready:
                if ended:
                    return  # somebody else holds the other end
                for name in self._files:
                    self._tell(name, self._lines[name].begun())
            for key, _ in ready:
                self._take(selector, key.data, key.fileobj)

    def _take(self, selector: selectors.BaseSelector, name: str, file: IO[bytes] | Any) -> None:
        content = file.read(_READ_BYTES)
        if not content:
            selector.unregister(file)
            return
        self._bytes[name] += len(content)
        self._tell(name, self._lines[name].feed(content))

    def _tell(self, stream: str, pieces: Iterator[tuple[str, bool]]) -> None:
        for text, whole in pieces:
            if stream == "stderr" and text.strip():
                self._last_error = text
            more = {} if whole else {"continued": True}
            self._event("program.wrote", stream=stream, line=text, **more)


class Lines:
    """Cuts bytes into lines, and long lines into pieces; each with whether the line ends there.

    Bytes that are no UTF-8 are escaped. Secrets are replaced before a line is cut, and no cut goes
    through one.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = sorted({s.encode() for s in secrets if s}, key=len, reverse=True)
        self._held = max(map(len, self._secrets), default=1) - 1
        self._buffer = b""

    def feed(self, content: bytes) -> Iterator[tuple[str, bool]]:
        """The lines and pieces that are complete with ``content``."""
        *lines, self._buffer = (self._buffer + content).split(b"\n")
        for line in lines:
            yield from self._whole(line)
        if len(self._buffer) > _PIECE_BYTES + self._held:
            yield from self._begun(_PIECE_BYTES)

    def begun(self) -> Iterator[tuple[str, bool]]:
        """What there is of an unfinished line."""
        yield from self._begun(1)

    def rest(self) -> Iterator[tuple[str, bool]]:
        """The last line, if nothing ended it."""
        if self._buffer:
            yield from self._whole(self._buffer)
        self._buffer = b""

    def _begun(self, least: int) -> Iterator[tuple[str, bool]]:
        self._buffer = self._redacted(self._buffer)
        while len(self._buffer) - self._held >= least:
            cut = _boundary(self._buffer, min(_PIECE_BYTES, len(self._buffer) - self._held))
            if cut == 0:
                return
            piece, self._buffer = self._buffer[:cut], self._buffer[cut:]
            for text in _texts(piece):
                yield text, False

    def _whole(self, line: bytes) -> Iterator[tuple[str, bool]]:
        line = self._redacted(line)
        while len(line) > _PIECE_BYTES:
            cut = _boundary(line, _PIECE_BYTES)
            for text in _texts(line[:cut]):
                yield text, False
            line = line[cut:]
        *first, last = _texts(line)
        for text in first:
            yield text, False
        yield last, True

    def _redacted(self, line: bytes) -> bytes:
        for secret in self._secrets:
            line = line.replace(secret, REDACTED.encode())
        return line


def _boundary(content: bytes, cut: int) -> int:
    """``cut``, or the beginning of the UTF-8 character that it would go through."""
    for back in range(1, min(_LONGEST_CHARACTER - 1, cut) + 1):
        byte = content[cut - back]
        if byte & 0b1100_0000 == 0b1000_0000:  # a character's second to fourth byte
            continue
        needs = 1 if byte < 0b1100_0000 else 2 if byte < 0b1110_0000 else 3 if byte < 0xF0 else 4
        return cut - back if needs > back else cut
    return cut


def _texts(piece: bytes) -> list[str]:
    """A piece as text; several where its escapes would make one event too long."""
    text = piece.decode("utf-8", "backslashreplace")
    if len(json.dumps(text)) <= _JSON_CHARACTERS:
        return [text]
    half = _boundary(piece, len(piece) // 2)
    return [*_texts(piece[:half]), *_texts(piece[half:])]
