"""What a program left in ``$ARTIFACTS``: saved as artifacts, and read where it judges the run.

``metrics.json`` is an object with what the manifest tells. ``gates.json`` is a list of conditions:
``[{"name": "rows", "value": 812, "op": ">=", "limit": 800}]``.
"""

import csv
import mimetypes
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import evolve

from toolkit.runtime import documents
from toolkit.runtime.contract import ContractError, Gate, Result, Run, check_artifact_name
from toolkit.runtime.documents import DocumentError, printable

METRICS, GATES = "metrics.json", "gates.json"
_CSV = "text/csv"
_UNKNOWN = "application/octet-stream"
# Beside Python's own table; that of the system differs from machine to machine.
_MEDIA_TYPES = {
    ".csv": _CSV,
    ".geojson": "application/geo+json",
    ".gz": "application/gzip",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".toml": "application/toml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zst": "application/zstd",
}
_MOST_PROBLEMS = 10
_CELL = 16 << 20


class LeavingsError(Exception):
    """Something cannot be saved or read; ``result`` holds what could be."""

    hint = "a name is like plots/a.png: letters, digits, . _ - and /; only regular files are saved"

    def __init__(self, problems: list[str], result: Result) -> None:
        more = len(problems) - _MOST_PROBLEMS
        rest = [f"and {more} more"] if more > 0 else []
        super().__init__("; ".join(problems[:_MOST_PROBLEMS] + rest))
        self.result = result


def save(folder: Path, run: Run, declared: Mapping[str, str]) -> Result:
    """Save every file below ``folder``; returns the metrics and gates that it holds.

    A link is followed only to a file inside of the folder.

    Args:
        folder: the program's ``$ARTIFACTS``.
        run: keeps the artifacts.
        declared: media types by the names of artifacts; others go by their suffix.

    Raises:
        LeavingsError: names every file that is no artifact; all others are saved.
    """
    problems: list[str] = []
    result = Result()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        try:
            _check(folder, path, name)
            media_type = declared.get(name) or media_type_of(name)
            run.save(name, path, media_type=media_type, rows=_rows(path, media_type))
            result = _read(result, path, name)
        except (ContractError, DocumentError, TypeError, ValueError) as error:
            text = printable(str(error))
            problems.append(text if name in text else f"{name}: {text}")
    if problems:
        raise LeavingsError(problems, result)
    return result


def media_type_of(name: str) -> str:
    """The media type of a file's suffix.

    >>> media_type_of("plots/a.png"), media_type_of("a.PARQUET"), media_type_of("data")
    ('image/png', 'application/vnd.apache.parquet', 'application/octet-stream')
    """
    suffix = Path(name).suffix.lower()
    known = _MEDIA_TYPES.get(suffix) or mimetypes.MimeTypes().types_map[1].get(suffix)
    return known or _UNKNOWN


def _files(folder: Path) -> Iterator[Path]:
    """Everything below the folder that is no directory, in the order of names."""
    found = [
        Path(above) / name
        for above, directories, files in os.walk(folder)
        for name in (*files, *(d for d in directories if (Path(above) / d).is_symlink()))
    ]
    yield from sorted(found)


def _check(folder: Path, path: Path, name: str) -> None:
    check_artifact_name(name)
    target = path.resolve()
    if path.is_symlink() and not target.is_relative_to(folder.resolve()):
        raise ContractError(f"{name} is a link to a file outside of $ARTIFACTS; copy the file")
    if not target.is_file():
        raise ContractError(f"{name} is not a regular file")


def _rows(path: Path, media_type: str) -> int | None:
    """The rows of a CSV without its header; None for others."""
    if media_type != _CSV:
        return None
    csv.field_size_limit(_CELL)
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            return max(0, sum(1 for row in csv.reader(file) if row) - 1)
    except csv.Error as error:
        raise ContractError(f"{path.name} is not CSV: {error}") from error


def _read(result: Result, path: Path, name: str) -> Result:
    if name not in (METRICS, GATES):
        return result
    size = path.stat().st_size
    if size > documents.MAX_BYTES:
        raise DocumentError(f"{name} has {size:,} bytes, more than {documents.MAX_BYTES:,}")
    document = documents.load(path.read_bytes(), name)
    if name == METRICS:
        if not isinstance(document, dict):
            raise DocumentError(f"{name} is not a JSON object")
        return evolve(result, metrics=document)
    if not isinstance(document, list):
        raise DocumentError(f"{name} is not a list of gates")
    return evolve(result, gates=tuple(documents.read(Gate, row, "gate") for row in document))
