"""Every diagnosis of the table is rehearsed, or it is said here why it cannot be."""

import ast
import importlib
import inspect
import tomllib
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest

NOT_PROVOKED = {
    "image-broken": "the embedded registry stores no layer that does not unpack",
    "image-rate-limited": "the embedded registry has no limit",
    "environment-file": "the toolkit's templates name none, and the embedded AWS reads none",
    "volume": "the toolkit's templates have none but the task's own disk",
    "disk-full": "the embedded AWS gives a task no disk of its own",
    "storage-provisioning": "the embedded AWS gives a task no disk of its own",
    "container-timeout": "a process starts at once, or not at all",
    "docker-timeout": "only Fargate's platform version 1.3 and older say so",
    "resource-initialization": "the last resort, for steps that no word of the vocabulary names",
    "stopped-by-service": "the toolkit makes no service",
    "never-started": "the last resort, for reasons of AWS that the table does not know",
    "service-linked-role": "the embedded AWS acts without that role",
    "assume-role": "Scheduler sends the dead letter with the very role that it may not assume; "
    "such a firing reads as missed, which is rehearsed",
    "metadata-unavailable": "the embedded AWS always tells a task which task it is",
    "account-blocked": "AWS blocks an account for its own reasons",
}


def table() -> set[str]:
    text = resources.files("toolkit.core.causes").joinpath("diagnoses.toml").read_text("utf-8")
    return {row["name"] for rows in tomllib.loads(text).values() for row in rows}


def rehearsals() -> Iterator[tuple[Callable[..., None], set[str]]]:
    """The tests of this folder that get a ``diagnosis`` as an argument, and which."""
    for path in sorted(Path(__file__).parent.glob("test_rehearsed_*.py")):
        module = importlib.import_module(f"{__name__.rpartition('.')[0]}.{path.stem}")
        for name, test in vars(module).items():
            marks = getattr(test, "pytestmark", ()) if name.startswith("test_") else ()
            found = {diagnosis for mark in marks for diagnosis in _diagnoses(mark)}
            if found:
                yield test, found


def _diagnoses(mark: pytest.Mark) -> Iterator[str]:
    if mark.name != "parametrize":
        return
    names = [mark.args[0]] if isinstance(mark.args[0], str) else list(mark.args[0])
    if "diagnosis" not in names:
        return
    for row in mark.args[1]:
        yield row[names.index("diagnosis")] if isinstance(row, tuple) else row


def rehearsed() -> set[str]:
    return set().union(*(found for _, found in rehearsals()))


def asserts_it(test: Callable[..., None]) -> bool:
    """Whether a test compares a verdict with its ``diagnosis``."""
    return any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"assert_told", "refused_run"}
        and "diagnosis" in map(ast.unparse, node.args)
        for node in ast.walk(ast.parse(inspect.getsource(test)))
    )


def test_every_rehearsal_compares_the_verdict_with_its_diagnosis() -> None:
    assert [test.__name__ for test, _ in rehearsals() if not asserts_it(test)] == []


def test_every_diagnosis_is_rehearsed_or_excused() -> None:
    assert rehearsed() | set(NOT_PROVOKED) == table()


def test_no_diagnosis_is_both_rehearsed_and_excused() -> None:
    assert rehearsed() & set(NOT_PROVOKED) == set()


def test_the_page_on_proof_lists_what_is_not_rehearsed() -> None:
    page = (Path(__file__).parents[3] / "docs" / "proof.md").read_text("utf-8")
    section = page.partition("a recorded payload only:")[2].partition("\n\nOf the")[0]
    listed = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}
    assert listed == set(NOT_PROVOKED)
