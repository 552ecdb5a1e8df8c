"""What is really in an artifact: its digest, its rows and columns, whether an image decodes."""

import csv
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from attrs import frozen

from toolkit.runtime.documents import printable

_CHUNK = 1 << 20
# What is held in memory of one artifact at a time; what is larger counts as not readable.
_MAX_DOCUMENT = 128 << 20
_MAX_PNG_CHUNK = 64 << 20
_MAX_PIXELS = 4 << 30  # bytes of all lines, inflated
_MAX_COLUMNS = 100_000
_MAX_LINE = 4 << 20  # characters
# A cell of a CSV, or a log line in an exported log, may be longer than the csv module's 128 KiB.
csv.field_size_limit(16 << 20)
_PNG = b"\x89PNG\r\n\x1a\n"
# Samples a pixel by colour type: https://www.w3.org/TR/png-3/#6Colour-values
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@frozen
class Content:
    """An artifact that was downloaded and read; ``problem`` says why it could not be read.

    ``rows`` are those of a CSV without its header; ``shape`` is for people, such as "1200x800".
    """

    bytes: int
    sha256: str
    rows: int | None = None
    columns: tuple[str, ...] = ()
    shape: str = ""
    problem: str = ""


class _BrokenError(ValueError):
    """The content is not what its media type says."""


def examine(file: BinaryIO, media_type: str) -> Content:
    """Read an artifact from a seekable binary file."""
    digest = hashlib.sha256()
    size = 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    file.seek(0)
    rows: int | None = None
    columns: tuple[str, ...] = ()
    shape = problem = ""
    try:
        if media_type == "text/csv":
            rows, columns = _csv(file)
        elif media_type == "image/png":
            shape = _png(file)
        elif media_type == "application/json":
            _json(file, size)
        elif media_type == "application/vnd.apache.parquet":
            _parquet(file, size)
    except RecursionError:
        problem = "it is nested too deeply"
    except (ValueError, struct.error, zlib.error, csv.Error) as error:
        problem = printable(str(error))[:300] or type(error).__name__
    return Content(size, digest.hexdigest(), rows, columns, shape, problem)


def _csv(file: BinaryIO) -> tuple[int, tuple[str, ...]]:
    text = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        reader = csv.reader(_lines(text), strict=True)
        header = tuple(next(reader, ()))
        if len(header) > _MAX_COLUMNS:
            raise _BrokenError(f"{len(header):,} columns are more than can be read at once")
        if not header:
            raise _BrokenError("it has no header")
        rows = 0
        for rows, row in enumerate(reader, 1):
            if len(row) != len(header):
                raise _BrokenError(f"row {rows} has {len(row)} cells, the header {len(header)}")
        return rows, header
    finally:
        text.detach()


def _lines(text: TextIO) -> Iterator[str]:
    """The lines of a text, none of them longer than can be held."""
    while line := text.readline(_MAX_LINE + 1):
        if len(line) > _MAX_LINE:
            raise _BrokenError(f"a line of more than {_MAX_LINE:,} characters is too long")
        yield line


def _json(file: BinaryIO, size: int) -> None:
    if size > _MAX_DOCUMENT:
        raise _BrokenError(f"{size:,} bytes of JSON are more than can be read at once")
    json.load(file)


def _png(file: BinaryIO) -> str:
    """Decode a PNG as far as its pixels: every checksum, and as many of them as it promises."""
    if file.read(len(_PNG)) != _PNG:
        raise _BrokenError("it has no PNG signature")
    chunks = _png_chunks(file)
    kind, header = next(chunks, (b"", b""))
    if kind != b"IHDR":
        raise _BrokenError("it does not begin with IHDR")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    line = 1 + (width * depth * _SAMPLES.get(colour, 1) + 7) // 8
    # Interlaced pixels come in seven passes, each with lines of its own.
    most = height * line if not interlaced else 2 * height * (line + 7)
    if most > _MAX_PIXELS:
        raise _BrokenError(f"{width}x{height} pixels are too many")
    inflate = zlib.decompressobj()
    pixels = ended = 0
    for kind, body in chunks:
        packed = body if kind == b"IDAT" else b""
        while packed:
            pixels += len(inflate.decompress(packed, _CHUNK))
            if pixels > most:
                raise _BrokenError(f"it holds more than its {width}x{height} pixels")
            packed = inflate.unconsumed_tail
        ended += kind == b"IEND"
    pixels += len(inflate.flush())
    if not ended or not inflate.eof or (not interlaced and pixels != most):
        raise _BrokenError(f"it ends before its {width}x{height} pixels do")
    return f"{width}x{height}"


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    while head := file.read(8):
        size, kind = struct.unpack(">I4s", head)
        if size > _MAX_PNG_CHUNK:
            raise _BrokenError(f"a chunk of {size:,} bytes is too large")
        body, check = file.read(size), file.read(4)
        if struct.unpack(">I", check)[0] != zlib.crc32(kind + body):
            raise _BrokenError(f"the checksum of {kind.decode('latin-1')} is wrong")
        yield kind, body


def _parquet(file: BinaryIO, size: int) -> None:
    # https://parquet.apache.org/docs/file-format/: PAR1, columns, footer, its length, PAR1
    ends = file.read(4)
    file.seek(max(size - 8, 0))
    tail = file.read(8)
    if ends != b"PAR1" or tail[4:] != b"PAR1":
        raise _BrokenError("it has no Parquet signature at both ends")
    if struct.unpack("<I", tail[:4])[0] > size - 12:
        raise _BrokenError("its footer is longer than the file")
