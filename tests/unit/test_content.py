"""Content: what an artifact really holds, and every way in which it can be broken."""

import hashlib
import io
import struct
import zlib

import pytest

from toolkit.core.proof.content import examine


def png(*, width: int = 3, height: int = 2, lines: int = 2, spoil: bool = False) -> bytes:
    """A grey image, with ``lines`` of its ``height``."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body) ^ spoil
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    # Without lines nothing is made of a width of gigabytes.
    pixels = zlib.compress((b"\0" + b"\x80" * width) * lines if lines else b"")
    parts = chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_csv_has_its_rows_and_columns_and_the_digest_is_that_of_its_bytes() -> None:
    content = b'a,b\n1,"x,\ny"\n2,z\n'
    found = examine(io.BytesIO(content), "text/csv")
    assert (found.rows, found.columns, found.problem) == (2, ("a", "b"), "")
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.bytes == len(content)


def test_an_image_decodes_to_its_size() -> None:
    found = examine(io.BytesIO(png()), "image/png")
    assert (found.shape, found.problem) == ("3x2", "")


@pytest.mark.parametrize(
    ("media_type", "content", "problem"),
    [
        ("text/csv", b"a,b\n1\n", "row 1 has 1 cells"),
        ("text/csv", b"", "no header"),
        ("text/csv", b'a,b\n1,"open\n', "unexpected end"),
        ("text/csv", b"a,b\n\xff,1\n", "codec can't decode"),
        ("application/json", b'{"a": ', "Expecting value"),
        ("image/png", b"GIF89a", "no PNG signature"),
        ("image/png", png()[:-20], "bytes"),
        ("image/png", png(lines=1), "ends before its 3x2 pixels do"),
        ("image/png", png(spoil=True), "checksum of IHDR is wrong"),
        (
            "image/png",
            png(width=2**31, height=2**31, lines=0),
            "2147483648x2147483648 pixels are too many",
        ),
        ("application/vnd.apache.parquet", b"PAR1....", "no Parquet signature"),
        ("application/vnd.apache.parquet", b"PAR1" + b"\xff\xff\0\0PAR1", "longer than the file"),
    ],
)
def test_broken_content_says_what_is_wrong(media_type: str, content: bytes, problem: str) -> None:
    assert problem in examine(io.BytesIO(content), media_type).problem


def test_what_has_no_reader_only_has_its_digest() -> None:
    found = examine(io.BytesIO(b"anything"), "text/plain")
    assert (found.problem, found.rows, found.shape) == ("", None, "")
