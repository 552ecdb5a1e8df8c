"""Takes out of an installed set of packages what no run of the project needs.

``python prune.py SITE_PACKAGES FOLDER``. FOLDER holds the project's requirements.lock, its
catalog.toml, prune.toml if it has one, and audit.toml where the audit is on. What every project
can spare is data (`CUTS`), each cut with its reason; a package that is not there is no error. What
only this project can spare, because its workloads do not use it, stands in its prune.toml:

    strip = true  # cut symbols, debugging sections and libraries that nothing refers to

    [[cut]]
    why = "fonts that no plot uses"
    paths = ["matplotlib/mpl-data/fonts/afm"]  # glob patterns below site-packages
    but = []
"""

import gzip
import json
import re
import shutil
import struct
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Cut(NamedTuple):
    """Paths relative to site-packages (glob patterns) that go, and why."""

    why: str
    patterns: tuple[str, ...]
    but: tuple[str, ...] = ()


INSTALLERS = {
    "pip": ("pip", "pip-*"),
    "setuptools": (
        "setuptools",
        "setuptools-*",
        "pkg_resources",
        "_distutils_hack",
        "distutils-precedence.pth",
    ),
}
CUTS = (
    Cut(
        "test suites",
        (
            "matplotlib/tests",
            "mpl_toolkits/*/tests",
            "numpy/**/tests",
            "numpy/_core/_*_tests.*.so",
            "numpy/conftest.py",
            "pandas/conftest.py",
            "pandas/tests",
            "pyarrow/tests",
            "scipy/**/tests",
            "sklearn/**/tests",
        ),
    ),
    Cut("numpy's self-test of its SIMD kernels", ("numpy/_core/_simd.*.so",)),
    Cut("matplotlib's sample data", ("matplotlib/mpl-data/sample_data",)),
    Cut("examples of AWS's APIs", ("boto3/examples", "botocore/data/*/*/examples-1.json")),
)
# What the runtime itself calls.
SERVICES = frozenset({"s3", "sts"})
_DATA = "botocore/data"
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


class Plan(NamedTuple):
    """What is taken out of a project's packages: ``own`` are the cuts of its prune.toml."""

    cuts: tuple[Cut, ...]
    own: tuple[Cut, ...] = ()
    services: frozenset[str] = SERVICES
    strip: bool = False


def read_plan(folder: Path) -> Plan:
    """The plan of the project whose build files are in ``folder``."""
    own = _toml(folder / "prune.toml")
    rows = own.get("cut", ())
    locked = set(_LOCKED.findall(_text(folder / "requirements.lock")))
    installers = [paths for name, paths in INSTALLERS.items() if name not in locked]
    spared = tuple(path for paths in installers for path in paths)
    return Plan(
        cuts=(Cut("installers: nothing is installed at run time", spared), *CUTS),
        own=tuple(Cut(row["why"], tuple(row["paths"]), tuple(row.get("but", ()))) for row in rows),
        services=SERVICES
        | called_services(_toml(folder / "catalog.toml"))
        | called_services(_toml(folder / "audit.toml")),
        strip=bool(own.get("strip", False)),
    )


def called_services(catalog: Mapping[str, Any]) -> frozenset[str]:
    """The AWS services that the workloads of a catalog.toml declare."""
    tables = catalog.get("workloads", {}).values()
    return frozenset(service for table in tables for service in table.get("services", ()))


def prune(root: Path, plan: Plan) -> Iterator[tuple[str, int]]:
    """Carry out every cut below ``root``; yields what went and how many bytes it had.

    Raises ValueError for a cut of the project's own that finds nothing (a package has moved its
    files, and what the cut stood for is back in the image), and for a service that does not exist.
    """
    for cut in plan.cuts:
        yield cut.why, sum(_remove(path) for path in _named(root, cut))
    for cut in plan.own:
        paths = _named(root, cut)
        if not paths:
            patterns = ", ".join(cut.patterns)
            raise ValueError(f"prune.toml: nothing to cut: {cut.why} ({patterns})")
        yield cut.why, sum(_remove(path) for path in paths)
    if (root / _DATA).is_dir():
        yield from _prune_services(root, plan.services)
    if plan.strip:
        unused = unused_libraries(root)
        yield "shared libraries that nothing refers to", sum(_remove(path) for path in unused)
        yield "symbols and debugging sections", sum(strip(path) for path in _binaries(root))


def _named(root: Path, cut: Cut) -> list[Path]:
    """What a cut takes out, inner paths first."""
    kept = {path for pattern in cut.but for path in root.glob(pattern)}
    paths = {path for pattern in cut.patterns for path in root.glob(pattern)} - kept
    return sorted(paths, reverse=True)


def _prune_services(root: Path, services: frozenset[str]) -> Iterator[tuple[str, int]]:
    data = root / _DATA
    unknown = sorted(name for name in services if not (data / name).is_dir())
    if unknown:
        raise ValueError(f"catalog.toml: services: AWS has no {', '.join(unknown)}")
    spared = [
        path
        for folder in (data, root / "boto3/data")
        for path in folder.glob("*")
        if path.is_dir() and path.name not in services
    ]
    yield "AWS services that no workload calls", sum(_remove(path) for path in spared)
    yield "documentation in descriptions of AWS services", sum(shorten_models(data))
    yield "endpoints of AWS services that no workload calls", shorten_endpoints(data)


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


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(_text(path))


def _remove(path: Path) -> int:
    if not path.is_dir():
        size = path.stat().st_size
        path.unlink()
        return size
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    shutil.rmtree(path)
    return size


def main(arguments: Sequence[str]) -> int:
    """Prune, and print what went; a plan that does not fit ends the build in one line."""
    try:
        for why, removed in prune(Path(arguments[0]), read_plan(Path(arguments[1]))):
            if removed:
                print(f"{removed / 1e6:8.1f} MB  {why}")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
