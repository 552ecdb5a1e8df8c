"""Documents of every format ever written stay readable, and grow without breaking readers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.adapters.bucket.kept_tasks import kept_task
from toolkit.core.causes.missed import Cause
from toolkit.core.changes.change import Change
from toolkit.core.deploying.release import wanted_files
from toolkit.core.errors import ToolkitError
from toolkit.core.proof import dead_letter
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.seal import Seal
from toolkit.core.proof.signature import Signature
from toolkit.core.schedules.history import Snapshot
from toolkit.runtime import documents
from toolkit.runtime.catalog import Workload
from toolkit.runtime.contract import Claim, ContractError, Manifest
from toolkit.runtime.documents import DocumentError
from toolkit.runtime.lease import Lease

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(GOLDEN.glob("*/*.json"))
PAGE = (GOLDEN.parents[1] / "docs" / "formats.md").read_text("utf-8")
REFUSED = (ContractError, DocumentError, ToolkitError)


def evidence(content: bytes) -> Evidence:
    return Evidence.from_json(documents.load(content, "evidence"))


def release(content: bytes) -> dict[str, str]:
    return wanted_files(content.decode())


READERS: dict[str, Callable[[bytes], Any]] = {
    "cause": Cause.from_json,
    "change": Change.from_json,
    "witness": kept_task,
    "claim": Claim.from_json,
    "manifest": Manifest.from_json,
    "lease": Lease.from_json,
    "catalog": Workload.from_row,
    "deployments": Snapshot.from_json,
    "dead-letters": dead_letter.from_json,
    "evidence": evidence,
    "release": release,
    "seal": Seal.from_json,
    "signature": Signature.from_json,
}
ids = [f"{path.parent.name}-{path.stem}" for path in FILES]
every_file = pytest.mark.parametrize("path", FILES, ids=ids)


def objects(document: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object of a document, the document itself included."""
    if isinstance(document, dict):
        yield document
        document = list(document.values())
    if isinstance(document, list):
        for item in document:
            yield from objects(item)


def test_every_reader_has_a_golden_file_of_its_present_format() -> None:
    assert {path.stem for path in GOLDEN.glob("1/*.json")} == set(READERS)


@every_file
def test_a_document_of_any_format_ever_written_is_read(path: Path) -> None:
    assert READERS[path.stem](path.read_bytes()) is not None


@every_file
def test_an_additive_key_changes_nothing(path: Path) -> None:
    known = READERS[path.stem](path.read_bytes())
    document = json.loads(path.read_bytes())
    # Objects that are maps of names, such as an environment, have no keys to ignore.
    top = document if isinstance(document, dict) else document[0]
    top["added_in_1_1"] = {"deep": [1, None]}
    assert READERS[path.stem](json.dumps(document).encode()) == known


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("1/*.json")), ids=lambda path: path.stem)
def test_a_later_major_version_is_one_clear_message(path: Path) -> None:
    document = json.loads(path.read_bytes())
    name, _, _ = document["format"].partition("/")
    document["format"] = f"{name}/2"
    with pytest.raises(REFUSED, match="upgrade the toolkit"):
        READERS[path.stem](json.dumps(document).encode())


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("1/*.json")), ids=lambda path: path.stem)
def test_the_page_describes_every_format_and_its_keys(path: Path) -> None:
    document = json.loads(path.read_bytes())
    assert f"`{document['format']}`" in PAGE
    if path.stem != "catalog":  # the row has the keys of catalog.toml
        section = PAGE.partition(f": `{document['format']}`")[2].partition("\n#")[0]
        absent = [key for key in document if key not in section and key not in WRITTEN_ELSEWHERE]
        assert absent == []


# Of evidence.json: what the folder keeps as files of their own, and the format itself.
WRITTEN_ELSEWHERE = {"format", "claim", "manifests", "tasks", "logs"}


@every_file
def test_a_field_of_another_type_is_refused_and_never_raises_anything_else(path: Path) -> None:
    tried = refused = 0
    for number, _ in enumerate(objects(json.loads(path.read_bytes()))):
        for odd in (None, True, -1, 1.5, "x", [], [[]], {}, {"a": 1}, [{"a": None}]):
            document = json.loads(path.read_bytes())
            target = list(objects(document))[number]
            for key in list(target):
                before, target[key] = target[key], odd
                tried += 1
                try:
                    READERS[path.stem](json.dumps(document).encode())
                except REFUSED:
                    refused += 1
                target[key] = before
    assert tried > 0
    assert refused > 0


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_a_reader_raise_anything_else(content: bytes) -> None:
    for reader in READERS.values():
        try:
            reader(content)
        except (*REFUSED, UnicodeDecodeError):
            continue


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b'{"error": "\\ud800"}'])
def test_hostile_json_is_refused_in_words(name: str, content: bytes) -> None:
    with pytest.raises(REFUSED):
        READERS[name](content)


def test_text_that_steers_a_terminal_is_shown_and_not_sent() -> None:
    document = json.loads((GOLDEN / "1" / "manifest.json").read_bytes())
    document["error"] = {"message": "\x1b[2J\x9b31mred\u202e\ud800"}
    error = Manifest.from_json(json.dumps(document).encode()).error
    assert error is not None
    assert error["message"] == "\\x1b[2J\\x9b31mred\\u202e\\ud800"
