"""Every field of every piece of a kept run, changed, removed, doubled, and taken from another run.

The checksums are made anew each time, as somebody would who wants it to pass. Nothing that
identifies the run may change unnoticed; what may is listed in ``FREE``, with the reason.
"""

import copy
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.thorough import THOROUGH
from toolkit.core.errors import ToolkitError
from toolkit.core.proof import kept
from toolkit.core.proof.verdict import Ruling, judge
from toolkit.runtime.contract import ContractError, parse_time

from . import kept_runs
from .kept_runs import Files

ROOT = Path(__file__).parents[2]
Mutant = tuple[str, str, str, Files]  # piece, path, way, and the files with that one thing changed

# FILE:path of what may change without notice, and why. Everything else must not pass.
FREE = {
    "verdict.json:*": "what was judged then; it is judged anew",
    "evidence.json:gathered_at": "the time of judging; each piece has a time of its own",
    "evidence.json:contents/*": "what is kept is read anew; of the rest the SHA-256 is compared",
    "evidence.json:objects/*/modified_at": "a restored artifact is the same by its SHA-256",
    "evidence.json:ledger/*/bytes": "the SHA-256 beside it says more",
    "evidence.json:ledger/*/sha256": "the manifest's own, made anew by this test",
    "evidence.json:ledger/*/media_type": "a listing does not tell it",
    "evidence.json:deployed_image": "the task definition says what was deployed",
    "evidence.json:expected": "only of a firing without a trace",
    "evidence.json:launch_window": "only of a firing without a trace",
    "evidence.json:claim_sha256": "missing only: no older folder has it; a seal holds it",
    "evidence.json:log_days": "only where lines are missing",
    "evidence.json:record_days": "only where no task is known",
    "evidence.json:left_out": "a name that stands twice is one name",
    "evidence.json:dead_letters": "empty, as if it were missing",
    "evidence.json:problems": "empty, as if it were missing",
    "evidence.json:seal_problems": "empty, as if it were missing",
    "evidence.json:format": "its absence means version 0.1",
    "evidence.json:task_definition/environment/*": "only what no launch needs",
    "lifecycle.json:*/times/*": "what is between: begin and end are compared",
    "lifecycle.json:*/started_by": "Scheduler's own name for the launch",
    "lifecycle.json:*/group": "a name for people",
    "lifecycle.json:*/cpu": "sizes decide the cost, not the proof",
    "lifecycle.json:*/memory": "sizes decide the cost, not the proof",
    "lifecycle.json:*/version": "which of two records of one task is later",
    "lifecycle.json:*/source": "ECS or its record: both are witnesses",
    "lifecycle.json:*/desired_status": "a wish, not a fact",
    "lifecycle.json:*/stop_code": "a clean exit and a crash have the same",
    "lifecycle.json:*/stopped_reason": "words for people",
    "lifecycle.json:*/container_reason": "words for people; OutOfMemory is looked for",
    "lifecycle.json:*/image": "missing only: the digest that was pulled stands beside it",
    "lifecycle.json:*/image_digest": "of the platform: the image is named by its index, too",
    "claim.json:claimed_at": "a time within the life of the task",
    "claim.json:format": "its absence means version 0.1",
    "manifest.json:format": "its absence means version 0.1",
    "manifest.json:started_at": "a time within the life of the task",
    "manifest.json:finished_at": "a time within the life of the task",
    "manifest.json:metrics*": "measured by the run alone",
    "manifest.json:gates/*/value": "measured by the run alone",
    "manifest.json:gates/*/limit": "chosen by the run alone",
    "manifest.json:gates/*/op": "chosen by the run alone",
}
# Where the catalog names gates by pattern, as many of them as the run has.
FREE_OF_PATTERNS = {
    "manifest.json:gates/*/name": "another name may match a pattern, too",
    "manifest.json:gates/*": "there are others of the same pattern",
    "manifest.json:gates": "another run's gates match the same patterns",
}
# What version 0.1 kept no witness of.
FREE_BEFORE = {
    "evidence.json:contents": "it did not note what it left out",
    "lifecycle.json:*/task_definition_arn": "it did not keep the task definition",
    "manifest.json:environment/BUCKET": "set by the task definition",
    "manifest.json:environment/IMAGE": "missing only: set by the task definition",
    "manifest.json:environment/MAX_RUNTIME_SECONDS": "set by the task definition",
    "manifest.json:environment/WORKLOAD": "missing only: set by the task definition",
    "manifest.json:settings*": "it did not keep the settings' defaults",
    "manifest.json:gates*": "its catalog did not name them",
    "manifest.json:version": "the present format has none",
}
# What a run's seal says as well, with the way of the change: a seal is a witness beside the record.
FREE_WITH_SEAL = {
    "removed lifecycle.json:[0-9]": "the seal has the task's end",
    "removed evidence.json:task_definition": "the seal has its ARN and image",
    "* evidence.json:seal_confirmation*": "it counts only where nothing else is left",
}


def free(way: str, piece: str, path: str, files: Files) -> bool:
    row = json.loads(files.get("expectation.json", b"{}"))
    patterns = FREE | (FREE_BEFORE if kept_runs.is_old(files) else {})
    if any("*" in gate for gate in row.get("gates", ())):
        patterns |= FREE_OF_PATTERNS
    if kept.SEAL in files and any(
        fnmatchcase(f"{way} {piece}:{path}", pattern) for pattern in FREE_WITH_SEAL
    ):
        return True
    return any(fnmatchcase(f"{piece}:{path}", pattern) for pattern in patterns)


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document, objects and lists included."""
    if path:
        yield path
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in items:
        yield from leaves(value, (*path, key))


def at(node: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        node = node[key]
    return node


def changed(value: Any) -> Any:
    """Another value of the same type that could pass for it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        # A digit in the place of another keeps times and digests well formed.
        for number, character in enumerate(value):
            if character in "0123456789":
                return f"{value[:number]}{(int(character) + 1) % 10}{value[number + 1 :]}"
        return f"{value}x"
    return [] if isinstance(value, list) else {} if isinstance(value, dict) else "x"


def mutants(files: Files, other: Files) -> Iterator[Mutant]:
    """The files with one thing changed, for every thing."""
    for piece in sorted(name for name in files if name.endswith(".json")):
        document, foreign = json.loads(files[piece]), json.loads(other.get(piece, b"null"))
        yield piece, "", "removed", {name: body for name, body in files.items() if name != piece}
        if other.get(piece, files[piece]) != files[piece]:
            yield piece, "", "foreign", {**files, piece: other[piece]}
        for path in leaves(document):
            for way in ("changed", "removed", "doubled", "foreign"):
                spoiled = copy.deepcopy(document)
                if spoil(spoiled, path, way, foreign):
                    text = json.dumps(spoiled).encode()
                    yield piece, "/".join(map(str, path)), way, resealed({**files, piece: text})


def spoil(document: Any, path: tuple[Any, ...], way: str, foreign: Any) -> bool:
    """Do it; False where it cannot be done or changes nothing."""
    parent, key = at(document, path[:-1]), path[-1]
    before = parent[key]
    if way == "removed":
        del parent[key]
        return before is not None  # null says the same
    if way == "doubled":
        if not isinstance(before, list) or not before:
            return False
        parent[key] = [*before, *before]
        return True
    if way == "foreign":
        try:
            parent[key] = at(foreign, path)
        except (KeyError, IndexError, TypeError):
            return False
        return bool(parent[key] != before)
    parent[key] = changed(before)
    return bool(parent[key] != before)


def resealed(files: Files) -> Files:
    """Every checksum made anew that somebody could make: the manifest's, in evidence.json."""
    evidence = json.loads(files["evidence.json"])
    if isinstance(evidence.get("ledger"), list) and "manifest.json" in files:
        for row in evidence["ledger"]:
            if isinstance(row, dict) and "sha256" in row:
                row["sha256"] = hashlib.sha256(files["manifest.json"]).hexdigest()
        return {**files, "evidence.json": json.dumps(evidence).encode()}
    return files


def passes(files: Files) -> bool:
    """Whether the folder is judged PASS; one that cannot be read is none."""
    try:
        evidence = kept_runs.evidence_of(files)
        return judge(evidence, parse_time(evidence.gathered_at)).ruling is Ruling.PASS
    except (ToolkitError, ContractError):
        return False


STEP = 1 if THOROUGH else 5


def sampled(name: str, all_of_them: Iterator[Mutant]) -> Iterator[Mutant]:
    """Every mutant of the new run, and of all others every fifth of each way."""
    met: Counter[str] = Counter()
    for mutant in all_of_them:
        if name == "new" or met[mutant[2]] % STEP == 0:
            yield mutant
        met[mutant[2]] += 1


RUNS = {"new": kept_runs.new_run} | {
    folder.name: partial(kept_runs.read, folder) for folder in kept_runs.folders()
}


@pytest.mark.parametrize("name", RUNS)
def test_no_change_of_an_identity_passes(name: str, record_property: Any) -> None:
    files, other = RUNS[name](), kept_runs.new_run(7)
    assert passes(files)
    tried: Counter[str] = Counter()
    survivors = set()
    for piece, path, way, mutant in sampled(name, mutants(files, other)):
        tried[way] += 1
        if not free(way, piece, path, files) and passes(mutant):
            survivors.add(f"{way} {piece}:{path}")
    record_property("mutants", dict(tried))
    assert survivors == set()
    assert min(tried[way] for way in ("changed", "removed", "doubled", "foreign")) > 0


def spoiled_logs(rows: list[list[str]], foreign: list[list[str]]) -> Iterator[tuple[str, Any]]:
    """The log with one thing wrong; the first row is the header."""
    for number in range(1, len(rows)):
        before, (time, message), after = rows[:number], rows[number], rows[number + 1 :]
        yield "removed", [*before, *after]
        event = json.loads(message)
        for seq in (-5, 0, event["seq"] + 1, 10_000):
            other = json.dumps({**event, "seq": seq})
            yield f"seq {seq}", [*before, [time, other], *after]
        other = json.dumps({**event, "run_id": "weather-20260101T000000Z"})
        yield "another run", [*before, [time, other], *after]
        yield "an added line of another run", [*rows[:number], [time, other], *rows[number:]]
        if number < len(foreign):
            yield "covered by another run's line", [*before, foreign[number], *after]
        other = json.dumps({**event, "event": "weather.renamed"})
        yield "another line of that number", [*rows, [time, other]]
    yield "no lines", rows[:1]


def test_no_change_of_the_log_passes() -> None:
    files = kept_runs.new_run()
    rows, foreign = kept_runs.log_lines(files), kept_runs.log_lines(kept_runs.new_run(7))
    survivors = [
        way
        for way, spoiled in spoiled_logs(rows, foreign)
        if passes(kept_runs.with_log(files, spoiled))
    ]
    assert survivors == []


def test_a_line_that_was_delivered_twice_is_one_line() -> None:
    files = kept_runs.new_run()
    rows = kept_runs.log_lines(files)
    assert passes(kept_runs.with_log(files, [*rows, rows[-1], rows[3]]))
