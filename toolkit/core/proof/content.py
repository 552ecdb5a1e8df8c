"""What is really in an artifact: its digest, its rows and columns, whether an image decodes."""

import csv
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from attrs import frozen

_CHUNK = 1 << 20
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
            json.load(file)
        elif media_type == "application/vnd.apache.parquet":
            _parquet(file, size)
    except (ValueError, struct.error, zlib.error, csv.Error) as error:
        problem = str(error) or type(error).__name__
    return Content(size, digest.hexdigest(), rows, columns, shape, problem)


def _csv(file: BinaryIO) -> tuple[int, tuple[str, ...]]:
    text = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        reader = csv.reader(text, strict=True)
        header = tuple(next(reader, ()))
        if not header:
            raise _BrokenError("it has no header")
        rows = 0
        for rows, row in enumerate(reader, 1):
            if len(row) != len(header):
                raise _BrokenError(f"row {rows} has {len(row)} cells, the header {len(header)}")
        return rows, header
    finally:
        text.detach()


def _png(file: BinaryIO) -> str:
    """Decode a PNG as far as its pixels: every checksum, and as many of them as it promises."""
    if file.read(len(_PNG)) != _PNG:
        raise _BrokenError("it has no PNG signature")
    chunks = _png_chunks(file)
    kind, header = next(chunks, (b"", b""))
    if kind != b"IHDR":
        raise _BrokenError("it does not begin with IHDR")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    inflate = zlib.decompressobj()
    pixels = ended = 0
    for kind, body in chunks:
        if kind == b"IDAT":
            pixels += len(inflate.decompress(body))
        ended += kind == b"IEND"
    pixels += len(inflate.flush())
    line = 1 + (width * depth * _SAMPLES.get(colour, 1) + 7) // 8
    if not ended or not inflate.eof or (not interlaced and pixels != height * line):
        raise _BrokenError(f"it ends before its {width}x{height} pixels do")
    return f"{width}x{height}"


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    while head := file.read(8):
        size, kind = struct.unpack(">I4s", head)
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
